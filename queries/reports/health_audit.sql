--! title = { en = "Health score, audited", zh = "健康度有效性检验" }
--! description = { en = "Whether the health score would have told us who leaves. At the beginning of each of the newest months whose outcome is known, it is computed from what was known then, for every customer active within the horizon before, and compared with who left: no activity within the horizon after. A concordance of a half is chance. The proposed weights are fitted to months whose outcome was known before the first month they are shown for, so that they are judged on what they have not seen. The churn model, with many more features, is judged apart. With a breakdown, score and weights stay the same for everybody, and each value is judged by itself, with a tenth of its own, by the value customers have at the report's date.", zh = "健康度能否提前指出谁会流失。在结果已知的最近若干个月的月初，按当时所知为此前观察期内活跃的客户计算健康度，再与其后观察期内是否流失（无任何行为）比较。一致性为 0.5 即等同于随机。建议权重只由所示首月之前结果已知的月份拟合，因此以未见过的数据检验。流失模型的特征多得多，另行检验。选择分组时，健康度与权重仍全体一致，各组分别评估、各取本组得分最低的十分之一，分组取客户在报表日期的属性值。" }
--! group = "segments"
--! grain = "one row per month, breakdown value and set of weights"
--! chart = { kind = "line", x = "cutoff", y = ["concordance"], series = "weights", facet = "breakdown", low = "concordance_low", high = "concordance_high" }
--!
--! [columns.cutoff]
--! title = { en = "Month", zh = "月份" }
--! unit = "date"
--! doc = { en = "First day after what was known", zh = "所知数据截止后的第一天" }
--! [columns.weights]
--! title = { en = "Weights", zh = "权重" }
--! unit = "code"
--! doc = { en = "As set, or proposed: those that tell leavers apart best in months before", zh = "设定的权重，或由更早月份得出的区分能力最强的建议权重" }
--! [columns.left]
--! title = { en = "Left", zh = "流失数" }
--! unit = "count"
--! doc = { en = "Customers without activity within the horizon after", zh = "其后观察期内无行为记录的客户数" }
--! [columns.left_share]
--! title = { en = "Left (share)", zh = "流失率" }
--! unit = "share"
--! doc = { en = "Left ÷ customers, with its 95 % interval", zh = "流失数 ÷ 客户数，附 95% 区间" }
--! [columns.concordance]
--! title = { en = "Concordance", zh = "一致性" }
--! unit = "share"
--! doc = { en = "Of two customers, one who stayed and one who left, how often the one who stayed had the higher score; empty if all stayed or all left", zh = "留存与流失客户各取一位，留存者得分更高的比例；全部留存或全部流失时为空" }
--! [columns.concordance_low]
--! title = { en = "Concordance, low", zh = "一致性下限" }
--! unit = "share"
--! doc = { en = "Lower end of its 95 % interval", zh = "95% 区间下限" }
--! [columns.concordance_high]
--! title = { en = "Concordance, high", zh = "一致性上限" }
--! unit = "share"
--! doc = { en = "Upper end of its 95 % interval", zh = "95% 区间上限" }
--! [columns.lift]
--! title = { en = "Lift", zh = "提升度" }
--! unit = "number"
--! doc = { en = "Share that left of the tenth with the lowest scores, divided by that of everybody; of equal scores an equal part counts", zh = "得分最低的十分之一的流失率 ÷ 全体流失率；同分者按比例计入" }
--! [columns.lift_low]
--! title = { en = "Lift, low", zh = "提升度下限" }
--! unit = "number"
--! doc = { en = "Lower end of its 95 % interval: ten times that of captured", zh = "提升度 95% 区间下限：捕获率区间的 10 倍" }
--! [columns.lift_high]
--! title = { en = "Lift, high", zh = "提升度上限" }
--! unit = "number"
--! doc = { en = "Upper end of its 95 % interval", zh = "提升度 95% 区间上限" }
--! [columns.captured]
--! title = { en = "Captured", zh = "捕获率" }
--! unit = "share"
--! doc = { en = "Of all who left, the share that was in that tenth", zh = "全部流失客户中处于该十分之一的比例" }
--! [columns.captured_low]
--! title = { en = "Captured, low", zh = "捕获率下限" }
--! unit = "share"
--! doc = { en = "Lower end of its 95 % interval: Wilson's, with left ÷ (1 − left share × captured × (1 − captured) ÷ 0.09) in place of left, because the tenth always holds a tenth of the customers; empty if nobody or everybody left", zh = "捕获率 95% 区间下限（Wilson）。得分最低的十分之一人数固定，波动较小，故以 流失数 ÷（1 − 流失率 × 捕获率 ×（1 − 捕获率）÷ 0.09）代替流失数；无人流失或全部流失时为空" }
--! [columns.captured_high]
--! title = { en = "Captured, high", zh = "捕获率上限" }
--! unit = "share"
--! doc = { en = "Upper end of its 95 % interval", zh = "捕获率 95% 区间上限" }
--!
--! [labels]
--! configured = { en = "As set", zh = "设定" }
--! proposed = { en = "Proposed", zh = "建议" }

