--! title = { en = "Tickets", zh = "工单" }
--! description = { en = "The customer's tickets as they stood at the cutoff; for features of complaints, open tickets or ratings, those.", zh = "截止时刻该客户的工单；投诉、未关闭工单或满意度类特征仅列相应工单。" }
--! grain = "one row per ticket"
--! [params.customer]
--! type = "text"
--! doc = { en = "The customer.", zh = "客户。" }
--! [params.feature]
--! type = "text"
--! doc = { en = "The feature the rows are behind; all it can read if it is none of those named below.", zh = "这些记录所对应的特征；不在下列名称之中时列出其可读取的全部记录。" }
--! [params.limit]
--! type = "integer"
--! doc = { en = "Most rows listed.", zh = "最多列出行数。" }
--! [columns.at]
--! title = { en = "Opened", zh = "提交时间" }
--! unit = "date"
--! [columns.ticket_id]
--! title = { en = "Ticket", zh = "工单号" }
--! unit = "text"
--! [columns.category]
--! title = { en = "About", zh = "类别" }
--! unit = "text"
--! [columns.subject]
--! title = { en = "Subject", zh = "主题" }
--! unit = "text"
--! [columns.priority]
--! title = { en = "Priority", zh = "优先级" }
--! unit = "text"
--! [columns.first_response_at]
--! title = { en = "First answer", zh = "首次响应" }
--! unit = "date"
--! [columns.closed_at]
--! title = { en = "Closed", zh = "关闭时间" }
--! unit = "date"
--! [columns.reopened]
--! title = { en = "Reopened", zh = "重新打开次数" }
--! unit = "count"
--! [columns.satisfaction]
--! title = { en = "Rating", zh = "满意度" }
--! unit = "number"
--! [columns.days_before]
--! title = { en = "Days before the cutoff", zh = "距截止日天数" }
--! unit = "number"
--- Answer, closing and what comes with the closing are empty here until they have
--- come; a rating without a closing counts for no feature and is not shown.
WITH behind AS (
  SELECT occurred_at AS at, ticket_id, category, subject, priority, first_response_at, closed_at, reopened,
         CASE WHEN closed_at IS NOT NULL THEN satisfaction END AS satisfaction, load_id, row_no,
         (CAST($as_of AS BIGINT) - CAST(occurred_at AS BIGINT)) / 86400000000.0 AS days_before
  FROM tickets
  WHERE customer_id = $customer
    AND CASE
      WHEN $feature IN ('complaints_recency', 'complaints_60', 'complaints_365')
        THEN lower(category) = 'complaint'
      WHEN $feature IN ('tickets_open', 'tickets_open_age') THEN closed_at IS NULL
      WHEN $feature IN ('tickets_satisfaction', 'tickets_satisfaction_last')
        THEN closed_at IS NOT NULL AND satisfaction IS NOT NULL
      ELSE TRUE
    END
),
ranked AS (
  SELECT *, count(*) OVER () AS total, row_number() OVER (ORDER BY at DESC, ticket_id DESC, load_id DESC, row_no DESC) AS place
  FROM behind
)
SELECT at, ticket_id, category, subject, priority, first_response_at, closed_at, reopened, satisfaction, days_before, total
FROM ranked
WHERE place <= $limit
ORDER BY place
