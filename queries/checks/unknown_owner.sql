--! title = { en = "Owners nobody knows", zh = "未知的负责人" }
--! description = { en = "Owner ids on customers, deals, tickets or touches that the list of owners does not have: people who left, or a list that was not loaded in full. Not checked while there is no list.", zh = "客户、商机、工单或触达上的负责人不在负责人名单中：可能已离职，或名单未完整导入。无名单时不检查。" }
--! severity = "warning"
--! grain = "one row per table and owner"

WITH uses AS (
  SELECT 'customers' AS source, owner_id FROM customers
  UNION ALL
  SELECT 'opportunities', owner_id FROM opportunities
  UNION ALL
  SELECT 'tickets', owner_id FROM tickets
  UNION ALL
  SELECT 'touches', owner_id FROM touches
)
SELECT
  'unknown_owner' AS finding,
  source AS "table",
  owner_id AS key,
  concat('"', owner_id, '" is not among the owners') AS detail,
  count(*) AS "rows"
FROM uses
WHERE owner_id IS NOT NULL
  AND EXISTS (SELECT 1 FROM owners)
  AND NOT EXISTS (SELECT 1 FROM owners WHERE owners.owner_id = uses.owner_id)
GROUP BY source, owner_id
ORDER BY source, owner_id
