-- Twin of the report `health_weights`.
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
WITH rows AS (FROM judged('health_signals_past')),
fitted AS (SELECT nonnegative_logistic(list(NOT is_gone), list(signals))[2:] AS fit FROM rows),
signals AS (SELECT unnest(health_names()) AS signal, unnest(range(1, 11)) AS place),
scores AS (
    SELECT place AS kind, signals[place] AS score, NOT is_gone AS event, customer_key AS cluster
    FROM rows, (SELECT place FROM signals)
),
told AS (FROM concordance('scores')),
counts AS (SELECT count(*) AS judged, count(*) FILTER (is_gone) AS "left" FROM rows)
SELECT signal, 100 * shares[place] AS weight, 100 * fit[place] / nullif(list_sum(fit), 0) AS proposed,
    c.value AS concordance, c.low, c.high,
    CASE WHEN c.low > 0.5 THEN 'right' WHEN c.high < 0.5 THEN 'wrong' ELSE 'unclear' END AS verdict,
    judged, "left"
FROM signals LEFT JOIN told ON kind = place, counts, health_shares, fitted
ORDER BY place