--- Would a health score have told us who leaves?

WITH judged AS (
  SELECT
    health_judged.*,
    $breakdown AS breakdown,
    CAST(rank() OVER (PARTITION BY cutoff, weights, $breakdown ORDER BY health) AS BIGINT) - 1 AS below,
    count(*) OVER (PARTITION BY cutoff, weights, $breakdown, health) AS equals,
    count(*) OVER (PARTITION BY cutoff, weights, $breakdown) / 10.0 AS tenth
  FROM health_judged
  LEFT JOIN customers ON customers.customer_key = health_judged.customer_key
  WHERE weights = 'configured' OR is_test
),
-- How much of a customer is in the lowest tenth: of equal scores that reach over
-- its end an equal part is.
placed AS (
  SELECT *, least(greatest((tenth - below) / equals, 0.0), 1.0) AS part FROM judged
),
months AS (
  SELECT
    cutoff AS month,
    weights AS set,
    breakdown,
    count(*) AS customers,
    count(*) FILTER (WHERE has_left) AS left,
    concordance(health, NOT has_left, customer_key) AS told,
    count(*) FILTER (WHERE has_left AND part = 1)
      + count(*) FILTER (WHERE has_left AND part > 0 AND part < 1)
        * coalesce(max(part) FILTER (WHERE part < 1), 0.0) AS left_of_lowest
  FROM placed
  GROUP BY cutoff, weights, breakdown
),
-- Given the scores, the tenth and all others are two samples of fixed size n/10 and
-- 9n/10, which leaves less to chance than drawing the leavers alone: the variance
-- of the logit of `captured` is 1/x + 1/y − 10/n − 10/9n with x leavers in the tenth
-- and y in the others. `worth` leavers drawn by themselves would have as much.
lifts AS (
  SELECT
    *,
    CASE WHEN left > 0 THEN left_of_lowest / left END AS captured,
    CASE
      WHEN left > 0 AND left < customers
      THEN left / (1 - left_of_lowest * (left - left_of_lowest) / left / (0.09 * customers))
    END AS worth
  FROM months
)
SELECT
  period('day', month, $tz) AS cutoff,
  set AS weights,
  breakdown,
  customers,
  left,
  CAST(left AS DOUBLE) / customers AS left_share,
  wilson(left, customers)['low'] AS low,
  wilson(left, customers)['high'] AS high,
  told['value'] AS concordance,
  told['low'] AS concordance_low,
  told['high'] AS concordance_high,
  CASE WHEN left > 0 THEN 10 * left_of_lowest / left END AS lift,
  10 * wilson(captured * worth, worth)['low'] AS lift_low,
  10 * wilson(captured * worth, worth)['high'] AS lift_high,
  captured,
  wilson(captured * worth, worth)['low'] AS captured_low,
  wilson(captured * worth, worth)['high'] AS captured_high
FROM lifts
ORDER BY month, breakdown NULLS FIRST, set
