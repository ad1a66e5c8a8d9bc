--! title = { en = "Acquisition channels", zh = "获客渠道" }
--! description = { en = "What the customers of each channel are worth, and when they have paid back what they cost. A customer's channel is where they came from; customers count by the day they were created (`from`, `to`). Revenue: net order lines so far; per customer: divided by all customers of the channel, buyers or not. Older channels have had more time: compare channels by the revenue within the first `window` per customer, which counts only customers at least that old (matured). Cost: campaigns that carry the channel's name and started in the same time; campaigns of channels no customer ever came from are no acquisition, and are left out. Payback ratio = revenue / cost; payback months = cost per customer / revenue per customer-month, a month being a twelfth of 365.25 days: an estimate that supposes revenue flows evenly. Where no cost is known, cost and payback are empty. The total row divides the revenue of all channels, free ones too, by the cost of those that have one (blended).", zh = "各渠道客户带来多少价值，何时收回获客成本。渠道为客户来源；按客户创建日期（from、to）统计。营收为截至目前的订单行净额；人均除以该渠道全部客户，无论是否下单。早期渠道累积时间更长，横向比较请看首个 window 内的人均营收，只计创建满该时长的客户（时间窗已结束）。费用为名称与渠道相同、且在同一时段开始的营销活动费用；从未带来客户的渠道，其活动不属于获客，不计入。回本倍数 = 营收 ÷ 费用；回本月数 = 人均获客成本 ÷ 每客户每月营收（一个月为 365.25 天的十二分之一），假设营收均匀流入，仅为估计。费用未知时，费用与回本为空。合计行以全部渠道（含免费渠道）的营收除以有费用渠道的费用（混合口径）。" }
--! group = "marketing"
--! grain = "one row per channel and currency of its amounts, and a total row per currency; counts do not depend on the currency, and are repeated if a channel has several"
--! chart = { kind = "bar", x = "channel", y = ["window_revenue_per_customer"], low = "window_low", high = "window_high", count = "matured" }
--!
--! [params.from]
--! title = { en = "From", zh = "起始日期" }
--! type = "date"
--! up_to = "to"
--! doc = { en = "Customers created, and campaigns started, on or after this day", zh = "该日（含）之后创建的客户与开始的活动" }
--!
--! [params.to]
--! title = { en = "To", zh = "截止日期" }
--! type = "date"
--! doc = { en = "Customers created, and campaigns started, on or before this day", zh = "该日（含）之前创建的客户与开始的活动" }
--!
--! [params.window]
--! title = { en = "First revenue within", zh = "首期时长" }
--! type = "duration"
--! default = "90d"
--! doc = { en = "Age up to which revenue is compared between channels", zh = "渠道间比较营收时所取的客户年龄" }
--!
--! [columns.channel]
--! title = { en = "Channel", zh = "渠道" }
--! absent = { en = "Total", zh = "合计" }
--! unit = "text"
--! doc = { en = "Where customers came from; empty in total rows; (no channel) where it is not known", zh = "客户来源；合计行为空；未知时为 (no channel)" }
--! [columns.customers]
--! title = { en = "Customers", zh = "新增客户" }
--! unit = "count"
--! doc = { en = "Customers created in the time", zh = "该时段创建的客户数" }
--! [columns.buyers]
--! title = { en = "Buyers", zh = "下单客户" }
--! unit = "count"
--! doc = { en = "Of these, customers with an order line above zero", zh = "其中有金额大于零的订单行的客户数" }
--! [columns.buyer_share]
--! title = { en = "Share of buyers", zh = "下单率" }
--! unit = "share"
--! doc = { en = "Buyers divided by customers", zh = "下单客户除以新增客户" }
--! [columns.revenue]
--! title = { en = "Revenue", zh = "营收" }
--! unit = "money"
--! doc = { en = "Net order lines of these customers so far", zh = "这些客户截至目前的订单行净额" }
--! [columns.revenue_per_customer]
--! title = { en = "Revenue per customer", zh = "人均营收" }
--! unit = "money"
--! doc = { en = "Revenue divided by customers, buyers or not", zh = "营收除以全部新增客户（无论是否下单）" }
--! [columns.revenue_low]
--! title = { en = "Per customer, low", zh = "人均营收下限" }
--! unit = "money"
--! doc = { en = "Lower end of the 95 % interval of the revenue per customer", zh = "人均营收 95% 区间下限" }
--! [columns.revenue_high]
--! title = { en = "Per customer, high", zh = "人均营收上限" }
--! unit = "money"
--! doc = { en = "Upper end of the 95 % interval of the revenue per customer", zh = "人均营收 95% 区间上限" }
--! [columns.matured]
--! title = { en = "Matured", zh = "时间窗已结束的客户" }
--! unit = "count"
--! doc = { en = "Customers at least as old as the window", zh = "创建时间已满首期时长的客户数" }
--! [columns.window_revenue_per_customer]
--! title = { en = "First revenue per customer", zh = "首期人均营收" }
--! unit = "money"
--! doc = { en = "Net revenue of matured customers up to the end of their window, divided by their number", zh = "时间窗已结束的客户在首期时长内的净营收，除以其人数" }
--! [columns.window_low]
--! title = { en = "First revenue, low", zh = "首期人均下限" }
--! unit = "money"
--! doc = { en = "Lower end of its 95 % interval", zh = "首期人均营收 95% 区间下限" }
--! [columns.window_high]
--! title = { en = "First revenue, high", zh = "首期人均上限" }
--! unit = "money"
--! doc = { en = "Upper end of its 95 % interval", zh = "首期人均营收 95% 区间上限" }
--! [columns.mrr]
--! title = { en = "MRR now", zh = "当前 MRR" }
--! unit = "money"
--! doc = { en = "Monthly recurring revenue of these customers at the report's date, as in the report mrr; not part of revenue", zh = "这些客户在报表日期的月度经常性收入，口径同报表 mrr；不计入营收" }
--! [columns.cost]
--! title = { en = "Cost", zh = "费用" }
--! unit = "money"
--! doc = { en = "Cost of the channel's campaigns that started in the time; empty if none is known", zh = "该时段开始的该渠道活动费用；未知时为空" }
--! [columns.cost_per_customer]
--! title = { en = "Cost per customer", zh = "人均获客成本" }
--! unit = "money"
--! doc = { en = "Cost divided by customers", zh = "费用除以新增客户" }
--! [columns.payback_ratio]
--! title = { en = "Payback ratio", zh = "回本倍数" }
--! unit = "number"
--! doc = { en = "Revenue divided by cost: 1 is paid back", zh = "营收除以费用，达到 1 即已回本" }
--! [columns.payback_months]
--! title = { en = "Payback months", zh = "回本月数" }
--! unit = "number"
--! doc = { en = "Months until a customer of this channel pays back the cost, at the mean revenue per customer-month so far; empty while there is no revenue", zh = "按目前每客户每月平均营收估计的回本所需月数；尚无营收时为空" }

