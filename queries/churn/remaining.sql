--! title = { en = "Customers who remain", zh = "尚未流失的客户" }
--! description = { en = "Every customer known at the moment, but those of whom the source says that the outcome has come.", zh = "某时刻已知的全部客户，数据源已标明结果发生者除外。" }
--! grain = "one row per customer"
--! [params.label]
--! type = "text"
--! default = "churn"
--! doc = { en = "Which outcome.", zh = "标签名称。" }
SELECT customers.customer_id, customers.customer_key
FROM customers
LEFT JOIN labels ON labels.customer_id = customers.customer_id AND labels.name = $label
WHERE NOT coalesce(labels.value, false)
ORDER BY customers.customer_id
