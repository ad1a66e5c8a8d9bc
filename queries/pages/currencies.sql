--! title = { en = "Currencies", zh = "币种" }
--! description = { en = "The currencies of amounts, the one with most rows first; empty, and last, for amounts that do not say theirs.", zh = "金额所用的币种，按行数从多到少排列；未注明币种的金额为空值，排在最后。" }
--! grain = "one row per currency"

SELECT currency
FROM (
  SELECT currency FROM orders WHERE amount IS NOT NULL
  UNION ALL
  SELECT currency FROM subscriptions WHERE mrr IS NOT NULL
  UNION ALL
  SELECT currency FROM opportunities WHERE amount IS NOT NULL
  UNION ALL
  SELECT currency FROM campaigns WHERE cost IS NOT NULL
)
GROUP BY currency
ORDER BY currency IS NULL, count(*) DESC, currency
