--! title = { en = "Health score, audited", zh = "健康度审计" }
--! description = { en = "Would the health score have told us who leaves? At the beginning of each of the newest `cutoffs` months whose outcome is known, it is computed from what was known then for every customer active within `horizon` before, and compared with who left: no activity within `horizon` after. Concordance: of two customers, one who stayed and one who left, how often the score of the one who stayed was higher; a half is chance. Lift: how many times more of the tenth with the lowest scores left than of everybody. The proposed weights are fitted to months whose outcome was known before the first month they are shown for, so that they are judged on what they have not seen. The churn model, with many more features, is judged by its own quality page.", zh = "健康度能否提前区分流失客户？对结果已知的最近若干个月，在月初按当时所知为此前观察期内活跃的客户计算健康度，并与其后观察期内无活动（流失）的结果比较。一致性：留存与流失客户各取一位，留存者得分更高的比例，0.5 为随机。提升度：得分最低的十分之一客户的流失率是全体的多少倍。建议权重仅由所示首月之前结果已知的月份拟合，因此以未见过的数据评估。流失模型特征更多，另有质量页面。" }
--! group = "segments"
--! grain = "one row per month and set of weights"
--! chart = { kind = "line", x = "cutoff", y = ["concordance"], series = "weights", low = "concordance_low", high = "concordance_high" }
--!
--! [columns.cutoff]
--! title = { en = "Month", zh = "月份" }
--! unit = "date"
--! doc = { en = "First day after what was known", zh = "所知数据截止后的第一天" }
--! [columns.weights]
--! title = { en = "Weights", zh = "权重" }
--! unit = "code"
--! doc = { en = "configured: those that were set; proposed: those that tell leavers apart best in months before", zh = "configured：设定的权重；proposed：由更早月份得出的区分能力最强的权重" }
--! [columns.left]
--! title = { en = "Left", zh = "流失数" }
--! unit = "count"
--! doc = { en = "Customers without activity within the horizon after", zh = "其后观察期内无活动的客户数" }
--! [columns.left_share]
--! title = { en = "Left (share)", zh = "流失率" }
--! unit = "share"
--! doc = { en = "Left ÷ customers, with its 95 % interval", zh = "流失数 ÷ 客户数，附 95% 区间" }
--! [columns.concordance]
--! title = { en = "Concordance", zh = "一致性" }
--! unit = "share"
--! doc = { en = "How often the customer who stayed had the higher score; empty if all stayed or all left", zh = "留存客户得分更高的比例；全部留存或全部流失时为空" }
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
--! [columns.captured]
--! title = { en = "Captured", zh = "捕获率" }
--! unit = "share"
--! doc = { en = "Of all who left, the share that was in that tenth", zh = "全部流失客户中处于该十分之一的比例" }
--!
--! [labels]
--! configured = { en = "As set", zh = "设定" }
--! proposed = { en = "Proposed", zh = "建议" }

--- Would a health score have told us who leaves?

WITH judged AS (
  SELECT
    *,
    CAST(rank() OVER (PARTITION BY cutoff, weights ORDER BY health) AS BIGINT) - 1 AS below,
    count(*) OVER (PARTITION BY cutoff, weights, health) AS equals,
    count(*) OVER (PARTITION BY cutoff, weights) / 10.0 AS tenth
  FROM health_judged
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
    count(*) AS customers,
    count(*) FILTER (WHERE has_left) AS left,
    concordance(health, NOT has_left, customer_key) AS told,
    count(*) FILTER (WHERE has_left AND part = 1)
      + count(*) FILTER (WHERE has_left AND part > 0 AND part < 1)
        * coalesce(max(part) FILTER (WHERE part < 1), 0.0) AS left_of_lowest
  FROM placed
  GROUP BY cutoff, weights
)
SELECT
  period('day', month, $tz) AS cutoff,
  set AS weights,
  customers,
  left,
  CAST(left AS DOUBLE) / customers AS left_share,
  wilson(left, customers)['low'] AS low,
  wilson(left, customers)['high'] AS high,
  told['value'] AS concordance,
  told['low'] AS concordance_low,
  told['high'] AS concordance_high,
  CASE WHEN left > 0 THEN 10 * left_of_lowest / left END AS lift,
  CASE WHEN left > 0 THEN left_of_lowest / left END AS captured
FROM months
ORDER BY month, set
