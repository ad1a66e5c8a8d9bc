-- Twin of the report `stickiness`.
-- case:
-- case: breakdown=segment
-- case: period=week tz=Asia/Shanghai
-- case: period=quarter breakdown=channel as_of=2024-10-20
-- case: period=year activity=login,export
-- case: activity=purchase breakdown=owner from=2024-04-10 to=2024-09-02
-- case: period=week activity=complaint as_of=2024-09-30 breakdown=plan_size
-- case: tz=America/New_York as_of=2024-07-01T02:00:00Z
WITH unit AS (SELECT coalesce(getvariable('period'), 'month') AS unit, local_day(getvariable('as_of')) AS today),
seen AS (
    SELECT customer_id, breakdown, day, date_trunc(unit, day)::DATE AS period
    FROM (
        SELECT DISTINCT customer_id, local_day(occurred_at) AS day FROM activity
        WHERE coalesce(getvariable('activity'), '') = ''
            OR list_contains(string_split(getvariable('activity'), ','), name)
    ) LEFT JOIN breakdowns USING (customer_id), unit
),
periods AS (
    SELECT breakdown, date_trunc(unit, day)::DATE AS period, count(*) FILTER (day >= first) AS days
    FROM (SELECT breakdown, min(min(day)) OVER () AS first,
        unnest(generate_series(min(period), any_value(today), INTERVAL 1 DAY))::DATE AS day
        FROM seen, unit GROUP BY breakdown), unit
    GROUP BY ALL
),
weekly AS (
    SELECT breakdown, date_trunc(unit, day)::DATE AS period, count(*) AS n
    FROM (SELECT DISTINCT customer_id, breakdown, unnest(generate_series(day, day + 6, INTERVAL 1 DAY)) AS day FROM seen), unit
    WHERE day <= today GROUP BY ALL
),
active AS (
    SELECT breakdown, period, count(*) AS customers, sum(n) AS n, mean_interval(list(n::DOUBLE)) AS mean,
        quantile_cont(n, 0.5) AS median, round(quantile_cont(n, 0.9), 1) AS p90
    FROM (SELECT customer_id, breakdown, period, count(*) AS n FROM seen GROUP BY ALL) GROUP BY ALL
),
measured AS (
    SELECT periods.period, periods.breakdown, days, coalesce(customers, 0) AS customers,
        coalesce(active.n, 0) / days AS dau, coalesce(weekly.n, 0) / days AS wau,
        mean, median, p90
    FROM periods
        LEFT JOIN active ON active.period = periods.period AND active.breakdown IS NOT DISTINCT FROM periods.breakdown
        LEFT JOIN weekly ON weekly.period = periods.period AND weekly.breakdown IS NOT DISTINCT FROM periods.breakdown
)
SELECT period, breakdown, days, customers, dau, wau, dau / nullif(customers, 0) AS stickiness,
    mean.low / days AS low, CASE WHEN mean IS NOT NULL THEN least(mean.high / days, 1) END AS high, median AS median_days, p90 AS p90_days, ended(unit, period) AS complete
FROM measured, unit
WHERE (getvariable('from') IS NULL OR period >= date_trunc(unit, getvariable('from')::DATE))
    AND (getvariable('to') IS NULL OR period <= getvariable('to')::DATE)
ORDER BY period, breakdown NULLS FIRST
