--! title = { en = "Orders", zh = "订单" }
--! description = { en = "How recently, how often and for how much a customer ordered before the cutoff, and what was sent back. Amounts are net of refunds, in the customer's main currency: the one most of their orders of 365 days have, or, without any, most of all. Counts are over all currencies.", zh = "截止日前客户下单的新近度、频次与金额，以及退款。金额已扣除退款，按客户的主要币种计：近 365 天多数订单所用的币种；近 365 天无订单时取历史多数。次数不分币种。" }
--! grain = "one row per customer with any order or refund"
--! [themes.orders]
--! title = { en = "Orders", zh = "下单情况" }
--! columns = [
--!   "orders_recency", "orders_rhythm", "orders_trend", "orders_count_30", "orders_count_90",
--!   "orders_count_365", "orders_value_7", "orders_value_30", "orders_value_90",
--!   "orders_value_365", "orders_basket",
--! ]
--! [themes.refunds]
--! title = { en = "Refunds", zh = "退款情况" }
--! fixed = true
--! columns = ["orders_refunds_365", "orders_refund_share"]
--! [themes.orders_history]
--! title = { en = "Orders ever", zh = "历史订单" }
--! fixed = true
--! columns = ["orders_tenure", "orders_count", "orders_value"]
--! [columns.orders_recency]
--! title = { en = "Days since the last order", zh = "距上次下单天数" }
--! unit = "days"
--! [columns.orders_tenure]
--! title = { en = "Days since the first order", zh = "距首次下单天数" }
--! unit = "days"
--! [columns.orders_rhythm]
--! title = { en = "Time without an order, as a multiple of the customer's own usual gap", zh = "未下单时长（为该客户平时下单间隔的倍数）" }
--! unit = "number"
--! doc = { en = "The mean gap between days with orders, at least one day; missing with fewer than two such days", zh = "下单日之间的平均间隔，至少按 1 天计；下单日不足两天时缺失" }
--! [columns.orders_trend]
--! title = { en = "Orders of 90 days against the quarterly average of the 275 before", zh = "近 90 天订单数与此前 275 天季均之比" }
--! unit = "share"
--! of = "orders_count_90"
--! doc = { en = "100 % is as before; one is added on both sides, so that a single order is no trend", zh = "100% 表示与此前持平；前后各加 1，以免单笔订单被当作趋势" }
--! [columns.orders_count]
--! title = { en = "Orders ever", zh = "累计订单数" }
--! unit = "count"
--! [columns.orders_count_30]
--! title = { en = "Orders in 30 days", zh = "近 30 天订单数" }
--! unit = "count"
--! [columns.orders_count_90]
--! title = { en = "Orders in 90 days", zh = "近 90 天订单数" }
--! unit = "count"
--! [columns.orders_count_365]
--! title = { en = "Orders in 365 days", zh = "近 365 天订单数" }
--! unit = "count"
--! [columns.orders_value]
--! title = { en = "Net revenue ever", zh = "累计净收入" }
--! unit = "money"
--! [columns.orders_value_7]
--! title = { en = "Net revenue in 7 days", zh = "近 7 天净收入" }
--! unit = "money"
--! [columns.orders_value_30]
--! title = { en = "Net revenue in 30 days", zh = "近 30 天净收入" }
--! unit = "money"
--! [columns.orders_value_90]
--! title = { en = "Net revenue in 90 days", zh = "近 90 天净收入" }
--! unit = "money"
--! [columns.orders_value_365]
--! title = { en = "Net revenue in 365 days", zh = "近 365 天净收入" }
--! unit = "money"
--! [columns.orders_basket]
--! title = { en = "Mean value of an order in 365 days", zh = "近 365 天平均订单金额" }
--! absent = { en = "no order in 365 days", zh = "近 365 天无订单" }
--! unit = "money"
--! doc = { en = "Before refunds", zh = "未扣退款" }
--! [columns.orders_refunds_365]
--! title = { en = "Orders refunded in 365 days, wholly or in part", zh = "近 365 天发生退款（含部分退款）的订单数" }
--! unit = "count"
--! [columns.orders_refund_share]
--! title = { en = "Refunded share of what was ordered in 365 days", zh = "近 365 天退款金额占订单金额的比例" }
--! unit = "share"
--- An order has many lines, and its refund may bear the same number: the lines of
--- 0 or more are the order, negative ones its refund, each at its own time. A
--- refund lowers what was spent; it says nothing about when an order was placed.
--- A window of w days is the w × 24 hours up to the cutoff. Amounts are added up
--- as decimals, exactly, and become floats at the end.
WITH sides AS (
  SELECT customer_key, order_id, currency, amount < 0 AS is_refund,
         (CAST($as_of AS BIGINT) - CAST(min(occurred_at) AS BIGINT)) / 86400000000.0 AS age,
         sum(amount) AS value
  FROM orders
  WHERE customer_key IS NOT NULL
  GROUP BY customer_key, order_id, currency, amount < 0
),
books AS (
  SELECT customer_key, currency,
         count(*) FILTER (WHERE NOT is_refund) AS orders,
         count(*) FILTER (WHERE NOT is_refund AND age < 30) AS orders_30,
         count(*) FILTER (WHERE NOT is_refund AND age < 90) AS orders_90,
         count(*) FILTER (WHERE NOT is_refund AND age < 365) AS orders_365,
         count(*) FILTER (WHERE is_refund AND age < 365) AS refunds_365,
         sum(value) AS value,
         sum(value) FILTER (WHERE age < 7) AS value_7,
         sum(value) FILTER (WHERE age < 30) AS value_30,
         sum(value) FILTER (WHERE age < 90) AS value_90,
         sum(value) FILTER (WHERE age < 365) AS value_365,
         sum(value) FILTER (WHERE NOT is_refund AND age < 365) AS gross_365,
         -sum(value) FILTER (WHERE is_refund AND age < 365) AS returned_365
  FROM sides
  GROUP BY customer_key, currency
),
ranked AS (
  SELECT *, row_number() OVER (PARTITION BY customer_key ORDER BY orders_365 DESC, orders DESC, currency) AS place
  FROM books
),
volume AS (
  SELECT customer_key,
         sum(orders) AS orders,
         sum(orders_30) AS orders_30,
         sum(orders_90) AS orders_90,
         sum(orders_365) AS orders_365,
         sum(refunds_365) AS refunds_365,
         CAST(sum(value) FILTER (WHERE place = 1) AS DOUBLE) AS value,
         CAST(sum(value_7) FILTER (WHERE place = 1) AS DOUBLE) AS value_7,
         CAST(sum(value_30) FILTER (WHERE place = 1) AS DOUBLE) AS value_30,
         CAST(sum(value_90) FILTER (WHERE place = 1) AS DOUBLE) AS value_90,
         CAST(sum(value_365) FILTER (WHERE place = 1) AS DOUBLE) AS value_365,
         CAST(sum(gross_365) FILTER (WHERE place = 1) AS DOUBLE) AS gross_365,
         CAST(sum(returned_365) FILTER (WHERE place = 1) AS DOUBLE) AS returned_365,
         sum(orders_365) FILTER (WHERE place = 1) AS main_365
  FROM ranked
  GROUP BY customer_key
),
-- Days are told apart over all currencies, so they are counted from the lines.
rhythm AS (
  SELECT customer_key, customer_id,
         (CAST($as_of AS BIGINT) - CAST(u['last_at'] AS BIGINT)) / 86400000000.0 AS recency,
         (CAST($as_of AS BIGINT) - CAST(u['first_at'] AS BIGINT)) / 86400000000.0 AS tenure,
         nth(u['days'], 1) AS days
  FROM (
    SELECT customer_key, max(customer_id) AS customer_id,
           usage(NULL, NULL, occurred_at, $as_of, [], []) FILTER (WHERE amount >= 0) AS u
    FROM orders
    WHERE customer_key IS NOT NULL
    GROUP BY customer_key
  )
)
SELECT r.customer_id,
       r.recency AS orders_recency,
       r.tenure AS orders_tenure,
       CASE WHEN r.days > 1
            THEN r.recency / greatest((r.tenure - r.recency) / (r.days - 1), 1.0)
       END AS orders_rhythm,
       (v.orders_90 + 1) / ((v.orders_365 - v.orders_90) * 90 / 275.0 + 1) AS orders_trend,
       v.orders AS orders_count,
       v.orders_30 AS orders_count_30,
       v.orders_90 AS orders_count_90,
       v.orders_365 AS orders_count_365,
       v.value AS orders_value,
       coalesce(v.value_7, 0) AS orders_value_7,
       coalesce(v.value_30, 0) AS orders_value_30,
       coalesce(v.value_90, 0) AS orders_value_90,
       coalesce(v.value_365, 0) AS orders_value_365,
       v.gross_365 / nullif(v.main_365, 0) AS orders_basket,
       v.refunds_365 AS orders_refunds_365,
       -- What was sent back of older orders can be more than was ordered.
       CASE WHEN v.gross_365 > 0
            THEN coalesce(v.returned_365, 0) / v.gross_365
       END AS orders_refund_share
FROM volume v
JOIN rhythm r ON r.customer_key = v.customer_key
ORDER BY r.customer_id
