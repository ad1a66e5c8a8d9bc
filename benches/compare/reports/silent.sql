-- Twin of the report `silent`.
-- case:
-- case: quantile=0.5 limit=1000000
-- case: quantile=1 min_days=2 gone_days=36500 limit=1000000
-- case: activity=login limit=1000000 tz=Asia/Shanghai
-- case: as_of=2024-09-30 limit=1000000 currency=USD
-- case: breakdown=segment
-- case: breakdown=owner as_of=2024-09-30 limit=1000000
-- case: breakdown=channel quantile=0.5 limit=1000000
WITH days AS (
    SELECT DISTINCT customer_key, local_day(occurred_at) AS day FROM activity
    WHERE customer_key IS NOT NULL
        AND (getvariable('activity') IS NULL OR name IN (SELECT unnest(string_split(getvariable('activity'), ','))))
),
gaps AS (SELECT *, day - lag(day) OVER (PARTITION BY customer_key ORDER BY day) AS gap FROM days),
rhythms AS (
    SELECT customer_key, max(day) AS last_active, local_day(getvariable('as_of')) - last_active AS days_silent,
        median(gap) AS usual_gap, list_sort(list(gap) FILTER (gap IS NOT NULL)) AS sorted,
        coalesce(getvariable('quantile')::DOUBLE, 0.95) * (len(sorted) - 1) AS place,
        sorted[floor(place)::INT + 1] AS under, sorted[ceil(place)::INT + 1] AS over,
        greatest(round(under + (over - under) * (place - floor(place)), 6), 2) AS gap_limit
    FROM gaps GROUP BY ALL
    HAVING count(*) >= greatest(coalesce(getvariable('min_days')::INT, 4), 2)
),
contracts AS (
    SELECT customer_key, count(*) FILTER (ended_at IS NULL) AS running,
        list(DISTINCT coalesce(currency, '')) FILTER (ended_at IS NULL AND wanted) AS currencies,
        sum(mrr) FILTER (ended_at IS NULL AND wanted) AS mrr
    FROM (SELECT *, coalesce(getvariable('currency') IS NULL OR currency = getvariable('currency'), false) AS wanted
        FROM subscriptions)
    GROUP BY ALL
),
scored AS (SELECT customer_key, band FROM scores WHERE run_id = (SELECT arg_max(run_id, (cutoff, run_id)) FROM scores))
SELECT customer_id, customers.name AS customer, coalesce(owners.name, customers.owner_id, '(no owner)') AS owner, breakdown,
    last_active, days_silent, usual_gap, gap_limit, days_silent / gap_limit AS times_beyond, band,
    CASE WHEN len(currencies) = 1 THEN mrr END AS mrr,
    CASE WHEN len(currencies) = 1 THEN nullif(currencies[1], '') END AS currency
FROM rhythms JOIN customers USING (customer_key) LEFT JOIN contracts USING (customer_key)
LEFT JOIN scored USING (customer_key) LEFT JOIN owners ON owners.owner_id = customers.owner_id
LEFT JOIN breakdowns USING (customer_id)
WHERE days_silent > gap_limit
    AND CASE WHEN running IS NULL THEN days_silent <= coalesce(getvariable('gone_days')::INT, 180) ELSE running > 0 END
ORDER BY times_beyond DESC, 11 DESC NULLS LAST, customer_id
LIMIT coalesce(getvariable('limit')::INT, 100)
