--! title = { en = "Names of activity", zh = "活动名称" }
--! description = { en = "Which of the given names occur in activity; all of them if none is given.", zh = "给定名称中在活动里出现过的；未给定则为全部。" }
--! grain = "one row per name"
--! [params.names]
--! type = "list"
--! default = []
--! doc = { en = "The names looked for", zh = "要查找的名称" }
--! [params.most]
--! type = "integer"
--! default = 200
--! doc = { en = "Enough is found after so many", zh = "找到这么多即停止" }

--- No ORDER BY: with a limit and no order the engine stops reading as soon as it
--- has found so many.

SELECT CAST(name AS VARCHAR) AS name
FROM (
  SELECT name
  FROM activity
  WHERE cardinality($names) = 0 OR one_of(name, $names)
  GROUP BY name
  LIMIT $most
)
