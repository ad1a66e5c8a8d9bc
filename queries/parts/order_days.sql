--! title = { en = "Days with orders", zh = "订单日" }
--! description = { en = "The local days on which a customer had order lines, what they brought net of refunds, and whether it was a purchase: a line of 0 or more. A day with nothing but refunds is none.", zh = "客户有订单行的本地日期、当日净额（扣除退款），以及是否为购买：至少有一条金额不为负的订单行；仅有退款的日期不算购买。" }
--! grain = "one row per customer and day with an order line"

SELECT
  customer_key,
  customer_id,
  period('day', occurred_at, $tz) AS day,
  sum(amount) AS amount,
  bool_or(amount >= 0) AS is_purchase
FROM orders
WHERE customer_key IS NOT NULL AND ($currency IS NULL OR currency = $currency)
GROUP BY customer_key, customer_id, period('day', occurred_at, $tz)
