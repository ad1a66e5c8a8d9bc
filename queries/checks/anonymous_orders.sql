--! title = { en = "Orders without a customer", zh = "无客户的订单" }
--! description = { en = "Order lines with no customer id. They count in revenue and in nothing that is per customer.", zh = "没有客户编号的订单行；计入营收，不计入任何按客户的统计。" }
--! severity = "info"
--! grain = "one row if there are any"

SELECT
  'anonymous_orders' AS finding,
  'orders' AS "table",
  min(order_id) FILTER (WHERE customer_id IS NULL) AS key,
  concat(
    CAST(count(*) FILTER (WHERE customer_id IS NULL) AS VARCHAR), ' of ', CAST(count(*) AS VARCHAR),
    ' order lines have no customer, worth ',
    CAST(coalesce(sum(amount) FILTER (WHERE customer_id IS NULL), 0) AS VARCHAR)
  ) AS detail,
  count(*) FILTER (WHERE customer_id IS NULL) AS "rows"
FROM orders
HAVING count(*) FILTER (WHERE customer_id IS NULL) > 0
ORDER BY finding
