--! title = { en = "Repurchase", zh = "复购" }
--! description = { en = "How many customers buy a second time, and how soon, by the period of their first order. An order counts if its lines add up to more than zero, so one refunded in full does not; several orders of a customer on one local day are one purchase. The repurchase rate counts only buyers whose window has ended; read the estimate while a cohort is young, which uses all buyers for as long as they could be watched (Kaplan–Meier). Purchases per buyer still grow: compare them only between cohorts of like age. Sales without a customer are left out.", zh = "有多少客户再次购买、间隔多久，按首单所在周期列出。订单行合计大于零才算订单，已全额退款的不计；同一客户同一天的多个订单算一次购买。复购率仅计时间窗已结束的下单客户；同期群较新时请看估计复购率，它用到全部下单客户，每位按可观察的时长计入（Kaplan–Meier）。客均购买次数会继续增长，请只在客龄相近的同期群之间比较。无客户的销售不计。" }
--! group = "revenue"
--! grain = "one row per cohort and breakdown value"
--! chart = { kind = "line", x = "cohort", y = ["estimate"], series = "breakdown", low = "estimate_low", high = "estimate_high", complete = "complete", count = "buyers" }
--!
--! [params.window]
--! title = { en = "Window", zh = "时间窗" }
--! type = "duration"
--! default = "90d"
--! doc = { en = "Longest time to the second purchase, in whole days", zh = "到第二次购买的最长时间，按整天计" }
--!
--! [params.from]
--! title = { en = "From", zh = "起始日期" }
--! type = "date"
--! up_to = "to"
--! doc = { en = "Cohorts from the one that holds this day", zh = "自该日所在的同期群起" }
--!
--! [params.to]
--! title = { en = "To", zh = "截止日期" }
--! type = "date"
--! doc = { en = "Cohorts up to the one that holds this day", zh = "至该日所在的同期群止" }
--!
--! [columns.cohort]
--! title = { en = "Cohort", zh = "同期群" }
--! unit = "date"
--! doc = { en = "First day of the period of the first order", zh = "首单所在周期的首日" }
--! [columns.buyers]
--! title = { en = "Buyers", zh = "下单客户" }
--! unit = "count"
--! doc = { en = "Customers whose first order lies in the period", zh = "首单在该周期内的客户数" }
--! [columns.matured]
--! title = { en = "Window ended", zh = "时间窗已结束" }
--! unit = "count"
--! doc = { en = "Buyers whose last day to buy again within the window is over", zh = "时间窗最后一天已过的下单客户数" }
--! [columns.bought_again]
--! title = { en = "Bought again", zh = "已复购" }
--! unit = "count"
--! doc = { en = "Of those, buyers with a second purchase within the window", zh = "其中在时间窗内第二次购买的下单客户数" }
--! [columns.share]
--! title = { en = "Repurchase rate", zh = "复购率" }
--! unit = "share"
--! doc = { en = "Bought again divided by those whose window has ended; empty while there are none", zh = "已复购除以时间窗已结束的下单客户；尚无时为空" }
--! [columns.estimate]
--! title = { en = "Estimate", zh = "估计复购率" }
--! unit = "share"
--! doc = { en = "Share of all buyers who buy again within the window (Kaplan–Meier); empty while nobody could be watched so long", zh = "全部下单客户在时间窗内复购的比例（Kaplan–Meier）；尚无下单客户被观察满时间窗时为空" }
--! [columns.estimate_low]
--! title = { en = "Low", zh = "区间下限" }
--! unit = "share"
--! doc = { en = "Lower end of its 95 % band", zh = "其 95% 区间下限" }
--! [columns.estimate_high]
--! title = { en = "High", zh = "区间上限" }
--! unit = "share"
--! doc = { en = "Upper end of its 95 % band", zh = "其 95% 区间上限" }
--! [columns.median_days]
--! title = { en = "Median days", zh = "复购间隔中位数（天）" }
--! unit = "days"
--! absent = { en = "Not reached yet", zh = "尚未达到" }
--! doc = { en = "Days from the first purchase day after which half of the buyers have bought again, those who have not among them (Kaplan–Meier); empty until half have", zh = "自首次购买日起，半数下单客户已复购时的天数，未复购者也计入（Kaplan–Meier）；不到半数复购时为空" }
--! [columns.purchases_per_buyer]
--! title = { en = "Purchases per buyer", zh = "客均购买次数" }
--! unit = "number"
--! doc = { en = "Mean number of days with an order so far", zh = "截至报表日期客均下单天数" }
--! [columns.purchases_low]
--! title = { en = "Low", zh = "区间下限" }
--! unit = "number"
--! doc = { en = "Lower end of its 95 % interval (Hall), not below 1; empty below five buyers, or if all are equal", zh = "其 95% 区间下限（Hall 法），不低于 1；下单客户少于五位或全部相同时为空" }
--! [columns.purchases_high]
--! title = { en = "High", zh = "区间上限" }
--! unit = "number"
--! doc = { en = "Upper end of its 95 % interval (Hall)", zh = "其 95% 区间上限（Hall 法）" }
--! [columns.complete]
--! title = { en = "Complete", zh = "数据完整" }
--! unit = "flag"
--! doc = { en = "Whether the window of every customer who could be in the cohort has ended", zh = "该同期群全部下单客户的时间窗是否均已结束" }

