--! title = { en = "Orders of a customer", zh = "客户订单" }
--! description = { en = "The newest orders of one customer, and how many there are.", zh = "单个客户最近的订单及总数。" }
--! grain = "one row per order"
--! [params.customer]
--! type = "text"
--! doc = { en = "The customer.", zh = "客户。" }
--! [columns.at]
--! title = { en = "Date", zh = "日期" }
--! unit = "date"
--! [columns.order_id]
--! title = { en = "Order", zh = "订单" }
--! unit = "text"
--! [columns.products]
--! title = { en = "Products", zh = "产品" }
--! unit = "text"
--! [columns.amount]
--! title = { en = "Amount", zh = "金额" }
--! unit = "money"
WITH placed AS (
  SELECT
    order_id,
    max(occurred_at) AS at,
    string_agg(DISTINCT product, ', ') AS products,
    sum(amount) AS amount
  FROM orders
  WHERE customer_id = $customer
  GROUP BY order_id
),
ranked AS (
  SELECT *, count(*) OVER () AS total, row_number() OVER (ORDER BY at DESC, order_id DESC) AS place
  FROM placed
)
SELECT at, order_id, products, amount, total
FROM ranked
WHERE place <= 10
ORDER BY place
