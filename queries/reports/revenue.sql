--! title = { en = "Revenue", zh = "营收" }
--! description = { en = "What was sold, and when: orders, buying customers and net revenue per calendar period. Revenue is the exact decimal sum of all order lines; refunds and cancellations are negative and count as the orders they are booked as, so one booked under a number of its own lowers the average order value twice. Sales without a customer count in revenue, not in customers.", zh = "何时卖出多少：按日历周期统计订单数、下单客户数与净营收。营收为全部订单行金额的精确合计；退款与取消为负数，并按其单号计入订单数，因此单独编号的退款会从两方面拉低平均订单金额。无客户的销售计入营收，不计入客户数。" }
--! group = "revenue"
--! grain = "one row per period and breakdown value with an order"
--! chart = { kind = "line", x = "period", y = ["revenue"], series = "breakdown", complete = "complete", count = "orders" }
--!
--! [params.period]
--! title = { en = "Period", zh = "周期" }
--! type = "choice"
--! default = "month"
--! choices = ["day", "week", "month", "quarter", "year", "all"]
--! doc = { en = "Calendar period; weeks start on Monday; all of time is one period, which files call 1970-01-01", zh = "日历周期；每周从周一开始；“全部”为一个周期，在文件中记为 1970-01-01" }
--!
--! [columns.customers]
--! title = { en = "Customers", zh = "客户数" }
--! unit = "count"
--! doc = { en = "Distinct customers with an order", zh = "有订单的客户数（去重）" }
--! [columns.revenue]
--! title = { en = "Revenue", zh = "营收" }
--! unit = "money"
--! doc = { en = "Sum of line amounts, refunds negative", zh = "订单行金额合计，退款为负" }
--! [columns.average_order_value]
--! title = { en = "Average order value", zh = "平均订单金额" }
--! unit = "money"
--! doc = { en = "Revenue divided by orders", zh = "营收除以订单数" }
--! [columns.average_order_value_low]
--! title = { en = "Average order, low", zh = "平均订单金额下限" }
--! unit = "money"
--! doc = { en = "Lower end of its 95 % interval; empty below five orders, or if all are equal", zh = "平均订单金额 95% 区间下限；订单少于五个或全部相同时为空" }
--! [columns.average_order_value_high]
--! title = { en = "Average order, high", zh = "平均订单金额上限" }
--! unit = "money"
--! doc = { en = "Upper end of its 95 % interval", zh = "平均订单金额 95% 区间上限" }

--- What was sold, when? Periods without an order have no row.

WITH lines AS (
  SELECT
    period($period, orders.occurred_at, $tz) AS period,
    $breakdown AS breakdown,
    orders.order_id,
    orders.customer_key,
    orders.amount
  FROM orders
  LEFT JOIN customers ON customers.customer_key = orders.customer_key
  WHERE ($from IS NULL OR period('day', orders.occurred_at, $tz) >= $from)
    AND ($to IS NULL OR period('day', orders.occurred_at, $tz) <= $to)
    AND ($currency IS NULL OR orders.currency = $currency)
),
placed AS (
  SELECT period, breakdown, order_id, max(customer_key) AS customer_key, sum(amount) AS amount
  FROM lines
  GROUP BY period, breakdown, order_id
),
counted AS (
  SELECT
    period,
    breakdown,
    count(*) AS orders,
    count(DISTINCT customer_key) AS customers,
    sum(amount) AS revenue,
    mean_interval(moments(amount)) AS mean
  FROM placed
  GROUP BY period, breakdown
)
SELECT
  period,
  breakdown,
  orders,
  customers,
  revenue,
  CAST(revenue AS DOUBLE) / orders AS average_order_value,
  mean['low'] AS average_order_value_low,
  mean['high'] AS average_order_value_high,
  period_complete($period, period, $as_of, $tz, $from, $to) AS complete
FROM counted
ORDER BY period, breakdown NULLS FIRST
