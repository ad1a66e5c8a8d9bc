--! title = { en = "Service levels kept", zh = "SLA 达成率" }
--! description = { en = "How many tickets were answered and closed within the limits promised, by the period in which they were opened. Waits are counted in business hours of the reader's time zone: with the default hours, 48 are more than five working days, not two days; public holidays are not known. A ticket that still waits counts as missed once its limit has passed, and is left out as undecided before. The newest decided ones are therefore mostly those done quickly: where decided is clearly below opened, wait.", zh = "有多少工单在承诺时限内获得首次回复与关闭，按提交时间所在周期统计。等待时间按所选时区的工作时间计算：默认工作时间下，48 小时相当于五个多工作日，而非两天；不识别法定节假日。仍在等待的工单，超过时限即计为未达成，未超过则视为未定、不计入。因此最近已定的多为处理较快者：已定数明显少于提交数时，请稍后再看。" }
--! group = "service"
--! grain = "one row per period of opening and value of `by`, from its first ticket to the report's date or `to`"
--! chart = { kind = "line", x = "period", y = ["response_share"], series = "breakdown", low = "response_low", high = "response_high", complete = "complete", count = "response_decided" }
--!
--! [params.response_hours]
--! title = { en = "First response within", zh = "首次响应时限" }
--! type = "number"
--! default = 4
--! doc = { en = "Business hours within which a ticket must have its first answer", zh = "工单须在多少工作小时内获得首次回复" }
--! [params.resolution_hours]
--! title = { en = "Resolution within", zh = "解决时限" }
--! type = "number"
--! default = 48
--! doc = { en = "Business hours within which a ticket must be closed", zh = "工单须在多少工作小时内关闭" }
--! [params.hours]
--! title = { en = "Opening hours", zh = "工作时间" }
--! type = "text"
--! default = "09:00-18:00"
--! doc = { en = "One span within a day; 00:00-24:00 is the whole day", zh = "一天内的一个时段；00:00-24:00 为全天" }
--! [params.days]
--! title = { en = "Working days", zh = "工作日" }
--! type = "text"
--! default = "mon-fri"
--! doc = { en = "Days of the week, such as mon-fri for Monday to Friday, or mon-thu,sat", zh = "每周的工作日：mon-fri 为周一至周五，mon-thu,sat 为周一至周四及周六" }
--! [params.by]
--! title = { en = "Rows by", zh = "按何划分" }
--! type = "choice"
--! default = "all"
--! choices = ["all", "category", "priority", "owner"]
--! doc = { en = "What the rows of a period are: the ticket's category, its priority or its agent; with All, those of the breakdown by customer", zh = "每个周期内按工单类别、优先级或客服划分；选“全部”时按客户分组划分" }
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
--! [columns.breakdown]
--! title = { en = "Rows by", zh = "划分" }
--! absent = { en = "All", zh = "全部" }
--! unit = "text"
--! doc = { en = "Category, priority or agent of the tickets, or value of the breakdown by customer", zh = "工单的类别、优先级或客服，或客户分组值" }
--! [columns.tickets]
--! title = { en = "Opened", zh = "提交工单" }
--! unit = "count"
--! doc = { en = "Tickets opened in the period, those of unknown customers included", zh = "当期提交的工单数，含未知客户的工单" }
--! [columns.response_decided]
--! title = { en = "Response decided", zh = "响应已定" }
--! unit = "count"
--! doc = { en = "Tickets that were answered, or whose limit for it has passed; one closed without an answer was not answered. Empty if the source never says when tickets were answered", zh = "已回复或已超过响应时限的工单数；未回复即关闭的视为未获回复。来源系统从未提供回复时间的为空" }
--! [columns.response_met]
--! title = { en = "Answered in time", zh = "按时响应" }
--! unit = "count"
--! doc = { en = "Of these, answered within the limit", zh = "其中在时限内回复的工单数" }
--! [columns.response_share]
--! title = { en = "Answered in time, share", zh = "响应达成率" }
--! unit = "share"
--! doc = { en = "Answered in time divided by decided", zh = "按时响应 ÷ 响应已定" }
--! [columns.response_low]
--! title = { en = "Answered in time, low", zh = "响应达成率下限" }
--! unit = "share"
--! doc = { en = "Lower end of its 95 % interval (Wilson)", zh = "响应达成率 95% 区间下限（Wilson）" }
--! [columns.response_high]
--! title = { en = "Answered in time, high", zh = "响应达成率上限" }
--! unit = "share"
--! doc = { en = "Upper end of its 95 % interval (Wilson)", zh = "响应达成率 95% 区间上限（Wilson）" }
--! [columns.resolution_decided]
--! title = { en = "Resolution decided", zh = "解决已定" }
--! unit = "count"
--! doc = { en = "Tickets that were closed, or whose limit for it has passed; empty if the source never says when tickets were closed", zh = "已关闭或已超过解决时限的工单数；来源系统从未提供关闭时间的为空" }
--! [columns.resolution_met]
--! title = { en = "Closed in time", zh = "按时解决" }
--! unit = "count"
--! doc = { en = "Of these, closed within the limit", zh = "其中在时限内关闭的工单数" }
--! [columns.resolution_share]
--! title = { en = "Closed in time, share", zh = "解决达成率" }
--! unit = "share"
--! doc = { en = "Closed in time divided by decided", zh = "按时解决 ÷ 解决已定" }
--! [columns.resolution_low]
--! title = { en = "Closed in time, low", zh = "解决达成率下限" }
--! unit = "share"
--! doc = { en = "Lower end of its 95 % interval (Wilson)", zh = "解决达成率 95% 区间下限（Wilson）" }
--! [columns.resolution_high]
--! title = { en = "Closed in time, high", zh = "解决达成率上限" }
--! unit = "share"
--! doc = { en = "Upper end of its 95 % interval (Wilson)", zh = "解决达成率 95% 区间上限（Wilson）" }
--!
--! [labels]
--! category = { en = "Category", zh = "类别" }
--! priority = { en = "Priority", zh = "优先级" }
--! owner = { en = "Agent", zh = "客服" }

