--! title = { en = "Customers by the beginning of their id", zh = "按编号前缀查找客户" }
--! description = { en = "Ids to offer when one that was asked for does not exist.", zh = "客户不存在时用于提示相近编号。" }
--! grain = "one row per customer"
--! [params.customer]
--! type = "text"
--! doc = { en = "What was asked for.", zh = "查询的编号。" }
SELECT customer_id
FROM customers
WHERE lower(left(customer_id, 2)) = lower(left($customer, 2))
ORDER BY customer_id <> $customer, customer_id
LIMIT 5000
