-- Twin of the report `followup`.
-- case:
-- case: within_hours=48 gap_days=10
-- case: within_hours=0.5 from=2024-03-01 to=2024-06-30
-- case: within_hours=1000 from=2024-06-01 tz=Asia/Shanghai
-- case: as_of=2024-08-31 within_hours=2000
-- case: as_of=2024-08-31 tz=Asia/Shanghai gap_days=30
-- case: as_of=2024-09-30T10:30:00Z gap_days=0 within_hours=24
-- case: breakdown=segment
-- case: breakdown=owner within_hours=500 as_of=2024-09-30
-- case: breakdown=channel within_hours=1000 from=2024-03-01 to=2024-09-30
-- case: breakdown=language tz=Asia/Shanghai gap_days=10 as_of=2024-08-31
WITH asked AS (
    SELECT coalesce(getvariable('within_hours')::DOUBLE, 2) * 3600e6 AS most,
        coalesce(getvariable('gap_days')::INT, 3) AS gap_days
),
leads AS (
    SELECT owner_id, breakdown, created_at, (SELECT min(occurred_at) FROM contacts
        WHERE contacts.customer_key = customers.customer_key AND occurred_at >= created_at) AS first_at
    FROM customers JOIN breakdowns USING (customer_id)
    WHERE implied IS NOT TRUE AND created_at IS NOT NULL
        AND (getvariable('from') IS NULL OR local_day(created_at) >= getvariable('from')::DATE)
        AND (getvariable('to') IS NULL OR local_day(created_at) <= getvariable('to')::DATE)
),
waits AS (
    SELECT owner_id, breakdown, first_at IS NOT NULL AS reached,
        epoch_us(coalesce(first_at, getvariable('as_of'))) - epoch_us(created_at) AS wait
    FROM leads
),
-- Who is in charge of a group: somebody, or all together.
levels AS (SELECT unnest([false, true]) AS total),
steps AS (
    SELECT breakdown, total, CASE WHEN NOT total THEN owner_id END AS owner_id, wait // 1000000 AS seconds,
        count(*) FILTER (reached) AS d, count(*) AS n
    FROM waits, levels GROUP BY ALL
),
survival AS (
    SELECT breakdown, total, owner_id, seconds,
        product(1 - d / at_risk) OVER (PARTITION BY breakdown, total, owner_id ORDER BY seconds) AS s
    FROM (SELECT *, sum(n) OVER (PARTITION BY breakdown, total, owner_id ORDER BY seconds DESC) AS at_risk FROM steps)
),
medians AS (
    SELECT breakdown, total, owner_id, min(seconds) FILTER (s <= 0.5 + 1e-12) / 3600 AS median_hours FROM survival GROUP BY ALL
),
new AS (
    SELECT breakdown, total, CASE WHEN NOT total THEN owner_id END AS owner_id, count(*) AS new_customers,
        count(*) FILTER (reached) AS contacted, count(*) FILTER (reached OR wait > most) AS decided,
        count(*) FILTER (reached AND wait <= most) AS in_time
    FROM waits, asked, levels GROUP BY ALL
),
deals AS (
    SELECT coalesce(opportunities.owner_id, customers.owner_id) AS owner_id,
        of_owner(coalesce(opportunities.owner_id, customers.owner_id), breakdown) AS breakdown, local_day(getvariable('as_of'))
            - local_day(greatest(last_at, coalesce(opportunities.created_at, last_at, customers.created_at))) AS days
    FROM opportunities JOIN customers USING (customer_key)
    JOIN breakdowns ON breakdowns.customer_id = customers.customer_id
    LEFT JOIN (SELECT customer_key, max(occurred_at) AS last_at FROM contacts GROUP BY ALL) USING (customer_key)
    WHERE opportunities.status IS NULL OR opportunities.status = 'open'
),
open AS (
    SELECT breakdown, total, CASE WHEN NOT total THEN owner_id END AS owner_id, count(*) AS open_deals,
        count(*) FILTER (days IS NULL OR days >= gap_days) AS overdue_deals
    FROM deals, asked, levels GROUP BY ALL
),
everybody AS (SELECT breakdown, total, owner_id FROM new UNION SELECT breakdown, total, owner_id FROM open)
SELECT CASE WHEN NOT e.total THEN coalesce(owners.name, e.owner_id, '(no owner)') END AS owner, e.breakdown,
    coalesce(new_customers, 0) AS new_customers, coalesce(contacted, 0) AS contacted, coalesce(decided, 0) AS decided,
    coalesce(in_time, 0) AS in_time, in_time / nullif(decided, 0) AS share,
    wilson(in_time, decided).low AS low, wilson(in_time, decided).high AS high, median_hours,
    coalesce(open_deals, 0) AS open_deals, coalesce(overdue_deals, 0) AS overdue_deals
FROM everybody e
LEFT JOIN new n ON n.total = e.total AND n.owner_id IS NOT DISTINCT FROM e.owner_id
    AND n.breakdown IS NOT DISTINCT FROM e.breakdown
LEFT JOIN open o ON o.total = e.total AND o.owner_id IS NOT DISTINCT FROM e.owner_id
    AND o.breakdown IS NOT DISTINCT FROM e.breakdown
LEFT JOIN medians m ON m.total = e.total AND m.owner_id IS NOT DISTINCT FROM e.owner_id
    AND m.breakdown IS NOT DISTINCT FROM e.breakdown
LEFT JOIN owners ON owners.owner_id = e.owner_id
ORDER BY e.breakdown NULLS FIRST, e.total, overdue_deals DESC, new_customers DESC, owner, e.owner_id
