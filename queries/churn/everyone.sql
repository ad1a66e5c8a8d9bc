--! title = { en = "All customers", zh = "全部客户" }
--! description = { en = "Every customer known at the moment, with the columns and attributes that may be features.", zh = "某时刻已知的全部客户及可作为特征的字段与属性。" }
--! grain = "one row per customer"
--- Status and owner are left out: a status is often set when a customer has
--- already gone, and an owner is reassigned then.
SELECT customer_id, customer_key, segment, channel, region, industry, attributes
FROM customers
ORDER BY customer_id
