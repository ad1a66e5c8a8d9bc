-- Twin of the report `revenue`.
-- case:
-- case: period=week
-- case: period=quarter tz=Asia/Shanghai
-- case: period=day tz=Asia/Shanghai from=2024-05-02 to=2024-09-10
-- case: period=year
-- case: period=all
-- case: as_of=2024-09-30
-- case: period=week as_of=2024-09-30 tz=Asia/Shanghai
-- case: as_of=2024-09-29T15:59:59Z period=day tz=Asia/Shanghai
-- case: currency=USD from=2024-03-15
-- case: period=month tz=America/St_Johns
-- case: breakdown=segment
-- case: breakdown=owner period=week tz=Asia/Shanghai
-- case: breakdown=plan_size period=all as_of=2024-10-31
WITH unit AS (SELECT coalesce(getvariable('period'), 'month') AS unit),
counted AS (
    SELECT first_day(unit, occurred_at) AS period, breakdown, order_id, orders.customer_id, amount
    FROM orders LEFT JOIN breakdowns USING (customer_id), unit
    WHERE (getvariable('from') IS NULL OR local_day(occurred_at) >= getvariable('from')::DATE)
        AND (getvariable('to') IS NULL OR local_day(occurred_at) <= getvariable('to')::DATE)
        AND in_currency(currency)
),
placed AS (
    SELECT period, breakdown, mean_interval(list(amount)) AS mean
    FROM (SELECT period, breakdown, sum(amount)::DOUBLE AS amount FROM counted GROUP BY period, breakdown, order_id)
    GROUP BY period, breakdown
)
SELECT counted.period, counted.breakdown, count(DISTINCT order_id) AS orders, count(DISTINCT customer_id) AS customers,
    sum(amount) AS revenue, sum(amount)::DOUBLE / count(DISTINCT order_id) AS average_order_value,
    any_value(mean).low AS average_order_value_low, any_value(mean).high AS average_order_value_high,
    any_value(whole(unit, counted.period)) AS complete
FROM counted
    JOIN placed ON placed.period = counted.period AND placed.breakdown IS NOT DISTINCT FROM counted.breakdown, unit
GROUP BY counted.period, counted.breakdown
ORDER BY counted.period, counted.breakdown NULLS FIRST
