--! title = { en = "Customers without an owner", zh = "无负责人的客户" }
--! description = { en = "Customers with no account manager, in data where others have one. Nobody is told when they are about to leave.", zh = "其他客户有负责人而这些客户没有；流失预警将无人跟进。" }
--! severity = "warning"
--! grain = "one row if there are any"

SELECT
  'customer_without_owner' AS finding,
  'customers' AS "table",
  min(customer_id) FILTER (WHERE owner_id IS NULL) AS key,
  concat(
    CAST(count(*) FILTER (WHERE owner_id IS NULL) AS VARCHAR), ' of ', CAST(count(*) AS VARCHAR),
    ' customers have no owner; the first by id is the key'
  ) AS detail,
  count(*) FILTER (WHERE owner_id IS NULL) AS "rows"
FROM customers
HAVING count(*) FILTER (WHERE owner_id IS NULL) > 0 AND count(owner_id) > 0
ORDER BY finding
