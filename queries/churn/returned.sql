--! title = { en = "Customers seen again", zh = "再次活跃的客户" }
--! description = { en = "When each customer first showed qualifying activity in a length of time before the moment.", zh = "某时刻之前一段时间内，每位客户首次出现合格行为的时间。" }
--! grain = "one row per customer"
--! [params.within]
--! type = "duration"
--! default = "90d"
--! doc = { en = "How far back activity counts.", zh = "回溯时长。" }
--! [params.activities]
--! type = "list"
--! default = []
--! doc = { en = "Activities that count; none named means all.", zh = "计入的行为；为空表示全部。" }
SELECT customer_id, min(occurred_at) AS first_at
FROM activity
WHERE occurred_at > $as_of - $within
  AND (cardinality($activities) = 0 OR one_of(name, $activities))
GROUP BY customer_id
ORDER BY customer_id
