--! title = { en = "RFM segments", zh = "RFM 客户分层" }
--! description = { en = "Who is worth what, and how lately they bought. Every customer with an order is scored 1 (worst) to 5 (best) for recency, frequency and monetary value, by quintile: 1 + ⌊5 × the share of customers who are strictly worse⌋, so equal values always get the equal score. Pure refunds and cancellations lower the revenue, and are not orders. A breakdown stands beside each customer; scores are always among all customers.", zh = "客户价值几何，最近是否购买。对有订单的客户按最近购买、购买频次、消费金额各打 1（最差）至 5（最好）分，按五分位：1 + ⌊5 × 严格更差的客户占比⌋，因此相同的值得分必然相同。纯退款与取消会减少营收，但不计为订单。选择分组时在客户旁列出分组值，打分仍以全部客户为准。" }
--! group = "segments"
--! grain = "one row per customer with an order"
--! chart = { kind = "table" }
--!
--! [params.window]
--! title = { en = "Window", zh = "时间窗" }
--! type = "duration"
--! doc = { en = "Only orders of this long before the report's date, e.g. 365d for 365 days; all orders if not given", zh = "仅统计报表日期之前该时长内的订单，例如 365d（365 天）；不填为全部订单" }
--!
--! [columns.recency_days]
--! title = { en = "Days since last order", zh = "距末次下单天数" }
--! unit = "days"
--! doc = { en = "Calendar days from the last order to the report's date", zh = "末次下单到报表日期的日历天数" }
--! [columns.frequency]
--! title = { en = "Orders", zh = "订单数" }
--! unit = "count"
--! doc = { en = "Distinct orders that are not pure refunds", zh = "去重后的订单数（不含纯退款）" }
--! [columns.monetary]
--! title = { en = "Revenue", zh = "净营收" }
--! unit = "money"
--! doc = { en = "Net revenue, refunds negative", zh = "净营收，退款为负" }
--! [columns.r]
--! title = { en = "R", zh = "R" }
--! unit = "score"
--! doc = { en = "Recency score, 5 is most recent", zh = "最近购买得分，5 为最近" }
--! [columns.f]
--! title = { en = "F", zh = "F" }
--! unit = "score"
--! doc = { en = "Frequency score, 5 is most frequent", zh = "购买频次得分，5 为最频繁" }
--! [columns.m]
--! title = { en = "M", zh = "M" }
--! unit = "score"
--! doc = { en = "Monetary score, 5 is most valuable", zh = "消费金额得分，5 为最高" }
--! [columns.segment]
--! title = { en = "Segment", zh = "分层" }
--! unit = "code"
--! doc = { en = "Named by recency and the mean of frequency and monetary score", zh = "由最近购买得分与频次、金额得分的均值命名" }
--!
--! [labels]
--! champions = { en = "Champions", zh = "重要价值客户" }
--! loyal = { en = "Loyal", zh = "忠诚客户" }
--! new = { en = "New", zh = "新客户" }
--! promising = { en = "Promising", zh = "潜力客户" }
--! needs_attention = { en = "Needs attention", zh = "需关注客户" }
--! at_risk = { en = "At risk", zh = "流失风险客户" }
--! cannot_lose = { en = "Can't lose", zh = "重点挽留客户" }
--! hibernating = { en = "Hibernating", zh = "沉睡客户" }
--! lost = { en = "Lost", zh = "已流失客户" }

--- Who is worth what, and how recently? With v = (f + m) / 2:
---
--- | r    | v ≥ 4       | v ≥ 2.5         | below                       |
--- |------|-------------|-----------------|-----------------------------|
--- | 4, 5 | champions   | loyal           | new (f = 1), else promising |
--- | 3    | loyal       | needs_attention | needs_attention             |
--- | 2    | at_risk     | at_risk         | hibernating                 |
--- | 1    | cannot_lose | at_risk         | lost                        |

WITH bought AS (
  SELECT
    customer_key,
    customer_id,
    order_id,
    max(occurred_at) FILTER (WHERE amount >= 0) AS occurred_at,
    sum(amount) AS amount,
    bool_or(amount >= 0) AS is_order
  FROM orders
  WHERE customer_key IS NOT NULL
    AND ($window IS NULL OR occurred_at > $as_of - $window)
    AND ($currency IS NULL OR currency = $currency)
  GROUP BY customer_key, customer_id, order_id
),
measured AS (
  SELECT
    customer_id,
    period_index('day', period('day', $as_of, $tz))
      - period_index('day', period('day', max(occurred_at) FILTER (WHERE is_order), $tz)) AS recency_days,
    count(*) FILTER (WHERE is_order) AS frequency,
    sum(amount) AS monetary
  FROM bought
  GROUP BY customer_key, customer_id
  HAVING count(*) FILTER (WHERE is_order) > 0
),
scored AS (
  SELECT
    customer_id,
    recency_days,
    frequency,
    monetary,
    1 + 5 * (CAST(rank() OVER (ORDER BY recency_days DESC) AS BIGINT) - 1) / n AS r,
    1 + 5 * (CAST(rank() OVER (ORDER BY frequency) AS BIGINT) - 1) / n AS f,
    1 + 5 * (CAST(rank() OVER (ORDER BY monetary) AS BIGINT) - 1) / n AS m
  FROM (SELECT measured.*, count(*) OVER () AS n FROM measured)
)
SELECT
  scored.customer_id,
  customers.name AS customer,
  coalesce(owners.name, customers.owner_id, '(no owner)') AS owner,
  $breakdown AS breakdown,
  recency_days,
  frequency,
  monetary,
  r,
  f,
  m,
  CASE
    WHEN r >= 4 AND f + m >= 8 THEN 'champions'
    WHEN r >= 4 AND f + m >= 5 THEN 'loyal'
    WHEN r >= 4 AND f = 1 THEN 'new'
    WHEN r >= 4 THEN 'promising'
    WHEN r = 3 AND f + m >= 8 THEN 'loyal'
    WHEN r = 3 THEN 'needs_attention'
    WHEN r = 1 AND f + m >= 8 THEN 'cannot_lose'
    WHEN f + m >= 5 THEN 'at_risk'
    WHEN r = 2 THEN 'hibernating'
    ELSE 'lost'
  END AS segment
FROM scored
LEFT JOIN customers ON customers.customer_id = scored.customer_id
LEFT JOIN owners ON owners.owner_id = customers.owner_id
ORDER BY monetary DESC, scored.customer_id
