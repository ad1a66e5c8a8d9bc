--! title = { en = "Active customers", zh = "活跃客户" }
--! description = { en = "Customers with qualifying activity within a length of time before the moment. At the cutoff these are the eligible; at the end of the horizon those who stayed.", zh = "某时刻之前一段时间内有合格行为的客户。" }
--! grain = "one row per customer"
--! [params.within]
--! type = "duration"
--! default = "90d"
--! doc = { en = "How far back activity counts.", zh = "回溯时长。" }
--! [params.activities]
--! type = "list"
--! default = []
--! doc = { en = "Activities that count; none named means all.", zh = "计入的行为；为空表示全部。" }
SELECT customer_id, max(customer_key) AS customer_key
FROM activity
WHERE occurred_at > $as_of - $within
  AND (cardinality($activities) = 0 OR one_of(name, $activities))
GROUP BY customer_id
ORDER BY customer_id
