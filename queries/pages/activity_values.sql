--! title = { en = "Values of an activity", zh = "行为的属性取值" }
--! description = { en = "Whether a column or an attribute of an activity ever has a value; the values there are if none is given.", zh = "某行为的某列或自定义属性是否出现过给定取值；未给定则列出已有取值。" }
--! grain = "one row per value"
--! [params.activity]
--! type = "text"
--! doc = { en = "The activity", zh = "行为名称" }
--! [params.property]
--! type = "text"
--! doc = { en = "The column or attribute", zh = "列名或属性名" }
--! [params.value]
--! type = "text"
--! doc = { en = "The value looked for", zh = "要查找的取值" }
--! [params.most]
--! type = "integer"
--! default = 200
--! doc = { en = "Enough is found after so many", zh = "找到这么多即停止" }

--- As in `activity_names.sql`, no ORDER BY.

SELECT value
FROM (
  SELECT
    CASE $property
      WHEN 'name' THEN CAST(name AS VARCHAR)
      WHEN 'feature' THEN CAST(feature AS VARCHAR)
      WHEN 'customer_id' THEN customer_id
      WHEN 'event_id' THEN event_id
      ELSE attribute(attributes, $property)
    END AS value
  FROM activity
  WHERE name = $activity
)
WHERE value IS NOT NULL AND ($value IS NULL OR value = $value)
GROUP BY value
ORDER BY value
LIMIT $most
