--! title = { en = "Names of owners", zh = "负责人姓名" }
--! description = { en = "What owners are called; two of one name are told apart by their ids.", zh = "负责人的姓名；同名者以编号区分。" }
--! grain = "one row per owner with a name"

SELECT
  owner_id,
  CASE WHEN count(*) OVER (PARTITION BY name) = 1 THEN name ELSE name || ' (' || owner_id || ')' END AS name
FROM owners
WHERE owner_id IS NOT NULL AND name IS NOT NULL
ORDER BY owner_id
