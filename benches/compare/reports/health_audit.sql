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
-- case: breakdown=segment
-- case: breakdown=owner as_of=2024-09-30
-- case: breakdown=channel horizon=30d tz=Asia/Shanghai
WITH judged AS (
    SELECT h.*, breakdown
    FROM health_judged('health_signals_past') h JOIN customers USING (customer_key) JOIN breakdowns USING (customer_id)
    WHERE weights = 'configured' OR is_test
),
-- How much of each customer is in the lowest tenth: whole, or the equal part of those who share its border.
placed AS (
    SELECT *, rank() OVER (whole ORDER BY health) - 1 AS below,
        count(*) OVER (PARTITION BY cutoff, weights, breakdown, health) AS equals, count(*) OVER whole / 10 AS tenth
    FROM judged WINDOW whole AS (PARTITION BY cutoff, weights, breakdown)
),
months AS (
    SELECT cutoff, weights, breakdown, count(*) AS customers, count(*) FILTER (is_gone) AS "left",
        sum(least(greatest((tenth - below) / equals, 0), 1)) FILTER (is_gone) / "left" AS captured,
        CASE WHEN "left" < customers THEN "left" / (1 - "left" / customers * captured * (1 - captured) / 0.09::DOUBLE) END AS n
    FROM placed GROUP BY ALL
),
scores AS (SELECT (cutoff, weights, breakdown) AS kind, health AS score, NOT is_gone AS event, customer_key AS cluster FROM judged),
told AS (FROM concordance('scores'))
SELECT local_day(cutoff) AS cutoff, weights, breakdown, customers, "left", "left" / customers AS left_share,
    wilson("left", customers).low AS low, wilson("left", customers).high AS high, c.value AS concordance,
    c.low AS concordance_low, c.high AS concordance_high, captured / 0.1::DOUBLE AS lift,
    wilson(captured * n, n).low / 0.1::DOUBLE AS lift_low, wilson(captured * n, n).high / 0.1::DOUBLE AS lift_high, captured,
    wilson(captured * n, n).low AS captured_low, wilson(captured * n, n).high AS captured_high
FROM months LEFT JOIN told ON kind IS NOT DISTINCT FROM (cutoff, weights, breakdown)
ORDER BY months.cutoff, breakdown NULLS FIRST, weights
