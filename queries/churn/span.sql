--! title = { en = "Span of the data", zh = "数据时间范围" }
--! description = { en = "The first instant of any activity, and the newest of qualifying activity: what happened after that is not known to this store, whatever newer rows other tables have.", zh = "首次活跃时间，以及最近一次合格行为的时间：此后发生的行为尚未进入本库，无论其他表是否有更新的数据。" }
--! grain = "one row"
--! [params.activities]
--! type = "list"
--! default = []
--! doc = { en = "Activities that count; none named means all.", zh = "计入的行为；为空表示全部。" }
SELECT min(occurred_at) AS first_at,
       max(occurred_at) FILTER (WHERE cardinality($activities) = 0 OR one_of(name, $activities)) AS last_at
FROM activity
