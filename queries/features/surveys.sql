--! title = { en = "Surveys", zh = "问卷" }
--! description = { en = "The last NPS answer before the cutoff, its age, and the change against the one before.", zh = "截止日前最近一次 NPS 回答、距今天数及较前一次的变化。" }
--! grain = "one row per customer with any NPS answer"
--! [columns.nps_last]
--! title = { en = "Last NPS answer", zh = "最近一次 NPS 评分" }
--! unit = "score"
--! [columns.nps_age]
--! title = { en = "Days since the last NPS answer", zh = "距最近一次 NPS 天数" }
--! unit = "days"
--! [columns.nps_change]
--! title = { en = "Change of the NPS answer", zh = "NPS 评分变化" }
--! unit = "score"
WITH ranked AS (
  SELECT customer_id, score, occurred_at,
         row_number() OVER (PARTITION BY customer_id ORDER BY occurred_at DESC, load_id DESC, row_no DESC) AS nth
  FROM surveys
  WHERE kind IS NULL OR kind = 'nps'
)
SELECT customer_id,
       max(score) FILTER (WHERE nth = 1) AS nps_last,
       max((CAST($as_of AS BIGINT) - CAST(occurred_at AS BIGINT)) / 86400000000.0) FILTER (WHERE nth = 1) AS nps_age,
       max(score) FILTER (WHERE nth = 1) - max(score) FILTER (WHERE nth = 2) AS nps_change
FROM ranked
GROUP BY customer_id
ORDER BY customer_id
