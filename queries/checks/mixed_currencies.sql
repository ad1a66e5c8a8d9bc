--! title = { en = "Amounts in several currencies", zh = "存在多种币种" }
--! description = { en = "Reports add amounts without converting them. With several currencies in a table, set the report's currency parameter.", zh = "报表合计金额时不做换算；表中存在多种币种时，请设置报表的币种参数。" }
--! severity = "warning"
--! grain = "one row per table and currency, if a table has several"

WITH amounts AS (
  SELECT 'orders' AS source, currency FROM orders WHERE amount IS NOT NULL
  UNION ALL
  SELECT 'subscriptions', currency FROM subscriptions WHERE mrr IS NOT NULL
  UNION ALL
  SELECT 'opportunities', currency FROM opportunities WHERE amount IS NOT NULL
),
counted AS (
  SELECT source, currency, count(*) AS n, count(*) OVER (PARTITION BY source) AS n_currencies
  FROM amounts
  GROUP BY source, currency
)
SELECT
  'mixed_currencies' AS finding,
  source AS "table",
  coalesce(currency, '(none)') AS key,
  concat(source, ' has amounts in ', CAST(n_currencies AS VARCHAR), ' currencies') AS detail,
  n AS "rows"
FROM counted
WHERE n_currencies > 1
ORDER BY source, key
