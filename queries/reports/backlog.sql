--! title = { en = "Backlog", zh = "积压工单" }
--! description = { en = "Tickets that wait to be closed, at the end of each period or, in a period that still runs, at the report's date. In every row, exactly: open at end = open at start + opened − closed. Only the closing time decides whether a ticket is closed, not its status: a reopened one is closed at its last closing, one closed before it was opened when it was opened. A breakdown takes the values known at the report's date, for past periods too.", zh = "各周期末仍未关闭的工单（未结束的周期以报表日期为准）。每一行严格满足：期末未关闭 = 期初未关闭 + 提交 − 关闭。是否关闭只看关闭时间，不看状态：重开过的以最后一次关闭为准，关闭早于提交的视为提交时即关闭。分组一律取报表日期时的值，往期也是如此。" }
--! group = "service"
--! grain = "one row per period and breakdown value, from its first ticket to the report's date"
--! chart = { kind = "line", x = "period", y = ["open_end"], series = "breakdown", complete = "complete" }
--!
--! [params.old_days]
--! title = { en = "Old after days", zh = "超期天数" }
--! type = "integer"
--! default = 7
--! most = 36500.0
--! doc = { en = "An open ticket is old if it was opened more than so many days ago", zh = "提交超过该天数仍未关闭的工单视为超期" }
--!
--! [columns.open_start]
--! title = { en = "Open at start", zh = "期初未关闭" }
--! unit = "count"
--! doc = { en = "Tickets open when the period began", zh = "周期开始时未关闭的工单数" }
--! [columns.opened]
--! title = { en = "Opened", zh = "提交" }
--! unit = "count"
--! doc = { en = "Tickets opened in the period, those of unknown customers included", zh = "当期提交的工单数，含未知客户的工单" }
--! [columns.closed]
--! title = { en = "Closed", zh = "关闭" }
--! unit = "count"
--! doc = { en = "Tickets closed in the period, whenever they were opened", zh = "当期关闭的工单数，不论何时提交" }
--! [columns.open_end]
--! title = { en = "Open at end", zh = "期末未关闭" }
--! unit = "count"
--! doc = { en = "Tickets open when the period ended, or at the report's date", zh = "周期结束时（或报表日期）未关闭的工单数" }
--! [columns.median_age_days]
--! title = { en = "Median age", zh = "未关闭时长中位数" }
--! unit = "days"
--! doc = { en = "Median of the calendar days from the opening to the end of the period, of the tickets open then; empty if none is", zh = "期末未关闭工单自提交日至周期末的日历天数中位数；无未关闭工单时为空" }
--! [columns.old]
--! title = { en = "Old", zh = "超期未关闭" }
--! unit = "count"
--! doc = { en = "Tickets open at the end that were opened longer ago than Old after days says", zh = "期末未关闭且提交已超过“超期天数”的工单数" }
--! [columns.old_share]
--! title = { en = "Old, share", zh = "超期占比" }
--! unit = "share"
--! doc = { en = "Old divided by open at end", zh = "超期未关闭 ÷ 期末未关闭" }
--! [columns.old_low]
--! title = { en = "Old, low", zh = "超期占比下限" }
--! unit = "share"
--! doc = { en = "Lower end of its 95 % interval (Wilson)", zh = "超期占比 95% 区间下限（Wilson）" }
--! [columns.old_high]
--! title = { en = "Old, high", zh = "超期占比上限" }
--! unit = "share"
--! doc = { en = "Upper end of its 95 % interval (Wilson)", zh = "超期占比 95% 区间上限（Wilson）" }

--- Do we keep up? Tickets opened on the same day and closed in the same period
--- go together through the periods in which they were open, so that tickets
--- nobody ever closes are a row per day and not one each. The median is the mean
--- of the middle one or two, by how many are at most so old.

