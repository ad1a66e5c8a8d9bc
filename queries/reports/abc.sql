--! title = { en = "ABC tiers", zh = "ABC 客户分级" }
--! description = { en = "Which few customers bring most of the revenue. Customers are ranked by net revenue: tier A together brings the share set in A up to, A and B together that in B up to, and C is everybody else. The customer who crosses a line still belongs to the tier above it, and equal revenue always gets the same tier. 100 % is the revenue of customers above zero; those at zero or below are in C and have no share. Sales without a customer are left out. Currencies are tiered apart, and a customer is listed in each. A breakdown stands beside each customer; tiers and shares are always of all customers.", zh = "哪些少数客户贡献了大部分营收。客户按净营收从高到低排列：A 级合计贡献到“A 级占比上限”，A、B 两级合计到“B 级占比上限”，其余为 C 级。恰好跨线的客户仍归上一级，营收相同的客户级别相同。100% 指净营收大于零的客户的营收合计；不大于零的客户为 C 级，没有占比。无客户的销售不计。各币种分别分级，客户在每个币种各列一行。选择分组时在客户旁列出分组值，级别与占比仍以全部客户为准。" }
--! group = "segments"
--! grain = "one row per customer with an order and currency"
--! chart = { kind = "table" }
--!
--! [params.window]
--! title = { en = "Window", zh = "时间窗" }
--! type = "duration"
--! doc = { en = "Only orders of this long before the report's date, e.g. 365d for 365 days; all orders if not given", zh = "仅统计报表日期之前该时长内的订单，例如 365d（365 天）；不填为全部订单" }
--!
--! [params.a]
--! title = { en = "A up to", zh = "A 级占比上限" }
--! type = "number"
--! default = 80.0
--! most = 100.0
--! up_to = "b"
--! doc = { en = "Per cent of revenue that tier A brings", zh = "A 级客户贡献的营收百分比" }
--!
--! [params.b]
--! title = { en = "B up to", zh = "B 级占比上限" }
--! type = "number"
--! default = 95.0
--! most = 100.0
--! doc = { en = "Per cent of revenue that tiers A and B bring together", zh = "A、B 两级客户合计贡献的营收百分比" }
--!
--! [columns.revenue]
--! title = { en = "Revenue", zh = "净营收" }
--! unit = "money"
--! doc = { en = "Net revenue, refunds negative", zh = "净营收，退款为负" }
--! [columns.share]
--! title = { en = "Share", zh = "占比" }
--! unit = "share"
--! absent = { en = "None", zh = "无" }
--! doc = { en = "Share of all revenue of customers above zero; empty if it is not above zero", zh = "占净营收大于零客户营收合计的比例；不大于零时为空" }
--! [columns.cumulative_share]
--! title = { en = "Cumulative share", zh = "累计占比" }
--! unit = "share"
--! absent = { en = "None", zh = "无" }
--! doc = { en = "Share of this customer and all with as much or more", zh = "该客户及营收不低于该客户者的合计占比" }
--! [columns.tier]
--! title = { en = "Tier", zh = "级别" }
--! unit = "code"
--! doc = { en = "A, B or C", zh = "A、B 或 C" }
--!
--! [labels]
--! A = { en = "A", zh = "A 级" }
--! B = { en = "B", zh = "B 级" }
--! C = { en = "C", zh = "C 级" }

--- Who deserves a person's time every week, and who a machine's? Shares are
--- compared as decimals, so that a customer exactly on a line is on one side.

WITH earned AS (
  SELECT customer_key, customer_id, currency, sum(amount) AS revenue
  FROM orders
  WHERE customer_key IS NOT NULL
    AND ($window IS NULL OR occurred_at > $as_of - $window)
    AND ($currency IS NULL OR currency = $currency)
  GROUP BY customer_key, customer_id, currency
),
ranked AS (
  SELECT
    customer_key,
    customer_id,
    currency,
    revenue,
    revenue > 0 AS counts,
    sum(revenue) FILTER (WHERE revenue > 0) OVER (PARTITION BY currency) AS total,
    -- The default frame holds all with the same revenue.
    sum(revenue) FILTER (WHERE revenue > 0) OVER (PARTITION BY currency ORDER BY revenue DESC) AS reached,
    revenue * count(*) OVER (PARTITION BY currency, revenue) AS of_equals
  FROM earned
)
SELECT
  ranked.customer_id,
  customers.name AS customer,
  coalesce(owners.name, customers.owner_id, '(no owner)') AS owner,
  $breakdown AS breakdown,
  ranked.currency,
  ranked.revenue,
  CASE WHEN ranked.counts THEN CAST(ranked.revenue AS DOUBLE) / CAST(ranked.total AS DOUBLE) END AS share,
  CASE WHEN ranked.counts THEN CAST(ranked.reached AS DOUBLE) / CAST(ranked.total AS DOUBLE) END AS cumulative_share,
  CASE
    WHEN NOT ranked.counts THEN 'C'
    WHEN 100 * (ranked.reached - ranked.of_equals) < CAST($a AS DECIMAL(9, 4)) * ranked.total THEN 'A'
    WHEN 100 * (ranked.reached - ranked.of_equals) < CAST($b AS DECIMAL(9, 4)) * ranked.total THEN 'B'
    ELSE 'C'
  END AS tier
FROM ranked
LEFT JOIN customers ON customers.customer_key = ranked.customer_key
LEFT JOIN owners ON owners.owner_id = customers.owner_id
ORDER BY ranked.currency NULLS FIRST, ranked.revenue DESC, ranked.customer_id
