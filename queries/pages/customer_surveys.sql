--! title = { en = "Survey answers of a customer", zh = "客户问卷回复" }
--! description = { en = "The newest survey answers of one customer, and how many there are.", zh = "单个客户最近的问卷回复及总数。" }
--! grain = "one row per answer"
--! [params.customer]
--! type = "text"
--! doc = { en = "The customer.", zh = "客户。" }
--! [columns.at]
--! title = { en = "Date", zh = "日期" }
--! unit = "date"
--! [columns.kind]
--! title = { en = "Survey", zh = "问卷" }
--! unit = "text"
--! [columns.score]
--! title = { en = "Score", zh = "评分" }
--! unit = "number"
--! [columns.comment]
--! title = { en = "Comment", zh = "评语" }
--! unit = "text"
--! [labels]
--! nps = { en = "NPS", zh = "NPS" }
--! csat = { en = "Satisfaction", zh = "满意度" }
WITH ranked AS (
  SELECT
    *,
    count(*) OVER () AS total,
    row_number() OVER (ORDER BY occurred_at DESC, response_id DESC) AS place
  FROM surveys
  WHERE customer_id = $customer
)
SELECT occurred_at AS at, coalesce(kind, 'nps') AS kind, score, comment, total
FROM ranked
WHERE place <= 10
ORDER BY place
