--! title = { en = "Product spelt in several ways", zh = "产品名称写法不一" }
--! description = { en = "Names that are equal once case, spaces and punctuation are removed, e.g. GTXPro and GTX Pro. Sums by product count them apart.", zh = "去除大小写、空格与标点后相同的名称，如 GTXPro 与 GTX Pro；按产品汇总时会被分开统计。" }
--! severity = "warning"
--! grain = "one row per product"

WITH spellings AS (
  SELECT 'orders' AS source, product AS name FROM orders
  UNION ALL
  SELECT 'opportunities', product FROM opportunities
  UNION ALL
  SELECT 'products', name FROM products
),
counted AS (
  SELECT
    source,
    name,
    regexp_replace(lower(name), '[^\p{L}\p{N}]+', '', 'g') AS plain,
    count(*) AS n
  FROM spellings
  WHERE name IS NOT NULL
  GROUP BY source, name
)
SELECT
  'product_spelling' AS finding,
  array_to_string(array_sort(array_agg(DISTINCT source)), ', ') AS "table",
  array_to_string(array_sort(array_agg(DISTINCT name)), ' / ') AS key,
  array_to_string(
    array_sort(array_agg(concat('"', name, '" in ', source, ': ', CAST(n AS VARCHAR)))),
    '; '
  ) AS detail,
  sum(n) AS "rows"
FROM counted
WHERE plain <> ''
GROUP BY plain
HAVING count(DISTINCT name) > 1
ORDER BY key
