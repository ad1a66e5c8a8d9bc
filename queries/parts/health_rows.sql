--! title = { en = "Health and what became of it", zh = "健康度与实际结果" }
--! description = { en = "What the health score said at the beginning of past months of customers active within `horizon`, as the store was known then, and whether they have left: no activity within `horizon` from then on. Test: the newest quarter of the months with anybody judged, rounded up. Early: months whose outcome was known at the first test month.", zh = "过去各月初（按当时所知）对观察期内活跃客户给出的健康度，以及其后是否流失（此后整个观察期内无行为记录）。测试：有客户可评估的月份中最近的四分之一（向上取整）。早期：在首个测试月时结果已知的月份。" }
--! grain = "one row per customer and month"

--- The first activity of each month is enough: months begin at cutoffs.

WITH firsts AS (
  SELECT customer_key, min(occurred_at) AS first_at
  FROM activity
  WHERE customer_key IS NOT NULL
    AND (cardinality($activity) = 0 OR one_of(name, $activity))
  GROUP BY customer_key, period('month', occurred_at, $tz)
),
eligible AS (
  SELECT *, cutoff + $horizon AS horizon_to
  FROM health_signals_past
  WHERE last_at > cutoff - $horizon
),
stayed AS (
  SELECT DISTINCT eligible.cutoff, eligible.customer_key
  FROM eligible
  JOIN firsts
    ON firsts.customer_key = eligible.customer_key
    AND firsts.first_at >= eligible.cutoff
    AND firsts.first_at < eligible.horizon_to
),
months AS (
  SELECT cutoff, row_number() OVER (ORDER BY cutoff DESC) AS nth, count(*) OVER () AS n
  FROM (SELECT DISTINCT cutoff FROM eligible)
),
split AS (
  SELECT min(cutoff) FILTER (WHERE nth <= (n + 3) / 4) AS first_test, max(cutoff) AS newest
  FROM months
)
SELECT
  eligible.cutoff,
  eligible.customer_key,
  eligible.health,
  eligible.signals,
  stayed.customer_key IS NULL AS has_left,
  eligible.cutoff >= split.first_test AS is_test,
  eligible.horizon_to <= split.first_test AS is_early,
  eligible.cutoff = split.newest AS is_newest
FROM split
CROSS JOIN eligible
LEFT JOIN stayed
  ON stayed.customer_key = eligible.customer_key AND stayed.cutoff = eligible.cutoff
