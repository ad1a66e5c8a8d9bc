--! title = { en = "Owners of customers", zh = "客户负责人" }
--! description = { en = "The key and the account manager of every customer at the moment.", zh = "某时刻每个客户的内部键与负责人。" }
--! grain = "one row per customer"
SELECT customer_id, customer_key, owner_id
FROM customers
ORDER BY customer_id
