--! title = { en = "Service", zh = "服务时效与质量" }
--! description = { en = "How fast and how well tickets are served, by the period in which they were opened. Hours are those of the clock, nights and weekends included; the report Service levels kept counts business hours. Tickets that still wait count for as long as they have (Kaplan–Meier): leaving them out would make the worst months look fast. A ticket closed without an answer waited until it was closed, and was never answered. Ratings are in the source's own scale, and customers who do not rate may feel different.", zh = "工单处理得多快、多好，按提交时间所在周期统计。时长均为自然小时，含夜间与周末；工作时间口径见报表“SLA 达成率”。仍在等待的工单按已等待时长计入（Kaplan–Meier）；若剔除，最差的月份反而显得很快。未回复即关闭的工单视为等待至关闭、从未获得回复。评分沿用来源系统的分制，未评分客户的感受可能不同。" }
--! group = "service"
--! grain = "one row per period of opening and breakdown value, from its first ticket to the report's date or `to`"
--! chart = { kind = "line", x = "period", y = ["response_median_hours", "resolution_median_hours"], series = "breakdown", complete = "complete", count = "tickets" }
--!
--! [params.period]
--! title = { en = "Period", zh = "周期" }
--! type = "choice"
--! default = "month"
--! choices = ["day", "week", "month", "quarter", "year", "all"]
--! doc = { en = "Calendar period of the opening; weeks start on Monday; all of time is one period, which files call 1970-01-01", zh = "提交时间所在的日历周期；每周从周一开始；“全部”为一个周期，在文件中记为 1970-01-01" }
--! [params.from]
--! title = { en = "From", zh = "起始日期" }
--! type = "date"
--! up_to = "to"
--! doc = { en = "Tickets opened on or after this day", zh = "在该日（含）之后提交的工单" }
--! [params.to]
--! title = { en = "To", zh = "截止日期" }
--! type = "date"
--! doc = { en = "Tickets opened on or before this day", zh = "在该日（含）之前提交的工单" }
--!
--! [columns.tickets]
--! title = { en = "Opened", zh = "提交工单" }
--! unit = "count"
--! doc = { en = "Tickets opened in the period, those of unknown customers included", zh = "当期提交的工单数，含未知客户的工单" }
--! [columns.closed]
--! title = { en = "Closed", zh = "已关闭" }
--! unit = "count"
--! doc = { en = "Of these, closed by the report's date", zh = "其中截至报表日期已关闭的工单数" }
--! [columns.response_median_hours]
--! title = { en = "First response, median hours", zh = "首次响应用时中位数（小时）" }
--! unit = "hours"
--! absent = { en = "Not reached yet", zh = "尚未达到" }
--! doc = { en = "Hours from the opening by which half of the tickets had an agent's first answer; empty while fewer have", zh = "半数工单自提交起获得客服首次回复所需的小时数；未达半数时为空" }
--! [columns.response_p90_hours]
--! title = { en = "First response, 90 % within hours", zh = "90% 首次响应用时（小时）" }
--! unit = "hours"
--! absent = { en = "Not reached yet", zh = "尚未达到" }
--! doc = { en = "Hours by which 90 % of the tickets had an answer; empty while fewer have", zh = "90% 工单获得首次回复所需的小时数；未达 90% 时为空" }
--! [columns.resolution_median_hours]
--! title = { en = "Resolution, median hours", zh = "解决用时中位数（小时）" }
--! unit = "hours"
--! absent = { en = "Not reached yet", zh = "尚未达到" }
--! doc = { en = "Hours from the opening by which half of the tickets were closed for the last time; empty while fewer are", zh = "半数工单自提交至最后一次关闭所需的小时数；未达半数时为空" }
--! [columns.resolution_p90_hours]
--! title = { en = "Resolution, 90 % within hours", zh = "90% 解决用时（小时）" }
--! unit = "hours"
--! absent = { en = "Not reached yet", zh = "尚未达到" }
--! doc = { en = "Hours by which 90 % of the tickets were closed; empty while fewer are", zh = "90% 工单关闭所需的小时数；未达 90% 时为空" }
--! [columns.reopened]
--! title = { en = "Reopened", zh = "重开工单" }
--! unit = "count"
--! doc = { en = "Closed tickets that were reopened at least once", zh = "至少重开过一次的已关闭工单数" }
--! [columns.reopen_rate]
--! title = { en = "Reopen rate", zh = "重开率" }
--! unit = "share"
--! doc = { en = "Reopened divided by closed tickets whose number of reopenings is known", zh = "重开工单 ÷ 重开次数已知的已关闭工单" }
--! [columns.reopen_low]
--! title = { en = "Reopen rate, low", zh = "重开率下限" }
--! unit = "share"
--! doc = { en = "Lower end of its 95 % interval (Wilson)", zh = "重开率 95% 区间下限（Wilson）" }
--! [columns.reopen_high]
--! title = { en = "Reopen rate, high", zh = "重开率上限" }
--! unit = "share"
--! doc = { en = "Upper end of its 95 % interval (Wilson)", zh = "重开率 95% 区间上限（Wilson）" }
--! [columns.rated]
--! title = { en = "Rated", zh = "已评分工单" }
--! unit = "count"
--! doc = { en = "Tickets that the customer rated", zh = "客户已评分的工单数" }
--! [columns.satisfaction]
--! title = { en = "Satisfaction", zh = "平均满意度" }
--! unit = "score"
--! doc = { en = "Mean rating of closed tickets, in the source's scale; of all if no ticket says when it was closed", zh = "已关闭工单的平均评分，沿用来源系统的分制；来源没有关闭时间时计全部工单" }
--! [columns.satisfaction_low]
--! title = { en = "Satisfaction, low", zh = "满意度下限" }
--! unit = "score"
--! doc = { en = "Lower end of its 95 % interval; empty below five ratings, or if all are equal", zh = "平均满意度 95% 区间下限；评分少于五个或全部相同时为空" }
--! [columns.satisfaction_high]
--! title = { en = "Satisfaction, high", zh = "满意度上限" }
--! unit = "score"
--! doc = { en = "Upper end of its 95 % interval (Hall)", zh = "平均满意度 95% 区间上限（Hall 法）" }