--- Do buyers come back? Whole days from the first purchase; `ages` are the days
--- with a purchase, the first being 0.

WITH placed AS (
  SELECT customer_key, order_id, min(occurred_at) FILTER (WHERE amount > 0) AS placed_at
  FROM orders
  WHERE customer_key IS NOT NULL
  GROUP BY customer_key, order_id
  HAVING sum(amount) > 0
),
bought AS (
  SELECT customer_key, history['cohort'] AS first_day, history['ages'] AS ages
  FROM (
    SELECT customer_key, retention(placed_at, 'day', $tz) AS history
    FROM placed
    GROUP BY customer_key
  )
),
buyers AS (
  SELECT
    $breakdown AS breakdown,
    period_add($period, bought.first_day, 0) AS cohort,
    CAST(cardinality(bought.ages) AS BIGINT) AS n_purchases,
    array_element(bought.ages, 2) AS second_day,
    period_index('day', period('day', $as_of, $tz)) - period_index('day', bought.first_day) AS watched_days,
    period_complete('day', period_add('day', bought.first_day, window_days), $as_of, $tz) AS has_matured,
    window_days
  FROM (
    SELECT *, (CAST($as_of AS BIGINT) - CAST($as_of - $window AS BIGINT)) / 86400000000 AS window_days
    FROM bought
  ) AS bought
  LEFT JOIN customers ON customers.customer_key = bought.customer_key
  WHERE ($from IS NULL OR bought.first_day >= period_add($period, $from, 0))
    AND ($to IS NULL OR bought.first_day < period_add($period, $to, 1))
),
counted AS (
  SELECT
    cohort,
    breakdown,
    window_days,
    count(*) AS buyers,
    count(*) FILTER (WHERE has_matured) AS matured,
    count(*) FILTER (WHERE has_matured AND second_day <= window_days) AS bought_again,
    kaplan_meier(coalesce(second_day, watched_days), second_day IS NOT NULL) AS curve,
    sum(n_purchases) AS purchases,
    mean_interval(moments(n_purchases)) AS mean
  FROM buyers
  GROUP BY cohort, breakdown, window_days
),
measured AS (
  SELECT
    *,
    survival_at(curve, window_days) AS waiting
  FROM counted
)
SELECT
  cohort,
  breakdown,
  buyers,
  matured,
  bought_again,
  CASE WHEN matured > 0 THEN CAST(bought_again AS DOUBLE) / matured END AS share,
  wilson(bought_again, matured)['low'] AS low,
  wilson(bought_again, matured)['high'] AS high,
  1 - waiting['share'] AS estimate,
  1 - waiting['high'] AS estimate_low,
  1 - waiting['low'] AS estimate_high,
  survival_time(curve, 0.5) AS median_days,
  CAST(purchases AS DOUBLE) / buyers AS purchases_per_buyer,
  CASE WHEN mean['low'] < 1 THEN 1 ELSE mean['low'] END AS purchases_low,
  mean['high'] AS purchases_high,
  period_complete(
    'day',
    period_add('day', period_add($period, cohort, 1), window_days - 1),
    $as_of,
    $tz
  ) AS complete
FROM measured
ORDER BY cohort, breakdown NULLS FIRST
