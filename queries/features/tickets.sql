--! title = { en = "Service", zh = "服务工单" }
--! description = { en = "Requests and complaints before the cutoff, and how they were handled.", zh = "截止日前的服务请求、投诉及处理情况。" }
--! grain = "one row per customer with any ticket"
--! [columns.tickets_30]
--! title = { en = "Tickets in 30 days", zh = "近 30 天工单数" }
--! unit = "count"
--! [columns.tickets_90]
--! title = { en = "Tickets in 90 days", zh = "近 90 天工单数" }
--! unit = "count"
--! [columns.tickets_365]
--! title = { en = "Tickets in 365 days", zh = "近 365 天工单数" }
--! unit = "count"
--! [columns.complaints_60]
--! title = { en = "Complaints in 60 days", zh = "近 60 天投诉数" }
--! unit = "count"
--! [columns.complaints_365]
--! title = { en = "Complaints in 365 days", zh = "近 365 天投诉数" }
--! unit = "count"
--! [columns.tickets_open]
--! title = { en = "Tickets still open", zh = "未关闭工单数" }
--! unit = "count"
--! [columns.tickets_response_hours]
--! title = { en = "Mean hours to the first answer", zh = "平均首次响应小时数" }
--! unit = "number"
--! [columns.tickets_satisfaction]
--! title = { en = "Mean satisfaction with service", zh = "平均服务满意度" }
--! unit = "score"
WITH aged AS (
  SELECT *, (CAST($as_of AS BIGINT) - CAST(occurred_at AS BIGINT)) / 86400000000.0 AS age
  FROM tickets
  WHERE customer_id IS NOT NULL
)
SELECT customer_id,
       count(*) FILTER (WHERE age < 30) AS tickets_30,
       count(*) FILTER (WHERE age < 90) AS tickets_90,
       count(*) FILTER (WHERE age < 365) AS tickets_365,
       count(*) FILTER (WHERE age < 60 AND lower(category) = 'complaint') AS complaints_60,
       count(*) FILTER (WHERE age < 365 AND lower(category) = 'complaint') AS complaints_365,
       count(*) FILTER (WHERE closed_at IS NULL) AS tickets_open,
       avg((CAST(first_response_at AS BIGINT) - CAST(occurred_at AS BIGINT)) / 3600000000.0)
         AS tickets_response_hours,
       avg(satisfaction) AS tickets_satisfaction
FROM aged
GROUP BY customer_id
ORDER BY customer_id
