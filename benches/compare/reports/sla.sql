-- Twin of the report `sla`.
-- case:
-- case: by=category
-- case: by=priority response_hours=1 resolution_hours=9 period=quarter
-- case: by=owner period=all hours=08:30-12:00 days=mon-thu,sat tz=Asia/Shanghai
-- case: breakdown=segment hours=00:00-24:00 days=mon-sun period=week
-- case: breakdown=owner from=2024-06-10 to=2024-10-20 days=sat-mon
-- case: as_of=2024-08-20T09:00:00Z tz=America/New_York resolution_hours=12.5
-- case: as_of=2024-03-10 period=day response_hours=0.5
WITH settings AS (
    SELECT coalesce(getvariable('period'), 'month') AS unit, coalesce(getvariable('by'), 'all') AS by_what,
        coalesce(getvariable('hours'), '09:00-18:00') AS hours, coalesce(getvariable('days'), 'mon-fri') AS days,
        coalesce(getvariable('response_hours')::DOUBLE, 4) AS response_limit,
        coalesce(getvariable('resolution_hours')::DOUBLE, 48) AS resolution_limit,
        60 * split_part(split_part(hours, '-', 1), ':', 1)::INT + split_part(split_part(hours, '-', 1), ':', 2)::INT AS opens,
        60 * split_part(split_part(hours, '-', 2), ':', 1)::INT + split_part(split_part(hours, '-', 2), ':', 2)::INT AS closes
),
-- Monday is 1, as in isodow.
spans AS (
    SELECT list_position(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], split_part(part, '-', 1)) AS first,
        list_position(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'],
            coalesce(nullif(split_part(part, '-', 2), ''), part)) AS last
    FROM (SELECT unnest(string_split(days, ',')) AS part FROM settings)
),
open_days AS (
    SELECT list(weekday) AS open_days FROM (SELECT unnest(range(1, 8)) AS weekday) WHERE EXISTS (SELECT 1 FROM spans
        WHERE CASE WHEN first <= last THEN weekday BETWEEN first AND last ELSE weekday >= first OR weekday <= last END)
),
agents AS (
    SELECT owner_id, CASE WHEN count(*) OVER (PARTITION BY name) > 1 THEN name || ' (' || owner_id || ')' ELSE name END AS agent
    FROM owners
),
known AS (SELECT count(first_response_at) > 0 AS answers, count(closed_at) > 0 AS closes FROM tickets),
seen AS (
    SELECT first_day(unit, occurred_at) AS period, first_response_at IS NOT NULL AS is_answered, closed_at IS NOT NULL AS is_closed,
        CASE by_what WHEN 'category' THEN coalesce(category, '(no category)')
            WHEN 'priority' THEN coalesce(priority, '(no priority)')
            WHEN 'owner' THEN coalesce(agent, t.owner_id, '(no owner)') ELSE breakdown END AS breakdown,
        occurred_at AT TIME ZONE getvariable('tz') AS a,
        coalesce(first_response_at, getvariable('as_of')) AT TIME ZONE getvariable('tz') AS b,
        coalesce(closed_at, getvariable('as_of')) AT TIME ZONE getvariable('tz') AS c
    FROM tickets t LEFT JOIN breakdowns USING (customer_id) LEFT JOIN agents ON agents.owner_id = t.owner_id, settings
    WHERE (getvariable('from') IS NULL OR local_day(occurred_at) >= getvariable('from')::DATE)
        AND (getvariable('to') IS NULL OR local_day(occurred_at) <= getvariable('to')::DATE)
),
-- The part of every day between two times in which the office is open; below 0 if they are the wrong way round.
waited AS (
    SELECT seen.*,
        CASE WHEN b < a THEN -1 ELSE 1 END / 3.6e9 * coalesce(list_sum(list_transform(
            generate_series(date_trunc('day', least(a, b)), greatest(a, b), INTERVAL 1 DAY),
            lambda day: CASE WHEN list_contains(open_days, isodow(day)) THEN greatest(0, epoch_us(least(greatest(a, b), day + to_minutes(closes)))
                - epoch_us(greatest(least(a, b), day + to_minutes(opens)))) ELSE 0 END)), 0) AS response,
        CASE WHEN c < a THEN -1 ELSE 1 END / 3.6e9 * coalesce(list_sum(list_transform(
            generate_series(date_trunc('day', least(a, c)), greatest(a, c), INTERVAL 1 DAY),
            lambda day: CASE WHEN list_contains(open_days, isodow(day)) THEN greatest(0, epoch_us(least(greatest(a, c), day + to_minutes(closes)))
                - epoch_us(greatest(least(a, c), day + to_minutes(opens)))) ELSE 0 END)), 0) AS resolution
    FROM seen, settings, open_days
),
counted AS (
    SELECT breakdown, period, count(*) AS tickets,
        count(*) FILTER (is_answered OR response > response_limit) AS n1,
        count(*) FILTER (is_answered AND response <= response_limit) AS x1,
        count(*) FILTER (is_closed OR resolution > resolution_limit) AS n2,
        count(*) FILTER (is_closed AND resolution <= resolution_limit) AS x2
    FROM waited, settings GROUP BY ALL
),
grid AS (
    SELECT breakdown, unnest(CASE unit WHEN 'all' THEN [DATE '1970-01-01'] ELSE generate_series(min(period),
        least(first_day(unit, getvariable('as_of')), coalesce(getvariable('to')::DATE, DATE '9999-01-01')),
        CASE unit WHEN 'day' THEN INTERVAL 1 DAY WHEN 'week' THEN INTERVAL 7 DAY WHEN 'month' THEN INTERVAL 1 MONTH
            WHEN 'quarter' THEN INTERVAL 3 MONTH ELSE INTERVAL 1 YEAR END) END)::DATE AS period
    FROM counted, settings GROUP BY breakdown, unit
),
filled AS (
    SELECT g.period, g.breakdown, coalesce(tickets, 0) AS tickets,
        CASE WHEN answers THEN coalesce(n1, 0) END AS n1, CASE WHEN answers THEN coalesce(x1, 0) END AS x1,
        CASE WHEN closes THEN coalesce(n2, 0) END AS n2, CASE WHEN closes THEN coalesce(x2, 0) END AS x2
    FROM grid g LEFT JOIN counted c ON c.period = g.period AND c.breakdown IS NOT DISTINCT FROM g.breakdown, known
)
SELECT period, breakdown, tickets, n1 AS response_decided, x1 AS response_met, x1 / nullif(n1, 0) AS response_share,
    wilson(x1, n1).low AS response_low, wilson(x1, n1).high AS response_high, n2 AS resolution_decided, x2 AS resolution_met,
    x2 / nullif(n2, 0) AS resolution_share, wilson(x2, n2).low AS resolution_low, wilson(x2, n2).high AS resolution_high,
    whole(unit, period) AS complete
FROM filled, settings
ORDER BY period, breakdown NULLS FIRST