--- Do we keep what we promise? A wait is until the answer, or until now; a wait
--- until now that is within the limit decides nothing. Agents who share a name
--- are told apart by their ids.

WITH agents AS (
  SELECT
    owner_id,
    CASE
      WHEN count(*) OVER (PARTITION BY name) > 1 THEN name || ' (' || owner_id || ')'
      ELSE name
    END AS name
  FROM owners
),
waited AS (
  SELECT
    CASE $by
      WHEN 'category' THEN coalesce(tickets.category, '(no category)')
      WHEN 'priority' THEN coalesce(tickets.priority, '(no priority)')
      WHEN 'owner' THEN coalesce(agents.name, tickets.owner_id, '(no owner)')
      ELSE $breakdown
    END AS breakdown,
    period_index($period, period($period, tickets.occurred_at, $tz)) AS period_no,
    tickets.first_response_at IS NOT NULL AS is_answered,
    business_hours(
      tickets.occurred_at, coalesce(tickets.first_response_at, $as_of), $tz, $hours, $days
    ) <= $response_hours AS is_response_within,
    tickets.closed_at IS NOT NULL AS is_closed,
    business_hours(
      tickets.occurred_at, coalesce(tickets.closed_at, $as_of), $tz, $hours, $days
    ) <= $resolution_hours AS is_resolution_within
  FROM tickets
  LEFT JOIN customers ON customers.customer_key = tickets.customer_key
  LEFT JOIN agents ON agents.owner_id = tickets.owner_id
  WHERE ($from IS NULL OR period('day', tickets.occurred_at, $tz) >= $from)
    AND ($to IS NULL OR period('day', tickets.occurred_at, $tz) <= $to)
),
counted AS (
  SELECT
    breakdown,
    period_no,
    count(*) AS tickets,
    count(*) FILTER (WHERE is_answered OR NOT is_response_within) AS response_decided,
    count(*) FILTER (WHERE is_answered AND is_response_within) AS response_met,
    count(*) FILTER (WHERE is_closed OR NOT is_resolution_within) AS resolution_decided,
    count(*) FILTER (WHERE is_closed AND is_resolution_within) AS resolution_met
  FROM waited
  GROUP BY breakdown, period_no
),
given AS (
  SELECT count(first_response_at) > 0 AS has_answers, count(closed_at) > 0 AS has_closes FROM tickets
),
grid AS (
  SELECT breakdown, unnest(range(first_no, last_no + 1)) AS period_no
  FROM (
    SELECT
      breakdown,
      min(period_no) AS first_no,
      least(period_index($period, period($period, $as_of, $tz)), period_index($period, $to)) AS last_no
    FROM counted
    GROUP BY breakdown
  )
),
filled AS (
  SELECT
    grid.period_no,
    grid.breakdown,
    coalesce(counted.tickets, 0) AS tickets,
    CASE WHEN given.has_answers THEN coalesce(counted.response_decided, 0) END AS response_decided,
    CASE WHEN given.has_answers THEN coalesce(counted.response_met, 0) END AS response_met,
    CASE WHEN given.has_closes THEN coalesce(counted.resolution_decided, 0) END AS resolution_decided,
    CASE WHEN given.has_closes THEN coalesce(counted.resolution_met, 0) END AS resolution_met
  FROM given
  CROSS JOIN grid
  LEFT JOIN counted
    ON (counted.breakdown IS NOT DISTINCT FROM grid.breakdown)
    AND counted.period_no = grid.period_no
)
SELECT
  period_add($period, DATE '1970-01-01', period_no) AS period,
  breakdown,
  tickets,
  response_decided,
  response_met,
  CASE WHEN response_decided > 0 THEN CAST(response_met AS DOUBLE) / response_decided END AS response_share,
  wilson(response_met, response_decided)['low'] AS response_low,
  wilson(response_met, response_decided)['high'] AS response_high,
  resolution_decided,
  resolution_met,
  CASE WHEN resolution_decided > 0 THEN CAST(resolution_met AS DOUBLE) / resolution_decided END
    AS resolution_share,
  wilson(resolution_met, resolution_decided)['low'] AS resolution_low,
  wilson(resolution_met, resolution_decided)['high'] AS resolution_high,
  period_complete($period, period_add($period, DATE '1970-01-01', period_no), $as_of, $tz, $from, $to) AS complete
FROM filled
ORDER BY period, breakdown NULLS FIRST
