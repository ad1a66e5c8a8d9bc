-- Twin of the report `retention`.
-- case:
-- case: kind=on_or_after
-- case: kind=every
-- case: kind=bracket
-- case: kind=bracket bracket_from=0 bracket_to=2 period=quarter breakdown=channel
-- case: period=week kind=every
-- case: period=week kind=on_or_after as_of=2024-09-30
-- case: period=day as_of=2024-03-31 tz=Asia/Shanghai
-- case: period=quarter tz=America/New_York
-- case: period=year
-- case: start=purchase
-- case: start=purchase,refund kind=on_or_after tz=Asia/Shanghai
-- case: start=signup return=purchase
-- case: start=signup return=login,export kind=every breakdown=segment
-- case: start=trial return=purchase kind=on_or_after breakdown=plan_size tz=Asia/Shanghai
-- case: start=login return=purchase kind=bracket bracket_from=0 bracket_to=3
-- case: cohort=recurring
-- case: cohort=recurring kind=every breakdown=region
-- case: cohort=recurring kind=bracket period=week
-- case: cohort=recurring kind=on_or_after period=week from=2024-06-05 to=2024-09-11
-- case: cohort=recurring start=login return=ticket_opened
-- case: cohort=recurring start=login return=ticket_opened kind=every as_of=2024-10-15
-- case: cohort=recurring start=complaint return=login kind=on_or_after breakdown=owner
-- case: from=2024-05-20 to=2024-08-01 breakdown=segment
WITH unit AS (
    SELECT coalesce(getvariable('period'), 'month') AS unit, coalesce(getvariable('kind'), 'on') AS kind,
        coalesce(getvariable('bracket_from'), '1')::BIGINT AS a, coalesce(getvariable('bracket_to'), '4')::BIGINT AS b,
        string_split(nullif(getvariable('start'), ''), ',') AS start,
        coalesce(string_split(nullif(getvariable('return'), ''), ','), string_split(nullif(getvariable('start'), ''), ','))
            AS return
),
active AS (
    SELECT customer_id, first_day(unit, occurred_at) AS period,
        bool_or(start IS NULL OR list_contains(start, name)) AS starts,
        bool_or(return IS NULL OR list_contains(return, name)) AS returns
    FROM activity, unit GROUP BY ALL
),
members AS (
    SELECT customer_id, min(period) AS cohort FROM active
    WHERE starts AND coalesce(getvariable('cohort'), 'first_time') = 'first_time' GROUP BY customer_id
    UNION ALL
    SELECT customer_id, period FROM active WHERE starts AND getvariable('cohort') = 'recurring'
),
chosen AS (
    SELECT customer_id, cohort, breakdown FROM members JOIN breakdowns USING (customer_id), unit
    WHERE (getvariable('from') IS NULL OR cohort >= date_trunc(unit, getvariable('from')::DATE))
        AND (getvariable('to') IS NULL OR cohort <= getvariable('to')::DATE)
),
-- A customer who returned in every period from age 1 up to one has returned in as many as that age.
ages AS (
    SELECT *, age = max(age) OVER (PARTITION BY customer_id, cohort) AS is_last,
        age > 0 AND row_number() OVER (PARTITION BY customer_id, cohort, age > 0 ORDER BY age) = age AS unbroken,
        age >= a AND age < b AS inside
    FROM (
        SELECT customer_id, cohort, breakdown, date_diff(unit, cohort, period) AS age, a, b
        FROM chosen JOIN active USING (customer_id), unit WHERE returns AND period >= cohort
    )
),
counted AS (
    SELECT breakdown, cohort, age, count(*) AS active, count(*) FILTER (is_last) AS last,
        count(*) FILTER (unbroken) AS unbroken
    FROM ages GROUP BY ALL
),
bracketed AS (
    SELECT breakdown, cohort, count(DISTINCT customer_id) AS inside FROM ages WHERE inside GROUP BY ALL
),
cohorts AS (SELECT breakdown, cohort, count(*) AS cohort_size FROM chosen GROUP BY ALL),
cells AS (
    SELECT breakdown, cohort, cohort_size,
        unnest(range(date_diff(unit, cohort, first_day(unit, getvariable('as_of'))) + 1)) AS age
    FROM cohorts, unit
),
retained AS (
    SELECT cells.breakdown, cells.cohort, cells.age, cohort_size, CASE kind
        WHEN 'on' THEN coalesce(active, 0)
        WHEN 'on_or_after' THEN (sum(coalesce(last, 0))
            OVER (PARTITION BY cells.breakdown, cells.cohort ORDER BY cells.age DESC))::BIGINT
        WHEN 'every' THEN CASE cells.age WHEN 0 THEN cohort_size ELSE coalesce(unbroken, 0) END
        WHEN 'bracket' THEN coalesce(inside, 0) END AS customers
    FROM cells
        LEFT JOIN counted ON counted.cohort = cells.cohort AND counted.age = cells.age
            AND counted.breakdown IS NOT DISTINCT FROM cells.breakdown
        LEFT JOIN bracketed ON bracketed.cohort = cells.cohort
            AND bracketed.breakdown IS NOT DISTINCT FROM cells.breakdown,
        unit
)
SELECT cohort, breakdown, age, customers, cohort_size, customers / cohort_size AS share,
    wilson(customers, cohort_size).low AS low, wilson(customers, cohort_size).high AS high,
    CASE kind WHEN 'bracket' THEN b - 1 ELSE age END
        < date_diff(unit, cohort, first_day(unit, getvariable('as_of') + INTERVAL 1 MICROSECOND)) AS complete
FROM retained, unit
WHERE kind <> 'bracket' OR age = a
ORDER BY breakdown NULLS FIRST, cohort, age
