--! title = { en = "Health score, calibrated", zh = "健康度校准" }
--! description = { en = "How likely a customer of a given health is to leave. Customers active within the horizon before the newest month whose outcome is known, by tenths of their health as it was known then, with the share that left: no activity within the horizon after. The shares should fall from tenth to tenth: where they do not, a higher score does not mean a better customer. Expected is what earlier months say of that health; where it lies outside the interval (95 %, Wilson), the meaning of the score has moved. With a breakdown, each value has tenths of its own; score, weights and curve stay those of everybody, so that expected says whether the score means the same there. The value is that at the report's date.", zh = "给定健康度的客户有多大可能流失。取结果已知的最近一个月，将此前观察期内活跃的客户按当时的健康度从低到高分为十组，列出其后观察期内流失（无任何行为）的比例。流失率应逐组下降，否则得分更高并不意味着客户更好。预期流失率由更早月份得出；若落在 95% 区间（Wilson）之外，说明健康度的含义已发生变化。选择分组时，各组内分别划分十组；健康度、权重与曲线仍全体一致，由预期值可看出健康度在该组的含义是否相同。分组取客户在报表日期的属性值。" }
--! group = "segments"
--! grain = "one row per breakdown value, set of weights and tenth of the health"
--! chart = { kind = "line", x = "tenth", y = ["left_share", "expected"], series = "breakdown", facet = "weights", low = "low", high = "high" }
--!
--! [columns.tenth]
--! title = { en = "Tenth", zh = "十分位" }
--! unit = "number"
--! doc = { en = "1 has the lowest scores; equal scores are never parted", zh = "1 为得分最低；同分不拆分" }
--! [columns.weights]
--! title = { en = "Weights", zh = "权重" }
--! unit = "code"
--! doc = { en = "As set, or proposed: those that tell leavers apart best in months before", zh = "设定的权重，或由更早月份得出的区分能力最强的建议权重" }
--! [columns.health]
--! title = { en = "Health", zh = "健康度" }
--! unit = "number"
--! doc = { en = "Mean of the tenth", zh = "该组平均健康度" }
--! [columns.left]
--! title = { en = "Left", zh = "流失数" }
--! unit = "count"
--! doc = { en = "Customers without activity within the horizon after", zh = "其后观察期内无行为记录的客户数" }
--! [columns.expected]
--! title = { en = "Expected", zh = "预期流失率" }
--! unit = "share"
--! doc = { en = "Mean of a logistic curve from health to leaving, which can not rise with health, fitted to the months whose outcome was known before the newest quarter of them began; empty without such months", zh = "逻辑曲线给出的平均流失率（不随健康度上升），由最近四分之一月份开始前结果已知的月份拟合；无此类月份时为空" }
--! [columns.left_share]
--! title = { en = "Left (share)", zh = "流失率" }
--! unit = "share"
--! doc = { en = "Left ÷ customers, with its 95 % interval", zh = "流失数 ÷ 客户数，附 95% 区间" }
--!
--! [labels]
--! configured = { en = "As set", zh = "设定" }
--! proposed = { en = "Proposed", zh = "建议" }

--- How likely is a customer of this health to leave?

WITH curves AS (
  SELECT
    weights,
    nonnegative_logistic(NOT has_left, [health / 100]) FILTER (WHERE is_early) AS fit
  FROM health_judged
  GROUP BY weights
),
newest AS (
  SELECT
    $breakdown AS breakdown,
    weights,
    health,
    has_left,
    1 + (CAST(rank() OVER (PARTITION BY weights, $breakdown ORDER BY health) AS BIGINT) - 1) * 10
      / count(*) OVER (PARTITION BY weights, $breakdown) AS tenth
  FROM health_judged
  LEFT JOIN customers ON customers.customer_key = health_judged.customer_key
  WHERE is_newest
),
expected AS (
  SELECT
    newest.*,
    1 - 1 / (1 + exp(-(curves.fit['intercept'] + nth(curves.fit['weights'], 1) * newest.health / 100)))
      AS expected
  FROM newest
  LEFT JOIN curves ON curves.weights = newest.weights
)
SELECT
  tenth,
  weights,
  breakdown,
  count(*) AS customers,
  avg(health) AS health,
  avg(expected) AS expected,
  count(*) FILTER (WHERE has_left) AS left,
  CAST(count(*) FILTER (WHERE has_left) AS DOUBLE) / count(*) AS left_share,
  wilson(count(*) FILTER (WHERE has_left), count(*))['low'] AS low,
  wilson(count(*) FILTER (WHERE has_left), count(*))['high'] AS high
FROM expected
GROUP BY tenth, weights, breakdown
ORDER BY breakdown NULLS FIRST, weights, tenth
