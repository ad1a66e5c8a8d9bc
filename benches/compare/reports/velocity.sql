-- Twin of the report `velocity`.
-- case:
-- case: period=week tz=Asia/Shanghai
-- case: period=quarter breakdown=segment
-- case: period=year breakdown=owner
-- case: period=day tz=America/New_York from=2024-03-10 to=2024-11-03
-- case: breakdown=plan_size period=quarter tz=Asia/Shanghai
-- case: breakdown=region as_of=2024-09-29T17:00:00Z tz=Asia/Shanghai
-- case: as_of=2024-09-30
-- case: as_of=2024-09-30 tz=Asia/Shanghai from=2024-05-15
-- case: as_of=2023-12-31
-- case: currency=USD period=quarter
WITH unit AS (SELECT coalesce(getvariable('period'), 'month') AS unit),
closed AS (
    SELECT first_day(unit, closed_at) AS period, currency, of_owner(o.owner_id, breakdown) AS breakdown, o.status = 'won' AS is_won, amount,
        (epoch_us(closed_at) - epoch_us(created_at)) / 86400e6 AS days
    FROM opportunities o LEFT JOIN breakdowns USING (customer_id), unit
    WHERE o.status IN ('won', 'lost') AND closed_at IS NOT NULL
        AND (getvariable('currency') IS NULL OR currency = getvariable('currency'))
        AND (getvariable('from') IS NULL OR local_day(closed_at) >= getvariable('from')::DATE)
        AND (getvariable('to') IS NULL OR local_day(closed_at) <= getvariable('to')::DATE)
),
counted AS (
    SELECT period, currency, breakdown, count(*) AS closed, count(*) FILTER (is_won) AS won,
        coalesce(sum(amount) FILTER (is_won), 0) AS won_value,
        avg(amount::DOUBLE) FILTER (is_won) AS mean_won, avg(days) FILTER (is_won) AS mean_cycle_days,
        mean_interval(list(amount::DOUBLE) FILTER (is_won AND amount IS NOT NULL)) AS amounts,
        mean_interval(list(days) FILTER (is_won)) AS cycles
    FROM closed GROUP BY ALL
)
SELECT period, currency, breakdown, closed, won, won / closed AS win_rate, wilson(won, closed).low AS low,
    wilson(won, closed).high AS high, won_value, mean_won, amounts.low AS mean_won_low, amounts.high AS mean_won_high, mean_cycle_days,
    cycles.low AS mean_cycle_days_low, cycles.high AS mean_cycle_days_high,
    CASE WHEN mean_cycle_days > 0 THEN won * mean_won / mean_cycle_days END AS velocity, whole(unit, period) AS complete
FROM counted, unit
ORDER BY period, currency NULLS FIRST, breakdown NULLS FIRST
