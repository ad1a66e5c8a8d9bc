-- Twin of the report `lifecycle`.
-- case:
-- case: breakdown=segment
-- case: period=week tz=Asia/Shanghai
-- case: period=quarter churn_after=2 breakdown=channel
-- case: churn_after=2
-- case: churn_after=6 as_of=2024-11-15
-- case: activity=login,export breakdown=owner
-- case: activity=purchase period=week churn_after=4 from=2024-05-08 to=2024-09-20
-- case: period=year
-- case: period=day from=2024-11-20 to=2024-12-05 tz=America/New_York
WITH unit AS (
    SELECT coalesce(getvariable('period'), 'month') AS unit,
        coalesce(getvariable('churn_after'), '3')::BIGINT AS churn_after
),
active AS (
    SELECT DISTINCT customer_id, first_day(unit, occurred_at) AS period
    FROM activity, unit
    WHERE coalesce(getvariable('activity'), '') = '' OR list_contains(string_split(getvariable('activity'), ','), name)
),
members AS (
    SELECT customer_id, breakdown, min(period) AS first
    FROM active LEFT JOIN breakdowns USING (customer_id) GROUP BY ALL
),
periods AS (
    SELECT unnest(generate_series(min(first), first_day(any_value(unit), getvariable('as_of')),
        CASE any_value(unit) WHEN 'day' THEN INTERVAL 1 DAY WHEN 'week' THEN INTERVAL 7 DAY
            WHEN 'month' THEN INTERVAL 1 MONTH WHEN 'quarter' THEN INTERVAL 3 MONTH ELSE INTERVAL 1 YEAR END))::DATE AS period
    FROM members, unit
),
-- Every customer in every period since the first: how long silent, and was there activity in the previous one?
stands AS (
    SELECT breakdown, periods.period, first = periods.period AS is_new, a.period IS NOT NULL AS is_active,
        date_diff(unit, last_value(a.period IGNORE NULLS) OVER before, periods.period) AS since,
        date_diff(unit, last_value(a.period IGNORE NULLS) OVER (PARTITION BY customer_id ORDER BY periods.period),
            periods.period) AS silent, churn_after
    FROM members JOIN periods ON periods.period >= first
        LEFT JOIN active AS a USING (customer_id, period), unit
    WINDOW before AS (PARTITION BY customer_id ORDER BY periods.period
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
),
counted AS (
    SELECT period, breakdown, count(*) FILTER (is_active) AS active, count(*) FILTER (is_new) AS new,
        count(*) FILTER (is_active AND since = 1) AS "returning", count(*) FILTER (is_active AND since > 1) AS resurrected,
        count(*) FILTER (silent = 1) AS dormant, count(*) FILTER (silent > 1 AND silent < churn_after) AS still_dormant,
        count(*) FILTER (silent >= churn_after) AS churned, count(*) AS customers,
        count(*) FILTER (silent = churn_after) AS newly_churned
    FROM stands GROUP BY period, breakdown
)
SELECT period, breakdown, active, new, "returning", resurrected, dormant, still_dormant, churned, customers, newly_churned,
    "returning" / nullif("returning" + dormant, 0) AS kept, wilson("returning", "returning" + dormant).low AS low,
    wilson("returning", "returning" + dormant).high AS high, ended(unit, period) AS complete
FROM counted, unit
WHERE (getvariable('from') IS NULL OR period >= date_trunc(unit, getvariable('from')::DATE))
    AND (getvariable('to') IS NULL OR period <= getvariable('to')::DATE)
ORDER BY period, breakdown NULLS FIRST
