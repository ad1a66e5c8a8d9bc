--! title = { en = "Silences", zh = "沉默期" }
--! description = { en = "Every stretch of so many whole days or more in which a customer did nothing that counts: the active day before it, and the one that ended it, as ordinals of days of UTC. The last one of each customer has no end, however short it still is.", zh = "客户连续若干整天以上无合格行为的各段时间：此前最后一个活跃日与结束沉默的活跃日（UTC 日序号）。每位客户最近一段沉默尚无终点，无论目前多短均列出。" }
--! grain = "one row per customer and silence"
--! [params.days]
--! type = "integer"
--! default = 90
--! doc = { en = "Least whole days without activity.", zh = "最少无行为天数。" }
--! [params.activities]
--! type = "list"
--! default = []
--! doc = { en = "Activities that count; none named means all.", zh = "计入的行为；为空表示全部。" }
WITH active AS (
  SELECT customer_key, customer_id, period('day', occurred_at, 'UTC') AS day
  FROM activity
  WHERE cardinality($activities) = 0 OR one_of(name, $activities)
  GROUP BY customer_key, customer_id, period('day', occurred_at, 'UTC')
),
followed AS (
  SELECT customer_id, period_index('day', day) AS day_no,
         lead(period_index('day', day)) OVER (PARTITION BY customer_key, customer_id ORDER BY day) AS next_no
  FROM active
)
SELECT customer_id, day_no, next_no
FROM followed
WHERE next_no IS NULL OR next_no - day_no > $days
ORDER BY customer_id, day_no
