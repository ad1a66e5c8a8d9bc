-- Twin of the report `leaders`.
-- case:
-- case: from=2024-03-01 to=2024-08-31
-- case: from=2024-09-01
-- case: to=2024-06-30 tz=Asia/Shanghai
-- case: as_of=2024-09-30
-- case: as_of=2024-09-30 tz=Asia/Shanghai from=2024-09-30
-- case: as_of=2024-06-15T18:00:00Z tz=Asia/Shanghai to=2024-06-15
-- case: as_of=2023-12-31
-- case: currency=USD
-- case: breakdown=segment
-- case: breakdown=owner as_of=2024-09-30
-- case: breakdown=channel from=2024-03-01 to=2024-08-31 tz=Asia/Shanghai
-- case: breakdown=region to=2024-06-30 currency=USD
WITH deals AS (
    SELECT status, CASE WHEN in_currency(currency) THEN amount END AS amount, owner_id,
        of_owner(owner_id, breakdown) AS breakdown, (epoch_us(closed_at) - epoch_us(created_at)) / 86400e6 AS days
    FROM opportunities LEFT JOIN breakdowns USING (customer_id)
    WHERE status = 'open'
        OR (getvariable('from') IS NULL OR local_day(closed_at) >= getvariable('from')::DATE)
        AND (getvariable('to') IS NULL OR local_day(closed_at) <= getvariable('to')::DATE)
),
counted AS (
    SELECT breakdown, owner_id, grouping(owner_id) = 1 AS total,
        count(*) FILTER (status = 'won') AS won, count(*) FILTER (status = 'lost') AS lost,
        count(*) FILTER (status = 'open') AS open,
        coalesce(sum(amount) FILTER (status = 'won'), 0) AS won_value,
        avg(days) FILTER (status = 'won') AS mean_cycle_won_days,
        avg(days) FILTER (status = 'lost') AS mean_cycle_lost_days,
        mean_interval(list(days) FILTER (status = 'won')) AS won_days,
        mean_interval(list(days) FILTER (status = 'lost')) AS lost_days
    FROM deals GROUP BY GROUPING SETS ((breakdown, owner_id), (breakdown))
)
SELECT CASE WHEN NOT total THEN rank() OVER (PARTITION BY breakdown, total ORDER BY won_value DESC) END AS rank,
    CASE WHEN NOT total THEN coalesce(owners.name, owner_id, '(no owner)') END AS owner, owners.team AS team,
    breakdown, won, lost, open, won / nullif(won + lost, 0) AS win_rate,
    wilson(won, won + lost).low AS low, wilson(won, won + lost).high AS high,
    won_value, mean_cycle_won_days, won_days.low AS mean_cycle_won_days_low, won_days.high AS mean_cycle_won_days_high,
    mean_cycle_lost_days, lost_days.low AS mean_cycle_lost_days_low, lost_days.high AS mean_cycle_lost_days_high
FROM counted LEFT JOIN owners USING (owner_id)
ORDER BY breakdown NULLS FIRST, total, won_value DESC, owner, owner_id
