--! title = { en = "Survey answers", zh = "问卷回复" }
--! description = { en = "The customer's answers to surveys; for features of NPS or satisfaction, those.", zh = "该客户的问卷回复；NPS 或满意度类特征仅列相应问卷。" }
--! grain = "one row per answer"
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
--! title = { en = "When", zh = "时间" }
--! unit = "date"
--! [columns.response_id]
--! title = { en = "Answer", zh = "回复编号" }
--! unit = "text"
--! [columns.kind]
--! title = { en = "Survey", zh = "问卷" }
--! unit = "code"
--! [columns.score]
--! title = { en = "Score", zh = "评分" }
--! unit = "number"
--! [columns.comment]
--! title = { en = "Comment", zh = "评语" }
--! unit = "text"
--! [columns.days_before]
--! title = { en = "Days before the cutoff", zh = "距截止日天数" }
--! unit = "number"
--! [labels]
--! nps = { en = "NPS", zh = "NPS" }
--! csat = { en = "Satisfaction", zh = "满意度" }
WITH behind AS (
  SELECT occurred_at AS at, response_id, coalesce(kind, 'nps') AS kind, score, comment, load_id, row_no, known_at,
         (CAST($as_of AS BIGINT) - CAST(occurred_at AS BIGINT)) / 86400000000.0 AS days_before
  FROM surveys
  WHERE customer_id = $customer
    AND CASE
      WHEN $feature IN ('nps_last', 'nps_change', 'nps_age') THEN coalesce(kind, 'nps') = 'nps'
      WHEN $feature IN ('csat_last', 'csat_lowest_365') THEN kind = 'csat'
      ELSE TRUE
    END
),
ranked AS (
  SELECT *, count(*) OVER () AS total, row_number() OVER (ORDER BY at DESC, known_at DESC NULLS LAST, response_id DESC NULLS LAST, score DESC, load_id DESC, row_no DESC) AS place
  FROM behind
)
SELECT at, response_id, kind, score, comment, days_before, total
FROM ranked
WHERE place <= $limit
ORDER BY place
