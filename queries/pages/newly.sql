--! title = { en = "Newly at risk", zh = "新进入预警" }
--! description = { en = "Which of the named customers a run put into the high band, while the scoring run before did not.", zh = "指定客户中，本次评分进入高风险而上一次评分没有的客户。" }
--! grain = "one row per customer"
--! [params.run]
--! type = "integer"
--! doc = { en = "The run that scored.", zh = "评分批次。" }
--! [params.customers]
--! type = "list"
--! default = []
--! doc = { en = "The customers asked about.", zh = "查询的客户。" }
--- Nobody is new in the first run: there is nothing to be new against.
--- Before is what used earlier data, or the same data earlier.
WITH runs AS (
  SELECT run_id, max(cutoff) AS cutoff FROM scores GROUP BY run_id
),
earlier AS (
  SELECT last_value(r.run_id ORDER BY r.cutoff, r.run_id) AS run_id
  FROM runs r
  JOIN runs own ON own.run_id = $run
  WHERE r.cutoff < own.cutoff OR (r.cutoff = own.cutoff AND r.run_id < own.run_id)
)
SELECT s.customer_id
FROM scores s
CROSS JOIN earlier e
WHERE s.run_id = $run
  AND s.band = 'high'
  AND e.run_id IS NOT NULL
  AND one_of(s.customer_id, $customers)
  AND NOT EXISTS (
    SELECT 1 FROM scores b
    WHERE b.run_id = e.run_id AND b.customer_id = s.customer_id AND b.band = 'high')
ORDER BY s.customer_id
