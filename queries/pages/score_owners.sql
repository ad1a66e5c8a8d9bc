--! title = { en = "Owners of scored customers", zh = "已评分客户的负责人" }
--! description = { en = "The account managers of the customers a run scored, by name.", zh = "某次评分客户的负责人，按姓名排列。" }
--! grain = "one row per owner"
--! [params.run]
--! type = "integer"
--! doc = { en = "The run that scored.", zh = "评分批次。" }
SELECT scored.owner_id, coalesce(owners.name, scored.owner_id) AS name
FROM (SELECT DISTINCT owner_id FROM scores WHERE run_id = $run AND owner_id IS NOT NULL) scored
LEFT JOIN owners ON owners.owner_id = scored.owner_id
ORDER BY name, owner_id
