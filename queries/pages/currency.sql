--! title = { en = "Currency", zh = "币种" }
--! description = { en = "The currency of every amount; none if there are several, since a sum over them has no unit.", zh = "全部金额的币种；若有多种则为空，因为跨币种合计没有单位。" }
--! grain = "one row"
SELECT CASE WHEN count(DISTINCT currency) = 1 THEN max(currency) END AS currency
FROM (
  SELECT currency FROM orders
  UNION ALL
  SELECT currency FROM subscriptions
  UNION ALL
  SELECT currency FROM opportunities
)
