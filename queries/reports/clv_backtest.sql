--! title = { en = "Back-test of predicted purchases", zh = "购买预测回测" }
--! description = { en = "Would the prediction have come true? The law of buying is fitted to what was known `horizon` days before the report's date, asked how often each customer would buy until the report's date, and compared with how often they did. One row per number of repeat purchases before, and a total. The interval is of the mean of actual purchases (Student, 95 %): a prediction outside it was off by more than chance.", zh = "预测是否应验？以报表日期之前 horizon 天所知的数据拟合购买模型，预测至报表日期的购买次数，并与实际对比。按此前复购次数分行，并附合计。区间为实际平均购买次数的 95% 区间（Student）：预测落在区间之外，说明偏差超出正常波动。" }
--! group = "revenue"
--! grain = "one row per number of repeat purchases before the split, 7 standing for 7 or more, and a total"
--! chart = { kind = "line", x = "repeats", y = ["predicted", "actual"], count = "customers" }
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
--! doc = { en = "Repeat purchases up to the split; empty in the total", zh = "切分前的复购次数；合计行为空" }
--! [columns.predicted]
--! title = { en = "Predicted", zh = "预测" }
--! unit = "number"
--! doc = { en = "Mean of the purchases expected of each customer", zh = "人均预测购买次数" }
--! [columns.actual]
--! title = { en = "Actual", zh = "实际" }
--! unit = "number"
--! doc = { en = "Mean of the purchases each customer made", zh = "人均实际购买次数" }
--! [columns.low]
--! title = { en = "Low", zh = "区间下限" }
--! unit = "number"
--! doc = { en = "Lower end of the 95 % interval of the actual mean", zh = "实际均值 95% 区间下限" }
--! [columns.high]
--! title = { en = "High", zh = "区间上限" }
--! unit = "number"
--! doc = { en = "Upper end of the 95 % interval of the actual mean", zh = "实际均值 95% 区间上限" }

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
    least(seen.repeats, 7) AS repeats,
    seen.bought,
    CAST(
      expected_purchases(law.buying, seen.repeats, seen.last_week, seen.weeks, CAST($horizon AS DOUBLE) / 7)
      AS DECIMAL(20, 6)
    ) AS expected
  FROM seen
  CROSS JOIN law
),
counted AS (
  SELECT
    0 AS is_total,
    repeats,
    count(*) AS customers,
    sum(expected) AS expected,
    sum(bought) AS bought,
    sum(bought * bought) AS squares
  FROM predicted
  GROUP BY repeats
),
rows_and_total AS (
  SELECT * FROM counted
  UNION ALL
  SELECT 1, NULL, sum(customers), sum(expected), sum(bought), sum(squares)
  FROM counted
  HAVING count(*) > 0
),
means AS (
  SELECT
    is_total,
    repeats,
    customers,
    CAST(expected AS DOUBLE) / customers AS predicted,
    CAST(bought AS DOUBLE) / customers AS actual,
    CASE
      WHEN customers > 1
      THEN sqrt(CAST(customers * squares - bought * bought AS DOUBLE) / (CAST(customers AS DOUBLE) * (customers - 1)))
    END AS spread
  FROM rows_and_total
)
SELECT
  repeats,
  customers,
  predicted,
  actual,
  mean_interval(actual, spread, customers)['low'] AS low,
  mean_interval(actual, spread, customers)['high'] AS high
FROM means
ORDER BY is_total, repeats
