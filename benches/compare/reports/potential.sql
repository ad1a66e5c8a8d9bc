-- Twin of the report `potential`.
-- case:
-- case: limit=1000000
-- case: limit=3
-- case: limit=200 as_of=2024-09-30
-- case: limit=500 as_of=2024-09-29T17:00:00Z tz=Asia/Shanghai
-- case: limit=500 as_of=2024-11-05 tz=America/New_York
-- case: as_of=2024-03-31
-- case: as_of=2023-12-31
-- case: currency=USD limit=50
-- case: breakdown=segment
-- case: breakdown=owner limit=1000000
-- case: breakdown=channel limit=200 as_of=2024-09-30
WITH last_contacts AS (SELECT customer_key, local_day(max(occurred_at)) AS last_contact FROM contacts GROUP BY ALL),
deals AS (
    SELECT customer_key, customer_id, currency, count(*) AS open_deals, coalesce(sum(amount), 0) AS open_value
    FROM opportunities
    WHERE status = 'open' AND customer_key IS NOT NULL
        AND (getvariable('currency') IS NULL OR currency = getvariable('currency'))
    GROUP BY ALL
),
contracts AS (
    SELECT customer_key, currency, sum(mrr) AS mrr FROM subscriptions
    WHERE started_at <= getvariable('as_of') AND (ended_at IS NULL OR ended_at > getvariable('as_of'))
    GROUP BY ALL
),
newest AS (
    SELECT customer_key, any_value(band) AS band FROM scores
    WHERE run_id = (SELECT arg_max(run_id, (cutoff, run_id)) FROM scores) GROUP BY ALL
),
ranked AS (
    SELECT *, row_number() OVER (PARTITION BY currency ORDER BY open_value DESC, customer_id) AS rank
    FROM deals LEFT JOIN (SELECT customer_key, name, owner_id FROM customers) USING (customer_key)
)
SELECT rank, customer_id, coalesce(ranked.name, customer_id) AS customer,
    coalesce(owners.name, ranked.owner_id, '(no owner)') AS owner, breakdown, open_deals, open_value, ranked.currency, mrr, last_contact, band
FROM ranked LEFT JOIN owners USING (owner_id) LEFT JOIN breakdowns USING (customer_id) LEFT JOIN last_contacts USING (customer_key)
LEFT JOIN newest USING (customer_key)
LEFT JOIN contracts ON contracts.customer_key = ranked.customer_key AND contracts.currency IS NOT DISTINCT FROM ranked.currency
WHERE rank <= coalesce(getvariable('limit')::INT, 20)
ORDER BY ranked.currency NULLS FIRST, rank
