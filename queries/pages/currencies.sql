--! title = { en = "Currencies", zh = "币种" }
--! description = { en = "The currencies of amounts, the one with most rows first.", zh = "金额所用的币种，按行数从多到少排列。" }
--! grain = "one row per currency"

SELECT currency
FROM (
  SELECT currency FROM orders
  UNION ALL
  SELECT currency FROM subscriptions
  UNION ALL
  SELECT currency FROM opportunities
)
WHERE currency IS NOT NULL
GROUP BY currency
ORDER BY count(*) DESC, currency
