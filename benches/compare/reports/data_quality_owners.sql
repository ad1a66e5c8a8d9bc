-- Twin of the report `data_quality_owners`.
-- case:
-- case: contact_days=30
-- case: contact_days=7 tz=Asia/Shanghai
-- case: as_of=2024-09-30
-- case: as_of=2024-06-30T20:00:00Z tz=Asia/Shanghai contact_days=1
WITH border AS (SELECT local_day(getvariable('as_of')) - coalesce(getvariable('contact_days')::INT, 180) AS border),
records AS (
    SELECT owner_id, len(list_filter([owner_id, segment, channel, region, industry], lambda field: field IS NOT NULL)) AS filled,
        (created_at IS NULL OR local_day(created_at) <= border) AND NOT EXISTS (SELECT 1 FROM contacts
            WHERE contacts.customer_key = customers.customer_key AND local_day(occurred_at) > border) AS is_alone
    FROM customers, border
),
counted AS (
    SELECT owner_id, count(*) AS customers, sum(filled) AS filled, mean_interval(list(filled / 5)) AS span,
        count(*) FILTER (filled = 5) AS complete, count(*) FILTER (is_alone) AS without_contact
    FROM records GROUP BY ALL
)
SELECT row_number() OVER (ORDER BY filled / customers, customers DESC, counted.owner_id) AS rank,
    coalesce(owners.name, counted.owner_id, '(no owner)') AS owner, customers, filled / customers / 5 AS filled_share,
    span.low AS filled_share_low, CASE WHEN span.high > 1 THEN 1 ELSE span.high END AS filled_share_high,
    complete, complete / customers AS complete_share, wilson(complete, customers).low AS low,
    wilson(complete, customers).high AS high, without_contact
FROM counted LEFT JOIN owners USING (owner_id)
ORDER BY rank
