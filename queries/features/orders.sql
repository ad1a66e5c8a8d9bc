--! title = { en = "Orders", zh = "订单" }
--! description = { en = "How recently, how often and for how much a customer ordered before the cutoff.", zh = "截止日前客户下单的新近度、频次与金额。" }
--! grain = "one row per customer with any order"
--! [columns.orders_recency]
--! title = { en = "Days since the last order", zh = "距上次下单天数" }
--! unit = "days"
--! [columns.orders_tenure]
--! title = { en = "Days since the first order", zh = "距首次下单天数" }
--! unit = "days"
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
--! [columns.orders_value_30]
--! title = { en = "Net revenue in 30 days", zh = "近 30 天净收入" }
--! unit = "money"
--! [columns.orders_value_90]
--! title = { en = "Net revenue in 90 days", zh = "近 90 天净收入" }
--! unit = "money"
--! [columns.orders_value_365]
--! title = { en = "Net revenue in 365 days", zh = "近 365 天净收入" }
--! unit = "money"
--! [columns.orders_refunds]
--! title = { en = "Share of orders refunded", zh = "退款订单占比" }
--! unit = "share"
--! [columns.orders_rhythm]
--! title = { en = "Days since the last order, in the customer's own usual gaps", zh = "距上次下单时长（以该客户自身下单间隔计）" }
--! unit = "number"
--- One row per order first, since an order has many lines. A refund lowers
--- what was spent; it is no order and says nothing about when one was placed.
WITH placed AS (
  SELECT customer_id, order_id,
         (CAST($as_of AS BIGINT) - CAST(max(occurred_at) AS BIGINT)) / 86400000000.0 AS age,
         CAST(sum(amount) AS DOUBLE) AS value,
         bool_or(amount >= 0) AS is_order
  FROM orders
  WHERE customer_id IS NOT NULL
  GROUP BY customer_id, order_id
),
volume AS (
  SELECT customer_id,
         min(age) FILTER (WHERE is_order) AS orders_recency,
         max(age) FILTER (WHERE is_order) AS orders_tenure,
         count(*) FILTER (WHERE is_order) AS orders_count,
         count(*) FILTER (WHERE is_order AND age < 30) AS orders_count_30,
         count(*) FILTER (WHERE is_order AND age < 90) AS orders_count_90,
         count(*) FILTER (WHERE is_order AND age < 365) AS orders_count_365,
         sum(value) AS orders_value,
         coalesce(sum(value) FILTER (WHERE age < 30), 0) AS orders_value_30,
         coalesce(sum(value) FILTER (WHERE age < 90), 0) AS orders_value_90,
         coalesce(sum(value) FILTER (WHERE age < 365), 0) AS orders_value_365,
         avg(CASE WHEN value < 0 THEN 1.0 ELSE 0.0 END) AS orders_refunds
  FROM placed
  GROUP BY customer_id
)
SELECT customer_id, orders_recency, orders_tenure, orders_count,
       orders_count_30, orders_count_90, orders_count_365,
       orders_value, orders_value_30, orders_value_90, orders_value_365,
       orders_refunds,
       CASE WHEN orders_count > 1 AND orders_tenure > orders_recency
            THEN orders_recency / ((orders_tenure - orders_recency) / (orders_count - 1))
       END AS orders_rhythm
FROM volume
ORDER BY customer_id
