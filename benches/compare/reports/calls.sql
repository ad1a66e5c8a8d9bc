-- Twin of the report `calls`.
-- case:
-- case: capacity=1000000
-- case: capacity=200 per_owner=3
-- case: capacity=1000000 min_band=medium rest_days=30
-- case: capacity=1000000 min_band=high rest_days=0 statuses=gone,active
-- case: capacity=500 rest_days=1 tz=Asia/Shanghai
-- case: capacity=300 currency=USD per_owner=10
-- case: breakdown=segment
-- case: breakdown=owner capacity=100 rest_days=365
WITH asked AS (
    SELECT coalesce(getvariable('capacity')::INT, 50) AS capacity, getvariable('per_owner')::INT AS most,
        coalesce(getvariable('rest_days')::INT, 7) AS rest, string_split(coalesce(getvariable('statuses'),
            'churned,terminated,lost,cancelled,canceled,流失,已流失,终止,已终止'), ',') AS statuses,
        list_position(['low', 'medium', 'high'], coalesce(getvariable('min_band'), 'low')) AS band_from
),
last_contacts AS (SELECT customer_key, local_day(max(occurred_at)) AS last_contact FROM contacts GROUP BY ALL),
running AS (SELECT customer_key, count(*) > count(ended_at) AS runs FROM subscriptions GROUP BY ALL),
callable AS (
    SELECT customer_id, customers.name AS customer, customers.owner_id, probability, band, churn_90, remaining_days,
        last_contact, value_at_risk, currency,
        row_number() OVER (PARTITION BY currency ORDER BY value_at_risk DESC, customer_id) AS place,
        count(*) OVER (PARTITION BY currency) AS n, sum(value_at_risk) OVER (PARTITION BY currency) AS total
    FROM (SELECT * EXCLUDE (customer_id, owner_id) FROM scores
        WHERE run_id = (SELECT arg_max(run_id, (cutoff, run_id)) FROM scores)) AS newest
    JOIN customers USING (customer_key) LEFT JOIN last_contacts USING (customer_key) LEFT JOIN running USING (customer_key), asked
    WHERE value_at_risk > 0 AND coalesce(runs, true)
        AND NOT coalesce(list_contains(statuses, lower(trim(status))), false)
        AND (rest = 0 OR last_contact IS NULL OR local_day(getvariable('as_of')) - last_contact >= rest)
        AND (getvariable('currency') IS NULL OR currency = getvariable('currency'))
        AND (getvariable('owner') IS NULL OR owner_id = getvariable('owner'))
        AND list_position(['low', 'medium', 'high'], band) >= band_from
),
turns AS (
    SELECT *, row_number() OVER (PARTITION BY owner_id ORDER BY (2 * place - 1) / n, n DESC, currency, place) AS of_owner
    FROM callable
),
called AS (
    SELECT turns.*, row_number() OVER (ORDER BY (2 * place - 1) / n, n DESC, currency, place) AS rank
    FROM turns, asked WHERE most IS NULL OR of_owner <= most
)
SELECT rank, customer_id, customer, coalesce(owners.name, owner_id, '(no owner)') AS owner, breakdown, probability, band, churn_90,
    remaining_days, last_contact, value_at_risk, currency,
    sum(value_at_risk) OVER (PARTITION BY currency ORDER BY rank)::DOUBLE / total::DOUBLE AS covered
FROM called LEFT JOIN owners USING (owner_id) LEFT JOIN breakdowns USING (customer_id), asked
WHERE rank <= capacity
ORDER BY rank