--- Which channel brings the customers who are worth most? Four kinds of facts
--- are stacked and added up at once: customers, what they bought, what they
--- subscribe to, and what campaigns cost. Means and spreads come from exact sums.

WITH acquired AS (
  SELECT
    customer_key,
    coalesce(channel, '(no channel)') AS channel,
    created_at,
    created_at + $window AS window_to,
    created_at + $window <= $as_of AS is_matured,
    CAST($as_of AS BIGINT) / 1000000 - CAST(created_at AS BIGINT) / 1000000 AS seconds
  FROM customers
  WHERE ($from IS NULL OR period('day', created_at, $tz) >= $from)
    AND ($to IS NULL OR period('day', created_at, $tz) <= $to)
),
bought AS (
  SELECT
    acquired.channel,
    acquired.customer_key,
    orders.currency,
    bool_or(orders.amount > 0) AS has_bought,
    sum(orders.amount) AS revenue,
    sum(orders.amount) FILTER (
      WHERE acquired.is_matured AND orders.occurred_at <= acquired.window_to
    ) AS window_revenue
  FROM acquired
  JOIN orders ON orders.customer_key = acquired.customer_key
  WHERE $currency IS NULL OR orders.currency = $currency
  GROUP BY acquired.channel, acquired.customer_key, orders.currency
),
facts AS (
  SELECT
    channel,
    currency,
    CASE WHEN has_bought THEN customer_key END AS buyer,
    revenue,
    window_revenue,
    CAST(NULL AS BIGINT) AS customers,
    CAST(NULL AS BIGINT) AS matured,
    CAST(NULL AS BIGINT) AS seconds,
    CAST(NULL AS DECIMAL(18, 4)) AS mrr,
    CAST(NULL AS DECIMAL(18, 4)) AS cost
  FROM bought
  UNION ALL
  SELECT
    channel, NULL, NULL, NULL, NULL, count(*), count(*) FILTER (WHERE is_matured), sum(seconds), NULL, NULL
  FROM acquired
  GROUP BY channel
  UNION ALL
  SELECT acquired.channel, contracts.currency, NULL, NULL, NULL, NULL, NULL, NULL, contracts.mrr, NULL
  FROM subscriptions AS contracts
  JOIN acquired ON acquired.customer_key = contracts.customer_key
  WHERE contracts.mrr > 0
    AND (contracts.ended_at IS NULL OR period('day', contracts.ended_at, $tz) > period('day', $as_of, $tz))
    AND ($currency IS NULL OR contracts.currency = $currency)
  UNION ALL
  SELECT channel, currency, NULL, NULL, NULL, NULL, NULL, NULL, NULL, cost
  FROM campaigns
  WHERE cost IS NOT NULL
    AND ($from IS NULL OR period('day', started_at, $tz) >= $from)
    AND ($to IS NULL OR period('day', started_at, $tz) <= $to)
    AND ($currency IS NULL OR currency = $currency)
    AND EXISTS (SELECT 1 FROM customers WHERE customers.channel = campaigns.channel)
),
counted AS (
  SELECT
    grouping(channel) AS is_total,
    grouping(currency) AS is_of_all,
    channel,
    currency,
    coalesce(sum(customers), 0) AS customers,
    count(DISTINCT buyer) AS buyers,
    coalesce(sum(matured), 0) AS matured,
    sum(seconds) AS seconds,
    sum(revenue) AS revenue,
    sum(revenue * revenue) AS squares,
    sum(window_revenue) AS window_revenue,
    sum(window_revenue * window_revenue) AS window_squares,
    sum(mrr) AS mrr,
    sum(cost) AS cost
  FROM facts
  GROUP BY GROUPING SETS ((channel, currency), (channel), (currency), ())
  HAVING count(*) > 0
),
-- The row of all currencies has the counts, the others the money.
spread AS (
  SELECT
    is_total,
    is_of_all,
    channel,
    coalesce(currency, $currency) AS currency,
    max(customers) OVER same AS customers,
    max(buyers) OVER same AS buyers,
    max(matured) OVER same AS matured,
    CAST(max(seconds) OVER same AS DOUBLE) / (365.25 * 86400 / 12) AS months,
    coalesce(revenue, 0) AS revenue,
    CAST(coalesce(revenue, 0) AS DOUBLE) AS revenue_sum,
    CAST(coalesce(squares, 0) AS DOUBLE) AS squares,
    CAST(coalesce(window_revenue, 0) AS DOUBLE) AS window_sum,
    CAST(coalesce(window_squares, 0) AS DOUBLE) AS window_squares,
    coalesce(mrr, 0) AS mrr,
    cost,
    coalesce(revenue, mrr, cost) IS NOT NULL AS has_money,
    bool_or(coalesce(revenue, mrr, cost) IS NOT NULL) OVER same AS some_money
  FROM counted
  WINDOW same AS (PARTITION BY is_total, channel)
),
measured AS (
  SELECT
    *,
    revenue_sum / nullif(customers, 0) AS mean,
    window_sum / nullif(matured, 0) AS window_mean,
    sqrt(greatest(squares - revenue_sum * revenue_sum / nullif(customers, 0), 0) / nullif(customers - 1, 0))
      AS deviation,
    sqrt(greatest(window_squares - window_sum * window_sum / nullif(matured, 0), 0) / nullif(matured - 1, 0))
      AS window_deviation
  FROM spread
  WHERE CASE WHEN some_money THEN is_of_all = 0 AND has_money ELSE is_of_all = 1 END
    AND (customers > 0 OR cost IS NOT NULL)
)
SELECT
  channel,
  customers,
  buyers,
  CAST(buyers AS DOUBLE) / nullif(customers, 0) AS buyer_share,
  wilson(buyers, customers)['low'] AS low,
  wilson(buyers, customers)['high'] AS high,
  currency,
  revenue,
  mean AS revenue_per_customer,
  mean_interval(mean, deviation, customers)['low'] AS revenue_low,
  mean_interval(mean, deviation, customers)['high'] AS revenue_high,
  matured,
  window_mean AS window_revenue_per_customer,
  mean_interval(window_mean, window_deviation, matured)['low'] AS window_low,
  mean_interval(window_mean, window_deviation, matured)['high'] AS window_high,
  mrr,
  cost,
  CAST(cost AS DOUBLE) / nullif(customers, 0) AS cost_per_customer,
  revenue_sum / nullif(CAST(cost AS DOUBLE), 0) AS payback_ratio,
  CASE WHEN revenue_sum > 0 THEN CAST(cost AS DOUBLE) / customers / (revenue_sum / months) END AS payback_months
FROM measured
ORDER BY is_total, currency NULLS LAST, window_revenue_per_customer DESC NULLS LAST, channel
