--! title = { en = "Span of the contracts", zh = "合同数据时间范围" }
--! description = { en = "The first start of a contract that each load brought, and the newest start or end that has come: what happened to contracts after that is not known to this store, whatever newer rows other tables have.", zh = "每次加载的合同中最早的开始时间，以及最近一次已发生的开始或终止时间：此后合同的变化尚未进入本库，无论其他表是否有更新的数据。" }
--! grain = "one row per load that brought contracts"
SELECT load_id, min(started_at) AS first_at, greatest(max(started_at), max(ended_at)) AS last_at
FROM subscriptions
GROUP BY load_id
ORDER BY load_id
