--! title = { en = "Stickiness", zh = "活跃粘性" }
--! description = { en = "How often the customers of a period are there. Stickiness is daily active / active customers: of a month's customers, the share that is there on a day; times the days it is the mean of their active days. In a period that has not ended it is too high, since customers who come seldom have not all come yet.", zh = "周期内的客户来得有多频繁。粘性 = 日活跃 ÷ 活跃客户，即当期客户平均每天到场的比例；乘以天数即客均活跃天数。周期未结束时粘性偏高，因为不常来的客户尚未全部出现。" }
--! group = "retention"
--! grain = "one row per period and breakdown value, from its first activity to the report's date"
--! chart = { kind = "line", x = "period", y = ["stickiness"], series = "breakdown", low = "low", high = "high", complete = "complete", count = "customers" }
--!
--! [params.period]
--! title = { en = "Period", zh = "周期" }
--! type = "choice"
--! default = "month"
--! choices = ["week", "month", "quarter", "year"]
--! doc = { en = "Calendar period; weeks start on Monday", zh = "日历周期；每周从周一开始" }
--!
--! [columns.days]
--! title = { en = "Days", zh = "天数" }
--! unit = "count"
--! doc = { en = "Days of the period counted: none after the report's date, which is counted itself, nor before the first activity of all", zh = "周期内计入的天数：截至报表当日（含），且不早于全部数据的首个活跃日" }
--! [columns.customers]
--! title = { en = "Active customers", zh = "活跃客户" }
--! unit = "count"
--! doc = { en = "Customers active on at least one day of the period (MAU, if it is a month)", zh = "期内至少活跃一天的客户数（周期为月时即 MAU）" }
--! [columns.dau]
--! title = { en = "Daily active", zh = "日活跃（DAU）" }
--! unit = "number"
--! doc = { en = "Customers active per day, mean over the days", zh = "每日活跃客户数的平均值" }
--! [columns.wau]
--! title = { en = "Weekly active", zh = "周活跃（WAU）" }
--! unit = "number"
--! doc = { en = "Customers active within seven days up to a day, mean over the days", zh = "每日及此前共七天内活跃客户数的平均值" }
--! [columns.stickiness]
--! title = { en = "Stickiness", zh = "粘性" }
--! unit = "share"
--! doc = { en = "Daily active divided by active customers; empty without any", zh = "日活跃除以活跃客户；无活跃客户时为空" }
--! [columns.median_days]
--! title = { en = "Median active days", zh = "活跃天数中位数" }
--! unit = "days"
--! doc = { en = "Half of the active customers were there on no more days", zh = "半数活跃客户的活跃天数不超过该值" }
--! [columns.p90_days]
--! title = { en = "90 % within days", zh = "活跃天数 90 分位" }
--! unit = "days"
--! doc = { en = "Nine in ten of the active customers were there on no more days", zh = "九成活跃客户的活跃天数不超过该值" }
--! [columns.low]
--! title = { en = "Low", zh = "区间下限" }
--! unit = "share"
--! doc = { en = "Lower end of the 95 % interval (Hall, over customers); empty below five, or if all are equal", zh = "95% 区间下限（按客户，Hall 法）；客户少于五位或全部相同时为空" }
--! [columns.high]
--! title = { en = "High", zh = "区间上限" }
--! unit = "share"
--! doc = { en = "Upper end of the 95 % interval (Hall, over customers); empty below five, or if all are equal", zh = "95% 区间上限（按客户，Hall 法）；客户少于五位或全部相同时为空" }

--- How many of a month's customers are there on a day? Days and periods are
--- ordinals until the end. An active day makes its customer weekly active until
--- the seventh day, the next active day or the report's date, whichever comes
--- first: `inside` of these days lie in its own period and `beyond` in the next,
--- which no period is too short for.

WITH placed AS (
  SELECT
    customer_key,
    day_no,
    period_index($period, day) AS period_no,
    period_index('day', period_add($period, day, 1)) AS next_start,
    least(day_no + 7, next_no, period_index('day', period('day', $as_of, $tz)) + 1) AS reach
  FROM (SELECT *, period_add('day', DATE '1970-01-01', day_no) AS day FROM active_days)
),
stays AS (
  SELECT
    customer_key,
    period_no,
    count(*) AS n_days,
    sum(least(reach, next_start) - day_no) AS inside,
    sum(greatest(reach - next_start, 0)) AS beyond,
    min(day_no) AS first_day
  FROM placed
  GROUP BY customer_key, period_no
),
sums AS (
  SELECT
    $breakdown AS breakdown,
    stays.period_no,
    count(*) AS customers,
    sum(stays.n_days) AS n_days,
    mean_interval(moments(stays.n_days)) AS mean_days,
    sum(stays.inside) AS inside,
    sum(stays.beyond) AS beyond,
    min(stays.first_day) AS first_day,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY stays.n_days) AS median_days,
    -- Between whole numbers it is a multiple of a tenth; DataFusion 55 interpolates in millionths.
    round(percentile_cont(0.9) WITHIN GROUP (ORDER BY stays.n_days), 1) AS p90_days
  FROM stays
  LEFT JOIN customers ON customers.customer_key = stays.customer_key
  GROUP BY $breakdown, stays.period_no
),
spaced AS (
  SELECT
    *,
    min(first_day) OVER () AS data_start,
    CASE lag(period_no) OVER periods WHEN period_no - 1 THEN lag(beyond) OVER periods ELSE 0 END AS before,
    coalesce(
      lead(period_no) OVER periods,
      period_index($period, period($period, $as_of, $tz)) + 1
    ) AS next_no
  FROM sums
  WINDOW periods AS (PARTITION BY breakdown ORDER BY period_no)
),
-- Nobody is active in the periods after one until the next that has a row.
filled AS (
  SELECT *, unnest(range(period_no, next_no)) AS filled_no
  FROM spaced
),
dated AS (
  SELECT
    breakdown,
    period_add($period, DATE '1970-01-01', filled_no) AS period,
    least(
      period_index('day', period_add($period, DATE '1970-01-01', filled_no + 1)),
      period_index('day', period('day', $as_of, $tz)) + 1
    ) - greatest(period_index('day', period_add($period, DATE '1970-01-01', filled_no)), data_start) AS days,
    CASE filled_no WHEN period_no THEN customers ELSE 0 END AS customers,
    CASE filled_no WHEN period_no THEN n_days ELSE 0 END AS n_days,
    CASE filled_no WHEN period_no THEN mean_days['low'] END AS low_days,
    CASE filled_no WHEN period_no THEN mean_days['high'] END AS high_days,
    CASE filled_no - period_no WHEN 0 THEN before + inside WHEN 1 THEN beyond ELSE 0 END AS weekly_days,
    CASE filled_no WHEN period_no THEN median_days END AS median_days,
    CASE filled_no WHEN period_no THEN p90_days END AS p90_days
  FROM filled
)
SELECT
  period,
  breakdown,
  days,
  customers,
  CAST(n_days AS DOUBLE) / days AS dau,
  CAST(weekly_days AS DOUBLE) / days AS wau,
  CAST(n_days AS DOUBLE) / days / nullif(customers, 0) AS stickiness,
  low_days / days AS low,
  CASE WHEN high_days > days THEN 1 ELSE high_days / days END AS high,
  median_days,
  p90_days,
  period_complete($period, period, $as_of, $tz) AS complete
FROM dated
WHERE ($from IS NULL OR period >= period_add($period, $from, 0))
  AND ($to IS NULL OR period <= $to)
ORDER BY period, breakdown NULLS FIRST