WITH groups AS (
  SELECT
    $breakdown_of_tickets AS breakdown,
    period_index($period, period($period, tickets.occurred_at, $tz)) AS opened_no,
    period_index('day', period('day', tickets.occurred_at, $tz)) AS opened_day,
    period_index(
      $period,
      period(
        $period,
        CASE WHEN tickets.closed_at IS NOT NULL THEN greatest(tickets.closed_at, tickets.occurred_at) END,
        $tz
      )
    ) AS closed_no,
    period_index($period, period($period, $as_of, $tz)) AS last_no,
    count(*) AS n
  FROM tickets
  LEFT JOIN customers ON customers.customer_key = tickets.customer_key
  GROUP BY 1, 2, 3, 4
),
-- One row per group and period it was there in, if only to be opened or closed.
turns AS (
  SELECT
    breakdown,
    opened_day,
    opened_no,
    closed_no,
    n,
    unnest(range(opened_no, coalesce(closed_no, last_no) + 1)) AS period_no
  FROM groups
),
ages AS (
  SELECT
    breakdown,
    period_no,
    least(
      period_index('day', period_add($period, DATE '1970-01-01', period_no + 1)) - 1,
      period_index('day', period('day', $as_of, $tz))
    ) - opened_day AS age,
    sum(n) FILTER (WHERE opened_no = period_no) AS opened,
    sum(n) FILTER (WHERE closed_no = period_no) AS closed,
    coalesce(sum(n) FILTER (WHERE closed_no IS NULL OR closed_no > period_no), 0) AS open_end
  FROM turns
  GROUP BY breakdown, period_no, opened_day
),
ranked AS (
  SELECT
    *,
    sum(open_end) OVER (PARTITION BY breakdown, period_no ORDER BY age) AS n_up_to,
    sum(open_end) OVER (PARTITION BY breakdown, period_no) AS n_open
  FROM ages
),
counted AS (
  SELECT
    breakdown,
    period_no,
    coalesce(sum(opened), 0) AS opened,
    coalesce(sum(closed), 0) AS closed,
    sum(open_end) AS open_end,
    CAST(
      min(age) FILTER (WHERE n_up_to > (n_open - 1) / 2) + min(age) FILTER (WHERE n_up_to > n_open / 2) AS DOUBLE
    ) / 2 AS median_age_days,
    coalesce(sum(open_end) FILTER (WHERE age > $old_days), 0) AS old
  FROM ranked
  GROUP BY breakdown, period_no
),
followed AS (
  SELECT
    *,
    coalesce(
      lead(period_no) OVER (PARTITION BY breakdown ORDER BY period_no),
      period_index($period, period($period, $as_of, $tz)) + 1
    ) AS next_no
  FROM counted
),
-- In periods after one, until the next with a ticket, nothing is opened, closed or open.
filled AS (
  SELECT *, unnest(range(period_no, next_no)) AS filled_no
  FROM followed
),
moved AS (
  SELECT
    filled_no,
    breakdown,
    CASE filled_no WHEN period_no THEN opened ELSE 0 END AS opened,
    CASE filled_no WHEN period_no THEN closed ELSE 0 END AS closed,
    open_end,
    median_age_days,
    old
  FROM filled
)
SELECT
  period_add($period, DATE '1970-01-01', filled_no) AS period,
  breakdown,
  open_end - opened + closed AS open_start,
  opened,
  closed,
  open_end,
  median_age_days,
  old,
  CASE WHEN open_end > 0 THEN CAST(old AS DOUBLE) / open_end END AS old_share,
  wilson(old, open_end)['low'] AS old_low,
  wilson(old, open_end)['high'] AS old_high,
  period_complete($period, period_add($period, DATE '1970-01-01', filled_no), $as_of, $tz) AS complete
FROM moved
WHERE ($from IS NULL OR filled_no >= period_index($period, $from))
  AND ($to IS NULL OR filled_no <= period_index($period, $to))
ORDER BY period, breakdown NULLS FIRST