--- How fast and how well are requests served? Waits are whole seconds: a ticket
--- that was not answered, or not closed, is watched until the report's date.

WITH stamped AS (
  SELECT
    $breakdown_of_tickets AS breakdown,
    period_index($period, period($period, tickets.occurred_at, $tz)) AS period_no,
    greatest(
      CAST(coalesce(tickets.first_response_at, tickets.closed_at, $as_of) AS BIGINT)
        - CAST(tickets.occurred_at AS BIGINT),
      0
    ) / 1000000 AS response_seconds,
    tickets.first_response_at IS NOT NULL AS is_answered,
    greatest(
      CAST(coalesce(tickets.closed_at, $as_of) AS BIGINT) - CAST(tickets.occurred_at AS BIGINT),
      0
    ) / 1000000 AS resolution_seconds,
    tickets.closed_at IS NOT NULL AS is_closed,
    tickets.reopened,
    -- Of a ticket that is open again, it is about the first time.
    CASE WHEN tickets.closed_at IS NOT NULL OR closing.n_closed = 0 THEN TRY_CAST(tickets.satisfaction AS DECIMAL(12, 4)) END
      AS rating,
    closing.best
  FROM tickets
  CROSS JOIN (
    -- The best rating of all, for the top of a scale that no source says.
    SELECT
      count(closed_at) AS n_closed,
      coalesce(max(satisfaction) FILTER (WHERE closed_at IS NOT NULL), max(satisfaction)) AS best
    FROM tickets
  ) AS closing
  LEFT JOIN customers ON customers.customer_key = tickets.customer_key
  WHERE ($from IS NULL OR period('day', tickets.occurred_at, $tz) >= $from)
    AND ($to IS NULL OR period('day', tickets.occurred_at, $tz) <= $to)
),
counted AS (
  SELECT
    breakdown,
    period_no,
    count(*) AS tickets,
    count(*) FILTER (WHERE is_closed) AS closed,
    kaplan_meier(response_seconds, is_answered) AS response,
    kaplan_meier(resolution_seconds, is_closed) AS resolution,
    count(*) FILTER (WHERE is_closed AND reopened > 0) AS reopened,
    count(reopened) FILTER (WHERE is_closed) AS reopened_known,
    count(rating) AS rated,
    moments(rating) AS rating
  FROM stamped
  GROUP BY breakdown, period_no
),
grid AS (
  SELECT
    breakdown,
    unnest(range(first_no, last_no + 1)) AS period_no,
    CASE WHEN best <= 5 THEN 5 WHEN best <= 10 THEN 10 ELSE 100 END AS best
  FROM (
    SELECT
      breakdown,
      max(best) AS best,
      min(period_no) AS first_no,
      least(period_index($period, period($period, $as_of, $tz)), period_index($period, $to)) AS last_no
    FROM stamped
    GROUP BY breakdown
  )
)
SELECT
  period_add($period, DATE '1970-01-01', grid.period_no) AS period,
  grid.breakdown,
  coalesce(counted.tickets, 0) AS tickets,
  coalesce(counted.closed, 0) AS closed,
  survival_time(counted.response, 0.5) / 3600.0 AS response_median_hours,
  survival_time(counted.response, 0.9) / 3600.0 AS response_p90_hours,
  survival_time(counted.resolution, 0.5) / 3600.0 AS resolution_median_hours,
  survival_time(counted.resolution, 0.9) / 3600.0 AS resolution_p90_hours,
  coalesce(counted.reopened, 0) AS reopened,
  CASE WHEN counted.reopened_known > 0 THEN CAST(counted.reopened AS DOUBLE) / counted.reopened_known END
    AS reopen_rate,
  wilson(counted.reopened, counted.reopened_known)['low'] AS reopen_low,
  wilson(counted.reopened, counted.reopened_known)['high'] AS reopen_high,
  coalesce(counted.rated, 0) AS rated,
  counted.rating['mean'] AS satisfaction,
  mean_interval(counted.rating)['low'] AS satisfaction_low,
  CASE WHEN mean_interval(counted.rating)['high'] > grid.best THEN grid.best ELSE mean_interval(counted.rating)['high'] END
    AS satisfaction_high,
  period_complete($period, period_add($period, DATE '1970-01-01', grid.period_no), $as_of, $tz, $from, $to) AS complete
FROM grid
LEFT JOIN counted
  ON (counted.breakdown IS NOT DISTINCT FROM grid.breakdown)
  AND counted.period_no = grid.period_no
ORDER BY period, grid.breakdown NULLS FIRST
