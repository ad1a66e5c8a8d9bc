--! title = { en = "Closed before it was opened", zh = "关闭早于创建" }
--! description = { en = "Deals and tickets whose closing lies before their opening. Their cycle time is negative and pulls the mean down.", zh = "关闭时间早于创建时间的商机与工单；其周期为负，会拉低平均值。" }
--! severity = "error"
--! grain = "one row per deal or ticket"

SELECT
  'closed_before_created' AS finding,
  source AS "table",
  id AS key,
  concat('closed ', CAST(closed_at AS VARCHAR), ', opened ', CAST(opened_at AS VARCHAR)) AS detail,
  count(*) AS "rows"
FROM (
  SELECT 'opportunities' AS source, opportunity_id AS id, created_at AS opened_at, closed_at
  FROM opportunities
  UNION ALL
  SELECT 'tickets', ticket_id, occurred_at, closed_at
  FROM tickets
)
WHERE closed_at < opened_at
GROUP BY source, id, opened_at, closed_at
ORDER BY source, id, closed_at
