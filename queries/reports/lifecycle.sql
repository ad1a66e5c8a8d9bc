--! title = { en = "Customer lifecycle", zh = "客户生命周期阶段" }
--! description = { en = "Where the customers of each period stand, by their activity. Every customer seen so far is in exactly one of six groups, which add up to Seen so far: new, returning and resurrected are active; dormant, still dormant and churned are not. The active customers of the previous period are returning + dormant. In a period that has not ended, customers who will still come are counted as silent: read it only once it is complete.", zh = "按行为划分每个周期的客户所处阶段。截至该周期出现过的每位客户恰好属于六类之一，六类之和等于累计客户：新客户、持续活跃、回流为活跃；新静默、持续静默、已流失为不活跃。上一周期的活跃客户 = 持续活跃 + 新静默。周期尚未结束时，之后才会来的客户被算作静默，请待周期结束后再看。" }
--! group = "retention"
--! grain = "one row per period and breakdown value, from its first activity to the report's date"
--! chart = { kind = "line", x = "period", y = ["new", "returning", "resurrected", "dormant", "churned"], series = "breakdown", complete = "complete" }
--!
--! [params.churn_after]
--! title = { en = "Churned after", zh = "流失期数" }
--! type = "integer"
--! default = 3
--! least = 2.0
--! most = 1000.0
--! doc = { en = "Periods without activity after which a customer counts as churned; 2 or more", zh = "连续多少个周期无行为记录即视为流失；不小于 2" }
--!
--! [columns.active]
--! title = { en = "Active", zh = "活跃客户" }
--! unit = "count"
--! doc = { en = "Customers active in the period: new, returning and resurrected", zh = "当期活跃客户：新客户、持续活跃与回流之和" }
--! [columns.new]
--! title = { en = "New", zh = "新客户" }
--! unit = "count"
--! doc = { en = "Active for the first time ever", zh = "首次活跃的客户" }
--! [columns.returning]
--! title = { en = "Returning", zh = "持续活跃" }
--! unit = "count"
--! doc = { en = "Active, and in the previous period too", zh = "本期与上一周期均活跃的客户" }
--! [columns.resurrected]
--! title = { en = "Resurrected", zh = "回流" }
--! unit = "count"
--! doc = { en = "Active, seen before, but not in the previous period", zh = "本期活跃、曾出现但上一周期不活跃的客户" }
--! [columns.dormant]
--! title = { en = "Dormant", zh = "新静默" }
--! unit = "count"
--! doc = { en = "Active in the previous period and not in this one", zh = "上一周期活跃而本期未活跃的客户" }
--! [columns.still_dormant]
--! title = { en = "Still dormant", zh = "持续静默" }
--! unit = "count"
--! doc = { en = "Silent for two periods or more, but not churned yet", zh = "静默两个周期及以上、尚未流失的客户" }
--! [columns.churned]
--! title = { en = "Churned", zh = "已流失" }
--! unit = "count"
--! doc = { en = "Silent for so many periods that they count as churned, whenever that was", zh = "静默期数达到流失标准的客户，含以往流失者" }
--! [columns.customers]
--! title = { en = "Seen so far", zh = "累计客户" }
--! unit = "count"
--! doc = { en = "All customers active up to and including the period", zh = "截至该周期曾活跃过的全部客户" }
--! [columns.newly_churned]
--! title = { en = "Newly churned", zh = "新流失" }
--! unit = "count"
--! doc = { en = "Of the churned, those who became so in this period", zh = "其中在本期达到流失标准的客户" }
--! [columns.kept]
--! title = { en = "Kept", zh = "环比留存率" }
--! unit = "share"
--! doc = { en = "Returning divided by the active customers of the previous period", zh = "持续活跃客户除以上一周期活跃客户" }
--! [columns.low]
--! title = { en = "Low", zh = "区间下限" }
--! unit = "share"
--! doc = { en = "Lower end of the 95 % interval of the share kept (Wilson)", zh = "环比留存率的 95% 区间下限（Wilson）" }
--! [columns.high]
--! title = { en = "High", zh = "区间上限" }
--! unit = "share"
--! doc = { en = "Upper end of the 95 % interval of the share kept (Wilson)", zh = "环比留存率的 95% 区间上限（Wilson）" }

--- Is the base of active customers growing, and what leaks out of it? A visit is
--- a period in which a customer was active; with the next one it says in which
--- periods the customer counts as what. Periods are ordinals until the end.

