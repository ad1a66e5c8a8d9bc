-- Twin of the report `health_calibration`.
-- case:
-- case: tz=Asia/Shanghai
-- case: as_of=2024-09-30
-- case: as_of=2024-09-29T17:00:00Z tz=America/New_York cutoffs=4
-- case: cutoffs=3
-- case: cutoffs=24 horizon=60d
-- case: activity=login
-- case: horizon=30d activity=login,export
-- case: weight_recency=0 weight_tickets=50
-- case: weight_recency=0 weight_usage=0 weight_trend=0 weight_breadth=0 weight_tickets=0 weight_complaints=0 weight_nps=0 weight_renewal=0 weight_orders=0 weight_contact=0
-- case: breakdown=segment
-- case: breakdown=owner as_of=2024-09-30
-- case: breakdown=channel horizon=30d tz=Asia/Shanghai
WITH judged AS (FROM health_judged('health_signals_past')),
-- The curve never falls the wrong way, has the prior of the weights, and is of early months: read off the report's SQL.
curves AS (
    SELECT weights, nonnegative_logistic(list(NOT is_gone), list([health / 100])) AS fit
    FROM judged WHERE is_early GROUP BY ALL
),
tenths AS (
    SELECT judged.*, breakdown, 1 + 10 * (rank() OVER (whole ORDER BY health) - 1) // count(*) OVER whole AS tenth
    FROM judged JOIN customers USING (customer_key) JOIN breakdowns USING (customer_id)
    WHERE is_newest WINDOW whole AS (PARTITION BY weights, breakdown)
)
SELECT tenth, weights, breakdown, count(*) AS customers, avg(health) AS health,
    avg(1 / (1 + exp(fit[1] + fit[2] * health / 100))) AS expected, count(*) FILTER (is_gone) AS "left",
    "left" / customers AS left_share, wilson("left", customers).low AS low, wilson("left", customers).high AS high
FROM tenths LEFT JOIN curves USING (weights)
GROUP BY tenth, weights, breakdown
ORDER BY breakdown NULLS FIRST, weights, tenth
