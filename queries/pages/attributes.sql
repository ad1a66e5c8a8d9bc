--! title = { en = "Attributes of customers", zh = "客户自定义属性" }
--! description = { en = "The names of everything sources say of customers beyond the profile; each can be a breakdown.", zh = "数据源中除基本信息外的全部客户属性名称；均可用于分组。" }
--! grain = "one row per attribute"
SELECT DISTINCT name
FROM (SELECT unnest(map_keys(attributes)) AS name FROM customers)
ORDER BY name
