--! title = { en = "Customers by tag", zh = "客户标签分布" }
--! description = { en = "How many customers carry each value of a tag, and how they do. A tag is a column of the profile or any attribute the source has. Several in one field, separated by ; or | or 、 or ，, are several tags: a customer counts under each, so rows may add up to more than all customers. A value with amounts in several currencies has a row for each, with the same customers in all: do not add them up. Sales and deals without a known customer are left out.", zh = "标签各取值有多少客户、表现如何。标签可为客户档案字段，或来源系统的任意自定义属性。一个字段内有多个标签时（以 ; | 、 ， 分隔），客户在每个标签下各计一次，因此各行之和可能超过客户总数。某取值有多个币种的金额时每币种一行，各行客户数相同，请勿相加。无已知客户的销售与商机不计。" }
--! group = "segments"
--! grain = "one row per value and currency it has amounts in"
--! chart = { kind = "bar", x = "breakdown", y = ["customers"], none = true }
--!
--! [params.breakdown]
--! title = { en = "Tag", zh = "标签" }
--! type = "breakdown"
--! default = "segment"
--! doc = { en = "segment, channel, region, industry, owner, status, or the name of a customer attribute", zh = "segment（分层）、channel（渠道）、region（地区）、industry（行业）、owner（负责人）、status（状态），或客户自定义属性名" }
--!
--! [columns.breakdown]
--! title = { en = "Value", zh = "取值" }
--! unit = "text"
--! absent = { en = "No value", zh = "无取值" }
--! doc = { en = "Value of the tag; empty for customers who have none", zh = "标签取值；客户无该标签时为空" }
--! [columns.share]
--! title = { en = "Share", zh = "占比" }
--! unit = "share"
--! doc = { en = "Share of all customers; with several tags each, shares add up to more than 100 %", zh = "占全部客户的比例；客户有多个标签时，各行之和超过 100%" }
--! [columns.active_share]
--! title = { en = "Active", zh = "活跃占比" }
--! unit = "share"
--! doc = { en = "Share of them with any activity in the 30 days before the report's date", zh = "其中报表日期前 30 天内有任意行为的客户比例" }
--! [columns.active_low]
--! title = { en = "Low", zh = "区间下限" }
--! unit = "share"
--! doc = { en = "Lower end of its 95 % interval (Wilson)", zh = "其 95% 区间下限（Wilson）" }
--! [columns.active_high]
--! title = { en = "High", zh = "区间上限" }
--! unit = "share"
--! doc = { en = "Upper end of its 95 % interval (Wilson)", zh = "其 95% 区间上限（Wilson）" }
--! [columns.scored]
--! title = { en = "Scored", zh = "已评分客户" }
--! unit = "count"
--! doc = { en = "Customers with a score of the newest scoring run", zh = "最近一次评分覆盖的客户数" }
--! [columns.at_risk_share]
--! title = { en = "At risk", zh = "高风险占比" }
--! unit = "share"
--! absent = { en = "Not scored", zh = "未评分" }
--! doc = { en = "Share of the scored whose band is high", zh = "已评分客户中等级为高的比例" }
--! [columns.at_risk_low]
--! title = { en = "Low", zh = "区间下限" }
--! unit = "share"
--! absent = { en = "Not scored", zh = "未评分" }
--! doc = { en = "Lower end of its 95 % interval (Wilson)", zh = "其 95% 区间下限（Wilson）" }
--! [columns.at_risk_high]
--! title = { en = "High", zh = "区间上限" }
--! unit = "share"
--! absent = { en = "Not scored", zh = "未评分" }
--! doc = { en = "Upper end of its 95 % interval (Wilson)", zh = "其 95% 区间上限（Wilson）" }
--! [columns.revenue]
--! title = { en = "Revenue, 365 days", zh = "近 365 天营收" }
--! unit = "money"
--! doc = { en = "Net revenue of the last 365 days, refunds negative", zh = "最近 365 天净营收，退款为负" }
--! [columns.mrr]
--! title = { en = "MRR", zh = "月度经常性收入" }
--! unit = "money"
--! doc = { en = "Monthly recurring revenue of contracts that run", zh = "在用合同的月度经常性收入" }
--! [columns.open_value]
--! title = { en = "Open value", zh = "在谈金额" }
--! unit = "money"
--! doc = { en = "Sum of the amounts of deals neither won nor lost", zh = "尚未赢单或输单的商机金额合计" }

