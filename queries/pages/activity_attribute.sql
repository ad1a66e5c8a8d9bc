--! title = { en = "An attribute of activity", zh = "活动的自定义属性" }
--! description = { en = "Whether any row of activity has an attribute.", zh = "是否有活动记录具有该属性。" }
--! grain = "one row, or none"
--! [params.name]
--! type = "text"
--! doc = { en = "The attribute", zh = "属性名" }

--- With a limit and no order the engine stops at the first row.

SELECT CAST($name AS VARCHAR) AS name
FROM activity
WHERE attribute(attributes, $name) IS NOT NULL
LIMIT 1
