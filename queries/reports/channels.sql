--! title = { en = "Acquisition channels", zh = "获客渠道" }
--! description = { en = "What the customers of each acquisition channel are worth, and when they have paid back what they cost. Customers count by the day they were created. Older channels have had more time to earn: compare channels by first revenue per customer, which counts only customers at least as old as First revenue within (matured). Cost is that of campaigns with the channel's name that started in the same time; campaigns of channels no customer ever came from are no acquisition, and are left out. Payback supposes that revenue flows evenly: an estimate. The total row divides the revenue of all channels, free ones too, by the cost of those that have one (blended). With a breakdown each value has its own rows and total; costs, and with them the payback, are left out: they are not known per customer.", zh = "各渠道的客户价值几何，何时收回获客成本。客户按创建日期统计。较早的渠道积累时间更长，横向比较请看首期客均营收，只计客龄已满“首期时长”的客户。费用为与渠道同名、且在同一时段开始的营销活动费用；从未带来客户的渠道，其营销活动不属于获客，不计入。回本按营收均匀流入推算，仅为估计。合计行以全部渠道（含免费渠道）的营收除以有费用渠道的费用（混合口径）。选择分组时，每个分组值各有其渠道行与合计行；费用及回本不显示，因为费用无法分摊到客户。" }
--! group = "marketing"
--! grain = "one row per channel, breakdown value and currency of its amounts, and a total row per breakdown value and currency; counts do not depend on the currency, and are repeated if a channel has several"
--! chart = { kind = "bar", x = "channel", y = ["window_revenue_per_customer"], series = "breakdown", facet = "currency", low = "window_low", high = "window_high", count = "matured" }
--!
--! [params.from]
--! title = { en = "From", zh = "起始日期" }
--! type = "date"
--! up_to = "to"
--! doc = { en = "Customers created, and campaigns started, on or after this day", zh = "该日（含）之后创建的客户与开始的营销活动" }
--!
--! [params.to]
--! title = { en = "To", zh = "截止日期" }
--! type = "date"
--! doc = { en = "Customers created, and campaigns started, on or before this day", zh = "该日（含）之前创建的客户与开始的营销活动" }
--!
--! [params.window]
--! title = { en = "First revenue within", zh = "首期时长" }
--! type = "duration"
--! default = "90d"
--! doc = { en = "Age up to which revenue is compared between channels", zh = "渠道间比较营收时所取的客龄" }
--!
--! [columns.channel]
--! title = { en = "Channel", zh = "渠道" }
--! absent = { en = "Total", zh = "合计" }
--! unit = "text"
--! doc = { en = "Where customers came from; empty in total rows; (no channel) where it is not known", zh = "客户来源；合计行留空；未知时为 (no channel)" }
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
--! title = { en = "Revenue per customer", zh = "客均营收" }
--! unit = "money"
--! doc = { en = "Revenue divided by customers, buyers or not", zh = "营收除以全部新增客户（无论是否下单）" }
--! [columns.revenue_low]
--! title = { en = "Per customer, low", zh = "客均营收下限" }
--! unit = "money"
--! doc = { en = "Lower end of the 95 % interval of the revenue per customer (Hall)", zh = "客均营收 95% 区间下限（Hall 法）" }
--! [columns.revenue_high]
--! title = { en = "Per customer, high", zh = "客均营收上限" }
--! unit = "money"
--! doc = { en = "Upper end of the 95 % interval of the revenue per customer (Hall)", zh = "客均营收 95% 区间上限（Hall 法）" }
--! [columns.matured]
--! title = { en = "Matured", zh = "时间窗已结束的客户" }
--! unit = "count"
--! doc = { en = "Customers at least as old as First revenue within", zh = "客龄已满首期时长的客户数" }
--! [columns.window_revenue_per_customer]
--! title = { en = "First revenue per customer", zh = "首期客均营收" }
--! unit = "money"
--! doc = { en = "Net revenue of matured customers up to the end of their window, divided by their number", zh = "客龄已满首期时长的客户在首期时长内的净营收，除以其客户数" }
--! [columns.window_low]
--! title = { en = "First revenue, low", zh = "首期客均下限" }
--! unit = "money"
--! doc = { en = "Lower end of its 95 % interval (Hall)", zh = "首期客均营收 95% 区间下限（Hall 法）" }
--! [columns.window_high]
--! title = { en = "First revenue, high", zh = "首期客均上限" }
--! unit = "money"
--! doc = { en = "Upper end of its 95 % interval (Hall)", zh = "首期客均营收 95% 区间上限（Hall 法）" }
--! [columns.mrr]
--! title = { en = "MRR now", zh = "当前 MRR" }
--! unit = "money"
--! doc = { en = "Monthly recurring revenue of these customers at the report's date, as in the report MRR movements; not part of revenue", zh = "这些客户在报表日期的月度经常性收入，口径同报表“月度经常性收入变动”；不计入营收" }
--! [columns.cost]
--! title = { en = "Cost", zh = "费用" }
--! unit = "money"
--! doc = { en = "Cost of the channel's campaigns that started in the time; empty if none is known, or with a breakdown", zh = "该时段开始的该渠道营销活动费用；未知或选择分组时为空" }
--! [columns.cost_per_customer]
--! title = { en = "Cost per customer", zh = "客均获客成本" }
--! unit = "money"
--! doc = { en = "Cost divided by customers", zh = "费用除以新增客户" }
--! [columns.payback_ratio]
--! title = { en = "Payback ratio", zh = "回本倍数" }
--! unit = "number"
--! doc = { en = "Revenue divided by cost: 1 is paid back", zh = "营收除以费用，达到 1 即已回本" }
--! [columns.payback_ratio_low]
--! title = { en = "Payback ratio, low", zh = "回本倍数下限" }
--! unit = "number"
--! doc = { en = "Lower end of its 95 % interval (Hall), from that of the revenue per customer", zh = "回本倍数 95% 区间下限（Hall 法，由客均营收的区间折算）" }
--! [columns.payback_ratio_high]
--! title = { en = "Payback ratio, high", zh = "回本倍数上限" }
--! unit = "number"
--! doc = { en = "Upper end of its 95 % interval (Hall), from that of the revenue per customer", zh = "回本倍数 95% 区间上限（Hall 法，由客均营收的区间折算）" }
--! [columns.payback_months]
--! title = { en = "Payback months", zh = "回本月数" }
--! unit = "number"
--! doc = { en = "Cost per customer divided by the mean revenue per customer-month so far, a month being a twelfth of 365.25 days; empty while there is no revenue or no cost is known", zh = "客均获客成本 ÷ 目前每客户每月平均营收（一个月为 365.25 天的十二分之一）；尚无营收或费用未知时为空" }