WITH histories AS (
  SELECT customer_key, period_index($period, history['cohort']) AS first_no, history['ages'] AS ages
  FROM (
    SELECT customer_key, retention(occurred_at, $period, $tz) AS history
    FROM activity
    WHERE customer_key IS NOT NULL
      AND (cardinality($activity) = 0 OR one_of(name, $activity))
    GROUP BY customer_key
  )
),
visits AS (
  SELECT
    $breakdown AS breakdown,
    histories.first_no,
    unnest(histories.ages) AS age,
    unnest(array_slice(histories.ages, 2, CAST(cardinality(histories.ages) AS BIGINT))) AS next_age
  FROM histories
  LEFT JOIN customers ON customers.customer_key = histories.customer_key
),
counted AS (
  SELECT
    breakdown,
    first_no + age AS visit_no,
    first_no + next_age AS next_no,
    coalesce(next_age - age, 9223372036854775807) AS gap,
    age = 0 AS is_first,
    $churn_after AS churn_after,
    count(*) AS n
  FROM visits
  GROUP BY 1, 2, 3, 4, 5
),
-- Four times of a visit: itself, the period after it, when the silence becomes churn, the next visit.
turns AS (
  SELECT
    breakdown,
    unnest([visit_no, visit_no + 1, visit_no + churn_after, next_no]) AS period_no,
    unnest(['visit', 'after', 'churn', 'next']) AS turn,
    gap,
    churn_after,
    is_first,
    n
  FROM counted
),
sums AS (
  SELECT
    breakdown,
    period_no,
    coalesce(sum(n) FILTER (WHERE turn = 'visit'), 0) AS active,
    coalesce(sum(n) FILTER (WHERE turn = 'visit' AND is_first), 0) AS new,
    coalesce(sum(n) FILTER (WHERE turn = 'next' AND gap = 1), 0) AS "returning",
    coalesce(sum(n) FILTER (WHERE turn = 'next' AND gap > 1), 0) AS resurrected,
    coalesce(sum(n) FILTER (WHERE turn = 'after' AND gap > 1), 0) AS dormant,
    coalesce(sum(n) FILTER (WHERE turn = 'churn' AND gap > churn_after), 0) AS newly_churned,
    coalesce(sum(n) FILTER (WHERE turn = 'next' AND gap > churn_after), 0) AS won_back
  FROM turns
  WHERE period_no <= period_index($period, period($period, $as_of, $tz))
  GROUP BY breakdown, period_no
),
running AS (
  SELECT
    *,
    sum(new) OVER so_far AS customers,
    sum(newly_churned - won_back) OVER so_far AS churned,
    coalesce(
      lead(period_no) OVER so_far,
      period_index($period, period($period, $as_of, $tz)) + 1
    ) AS next_no
  FROM sums
  WINDOW so_far AS (PARTITION BY breakdown ORDER BY period_no)
),
-- In periods after one, until the next in which anything happened, nobody moves.
filled AS (
  SELECT *, unnest(range(period_no, next_no)) AS filled_no
  FROM running
),
moved AS (
  SELECT
    filled_no,
    breakdown,
    CASE filled_no WHEN period_no THEN active ELSE 0 END AS active,
    CASE filled_no WHEN period_no THEN new ELSE 0 END AS new,
    CASE filled_no WHEN period_no THEN "returning" ELSE 0 END AS "returning",
    CASE filled_no WHEN period_no THEN resurrected ELSE 0 END AS resurrected,
    CASE filled_no WHEN period_no THEN dormant ELSE 0 END AS dormant,
    CASE filled_no WHEN period_no THEN newly_churned ELSE 0 END AS newly_churned,
    churned,
    customers
  FROM filled
)
SELECT
  period_add($period, DATE '1970-01-01', filled_no) AS period,
  breakdown,
  active,
  new,
  "returning",
  resurrected,
  dormant,
  customers - active - dormant - churned AS still_dormant,
  churned,
  customers,
  newly_churned,
  CASE WHEN "returning" + dormant > 0 THEN CAST("returning" AS DOUBLE) / ("returning" + dormant) END AS kept,
  wilson("returning", "returning" + dormant)['low'] AS low,
  wilson("returning", "returning" + dormant)['high'] AS high,
  period_complete($period, period_add($period, DATE '1970-01-01', filled_no), $as_of, $tz) AS complete
FROM moved
WHERE ($from IS NULL OR filled_no >= period_index($period, $from))
  AND ($to IS NULL OR filled_no <= period_index($period, $to))
ORDER BY period, breakdown NULLS FIRST
