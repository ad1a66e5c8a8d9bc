--! title = { en = "Health by set and by proposed weights", zh = "设定权重与建议权重的健康度" }
--! description = { en = "The health score of past months with the weights that were set, and with those that tell leavers apart best in the early months, none of them negative. The proposed ones are shown for test months only, which they were not made from, and for the early ones, which a curve of probability is fitted to.", zh = "过去各月按设定权重与按建议权重计算的健康度。建议权重由早期月份拟合（均不为负），仅用于未参与拟合的测试月份；早期月份用于拟合概率曲线。" }
--! grain = "one row per customer, month and set of weights"

WITH fits AS (
  SELECT nonnegative_logistic(NOT has_left, signals) AS fit FROM health_rows WHERE is_early
),
proposals AS (
  SELECT fit['weights'] AS weights, array_sum(fit['weights']) AS total FROM fits
)
SELECT cutoff, customer_key, 'configured' AS weights, health, has_left, is_test, is_early, is_newest
FROM health_rows
WHERE health IS NOT NULL
UNION ALL
SELECT
  health_rows.cutoff,
  health_rows.customer_key,
  'proposed' AS weights,
  round(100 * inner_product(proposals.weights, health_rows.signals) / proposals.total, 9) AS health,
  health_rows.has_left,
  health_rows.is_test,
  health_rows.is_early,
  health_rows.is_newest
FROM proposals
CROSS JOIN health_rows
WHERE proposals.total > 0 AND (health_rows.is_test OR health_rows.is_early)
