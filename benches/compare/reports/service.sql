-- Twin of the report `service`.
-- case:
-- case: breakdown=segment
-- case: period=quarter breakdown=owner tz=Asia/Shanghai
-- case: period=week from=2024-05-15 to=2024-09-10
-- case: period=all breakdown=plan_size
-- case: period=year as_of=2024-09-30 breakdown=region
-- case: as_of=2024-08-20T09:00:00Z tz=America/New_York
-- case: period=day from=2024-10-01 breakdown=channel
WITH unit AS (SELECT coalesce(getvariable('period'), 'month') AS unit),
seen AS (
    SELECT of_owner(tickets.owner_id, breakdown) AS breakdown, first_day(unit, occurred_at) AS period, closed_at IS NOT NULL AS is_closed, reopened,
        first_response_at IS NOT NULL AS is_answered,
        epoch_us(coalesce(first_response_at, closed_at, getvariable('as_of'))) - epoch_us(occurred_at) AS response,
        epoch_us(coalesce(closed_at, getvariable('as_of'))) - epoch_us(occurred_at) AS resolution,
        CASE WHEN closed_at IS NOT NULL OR NOT EXISTS (SELECT 1 FROM tickets WHERE closed_at IS NOT NULL)
            THEN satisfaction::DECIMAL(12, 4) END AS rating
    FROM tickets LEFT JOIN breakdowns USING (customer_id), unit
    WHERE (getvariable('from') IS NULL OR local_day(occurred_at) >= getvariable('from')::DATE)
        AND (getvariable('to') IS NULL OR local_day(occurred_at) <= getvariable('to')::DATE)
),
counted AS (
    SELECT breakdown, period, count(*) AS tickets, count(*) FILTER (is_closed) AS closed,
        count(*) FILTER (is_closed AND reopened > 0) AS reopened,
        count(*) FILTER (is_closed AND reopened IS NOT NULL) AS known,
        count(rating) AS rated, list(rating::DOUBLE) FILTER (rating IS NOT NULL) AS ratings
    FROM seen GROUP BY ALL
),
-- Kaplan and Meier, in whole seconds: of those still waiting until then, who was served.
waits AS (
    SELECT 'response' AS kind, breakdown, period, greatest(response, 0) // 1000000 AS t, is_answered AS served FROM seen
    UNION ALL SELECT 'resolution', breakdown, period, greatest(resolution, 0) // 1000000, is_closed FROM seen
),
times AS (
    SELECT kind, breakdown, period, t, count(*) FILTER (served) AS d,
        sum(count(*)) OVER (PARTITION BY kind, breakdown, period ORDER BY t DESC) AS n
    FROM waits GROUP BY kind, breakdown, period, t
),
steps AS (
    SELECT *, product(1 - d / n) OVER (PARTITION BY kind, breakdown, period ORDER BY t) AS left_over FROM times
),
reached AS (
    SELECT breakdown, period,
        min(t) FILTER (kind = 'response' AND left_over < 0.5 + 1e-9) / 3600 AS response_median,
        min(t) FILTER (kind = 'response' AND left_over < 0.1 + 1e-9) / 3600 AS response_p90,
        min(t) FILTER (kind = 'resolution' AND left_over < 0.5 + 1e-9) / 3600 AS resolution_median,
        min(t) FILTER (kind = 'resolution' AND left_over < 0.1 + 1e-9) / 3600 AS resolution_p90
    FROM steps GROUP BY ALL
),
grid AS (
    SELECT breakdown, unnest(CASE unit WHEN 'all' THEN [DATE '1970-01-01'] ELSE generate_series(min(period),
        least(first_day(unit, getvariable('as_of')), coalesce(getvariable('to')::DATE, DATE '9999-01-01')),
        CASE unit WHEN 'day' THEN INTERVAL 1 DAY WHEN 'week' THEN INTERVAL 7 DAY WHEN 'month' THEN INTERVAL 1 MONTH
            WHEN 'quarter' THEN INTERVAL 3 MONTH ELSE INTERVAL 1 YEAR END) END)::DATE AS period
    FROM counted, unit GROUP BY breakdown, unit
)
SELECT g.period, g.breakdown, coalesce(tickets, 0) AS tickets, coalesce(closed, 0) AS closed,
    response_median AS response_median_hours, response_p90 AS response_p90_hours,
    resolution_median AS resolution_median_hours, resolution_p90 AS resolution_p90_hours,
    coalesce(reopened, 0) AS reopened, reopened / nullif(known, 0) AS reopen_rate,
    wilson(reopened, known).low AS reopen_low, wilson(reopened, known).high AS reopen_high,
    coalesce(rated, 0) AS rated, list_avg(ratings) AS satisfaction,
    mean_interval(ratings).low AS satisfaction_low,
    CASE WHEN mean_interval(ratings) IS NOT NULL
        THEN least(mean_interval(ratings).high, (SELECT best_of(coalesce(max(satisfaction) FILTER (closed_at IS NOT NULL), max(satisfaction))) FROM tickets)) END AS satisfaction_high,
    whole(unit, g.period) AS complete
FROM grid g
    LEFT JOIN counted c ON c.period = g.period AND c.breakdown IS NOT DISTINCT FROM g.breakdown
    LEFT JOIN reached r ON r.period = g.period AND r.breakdown IS NOT DISTINCT FROM g.breakdown, unit
ORDER BY g.period, g.breakdown NULLS FIRST
