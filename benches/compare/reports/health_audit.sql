-- Twin of the report `health_audit`.
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
WITH judged AS (FROM health_judged('health_signals_past') WHERE weights = 'configured' OR is_test),
-- How much of each customer is in the lowest tenth: whole, or the equal part of those who share its border.
placed AS (
    SELECT *, rank() OVER (PARTITION BY cutoff, weights ORDER BY health) - 1 AS below,
        count(*) OVER (PARTITION BY cutoff, weights, health) AS equals, count(*) OVER (PARTITION BY cutoff, weights) / 10 AS tenth
    FROM judged
),
months AS (
    SELECT cutoff, weights, count(*) AS customers, count(*) FILTER (is_gone) AS "left",
        sum(least(greatest((tenth - below) / equals, 0), 1)) FILTER (is_gone) / "left" AS captured
    FROM placed GROUP BY ALL
),
scores AS (SELECT (cutoff, weights) AS kind, health AS score, NOT is_gone AS event, customer_key AS cluster FROM judged),
told AS (FROM concordance('scores'))
SELECT local_day(cutoff) AS cutoff, weights, customers, "left", "left" / customers AS left_share,
    wilson("left", customers).low AS low, wilson("left", customers).high AS high, c.value AS concordance,
    c.low AS concordance_low, c.high AS concordance_high, captured / 0.1::DOUBLE AS lift, captured
FROM months LEFT JOIN told ON kind = (cutoff, weights)
ORDER BY months.cutoff, weights
