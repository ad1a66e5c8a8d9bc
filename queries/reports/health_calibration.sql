--! title = { en = "Health score, calibrated", zh = "健康度校准" }
--! description = { en = "How likely is a customer of a given health to leave? Customers active within `horizon` before the newest month whose outcome is known, by tenths of their health as it was known then, lowest first, with the share that left: no activity within `horizon` after. Expected is what a logistic curve from health to leaving says that was fitted to the months whose outcome was known before the newest quarter of them began, and that can not rise with health; where it lies outside the interval, the meaning of the score has moved. The shares should fall from tenth to tenth: where they do not, a higher score does not mean a better customer.", zh = "给定健康度的客户流失可能性有多大？取结果已知的最近一个月，此前观察期内活跃的客户按当时健康度分为十组（从低到高），列出其后观察期内无活动（流失）的比例。预期值由最近四分之一月份开始前结果已知的月份拟合的逻辑曲线给出（健康度越高不会越高）；若落在区间之外，说明健康度的含义已发生变化。流失率应逐组下降，否则得分更高并不意味着客户更好。" }
--! group = "segments"
--! grain = "one row per tenth of the health and set of weights"
--! chart = { kind = "line", x = "tenth", y = ["left_share", "expected"], facet = "weights", low = "low", high = "high" }
--!
--! [columns.tenth]
--! title = { en = "Tenth", zh = "十分位" }
--! unit = "number"
--! doc = { en = "1 has the lowest scores; equal scores are never parted", zh = "1 为得分最低；同分不拆分" }
--! [columns.weights]
--! title = { en = "Weights", zh = "权重" }
--! unit = "code"
--! doc = { en = "configured: those that were set; proposed: those that tell leavers apart best in months before", zh = "configured：设定的权重；proposed：由更早月份得出的区分能力最强的权重" }
--! [columns.health]
--! title = { en = "Health", zh = "健康度" }
--! unit = "number"
--! doc = { en = "Mean of the tenth", zh = "该组平均健康度" }
--! [columns.left]
--! title = { en = "Left", zh = "流失数" }
--! unit = "count"
--! doc = { en = "Customers without activity within the horizon after", zh = "其后观察期内无活动的客户数" }
--! [columns.expected]
--! title = { en = "Expected", zh = "预期流失率" }
--! unit = "share"
--! doc = { en = "Mean of what the curve says; empty without earlier months", zh = "曲线给出的平均流失率；无更早月份时为空" }
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
    weights,
    health,
    has_left,
    1 + (CAST(rank() OVER (PARTITION BY weights ORDER BY health) AS BIGINT) - 1) * 10
      / count(*) OVER (PARTITION BY weights) AS tenth
  FROM health_judged
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
  count(*) AS customers,
  avg(health) AS health,
  avg(expected) AS expected,
  count(*) FILTER (WHERE has_left) AS left,
  CAST(count(*) FILTER (WHERE has_left) AS DOUBLE) / count(*) AS left_share,
  wilson(count(*) FILTER (WHERE has_left), count(*))['low'] AS low,
  wilson(count(*) FILTER (WHERE has_left), count(*))['high'] AS high
FROM expected
GROUP BY tenth, weights
ORDER BY weights, tenth
