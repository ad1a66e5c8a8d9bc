--! title = { en = "Top potential customers", zh = "最具潜力客户" }
--! description = { en = "Whom it is worth calling this week: customers with most in open deals, with what they pay already, who is in charge, and when a person was last in contact with them. MRR is of contracts running at the report's date in the same currency. Each currency has a ranking of its own, over all values of a breakdown. A breakdown by owner takes the customer's, not the deals'. Deals without a known customer are left out.", zh = "本周最值得联系谁：在谈金额最高的客户，及其现有月度经常性收入、负责人与最近一次人工联系。月度经常性收入为报表日期时同币种的在用合同合计。各币种分别排名，分组不影响名次；按负责人分组时取客户负责人，而非商机负责人。无已知客户的商机不计。" }
--! group = "sales"
--! grain = "one row per customer and currency with an open deal, most first, up to the limit in each currency"
--! chart = { kind = "bar", x = "customer", y = ["open_value"], facet = "currency" }
--!
--! [params.limit]
--! title = { en = "Limit", zh = "行数上限" }
--! type = "integer"
--! default = 20
--! least = 1.0
--! doc = { en = "Show so many customers of each currency", zh = "每个币种显示的客户数" }
--!
--! [columns.customer]
--! title = { en = "Customer name", zh = "客户名称" }
--! unit = "text"
--! doc = { en = "The customer's name, or id if none is known", zh = "客户名称，未知时为客户编号" }
--! [columns.open_deals]
--! title = { en = "Open deals", zh = "进行中商机" }
--! unit = "count"
--! doc = { en = "Deals neither won nor lost yet", zh = "尚未赢单或输单的商机数" }
--! [columns.open_value]
--! title = { en = "Open value", zh = "在谈金额" }
--! unit = "money"
--! doc = { en = "Sum of the amounts of open deals; at a past date, of the deals open then, with the amounts they have now: a deal keeps no history of its own amount", zh = "进行中商机金额合计；查询过去日期时，为当时进行中的商机按其当前金额合计（商机不保留金额历史）" }
--! [columns.mrr]
--! title = { en = "MRR", zh = "月度经常性收入" }
--! unit = "money"
--! doc = { en = "What the customer pays a month already", zh = "客户当前每月支付金额" }
--! [columns.last_contact]
--! title = { en = "Last contact", zh = "最近联系" }
--! unit = "date"
--! doc = { en = "Day of the last contact by a person (a call, meeting, visit, demo or task, or a seller's own message; mass mail is none); empty if there was none", zh = "最近一次人工联系的日期（电话、会议、拜访、演示、任务，或销售亲自发送的消息；群发不计）；从未联系时为空" }
--! [columns.band]
--! title = { en = "Churn risk", zh = "流失风险" }
--! unit = "code"
--! doc = { en = "Band of the newest churn score", zh = "最新流失评分等级" }

--- Whom is it worth calling this week?

WITH deals AS (
  SELECT customer_key, customer_id, currency, count(*) AS open_deals, coalesce(sum(amount), 0) AS open_value
  FROM opportunities
  WHERE coalesce(status, 'open') = 'open'
    AND customer_id IS NOT NULL
    AND ($currency IS NULL OR currency = $currency)
  GROUP BY customer_key, customer_id, currency
),
contracts AS (
  SELECT customer_key, currency, sum(mrr) AS mrr
  FROM subscriptions
  WHERE ended_at IS NULL
  GROUP BY customer_key, currency
),
spoken AS (
  SELECT customer_key, max(occurred_at) AS last_at FROM contacts GROUP BY customer_key
),
ranked AS (
  SELECT deals.*, row_number() OVER (PARTITION BY currency ORDER BY open_value DESC, customer_id) AS rank
  FROM deals
)
SELECT
  CAST(ranked.rank AS BIGINT) AS rank,
  ranked.customer_id,
  coalesce(customers.name, ranked.customer_id) AS customer,
  coalesce(owners.name, customers.owner_id, '(no owner)') AS owner,
  $breakdown AS breakdown,
  ranked.open_deals,
  ranked.open_value,
  ranked.currency,
  contracts.mrr,
  period('day', spoken.last_at, $tz) AS last_contact,
  newest_scores.band
FROM ranked
LEFT JOIN customers ON customers.customer_key = ranked.customer_key
LEFT JOIN owners ON owners.owner_id = customers.owner_id
LEFT JOIN contracts
  ON contracts.customer_key = ranked.customer_key
  AND (contracts.currency IS NOT DISTINCT FROM ranked.currency)
LEFT JOIN spoken ON spoken.customer_key = ranked.customer_key
LEFT JOIN newest_scores ON newest_scores.customer_key = ranked.customer_key
WHERE ranked.rank <= $limit
ORDER BY ranked.currency NULLS FIRST, rank
