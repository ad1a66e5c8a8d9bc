--! title = { en = "Span of the data", zh = "数据时间范围" }
--! description = { en = "The first instant of any activity.", zh = "首次活跃时间。" }
--! grain = "one row"
SELECT min(occurred_at) AS first_at
FROM activity
