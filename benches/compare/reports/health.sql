-- Twin of the report `health`.
-- case:
-- case: tz=Asia/Shanghai limit=1000000
-- case: as_of=2024-09-30 limit=1000000
-- case: as_of=2024-03-31T12:00:00Z horizon=60d limit=1000000
-- case: activity=login limit=20 poor=30 good=55.5
-- case: weight_recency=0 weight_tickets=50 currency=USD limit=1000000
-- case: weight_recency=0 weight_nps=0.5 weight_contact=0 limit=1000000
-- case: weight_recency=0 weight_usage=0 weight_trend=0 weight_breadth=0 weight_tickets=0 weight_complaints=0 weight_nps=0 weight_renewal=0 weight_orders=0 weight_contact=0 limit=1000000
-- case: breakdown=segment limit=1000000
-- case: breakdown=owner as_of=2024-09-30
-- case: breakdown=channel tz=Asia/Shanghai limit=1000000
WITH contracts AS (
    SELECT customer_key, list(DISTINCT coalesce(currency, '')) AS currencies, sum(mrr) AS mrr
    FROM subscriptions
    WHERE ended_at IS NULL AND (getvariable('currency') IS NULL OR currency = getvariable('currency'))
    GROUP BY ALL
),
scored AS (SELECT customer_key, band FROM scores WHERE run_id = (SELECT arg_max(run_id, (cutoff, run_id)) FROM scores)),
costs AS (
    SELECT customer_key, place, 100 * shares[place] * (1 - signals[place]) AS points
    FROM health_signals, health_shares, (SELECT unnest(range(1, 11)) AS place)
),
-- Equal costs differ in their last digits.
ranked AS (
    SELECT *, row_number() OVER (PARTITION BY customer_key ORDER BY round(points, 9) DESC, place) AS rank
    FROM costs WHERE round(points, 9) > 0
)
SELECT customer_id, customers.name AS customer, coalesce(owners.name, customers.owner_id, '(no owner)') AS owner, breakdown, health,
    CASE WHEN health < coalesce(getvariable('poor')::DOUBLE, 40) THEN 'poor'
        WHEN health < coalesce(getvariable('good')::DOUBLE, 70) THEN 'fair'
        WHEN health IS NOT NULL THEN 'good' END AS level,
    health_names()[one.place] AS weakest, one.points, health_names()[two.place] AS second,
    floor(days_since(last_at))::BIGINT AS days_silent, known, band,
    CASE WHEN len(currencies) = 1 THEN mrr END AS mrr,
    CASE WHEN len(currencies) = 1 THEN nullif(currencies[1], '') END AS currency
FROM health_signals JOIN customers USING (customer_key) LEFT JOIN contracts USING (customer_key)
LEFT JOIN scored USING (customer_key) LEFT JOIN owners ON owners.owner_id = customers.owner_id
LEFT JOIN breakdowns USING (customer_id)
LEFT JOIN ranked one ON one.customer_key = health_signals.customer_key AND one.rank = 1
LEFT JOIN ranked two ON two.customer_key = health_signals.customer_key AND two.rank = 2
ORDER BY health, mrr DESC NULLS LAST, customer_id
LIMIT coalesce(getvariable('limit')::INT, 100)
