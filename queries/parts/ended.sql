--! title = { en = "Ended customers", zh = "已终止的客户" }
--! description = { en = "Customers of whom the source says that they have gone: they had contracts and none runs any more, or their status is one of `statuses`. With the end of the last contract; a status has no date.", zh = "来源系统表明已离开的客户：曾有合同且已无在用合同，或状态属于 statuses。附最后一份合同的终止时间；状态没有日期。" }
--! grain = "one row per customer and reason"

--- Whom is it too late to court?

SELECT customer_key, 'contract_ended' AS reason, max(ended_at) AS ended_at
FROM subscriptions
WHERE customer_key IS NOT NULL
GROUP BY customer_key
HAVING bool_and(ended_at IS NOT NULL)
UNION ALL
SELECT customer_key, 'status_ended', NULL
FROM customers
WHERE one_of(lower(trim(status)), $statuses)
