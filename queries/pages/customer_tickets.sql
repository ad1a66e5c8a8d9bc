--! title = { en = "Tickets of a customer", zh = "客户工单" }
--! description = { en = "The newest tickets of one customer, and how many there are.", zh = "单个客户最近的工单及总数。" }
--! grain = "one row per ticket"
--! [params.customer]
--! type = "text"
--! doc = { en = "The customer.", zh = "客户。" }
--! [columns.at]
--! title = { en = "Opened", zh = "提交" }
--! unit = "date"
--! [columns.category]
--! title = { en = "About", zh = "类别" }
--! unit = "text"
--! [columns.subject]
--! title = { en = "Subject", zh = "主题" }
--! unit = "text"
--! [columns.priority]
--! title = { en = "Priority", zh = "优先级" }
--! unit = "text"
--! [columns.closed_at]
--! title = { en = "Closed", zh = "关闭" }
--! unit = "date"
--! [columns.satisfaction]
--! title = { en = "Rating", zh = "满意度" }
--! unit = "score"
WITH ranked AS (
  SELECT
    *,
    count(*) OVER () AS total,
    row_number() OVER (ORDER BY occurred_at DESC, ticket_id DESC) AS place
  FROM tickets
  WHERE customer_id = $customer
)
SELECT occurred_at AS at, category, subject, priority, closed_at, satisfaction, total
FROM ranked
WHERE place <= 10
ORDER BY place
