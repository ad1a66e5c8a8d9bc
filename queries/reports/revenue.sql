--! title = { en = "Revenue", zh = "营收" }
--! description = { en = "Orders, buying customers and net revenue per calendar period. Revenue is the exact decimal sum of all order lines; refunds and cancellations are negative and count as the orders they are booked as. Anonymous sales count in revenue, not in customers.", zh = "按日历周期统计订单数、下单客户数与净营收。营收为全部订单行金额的精确合计；退款与取消为负数，并按其单号计入订单数。匿名销售计入营收，不计入客户数。" }
--! group = "revenue"
--! grain = "one row per period with an order"
--! chart = { kind = "line", x = "period", y = ["revenue"], complete = "complete", count = "orders" }
--!
--! [params.period]
--! title = { en = "Period", zh = "周期" }
--! type = "choice"
--! default = "month"
--! choices = ["day", "week", "month", "quarter", "year", "all"]
--! doc = { en = "Calendar period; weeks start on Monday", zh = "日历周期；每周从周一开始" }
--!
--! [columns.customers]
--! title = { en = "Customers", zh = "客户数" }
--! unit = "count"
--! doc = { en = "Distinct customers with an order", zh = "下单的不同客户数" }
--! [columns.revenue]
--! title = { en = "Revenue", zh = "营收" }
--! unit = "money"
--! doc = { en = "Sum of line amounts, refunds negative", zh = "订单行金额合计，退款为负" }

--- What was sold, when? Periods without an order have no row.

SELECT
  period($period, occurred_at, $tz) AS period,
  count(DISTINCT order_id) AS orders,
  count(DISTINCT customer_id) AS customers,
  sum(amount) AS revenue,
  period_complete($period, period($period, occurred_at, $tz), $as_of, $tz) AS complete
FROM orders
WHERE ($from IS NULL OR period('day', occurred_at, $tz) >= $from)
  AND ($to IS NULL OR period('day', occurred_at, $tz) <= $to)
  AND ($currency IS NULL OR currency = $currency)
GROUP BY 1, 5
ORDER BY 1
