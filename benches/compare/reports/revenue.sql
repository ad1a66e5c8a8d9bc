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
        AND (getvariable('currency') IS NULL OR currency = getvariable('currency'))
)
SELECT period, breakdown, count(DISTINCT order_id) AS orders, count(DISTINCT customer_id) AS customers,
    sum(amount) AS revenue, sum(amount)::DOUBLE / count(DISTINCT order_id) AS average_order_value,
    any_value(whole(unit, period)) AS complete
FROM counted, unit
GROUP BY period, breakdown
ORDER BY period, breakdown NULLS FIRST
