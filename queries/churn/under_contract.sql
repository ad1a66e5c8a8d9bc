--! title = { en = "Contracts running", zh = "在用合同" }
--! description = { en = "Every contract that runs at the moment, as known then. At the cutoff their customers are the eligible.", zh = "某时刻（按当时所知）在用的每份合同。截止日当时其客户即为符合条件的客户。" }
--! grain = "one row per running contract"
--- The table is cut at the moment: contracts that start later are not there,
--- and an end that comes later is empty.
SELECT customer_id, subscription_id, started_at
FROM subscriptions
WHERE ended_at IS NULL
ORDER BY customer_id, subscription_id
