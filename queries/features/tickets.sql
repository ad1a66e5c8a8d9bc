--! title = { en = "Service", zh = "服务工单" }
--! description = { en = "Requests and complaints opened before the cutoff, how long they waited, and how they were rated. A ticket that still waits for its first answer has waited until the cutoff; one that was closed without an answer, until it was closed. Hours are those of the clock, and ratings in the source's own scale.", zh = "截止日前提交的服务请求与投诉、等待时长及评分。尚未首次响应的工单计至截止时刻；未响应即关闭的计至关闭时刻。时长为自然小时；评分沿用来源系统的分制。" }
--! grain = "one row per customer with any ticket"
--! [themes.complaints]
--! title = { en = "Complaints", zh = "投诉情况" }
--! fixed = true
--! columns = ["complaints_recency", "complaints_60", "complaints_365"]
--! [themes.tickets]
--! title = { en = "Requests for service", zh = "工单情况" }
--! fixed = true
--! columns = ["tickets_recency", "tickets_30", "tickets_90", "tickets_365", "tickets_trend"]
--! [themes.open_tickets]
--! title = { en = "Open tickets", zh = "未关闭工单" }
--! columns = ["tickets_open", "tickets_open_age"]
--! [themes.response]
--! title = { en = "Speed and quality of service", zh = "服务时效与质量" }
--! columns = [
--!   "tickets_response_90", "tickets_response_365", "tickets_response_trend",
--!   "tickets_reopened_365",
--! ]
--! [themes.service_satisfaction]
--! title = { en = "Satisfaction with service", zh = "服务满意度" }
--! columns = ["tickets_satisfaction", "tickets_satisfaction_last"]
--! [columns.tickets_recency]
--! title = { en = "Days since the last ticket", zh = "距上次提交工单天数" }
--! unit = "days"
--! [columns.tickets_30]
--! title = { en = "Tickets in 30 days", zh = "近 30 天工单数" }
--! unit = "count"
--! [columns.tickets_90]
--! title = { en = "Tickets in 90 days", zh = "近 90 天工单数" }
--! unit = "count"
--! [columns.tickets_365]
--! title = { en = "Tickets in 365 days", zh = "近 365 天工单数" }
--! unit = "count"
--! [columns.tickets_trend]
--! title = { en = "Tickets of 90 days against the quarterly average of the 275 before", zh = "近 90 天工单数与此前 275 天季均之比" }
--! unit = "share"
--! of = "tickets_90"
--! doc = { en = "100 % is as before; one is added on both sides, so that a single ticket is no trend", zh = "100% 表示与此前持平；前后各加 1，以免单张工单被当作趋势" }
--! [columns.complaints_recency]
--! title = { en = "Days since the last complaint", zh = "距上次投诉天数" }
--! unit = "days"
--! [columns.complaints_60]
--! title = { en = "Complaints in 60 days", zh = "近 60 天投诉数" }
--! unit = "count"
--! [columns.complaints_365]
--! title = { en = "Complaints in 365 days", zh = "近 365 天投诉数" }
--! unit = "count"
--! [columns.tickets_open]
--! title = { en = "Tickets still open", zh = "未关闭工单数" }
--! unit = "count"
--! [columns.tickets_open_age]
--! title = { en = "Days the oldest open ticket has waited", zh = "最早未关闭工单已等待天数" }
--! unit = "days"
--! [columns.tickets_reopened_365]
--! title = { en = "Times a ticket of 365 days was reopened", zh = "近 365 天工单被重新打开的次数" }
--! unit = "count"
--! [columns.tickets_response_90]
--! title = { en = "Mean time to the first answer, tickets of 90 days", zh = "近 90 天工单平均首次响应用时" }
--! unit = "hours"
--! [columns.tickets_response_365]
--! title = { en = "Mean time to the first answer, tickets of 365 days", zh = "近 365 天工单平均首次响应用时" }
--! unit = "hours"
--! [columns.tickets_response_trend]
--! title = { en = "Mean time to the first answer, tickets of 90 days against the 275 before", zh = "近 90 天工单首次响应用时与此前 275 天之比" }
--! unit = "share"
--! [columns.tickets_satisfaction]
--! title = { en = "Mean satisfaction with service in 365 days", zh = "近 365 天平均服务满意度" }
--! unit = "score"
--! [columns.tickets_satisfaction_last]
--! title = { en = "Last satisfaction with service", zh = "最近一次服务满意度" }
--! unit = "score"
--- Closing, answer and what comes with the closing are empty here until they have
--- come. A rating without a closing has no time of its own and does not count:
--- nobody knows whether it was there at the cutoff. A window of w days is the
--- w × 24 hours up to the cutoff. What is averaged is added up exactly, so that
--- no order of rows shows.
WITH aged AS (
  SELECT customer_key, customer_id, ticket_id, closed_at, known_at, reopened,
         (CAST($as_of AS BIGINT) - CAST(occurred_at AS BIGINT)) / 86400000000.0 AS age,
         lower(category) = 'complaint' AS is_complaint,
         greatest(CAST(coalesce(first_response_at, closed_at, $as_of) AS BIGINT) - CAST(occurred_at AS BIGINT), 0) AS wait,
         CASE WHEN closed_at IS NOT NULL THEN satisfaction END AS rating
  FROM tickets
  WHERE customer_key IS NOT NULL
),
counted AS (
  SELECT max(customer_id) AS customer_id,
         min(age) AS recency,
         count(*) FILTER (WHERE age < 30) AS tickets_30,
         count(*) FILTER (WHERE age < 90) AS tickets_90,
         count(*) FILTER (WHERE age < 365) AS tickets_365,
         min(age) FILTER (WHERE is_complaint) AS complained,
         count(*) FILTER (WHERE is_complaint AND age < 60) AS complaints_60,
         count(*) FILTER (WHERE is_complaint AND age < 365) AS complaints_365,
         count(*) FILTER (WHERE closed_at IS NULL) AS open,
         max(age) FILTER (WHERE closed_at IS NULL) AS open_age,
         coalesce(sum(reopened) FILTER (WHERE age < 365), 0) AS reopened_365,
         CAST(sum(wait) FILTER (WHERE age < 90) AS DOUBLE) / 3600000000.0 AS hours_90,
         CAST(sum(wait) FILTER (WHERE age < 365) AS DOUBLE) / 3600000000.0 AS hours_365,
         CAST(sum(wait) FILTER (WHERE age >= 90 AND age < 365) AS DOUBLE) / 3600000000.0 AS hours_before,
         CAST(sum(TRY_CAST(rating AS DECIMAL(18, 6))) FILTER (WHERE age < 365) AS DOUBLE) AS ratings,
         count(TRY_CAST(rating AS DECIMAL(18, 6))) FILTER (WHERE age < 365) AS rated,
         latest(rating, closed_at, known_at, ticket_id) AS last_rating
  FROM aged
  GROUP BY customer_key
)
SELECT t.customer_id,
       t.recency AS tickets_recency,
       t.tickets_30,
       t.tickets_90,
       t.tickets_365,
       (t.tickets_90 + 1) / ((t.tickets_365 - t.tickets_90) * 90 / 275.0 + 1) AS tickets_trend,
       t.complained AS complaints_recency,
       t.complaints_60,
       t.complaints_365,
       t.open AS tickets_open,
       t.open_age AS tickets_open_age,
       t.reopened_365 AS tickets_reopened_365,
       t.hours_90 / nullif(t.tickets_90, 0) AS tickets_response_90,
       t.hours_365 / nullif(t.tickets_365, 0) AS tickets_response_365,
       (t.hours_90 / nullif(t.tickets_90, 0))
         / nullif(t.hours_before / nullif(t.tickets_365 - t.tickets_90, 0), 0) AS tickets_response_trend,
       t.ratings / nullif(t.rated, 0) AS tickets_satisfaction,
       t.last_rating AS tickets_satisfaction_last
FROM counted t
ORDER BY t.customer_id
