-- Twin of the report `lead_sources`.
-- case:
-- case: breakdown=segment
-- case: breakdown=owner from=2024-03-01 to=2024-08-31
-- case: breakdown=plan_size tz=Asia/Shanghai
-- case: breakdown=region as_of=2024-09-29T17:00:00Z tz=Asia/Shanghai
-- case: from=2024-05-23 to=2024-10-28 tz=Asia/Shanghai
-- case: from=2024-05-23 to=2024-10-28 tz=America/New_York
-- case: as_of=2024-09-30
-- case: as_of=2024-03-31
-- case: as_of=2023-12-31
-- case: currency=USD breakdown=industry
WITH deals AS (
    SELECT source, currency, of_owner(o.owner_id, breakdown) AS breakdown, o.status, amount, (epoch_us(closed_at) - epoch_us(created_at)) / 86400e6 AS days
    FROM opportunities o LEFT JOIN breakdowns USING (customer_id)
    WHERE (getvariable('currency') IS NULL OR currency = getvariable('currency'))
        AND (getvariable('from') IS NULL OR local_day(created_at) >= getvariable('from')::DATE)
        AND (getvariable('to') IS NULL OR local_day(created_at) <= getvariable('to')::DATE)
),
counted AS (
    SELECT source, currency, breakdown, count(*) AS deals, count(*) FILTER (status = 'won') AS won,
        count(*) FILTER (status = 'lost') AS lost, count(*) FILTER (status = 'open') AS open,
        coalesce(sum(amount) FILTER (status = 'won'), 0) AS won_value,
        avg(amount::DOUBLE) FILTER (status = 'won') AS mean_won, 
        mean_interval(list(amount::DOUBLE) FILTER (status = 'won' AND amount IS NOT NULL)) AS amounts,
        median(days) FILTER (status = 'won') AS median_cycle_days
    FROM deals GROUP BY ALL
)
SELECT source, currency, breakdown, deals, won, lost, open, won / nullif(won + lost, 0) AS win_rate,
    wilson(won, won + lost).low AS low, wilson(won, won + lost).high AS high, won_value,
    won_value::DOUBLE / nullif(sum(won_value) OVER (PARTITION BY currency), 0) AS share_of_value, mean_won,
    amounts.low AS mean_won_low, amounts.high AS mean_won_high,
    median_cycle_days
FROM counted
ORDER BY currency NULLS FIRST, won_value DESC, source NULLS LAST, breakdown NULLS FIRST
