-- Twin of the report `ltv`.
-- case:
-- case: cohort=created
-- case: cohort=created period=week
-- case: period=quarter tz=Asia/Shanghai
-- case: period=day as_of=2024-05-31
-- case: period=year cohort=created
-- case: as_of=2024-09-30
-- case: as_of=2024-09-30 cohort=created tz=Asia/Shanghai
-- case: currency=USD
-- case: breakdown=segment margin=0.62
-- case: breakdown=plan_size cohort=created from=2024-04-15 to=2024-08-01
-- case: from=2024-05-20 period=week breakdown=owner tz=Asia/Shanghai
WITH unit AS (SELECT coalesce(getvariable('period'), 'month') AS unit),
sales AS (
    SELECT customer_id, first_day(unit, occurred_at) AS period, amount
    FROM orders, unit
    WHERE customer_id IS NOT NULL AND in_currency(currency)
),
starts AS (
    SELECT customer_id, min(period) AS cohort FROM sales
    WHERE coalesce(getvariable('cohort'), 'first_order') = 'first_order' GROUP BY customer_id
    UNION ALL
    SELECT customer_id, first_day(unit, created_at) FROM customers, unit
    WHERE getvariable('cohort') = 'created' AND created_at IS NOT NULL
),
members AS (
    SELECT customer_id, cohort, breakdown FROM starts LEFT JOIN breakdowns USING (customer_id), unit
    WHERE (getvariable('from') IS NULL OR cohort >= date_trunc(unit, getvariable('from')::DATE))
        AND (getvariable('to') IS NULL OR cohort <= getvariable('to')::DATE)
),
cohorts AS (SELECT breakdown, cohort, count(*) AS cohort_size FROM members GROUP BY breakdown, cohort),
cells AS (
    SELECT breakdown, cohort, cohort_size,
        unnest(range(date_diff(unit, cohort, first_day(unit, getvariable('as_of'))) + 1)) AS age
    FROM cohorts, unit
),
sold AS (
    SELECT breakdown, cohort, greatest(date_diff(unit, cohort, period), 0) AS age, sum(amount) AS revenue
    FROM sales JOIN members USING (customer_id), unit GROUP BY ALL
),
-- What every customer of a cohort has brought by each age, if only 0.
grown AS (
    SELECT cells.breakdown, cells.cohort, cells.age, sum(coalesce(revenue, 0)) OVER (
            PARTITION BY members.customer_id, cells.cohort ORDER BY cells.age) AS brought
    FROM cells JOIN members ON members.cohort = cells.cohort AND members.breakdown IS NOT DISTINCT FROM cells.breakdown
    LEFT JOIN (SELECT customer_id, greatest(date_diff(unit, cohort, period), 0) AS age, sum(amount) AS revenue
            FROM sales JOIN members USING (customer_id), unit GROUP BY ALL) AS bought
        ON bought.customer_id = members.customer_id AND bought.age = cells.age
),
spread AS (SELECT breakdown, cohort, age, mean_interval(list(brought::DOUBLE)) AS ends FROM grown GROUP BY ALL),
margin AS (SELECT coalesce(getvariable('margin'), '1')::DOUBLE AS margin),
summed AS (
    SELECT cells.breakdown, cells.cohort, cells.age, coalesce(revenue, 0) AS revenue, cohort_size,
        sum(coalesce(revenue, 0)) OVER (PARTITION BY cells.breakdown, cells.cohort ORDER BY cells.age) AS cumulative_revenue
    FROM cells LEFT JOIN sold ON sold.cohort = cells.cohort AND sold.age = cells.age
        AND sold.breakdown IS NOT DISTINCT FROM cells.breakdown
)
SELECT s.cohort, s.breakdown, s.age, revenue, cumulative_revenue, cohort_size,
    cumulative_revenue * margin / cohort_size AS ltv, ends.low * margin AS ltv_low, ends.high * margin AS ltv_high,
    s.age < date_diff(unit, s.cohort, first_day(unit, getvariable('as_of') + INTERVAL 1 MICROSECOND)) AS complete
FROM summed s JOIN spread ON spread.cohort = s.cohort AND spread.age = s.age
    AND spread.breakdown IS NOT DISTINCT FROM s.breakdown, unit, margin
ORDER BY s.breakdown NULLS FIRST, s.cohort, s.age
