--! title = { en = "Revenue", zh = "营收" }
--! description = { en = "Orders, buying customers and net revenue per calendar period. Revenue is the exact decimal sum of all order lines; refunds and cancellations are negative and count as the orders they are booked as. Anonymous sales count in revenue, not in customers.", zh = "按日历周期统计订单数、下单客户数与净营收。营收为全部订单行金额的精确合计；退款与取消为负数，并按其单号计入订单数。匿名销售计入营收，不计入客户数。" }
--! group = "sales"
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
--! [params.from]
--! title = { en = "From", zh = "起始日期" }
--! type = "date"
--! doc = { en = "First day counted", zh = "起始日期（含）" }
--!
--! [params.to]
--! title = { en = "To", zh = "截止日期" }
--! type = "date"
--! doc = { en = "Last day counted", zh = "截止日期（含）" }
--!
--! [params.currency]
--! title = { en = "Currency", zh = "币种" }
--! type = "text"
--! doc = { en = "Only amounts in this currency; amounts are never converted", zh = "仅统计该币种；金额不做换算" }
--!
--! [columns.period]
--! title = { en = "Period", zh = "周期" }
--! unit = "date"
--! doc = { en = "First day of the period", zh = "周期首日" }
--! [columns.orders]
--! title = { en = "Orders", zh = "订单数" }
--! unit = "count"
--! doc = { en = "Distinct order ids", zh = "不同订单号的数量" }
--! [columns.customers]
--! title = { en = "Customers", zh = "客户数" }
--! unit = "count"
--! doc = { en = "Distinct customers with an order", zh = "下单的不同客户数" }
--! [columns.revenue]
--! title = { en = "Revenue", zh = "营收" }
--! unit = "money"
--! doc = { en = "Sum of line amounts, refunds negative", zh = "订单行金额合计，退款为负" }
--! [columns.complete]
--! title = { en = "Complete", zh = "已完结" }
--! unit = "text"
--! doc = { en = "Whether the period had ended by the report's date", zh = "截至报表日期该周期是否已结束" }
--!
--! [labels]
--! day = { en = "Day", zh = "日" }
--! week = { en = "Week", zh = "周" }
--! month = { en = "Month", zh = "月" }
--! quarter = { en = "Quarter", zh = "季度" }
--! year = { en = "Year", zh = "年" }
--! all = { en = "All", zh = "全部" }

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
