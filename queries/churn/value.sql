--! title = { en = "Expected value", zh = "预期价值" }
--! description = { en = "What a customer is expected to bring over a horizon if they stay: running contracts, plus orders at last year's pace. In the customer's main currency, the one most of their running contracts have, or, without any, most of their order lines of the last 365 days; what they bring in others is not added to it.", zh = "客户若留存在预测期内预计带来的收入：在用合同加上按去年节奏的订单。按客户的主要币种计：多数在用合同所用的币种；无在用合同时取近 365 天多数订单行的币种；其他币种的收入不计入。" }
--! grain = "one row per customer with contracts or orders"
--! [params.horizon]
--! type = "integer"
--! default = 90
--! doc = { en = "Days.", zh = "天数。" }
--- A contract bills by the month, orders come at the pace of the last 365
--- days; refunds reduce it, and nobody is expected to bring less than nothing.
WITH contracts AS (
  SELECT customer_id, currency, count(*) AS contracts, CAST(sum(mrr) AS DOUBLE) * 12 / 365.25 AS per_day
  FROM subscriptions
  WHERE ended_at IS NULL
  GROUP BY customer_id, currency
),
bought AS (
  SELECT customer_id, currency, count(*) AS lines, CAST(sum(amount) AS DOUBLE) / 365 AS per_day
  FROM orders
  WHERE customer_id IS NOT NULL AND occurred_at > $as_of - INTERVAL '365 days'
  GROUP BY customer_id, currency
),
both_kinds AS (
  SELECT customer_id, currency, contracts, 0 AS lines, per_day FROM contracts
  UNION ALL
  SELECT customer_id, currency, 0, lines, per_day FROM bought
),
ranked AS (
  SELECT customer_id, currency, sum(per_day) AS per_day,
         row_number() OVER (PARTITION BY customer_id ORDER BY sum(contracts) DESC, sum(lines) DESC, currency) AS place
  FROM both_kinds
  GROUP BY customer_id, currency
)
SELECT customer_id, greatest(per_day, 0) * $horizon AS expected_value, currency
FROM ranked
WHERE place = 1
ORDER BY customer_id
