-- Twin of the report `renewals`.
-- case:
-- case: within=365d currency=USD
-- case: within=4w tz=Asia/Shanghai
-- case: as_of=2024-09-30
-- case: breakdown=segment
-- case: breakdown=owner within=365d
-- case: breakdown=channel as_of=2024-09-30
WITH scored AS (SELECT customer_key, probability, band FROM scores WHERE run_id = (SELECT arg_max(run_id, (cutoff, run_id)) FROM scores)),
today AS (SELECT local_day(getvariable('as_of')) AS today)
SELECT CASE WHEN ends_at > getvariable('as_of') THEN 'due' ELSE 'overdue' END AS status, s.customer_id,
    c.name AS customer, coalesce(owners.name, c.owner_id, '(no owner)') AS owner, breakdown, subscription_id AS contract, plan,
    local_day(ends_at) AS ends_on, local_day(ends_at) - today AS days_left, mrr, 12 * mrr AS annual_value, currency,
    probability, band, 12 * mrr::DOUBLE * probability AS value_at_risk,
    today - local_day((SELECT max(occurred_at) FROM activity a WHERE a.customer_key = s.customer_key)) AS days_since_activity,
    (SELECT count(*) FROM tickets t WHERE t.customer_key = s.customer_key AND closed_at IS NULL) AS open_tickets
FROM today, subscriptions s LEFT JOIN customers c ON c.customer_key = s.customer_key
LEFT JOIN scored ON scored.customer_key = s.customer_key LEFT JOIN owners ON owners.owner_id = c.owner_id
LEFT JOIN breakdowns b ON b.customer_id = s.customer_id
WHERE ended_at IS NULL AND epoch_us(ends_at)
        <= epoch_us(getvariable('as_of')) + epoch_us(duration(coalesce(getvariable('within'), '90d')))
    AND (getvariable('currency') IS NULL OR currency = getvariable('currency'))
ORDER BY ends_at, s.customer_id, subscription_id
