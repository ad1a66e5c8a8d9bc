--! title = { en = "Order lines loaded twice", zh = "重复导入的订单行" }
--! description = { en = "Order lines without a line id that are equal in customer, order, product, quantity, amount and time, and came in different loads: overlapping exports count them twice. Equal lines within one load are left alone, as a customer may buy the same twice.", zh = "没有行号，客户、订单、产品、数量、金额、时间都相同，却来自不同批次的订单行：导出范围重叠会使其重复计入。同一批次内的相同行不算，因为客户可能同样的东西买两次。" }
--! severity = "error"
--! grain = "one row per order"

WITH lines AS (
  SELECT
    order_id,
    count(DISTINCT load_id) AS n_loads,
    count(*) AS n
  FROM orders
  WHERE line_id IS NULL
  GROUP BY order_id, customer_id, product, quantity, amount, currency, occurred_at
  HAVING count(DISTINCT load_id) > 1
)
SELECT
  'duplicate_order_lines' AS finding,
  'orders' AS "table",
  order_id AS key,
  concat(
    CAST(count(*) AS VARCHAR), ' equal lines came in up to ',
    CAST(max(n_loads) AS VARCHAR), ' loads'
  ) AS detail,
  sum(n) AS "rows"
FROM lines
GROUP BY order_id
ORDER BY order_id
