--! title = { en = "Expected value", zh = "预期价值" }
--! description = { en = "What a customer is expected to bring over a horizon if they stay: running contracts, plus orders at last year's pace.", zh = "客户若留存在预测期内预计带来的收入：在用合同加上按去年节奏的订单。" }
--! grain = "one row per customer with contracts or orders"
--! [params.horizon]
--! type = "integer"
--! default = 90
--! doc = { en = "Days.", zh = "天数。" }
--- A contract bills by the month, orders come at the pace of the last 365
--- days; refunds reduce it, and nobody is expected to bring less than nothing.
WITH contracts AS (
  SELECT customer_id, CAST(sum(mrr) AS DOUBLE) * 12 / 365.25 AS per_day
  FROM subscriptions
  WHERE ended_at IS NULL
  GROUP BY customer_id
),
bought AS (
  SELECT customer_id, CAST(sum(amount) AS DOUBLE) / 365 AS per_day
  FROM orders
  WHERE customer_id IS NOT NULL AND occurred_at > $as_of - INTERVAL '365 days'
  GROUP BY customer_id
),
both_kinds AS (
  SELECT customer_id, per_day FROM contracts
  UNION ALL
  SELECT customer_id, per_day FROM bought
)
SELECT customer_id, greatest(sum(per_day), 0) * $horizon AS expected_value
FROM both_kinds
GROUP BY customer_id
ORDER BY customer_id
