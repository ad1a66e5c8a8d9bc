-- Twin of the report `backlog`.
-- case:
-- case: breakdown=segment old_days=2
-- case: period=day breakdown=region tz=Asia/Shanghai
-- case: period=week from=2024-05-15 to=2024-09-10 old_days=0
-- case: period=quarter as_of=2024-08-20T09:00:00Z breakdown=owner
-- case: period=year as_of=2024-09-30
-- case: period=day as_of=2024-08-20 tz=America/New_York old_days=1
WITH unit AS (SELECT coalesce(getvariable('period'), 'month') AS unit, coalesce(getvariable('old_days')::INT, 7) AS old_days),
seen AS (
    SELECT of_owner(tickets.owner_id, breakdown) AS breakdown, local_day(occurred_at) AS day, first_day(unit, occurred_at) AS opened,
        first_day(unit, CASE WHEN closed_at < occurred_at THEN occurred_at ELSE closed_at END) AS closed
    FROM tickets LEFT JOIN breakdowns USING (customer_id), unit
),
grid AS (
    SELECT breakdown, unnest(generate_series(min(opened), first_day(unit, getvariable('as_of')),
        CASE unit WHEN 'day' THEN INTERVAL 1 DAY WHEN 'week' THEN INTERVAL 7 DAY WHEN 'month' THEN INTERVAL 1 MONTH
            WHEN 'quarter' THEN INTERVAL 3 MONTH ELSE INTERVAL 1 YEAR END))::DATE AS period
    FROM seen, unit GROUP BY breakdown, unit
),
-- Each ticket in each period: open before it, opened or closed in it, open at its end, and how old then.
stands AS (
    SELECT g.period, g.breakdown, coalesce(opened < g.period AND (closed IS NULL OR closed >= g.period), false) AS at_start,
        coalesce(opened = g.period, false) AS is_opened, coalesce(closed = g.period, false) AS is_closed,
        coalesce(closed IS NULL OR closed > g.period, false) AND opened IS NOT NULL AS at_end,
        least(CASE unit WHEN 'day' THEN g.period WHEN 'week' THEN g.period + 6
            WHEN 'month' THEN last_day(g.period) WHEN 'quarter' THEN last_day(g.period + INTERVAL 2 MONTH)
            ELSE last_day(g.period + INTERVAL 11 MONTH) END::DATE, local_day(getvariable('as_of'))) - day AS age
    FROM grid g JOIN seen s ON s.breakdown IS NOT DISTINCT FROM g.breakdown AND opened <= g.period, unit
),
counted AS (
    SELECT period, breakdown, count(*) FILTER (at_start) AS open_start, count(*) FILTER (is_opened) AS opened,
        count(*) FILTER (is_closed) AS closed, count(*) FILTER (at_end) AS open_end,
        quantile_cont(age, 0.5) FILTER (at_end) AS median, count(*) FILTER (at_end AND age > old_days) AS old
    FROM stands, unit GROUP BY ALL
)
SELECT period, breakdown, open_start, opened, closed, open_end, median AS median_age_days, old,
    old / nullif(open_end, 0) AS old_share, wilson(old, open_end).low AS old_low, wilson(old, open_end).high AS old_high,
    ended(unit, period) AS complete
FROM counted, unit
WHERE (getvariable('from') IS NULL OR period >= date_trunc(unit, getvariable('from')::DATE))
    AND (getvariable('to') IS NULL OR period <= getvariable('to')::DATE)
ORDER BY period, breakdown NULLS FIRST
