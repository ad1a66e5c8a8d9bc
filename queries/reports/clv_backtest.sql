--! title = { en = "Back-test of predicted purchases", zh = "购买预测回测" }
--! description = { en = "Whether predicted purchases would have come true. The model of buying is fitted to what was known at the split, which lies the horizon before the report's date; how often it expects each customer to buy until then is compared with how often they did. Customers stand in rows by their repeat purchases before. A prediction outside the interval of the actual mean (95 %) was off by more than chance. With a breakdown, the model stays that of all buyers, and each value shows how well it does there.", zh = "购买预测是否应验。以切分日（报表日期往前“回测期”）已知的数据拟合购买模型，预测每位客户至报表日期的购买次数，再与实际次数对比。客户按此前的复购次数分行。预测落在实际均值的 95% 区间之外，说明偏差超出正常波动。选择分组时，仍用全部下单客户拟合的模型，按组检验其预测是否准确。" }
--! group = "revenue"
--! grain = "one row per breakdown value and number of repeat purchases before the split, 7 standing for 7 or more, and per breakdown value a total"
--! chart = { kind = "line", x = "repeats", y = ["predicted", "actual"], series = "breakdown", count = "customers" }
--!
--! [params.horizon]
--! title = { en = "Horizon, days", zh = "回测期（天）" }
--! type = "integer"
--! default = 180
--! least = 1.0
--! most = 36500.0
--! doc = { en = "How many days before the report's date to split", zh = "在报表日期之前多少天切分" }
--!
--! [columns.repeats]
--! title = { en = "Repeat purchases before", zh = "此前复购次数" }
--! absent = { en = "Total", zh = "合计" }
--! unit = "number"
--! doc = { en = "Repeat purchases up to the split, 7 standing for 7 or more; empty in the total", zh = "切分前的复购次数，7 表示 7 次及以上；合计行留空" }
--! [columns.predicted]
--! title = { en = "Predicted", zh = "预测" }
--! unit = "number"
--! doc = { en = "Mean of the purchases expected of each customer", zh = "客均预测购买次数" }
--! [columns.actual]
--! title = { en = "Actual", zh = "实际" }
--! unit = "number"
--! doc = { en = "Mean of the purchases each customer made", zh = "客均实际购买次数" }
--! [columns.low]
--! title = { en = "Low", zh = "区间下限" }
--! unit = "number"
--! doc = { en = "Lower end of the 95 % interval of the actual mean (Hall)", zh = "实际均值 95% 区间下限（Hall 法）" }
--! [columns.high]
--! title = { en = "High", zh = "区间上限" }
--! unit = "number"
--! doc = { en = "Upper end of the 95 % interval of the actual mean (Hall)", zh = "实际均值 95% 区间上限（Hall 法）" }

--- Days are ordinals; predictions are rounded to a millionth before they are
--- added up, so that the sum does not depend on the order of the rows.

WITH days AS (
  SELECT
    customer_key,
    period_index('day', day) AS day,
    period_index('day', period('day', $as_of, $tz)) - $horizon AS split
  FROM purchases
),
seen AS (
  SELECT
    customer_key,
    count(*) FILTER (WHERE day <= split) - 1 AS repeats,
    CAST(max(day) FILTER (WHERE day <= split) - min(day) AS DOUBLE) / 7 AS last_week,
    CAST(max(split) - min(day) AS DOUBLE) / 7 AS weeks,
    count(*) FILTER (WHERE day > split) AS bought
  FROM days
  GROUP BY customer_key
  HAVING min(day) <= max(split)
),
law AS (
  SELECT bg_nbd(repeats, last_week, weeks)['law'] AS buying FROM seen
),
predicted AS (
  SELECT
    $breakdown AS breakdown,
    least(seen.repeats, 7) AS repeats,
    seen.bought,
    CAST(
      expected_purchases(law.buying, seen.repeats, seen.last_week, seen.weeks, CAST($horizon AS DOUBLE) / 7)
      AS DECIMAL(20, 6)
    ) AS expected
  FROM seen
  CROSS JOIN law
  LEFT JOIN customers ON customers.customer_key = seen.customer_key
),
counted AS (
  SELECT
    grouping(repeats) AS is_total,
    breakdown,
    repeats,
    count(*) AS customers,
    sum(expected) AS expected,
    moments(bought) AS bought
  FROM predicted
  GROUP BY GROUPING SETS ((breakdown, repeats), (breakdown))
)
SELECT
  repeats,
  breakdown,
  customers,
  CAST(expected AS DOUBLE) / customers AS predicted,
  bought['mean'] AS actual,
  mean_interval(bought)['low'] AS low,
  mean_interval(bought)['high'] AS high
FROM counted
ORDER BY breakdown NULLS FIRST, is_total, repeats
