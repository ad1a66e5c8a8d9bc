--! title = { en = "Surveys", zh = "问卷" }
--! description = { en = "The last NPS answer before the cutoff, its age and its change against the one before, and satisfaction answers. NPS answers are from 0 to 10, satisfaction in the survey's own scale.", zh = "截止日前最近一次 NPS 回答、距今天数及较前一次的变化，以及满意度问卷。NPS 为 0 至 10 分；满意度沿用问卷自身的分制。" }
--! grain = "one row per customer with any answer"
--! [themes.nps]
--! title = { en = "Recommendation (NPS)", zh = "推荐意愿（NPS）" }
--! columns = ["nps_last", "nps_change"]
--! [themes.satisfaction]
--! title = { en = "Satisfaction", zh = "满意度" }
--! columns = ["csat_last", "csat_lowest_365"]
--! [themes.surveys]
--! title = { en = "Answering surveys", zh = "问卷参与" }
--! fixed = true
--! columns = ["surveys_365", "nps_age"]
--! [columns.nps_last]
--! title = { en = "Last NPS answer", zh = "最近一次 NPS 评分" }
--! unit = "score"
--! [columns.nps_age]
--! title = { en = "Days since the last NPS answer", zh = "距最近一次 NPS 评分天数" }
--! unit = "days"
--! [columns.nps_change]
--! title = { en = "Change of the NPS answer against the one before", zh = "NPS 评分较前一次的变化" }
--! unit = "score"
--! [columns.csat_last]
--! title = { en = "Last satisfaction answer", zh = "最近一次满意度评分" }
--! unit = "score"
--! [columns.csat_lowest_365]
--! title = { en = "Lowest satisfaction answer in 365 days", zh = "近 365 天最低满意度评分" }
--! unit = "score"
--! [columns.surveys_365]
--! title = { en = "Surveys answered in 365 days", zh = "近 365 天回答问卷次数" }
--! unit = "count"
--- Of answers at the same instant the one known last is the last, then the one
--- with the greatest id, then the highest, as for the function `latest`.
WITH ranked AS (
  SELECT customer_key, customer_id, score, coalesce(kind, 'nps') AS kind,
         (CAST($as_of AS BIGINT) - CAST(occurred_at AS BIGINT)) / 86400000000.0 AS age,
         row_number() OVER (
           PARTITION BY customer_key, coalesce(kind, 'nps')
           ORDER BY occurred_at DESC, known_at DESC NULLS LAST, response_id DESC NULLS LAST, score DESC
         ) AS place
  FROM surveys
  WHERE customer_key IS NOT NULL
),
answers AS (
  SELECT max(customer_id) AS customer_id,
         max(score) FILTER (WHERE kind = 'nps' AND place = 1) AS nps,
         max(score) FILTER (WHERE kind = 'nps' AND place = 2) AS nps_before,
         min(age) FILTER (WHERE kind = 'nps') AS nps_age,
         max(score) FILTER (WHERE kind = 'csat' AND place = 1) AS csat,
         min(score) FILTER (WHERE kind = 'csat' AND age < 365) AS csat_lowest_365,
         count(*) FILTER (WHERE age < 365) AS surveys_365
  FROM ranked
  GROUP BY customer_key
)
SELECT a.customer_id,
       a.nps AS nps_last,
       a.nps_age,
       a.nps - a.nps_before AS nps_change,
       a.csat AS csat_last,
       a.csat_lowest_365,
       a.surveys_365
FROM answers a
ORDER BY a.customer_id