--- Who are our customers, and which of them do well?

WITH amounts AS (
  SELECT customer_key, currency, amount AS revenue, 0 AS mrr, 0 AS open_value
  FROM orders
  WHERE occurred_at > $as_of - INTERVAL '365 days'
  UNION ALL
  SELECT customer_key, currency, 0, mrr, 0
  FROM subscriptions
  WHERE ended_at IS NULL AND mrr > 0
  UNION ALL
  SELECT customer_key, currency, 0, 0, amount
  FROM opportunities
  WHERE coalesce(status, 'open') = 'open' AND amount IS NOT NULL
),
pieces AS (
  SELECT
    customers.customer_key,
    unnest(string_to_array(translate($breakdown, '|；，、', ';;;;'), ';')) AS piece
  FROM customers
),
-- One row per customer and tag, or one without a tag.
tagged AS (
  SELECT customers.customer_key, tags.tag
  FROM customers
  LEFT JOIN (
    SELECT customer_key, trim(piece) AS tag FROM pieces WHERE trim(piece) <> '' GROUP BY 1, 2
  ) AS tags ON tags.customer_key = customers.customer_key
),
sums AS (
  SELECT
    tagged.tag,
    amounts.currency,
    sum(amounts.revenue) AS revenue,
    sum(amounts.mrr) AS mrr,
    sum(amounts.open_value) AS open_value
  FROM amounts
  JOIN tagged ON tagged.customer_key = amounts.customer_key
  WHERE $currency IS NULL OR amounts.currency = $currency
  GROUP BY tagged.tag, amounts.currency
),
active AS (
  SELECT customer_key
  FROM activity
  WHERE customer_key IS NOT NULL AND occurred_at > $as_of - INTERVAL '30 days'
  GROUP BY customer_key
),
counts AS (
  SELECT
    tagged.tag,
    count(*) AS customers,
    count(active.customer_key) AS active,
    count(newest_scores.customer_key) AS scored,
    count(*) FILTER (WHERE newest_scores.band = 'high') AS at_risk
  FROM tagged
  LEFT JOIN active ON active.customer_key = tagged.customer_key
  LEFT JOIN newest_scores ON newest_scores.customer_key = tagged.customer_key
  GROUP BY tagged.tag
)
SELECT
  counts.tag AS breakdown,
  counts.customers,
  CAST(counts.customers AS DOUBLE) / everybody.n AS share,
  CAST(counts.active AS DOUBLE) / counts.customers AS active_share,
  wilson(counts.active, counts.customers)['low'] AS active_low,
  wilson(counts.active, counts.customers)['high'] AS active_high,
  counts.scored,
  CASE WHEN counts.scored > 0 THEN CAST(counts.at_risk AS DOUBLE) / counts.scored END AS at_risk_share,
  wilson(counts.at_risk, counts.scored)['low'] AS at_risk_low,
  wilson(counts.at_risk, counts.scored)['high'] AS at_risk_high,
  coalesce(sums.currency, $currency) AS currency,
  coalesce(sums.revenue, 0) AS revenue,
  coalesce(sums.mrr, 0) AS mrr,
  coalesce(sums.open_value, 0) AS open_value
FROM counts
CROSS JOIN (SELECT count(*) AS n FROM customers) AS everybody
LEFT JOIN sums ON (sums.tag IS NOT DISTINCT FROM counts.tag)
ORDER BY customers DESC, breakdown NULLS FIRST, currency NULLS FIRST
