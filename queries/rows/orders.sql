--! title = { en = "Orders", zh = "订单" }
--! description = { en = "The customer's orders and refunds; for features that count orders or refunds, those. The lines of an order of 0 or more are the order, negative ones its refund. Amounts of features are those in the customer's main currency.", zh = "该客户的订单与退款；仅统计订单或退款的特征只列相应记录。同一订单中金额不小于 0 的明细为订单，负数为退款。金额类特征只计客户的主要币种。" }
--! grain = "one row per order, refund and currency"
--! [params.customer]
--! type = "text"
--! doc = { en = "The customer.", zh = "客户。" }
--! [params.feature]
--! type = "text"
--! doc = { en = "The feature the rows are behind; all it can read if it is none of those named below.", zh = "这些记录所对应的特征；不在下列名称之中时列出其可读取的全部记录。" }
--! [params.limit]
--! type = "integer"
--! doc = { en = "Most rows listed.", zh = "最多列出行数。" }
--! [columns.at]
--! title = { en = "When", zh = "时间" }
--! unit = "date"
--! [columns.order_id]
--! title = { en = "Order", zh = "订单号" }
--! unit = "text"
--! [columns.kind]
--! title = { en = "Kind", zh = "类型" }
--! unit = "code"
--! [columns.lines]
--! title = { en = "Lines", zh = "明细行数" }
--! unit = "count"
--! [columns.products]
--! title = { en = "Products", zh = "产品" }
--! unit = "text"
--! [columns.amount]
--! title = { en = "Amount", zh = "金额" }
--! unit = "money"
--! [columns.days_before]
--! title = { en = "Days before the cutoff", zh = "距截止日天数" }
--! unit = "number"
--! doc = { en = "From the first line", zh = "自首条明细起算" }
--! [labels]
--! order = { en = "order", zh = "订单" }
--! refund = { en = "refund", zh = "退款" }
WITH sides AS (
  SELECT order_id, currency, amount < 0 AS is_refund, min(occurred_at) AS at, count(*) AS lines,
         string_agg(DISTINCT product, ', ' ORDER BY product) AS products, sum(amount) AS amount
  FROM orders
  WHERE customer_id = $customer
  GROUP BY order_id, currency, amount < 0
),
behind AS (
  SELECT at, order_id, CASE WHEN is_refund THEN 'refund' ELSE 'order' END AS kind, lines,
         CASE WHEN length(products) > 80 THEN left(products, 79) || '…' ELSE products END AS products,
         amount, currency,
         (CAST($as_of AS BIGINT) - CAST(at AS BIGINT)) / 86400000000.0 AS days_before
  FROM sides
  WHERE CASE
    WHEN $feature IN (
      'orders_recency', 'orders_tenure', 'orders_rhythm', 'orders_trend', 'orders_count',
      'orders_count_30', 'orders_count_90', 'orders_count_365', 'orders_basket'
    ) THEN NOT is_refund
    WHEN $feature = 'orders_refunds_365' THEN is_refund
    ELSE TRUE
  END
),
ranked AS (
  SELECT *, count(*) OVER () AS total, row_number() OVER (ORDER BY at DESC, order_id DESC, currency, kind) AS place
  FROM behind
)
SELECT at, order_id, kind, lines, products, amount, currency, days_before, total
FROM ranked
WHERE place <= $limit
ORDER BY place
