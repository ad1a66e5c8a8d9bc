--! title = { en = "Activity", zh = "活跃行为" }
--! description = { en = "How much, how often, how broadly and how recently a customer was active, in windows of 7 to 365 days before the cutoff.", zh = "截止日前 7 至 365 天内客户活跃的次数、天数、广度与新近度。" }
--! grain = "one row per customer with any activity"
--! [columns.activity_recency]
--! title = { en = "Days since the last activity", zh = "距上次活跃天数" }
--! unit = "days"
--! [columns.activity_tenure]
--! title = { en = "Days since the first activity", zh = "距首次活跃天数" }
--! unit = "days"
--! [columns.activity_rhythm]
--! title = { en = "Days since the last activity, in the customer's own usual gaps", zh = "静默时长（以该客户自身活跃间隔计）" }
--! unit = "number"
--! [columns.activity_trend]
--! title = { en = "Activity of the last 30 days against the 60 before (log ratio)", zh = "近 30 天活跃与此前 60 天之比（对数）" }
--! unit = "number"
--! [columns.activity_count]
--! title = { en = "Activities ever", zh = "累计活跃次数" }
--! unit = "count"
--! [columns.activity_quantity]
--! title = { en = "Activity volume ever", zh = "累计活跃量" }
--! unit = "number"
--! [columns.activity_count_7]
--! title = { en = "Activities in 7 days", zh = "近 7 天活跃次数" }
--! unit = "count"
--! [columns.activity_count_14]
--! title = { en = "Activities in 14 days", zh = "近 14 天活跃次数" }
--! unit = "count"
--! [columns.activity_count_30]
--! title = { en = "Activities in 30 days", zh = "近 30 天活跃次数" }
--! unit = "count"
--! [columns.activity_count_60]
--! title = { en = "Activities in 60 days", zh = "近 60 天活跃次数" }
--! unit = "count"
--! [columns.activity_count_90]
--! title = { en = "Activities in 90 days", zh = "近 90 天活跃次数" }
--! unit = "count"
--! [columns.activity_count_180]
--! title = { en = "Activities in 180 days", zh = "近 180 天活跃次数" }
--! unit = "count"
--! [columns.activity_count_365]
--! title = { en = "Activities in 365 days", zh = "近 365 天活跃次数" }
--! unit = "count"
--! [columns.activity_days_7]
--! title = { en = "Active days in 7 days", zh = "近 7 天活跃天数" }
--! unit = "days"
--! [columns.activity_days_14]
--! title = { en = "Active days in 14 days", zh = "近 14 天活跃天数" }
--! unit = "days"
--! [columns.activity_days_30]
--! title = { en = "Active days in 30 days", zh = "近 30 天活跃天数" }
--! unit = "days"
--! [columns.activity_days_60]
--! title = { en = "Active days in 60 days", zh = "近 60 天活跃天数" }
--! unit = "days"
--! [columns.activity_days_90]
--! title = { en = "Active days in 90 days", zh = "近 90 天活跃天数" }
--! unit = "days"
--! [columns.activity_days_180]
--! title = { en = "Active days in 180 days", zh = "近 180 天活跃天数" }
--! unit = "days"
--! [columns.activity_days_365]
--! title = { en = "Active days in 365 days", zh = "近 365 天活跃天数" }
--! unit = "days"
--! [columns.activity_quantity_30]
--! title = { en = "Activity volume in 30 days", zh = "近 30 天活跃量" }
--! unit = "number"
--! [columns.activity_quantity_90]
--! title = { en = "Activity volume in 90 days", zh = "近 90 天活跃量" }
--! unit = "number"
--! [columns.activity_quantity_365]
--! title = { en = "Activity volume in 365 days", zh = "近 365 天活跃量" }
--! unit = "number"
--! [columns.activity_breadth_30]
--! title = { en = "Different things used in 30 days", zh = "近 30 天使用功能种类" }
--! unit = "count"
--! [columns.activity_breadth_90]
--! title = { en = "Different things used in 90 days", zh = "近 90 天使用功能种类" }
--! unit = "count"
--! [columns.activity_breadth_365]
--! title = { en = "Different things used in 365 days", zh = "近 365 天使用功能种类" }
--! unit = "count"
--- A day is 24 hours counted back from the cutoff, so that every window holds
--- whole days whatever the hour of the cutoff. Counting days and distinct
--- features costs no DISTINCT: one row per customer and day, one per customer
--- and feature, each with what the windows need.
WITH aged AS (
  SELECT customer_id,
         coalesce(feature, name) AS feature,
         coalesce(quantity, 0) AS quantity,
         (CAST($as_of AS BIGINT) - CAST(occurred_at AS BIGINT)) AS age_us,
         (CAST($as_of AS BIGINT) - CAST(occurred_at AS BIGINT)) / 86400000000 AS age
  FROM activity
),
days AS (
  SELECT customer_id, age, count(*) AS n, sum(quantity) AS quantity,
         min(age_us) AS newest_us, max(age_us) AS oldest_us
  FROM aged
  GROUP BY customer_id, age
),
features AS (
  SELECT customer_id, feature, min(age) AS age
  FROM aged
  GROUP BY customer_id, feature
),
breadth AS (
  SELECT customer_id,
         count(*) FILTER (WHERE age < 30) AS activity_breadth_30,
         count(*) FILTER (WHERE age < 90) AS activity_breadth_90,
         count(*) FILTER (WHERE age < 365) AS activity_breadth_365
  FROM features
  GROUP BY customer_id
),
volume AS (
  SELECT customer_id,
         min(newest_us) / 86400000000.0 AS activity_recency,
         max(oldest_us) / 86400000000.0 AS activity_tenure,
         count(*) AS active_days,
         sum(n) AS activity_count,
         sum(quantity) AS activity_quantity,
         coalesce(sum(n) FILTER (WHERE age < 7), 0) AS activity_count_7,
         coalesce(sum(n) FILTER (WHERE age < 14), 0) AS activity_count_14,
         coalesce(sum(n) FILTER (WHERE age < 30), 0) AS activity_count_30,
         coalesce(sum(n) FILTER (WHERE age < 60), 0) AS activity_count_60,
         coalesce(sum(n) FILTER (WHERE age < 90), 0) AS activity_count_90,
         coalesce(sum(n) FILTER (WHERE age < 180), 0) AS activity_count_180,
         coalesce(sum(n) FILTER (WHERE age < 365), 0) AS activity_count_365,
         count(*) FILTER (WHERE age < 7) AS activity_days_7,
         count(*) FILTER (WHERE age < 14) AS activity_days_14,
         count(*) FILTER (WHERE age < 30) AS activity_days_30,
         count(*) FILTER (WHERE age < 60) AS activity_days_60,
         count(*) FILTER (WHERE age < 90) AS activity_days_90,
         count(*) FILTER (WHERE age < 180) AS activity_days_180,
         count(*) FILTER (WHERE age < 365) AS activity_days_365,
         coalesce(sum(quantity) FILTER (WHERE age < 30), 0) AS activity_quantity_30,
         coalesce(sum(quantity) FILTER (WHERE age < 90), 0) AS activity_quantity_90,
         coalesce(sum(quantity) FILTER (WHERE age < 365), 0) AS activity_quantity_365
  FROM days
  GROUP BY customer_id
)
SELECT v.customer_id,
       v.activity_recency,
       v.activity_tenure,
       -- A customer seen on one day only has no rhythm of their own yet.
       CASE WHEN v.active_days > 1
            THEN v.activity_recency / ((v.activity_tenure - v.activity_recency) / (v.active_days - 1))
       END AS activity_rhythm,
       ln((v.activity_count_30 + 0.5) / ((v.activity_count_90 - v.activity_count_30) / 2.0 + 0.5)) AS activity_trend,
       v.activity_count,
       v.activity_quantity,
       v.activity_count_7, v.activity_count_14, v.activity_count_30, v.activity_count_60,
       v.activity_count_90, v.activity_count_180, v.activity_count_365,
       v.activity_days_7, v.activity_days_14, v.activity_days_30, v.activity_days_60,
       v.activity_days_90, v.activity_days_180, v.activity_days_365,
       v.activity_quantity_30, v.activity_quantity_90, v.activity_quantity_365,
       b.activity_breadth_30, b.activity_breadth_90, b.activity_breadth_365
FROM volume v
JOIN breadth b ON b.customer_id = v.customer_id
ORDER BY v.customer_id
