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
--- whole days whatever the hour of the cutoff. Customers come one after the
--- other, so each is counted in one pass; elements 1 to 7 are the windows, 8 is
--- everything.
WITH used AS (
  SELECT customer_key,
         usage(coalesce(feature, name), quantity, occurred_at, $as_of, [7, 14, 30, 60, 90, 180, 365], []) AS u
  FROM activity
  WHERE customer_key IS NOT NULL
  GROUP BY customer_key
),
-- Elements are picked before the join, which then moves numbers and not lists.
volume AS (
  SELECT customer_key,
         (CAST($as_of AS BIGINT) - CAST(u['last_at'] AS BIGINT)) / 86400000000.0 AS activity_recency,
         (CAST($as_of AS BIGINT) - CAST(u['first_at'] AS BIGINT)) / 86400000000.0 AS activity_tenure,
         nth(u['days'], 8) AS active_days,
         nth(u['counts'], 8) AS activity_count,
         nth(u['quantities'], 8) AS activity_quantity,
         nth(u['counts'], 1) AS activity_count_7,
         nth(u['counts'], 2) AS activity_count_14,
         nth(u['counts'], 3) AS activity_count_30,
         nth(u['counts'], 4) AS activity_count_60,
         nth(u['counts'], 5) AS activity_count_90,
         nth(u['counts'], 6) AS activity_count_180,
         nth(u['counts'], 7) AS activity_count_365,
         nth(u['days'], 1) AS activity_days_7,
         nth(u['days'], 2) AS activity_days_14,
         nth(u['days'], 3) AS activity_days_30,
         nth(u['days'], 4) AS activity_days_60,
         nth(u['days'], 5) AS activity_days_90,
         nth(u['days'], 6) AS activity_days_180,
         nth(u['days'], 7) AS activity_days_365,
         nth(u['quantities'], 3) AS activity_quantity_30,
         nth(u['quantities'], 5) AS activity_quantity_90,
         nth(u['quantities'], 7) AS activity_quantity_365,
         nth(u['breadth'], 3) AS activity_breadth_30,
         nth(u['breadth'], 5) AS activity_breadth_90,
         nth(u['breadth'], 7) AS activity_breadth_365
  FROM used
)
SELECT c.customer_id,
       v.activity_recency,
       v.activity_tenure,
       -- A customer seen on one day only has no rhythm of their own yet.
       CASE WHEN v.active_days > 1
            THEN v.activity_recency / ((v.activity_tenure - v.activity_recency) / (v.active_days - 1))
       END AS activity_rhythm,
       ln((v.activity_count_30 + 0.5) / ((v.activity_count_90 - v.activity_count_30) / 2.0 + 0.5)) AS activity_trend,
       v.activity_count,
       v.activity_quantity,
       v.activity_count_7,
       v.activity_count_14,
       v.activity_count_30,
       v.activity_count_60,
       v.activity_count_90,
       v.activity_count_180,
       v.activity_count_365,
       v.activity_days_7,
       v.activity_days_14,
       v.activity_days_30,
       v.activity_days_60,
       v.activity_days_90,
       v.activity_days_180,
       v.activity_days_365,
       v.activity_quantity_30,
       v.activity_quantity_90,
       v.activity_quantity_365,
       v.activity_breadth_30,
       v.activity_breadth_90,
       v.activity_breadth_365
FROM volume v
JOIN customers c ON c.customer_key = v.customer_key
ORDER BY c.customer_id
