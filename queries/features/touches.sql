--! title = { en = "Touches", zh = "触达" }
--! description = { en = "Contacts with the customer before the cutoff and how many were answered.", zh = "截止日前对客户的触达次数与响应率。" }
--! grain = "one row per customer with any touch"
--! [columns.touches_90]
--! title = { en = "Touches in 90 days", zh = "近 90 天触达次数" }
--! unit = "count"
--! [columns.touches_answered]
--! title = { en = "Share of touches answered in 180 days", zh = "近 180 天触达响应率" }
--! unit = "share"
--! [columns.touches_recency]
--! title = { en = "Days since the last touch", zh = "距上次触达天数" }
--! unit = "days"
WITH aged AS (
  SELECT *, (CAST($as_of AS BIGINT) - CAST(occurred_at AS BIGINT)) / 86400000000.0 AS age
  FROM touches
  WHERE customer_id IS NOT NULL
)
SELECT customer_id,
       count(*) FILTER (WHERE age < 90) AS touches_90,
       avg(CASE WHEN responded_at IS NULL THEN 0.0 ELSE 1.0 END) FILTER (WHERE age < 180) AS touches_answered,
       min(age) AS touches_recency
FROM aged
GROUP BY customer_id
ORDER BY customer_id