--- Which channel brings the customers who are worth most? Four kinds of facts
--- are stacked and added up at once: customers, what they bought, what they
--- subscribe to, and what campaigns cost.

WITH acquired AS (
  SELECT
    customer_key,
    $breakdown AS breakdown,
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
    acquired.breakdown,
    acquired.channel,
    acquired.customer_key,
    orders.currency,
    bool_or(orders.amount > 0) AS has_bought,
    sum(orders.amount) FILTER (WHERE $currency IS NULL OR orders.currency = $currency) AS revenue,
    sum(orders.amount) FILTER (
      WHERE acquired.is_matured
        AND orders.occurred_at <= acquired.window_to
        AND ($currency IS NULL OR orders.currency = $currency)
    ) AS window_revenue
  FROM acquired
  JOIN orders ON orders.customer_key = acquired.customer_key
  GROUP BY acquired.breakdown, acquired.channel, acquired.customer_key, orders.currency
),
facts AS (
  SELECT
    breakdown,
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
    breakdown, channel, NULL, NULL, NULL, NULL, count(*), count(*) FILTER (WHERE is_matured), sum(seconds), NULL, NULL
  FROM acquired
  GROUP BY breakdown, channel
  UNION ALL
  SELECT
    acquired.breakdown, acquired.channel, contracts.currency, NULL, NULL, NULL, NULL, NULL, NULL, contracts.mrr, NULL
  FROM subscriptions AS contracts
  JOIN acquired ON acquired.customer_key = contracts.customer_key
  WHERE contracts.mrr > 0
    AND (contracts.ended_at IS NULL OR period('day', contracts.ended_at, $tz) > period('day', $as_of, $tz))
    AND ($currency IS NULL OR contracts.currency = $currency)
  UNION ALL
  SELECT NULL, channel, currency, NULL, NULL, NULL, NULL, NULL, NULL, NULL, cost
  FROM campaigns
  WHERE cost IS NOT NULL
    AND ($from IS NULL OR period('day', started_at, $tz) >= $from)
    AND ($to IS NULL OR period('day', started_at, $tz) <= $to)
    AND ($currency IS NULL OR currency = $currency)
    AND EXISTS (SELECT 1 FROM customers WHERE customers.channel = campaigns.channel)
    AND (SELECT count($breakdown) FROM customers) = 0
),
counted AS (
  SELECT
    grouping(channel) AS is_total,
    grouping(currency) AS is_of_all,
    breakdown,
    channel,
    currency,
    coalesce(sum(customers), 0) AS customers,
    count(DISTINCT buyer) AS buyers,
    coalesce(sum(matured), 0) AS matured,
    sum(seconds) AS seconds,
    sum(revenue) AS revenue,
    moments(revenue) AS revenues,
    sum(window_revenue) AS window_revenue,
    moments(window_revenue) AS window_revenues,
    sum(mrr) AS mrr,
    sum(cost) AS cost
  FROM facts
  GROUP BY GROUPING SETS ((breakdown, channel, currency), (breakdown, channel), (breakdown, currency), (breakdown))
),
-- The row of all currencies has the counts, the others the money.
gathered AS (
  SELECT
    is_total,
    is_of_all,
    breakdown,
    channel,
    coalesce(currency, $currency) AS currency,
    max(customers) OVER same AS customers,
    max(buyers) OVER same AS buyers,
    max(matured) OVER same AS matured,
    CAST(max(seconds) OVER same AS DOUBLE) / (365.25 * 86400 / 12) AS months,
    coalesce(revenue, 0) AS revenue,
    CAST(coalesce(revenue, 0) AS DOUBLE) AS revenue_sum,
    revenues,
    CAST(coalesce(window_revenue, 0) AS DOUBLE) AS window_sum,
    window_revenues,
    coalesce(mrr, 0) AS mrr,
    cost,
    coalesce(revenue, mrr, cost) IS NOT NULL AS has_money,
    bool_or(coalesce(revenue, mrr, cost) IS NOT NULL) OVER same AS some_money
  FROM counted
  WINDOW same AS (PARTITION BY is_total, breakdown, channel)
),
measured AS (
  SELECT
    *,
    revenue_sum / nullif(customers, 0) AS mean,
    window_sum / nullif(matured, 0) AS window_mean,
    mean_interval(revenues, customers) AS ends,
    mean_interval(window_revenues, matured) AS window_ends
  FROM gathered
  WHERE CASE WHEN some_money THEN is_of_all = 0 AND has_money ELSE is_of_all = 1 END
    AND (customers > 0 OR cost IS NOT NULL)
)
SELECT
  channel,
  breakdown,
  customers,
  buyers,
  CAST(buyers AS DOUBLE) / nullif(customers, 0) AS buyer_share,
  wilson(buyers, customers)['low'] AS low,
  wilson(buyers, customers)['high'] AS high,
  currency,
  revenue,
  mean AS revenue_per_customer,
  ends['low'] AS revenue_low,
  ends['high'] AS revenue_high,
  matured,
  window_mean AS window_revenue_per_customer,
  window_ends['low'] AS window_low,
  window_ends['high'] AS window_high,
  mrr,
  cost,
  CAST(cost AS DOUBLE) / nullif(customers, 0) AS cost_per_customer,
  revenue_sum / nullif(CAST(cost AS DOUBLE), 0) AS payback_ratio,
  ends['low'] * customers / nullif(CAST(cost AS DOUBLE), 0) AS payback_ratio_low,
  ends['high'] * customers / nullif(CAST(cost AS DOUBLE), 0) AS payback_ratio_high,
  CASE WHEN revenue_sum > 0 THEN CAST(cost AS DOUBLE) / customers / (revenue_sum / months) END AS payback_months
FROM measured
ORDER BY
  breakdown NULLS FIRST, is_total, currency NULLS LAST, window_revenue_per_customer DESC NULLS LAST, channel
