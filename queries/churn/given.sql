--! title = { en = "Given labels", zh = "给定标签" }
--! description = { en = "An outcome the source itself states, with the row it stood in, which decides the validation fold.", zh = "数据源自带的结果标签及其行号（用于交叉验证分折）。" }
--! grain = "one row per customer"
--! [params.label]
--! type = "text"
--! default = "churn"
--! doc = { en = "Which outcome.", zh = "标签名称。" }
SELECT labels.customer_id, labels.customer_key, labels.value, labels.row_no
FROM labels
JOIN customers ON customers.customer_id = labels.customer_id
WHERE labels.name = $label
ORDER BY labels.customer_id
