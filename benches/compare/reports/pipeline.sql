-- Twin of the report `pipeline`.
-- case:
-- case: breakdown=segment
-- case: breakdown=owner tz=Asia/Shanghai
-- case: breakdown=plan_size as_of=2024-09-30
-- case: breakdown=region as_of=2024-09-29T17:00:00Z tz=Asia/Shanghai
-- case: as_of=2024-09-30
-- case: as_of=2024-06-15 tz=Asia/Shanghai
-- case: as_of=2024-03-31
-- case: as_of=2024-01-20
-- case: as_of=2023-12-31
-- case: currency=USD breakdown=industry
WITH
-- When each deal first entered each stage; what stands at or after its closing only names the outcome.
history AS (
    SELECT opportunity_id, s.stage, min(s.occurred_at) AS entered_at
    FROM opportunity_stages s JOIN opportunities o USING (opportunity_id)
    WHERE s.occurred_at < o.closed_at OR o.closed_at IS NULL AND o.status = 'open' GROUP BY ALL
),
-- Stages stand in the order in which deals enter them on average.
places AS (
    SELECT stage, avg(place) AS place
    FROM (SELECT stage, row_number() OVER (PARTITION BY opportunity_id ORDER BY entered_at, stage) AS place FROM history)
    GROUP BY stage
),
shares AS (
    SELECT h.stage, count(*) FILTER (o.status = 'won') AS won, count(*) AS closed
    FROM history h JOIN opportunities o USING (opportunity_id) WHERE o.status IN ('won', 'lost') GROUP BY ALL
),
-- A deal moves on when it first enters a stage of higher order, so it is in the furthest it has entered.
furthest AS (SELECT opportunity_id, arg_max(stage, (place, stage)) AS stage FROM history JOIN places USING (stage) GROUP BY ALL),
deals AS (
    SELECT furthest.stage, currency, of_owner(o.owner_id, breakdown) AS breakdown, amount,
        (epoch_us(getvariable('as_of')) - epoch_us(created_at)) / 86400e6 AS age,
        (epoch_us(getvariable('as_of')) - epoch_us(entered_at)) / 86400e6 AS there
    FROM opportunities o LEFT JOIN furthest USING (opportunity_id)
    LEFT JOIN history h ON h.opportunity_id = o.opportunity_id AND h.stage = furthest.stage
    LEFT JOIN breakdowns USING (customer_id)
    WHERE o.status = 'open' AND (getvariable('currency') IS NULL OR currency = getvariable('currency'))
)
SELECT deals.stage, currency, breakdown, count(*) AS deals, coalesce(sum(amount), 0) AS value, avg(age) AS mean_age_days,
    mean_interval(list(age) FILTER (age IS NOT NULL)).low AS mean_age_days_low,
    mean_interval(list(age) FILTER (age IS NOT NULL)).high AS mean_age_days_high, avg(there) AS mean_days_in_stage,
    mean_interval(list(there) FILTER (there IS NOT NULL)).low AS mean_days_in_stage_low,
    mean_interval(list(there) FILTER (there IS NOT NULL)).high AS mean_days_in_stage_high, won / nullif(closed, 0) AS win_share,
    wilson(won, closed).low AS low, wilson(won, closed).high AS high
FROM deals LEFT JOIN shares USING (stage) LEFT JOIN places USING (stage)
GROUP BY deals.stage, currency, breakdown, won, closed, place
ORDER BY place NULLS LAST, stage, currency NULLS FIRST, breakdown NULLS FIRST
