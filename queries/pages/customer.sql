--! title = { en = "Customer", zh = "客户" }
--! description = { en = "What is known of one customer, with the running contracts.", zh = "单个客户的资料与在用合同。" }
--! grain = "one row, or none"
--! [params.customer]
--! type = "text"
--! doc = { en = "The customer.", zh = "客户。" }
--! [columns.segment]
--! title = { en = "Segment", zh = "客户分层" }
--! unit = "text"
--! [columns.channel]
--! title = { en = "Channel", zh = "来源渠道" }
--! unit = "text"
--! [columns.region]
--! title = { en = "Region", zh = "地区" }
--! unit = "text"
--! [columns.industry]
--! title = { en = "Industry", zh = "行业" }
--! unit = "text"
--! [columns.status]
--! title = { en = "Status", zh = "状态" }
--! unit = "text"
--! [columns.created_at]
--! title = { en = "Customer since", zh = "成为客户时间" }
--! unit = "date"
--! [columns.plans]
--! title = { en = "Contract", zh = "在用合同" }
--! unit = "text"
--! [columns.mrr]
--! title = { en = "Revenue a month", zh = "月度经常性收入" }
--! unit = "money"
--! [columns.ends_at]
--! title = { en = "Contract ends", zh = "合同到期" }
--! unit = "date"
WITH contracts AS (
  SELECT
    customer_id,
    string_agg(plan, ', ' ORDER BY started_at, subscription_id) AS plans,
    sum(mrr) AS mrr,
    max(ends_at) AS ends_at
  FROM subscriptions
  WHERE customer_id = $customer AND ended_at IS NULL
  GROUP BY customer_id
)
SELECT
  c.customer_id, c.name, coalesce(o.name, c.owner_id) AS owner,
  c.segment, c.channel, c.region, c.industry, c.status, c.created_at,
  k.plans, k.mrr, k.ends_at, c.attributes
FROM customers c
LEFT JOIN owners o ON o.owner_id = c.owner_id
LEFT JOIN contracts k ON k.customer_id = c.customer_id
WHERE c.customer_id = $customer
ORDER BY c.customer_id
