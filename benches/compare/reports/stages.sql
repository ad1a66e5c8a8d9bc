-- Twin of the report `stages`.
-- case:
-- case: breakdown=segment
-- case: breakdown=owner tz=Asia/Shanghai
-- case: breakdown=plan_size from=2024-03-01 to=2024-08-31
-- case: from=2024-05-23 to=2024-10-28 tz=Asia/Shanghai
-- case: from=2024-05-23 to=2024-10-28 tz=America/New_York
-- case: breakdown=region as_of=2024-09-29T17:00:00Z tz=Asia/Shanghai
-- case: as_of=2024-09-30
-- case: as_of=2024-03-31 breakdown=channel
-- case: as_of=2024-01-20
-- case: as_of=2023-12-31
WITH
-- When each deal first entered each stage; what stands at or after its closing only names the outcome.
history AS (
    SELECT opportunity_id, s.stage, min(s.occurred_at) AS entered_at
    FROM opportunity_stages s JOIN opportunities o USING (opportunity_id)
    WHERE s.occurred_at < o.closed_at OR o.closed_at IS NULL AND o.status = 'open' GROUP BY ALL
),
-- Stages stand in the order in which deals enter them on average.
places AS (
    SELECT stage, row_number() OVER (ORDER BY avg(place), stage) AS place
    FROM (SELECT stage, row_number() OVER (PARTITION BY opportunity_id ORDER BY entered_at, stage) AS place FROM history)
    GROUP BY stage
),
entries AS (
    SELECT h.opportunity_id, h.stage, h.entered_at,
        (SELECT min(l.entered_at) FROM history l JOIN places lp USING (stage)
         WHERE l.opportunity_id = h.opportunity_id AND lp.place > p.place) AS later_at
    FROM history h JOIN places p USING (stage)
),
-- How each stay ended and how long it took; one that was lost could have been watched until now, and never moved on.
stays AS (
    SELECT e.stage, of_owner(o.owner_id, breakdown) AS breakdown, later_at IS NOT NULL OR o.status = 'won' AS moved, NOT moved AND o.status = 'lost' AS lost,
        epoch_us(CASE WHEN later_at IS NOT NULL THEN greatest(later_at, entered_at) WHEN o.status IN ('won', 'lost') THEN closed_at
            ELSE getvariable('as_of') END) - epoch_us(entered_at) AS stayed,
        CASE WHEN moved THEN stayed ELSE epoch_us(getvariable('as_of')) - epoch_us(entered_at) END AS until_moved
    FROM entries e JOIN opportunities o USING (opportunity_id) LEFT JOIN breakdowns USING (customer_id)
    WHERE (getvariable('from') IS NULL OR local_day(entered_at) >= getvariable('from')::DATE)
        AND (getvariable('to') IS NULL OR local_day(entered_at) <= getvariable('to')::DATE)
),
counted AS (
    SELECT stage, breakdown, count(*) AS deals, count(*) FILTER (moved) AS moved, count(*) FILTER (lost) AS lost,
        count(*) FILTER (NOT moved AND NOT lost) AS open
    FROM stays GROUP BY ALL
),
-- Kaplan and Meier, twice: when deals left, and when they moved on.
watched AS (
    SELECT 'left' AS what, stage, breakdown, stayed AS t, moved OR lost AS happened FROM stays
    UNION ALL SELECT 'moved', stage, breakdown, until_moved, moved FROM stays
),
times AS (
    SELECT what, stage, breakdown, t, count(*) FILTER (happened) AS d,
        sum(count(*)) OVER (PARTITION BY what, stage, breakdown ORDER BY t DESC) AS n
    FROM watched GROUP BY what, stage, breakdown, t
),
steps AS (
    SELECT *, product(1 - d / n) OVER (PARTITION BY what, stage, breakdown ORDER BY t) AS remain FROM times
),
leaving AS (
    SELECT stage, breakdown, min(t) FILTER (remain <= 0.5 + 1e-12) / 86400e6 AS median_days,
        min(t) FILTER (remain <= 0.1 + 1e-12) / 86400e6 AS p90_days
    FROM steps WHERE what = 'left' GROUP BY ALL
),
-- The number that would be as informative had all been watched to the end, S(1-S)/Var(S) by Greenwood; while
-- nobody has moved on, all, and at the last time those who were watched so long.
moving AS (
    SELECT stage, breakdown, coalesce(product(1 - d / n) FILTER (t <= 30 * 86400e6), 1) AS s,
        coalesce(product(1 - d / n) FILTER (t <= 30 * 86400e6 AND d < n), 1) AS s_before,
        sum(d / (n * (n - d))) FILTER (t <= 30 * 86400e6 AND d < n) AS v,
        max(t) >= 30 * 86400e6 OR s < 1e-12 AS known,
        CASE WHEN v > 0 THEN (1 - s_before) / (s_before * v) WHEN max(t) = 30 * 86400e6 THEN min(n) ELSE max(n) END
            AS informative
    FROM steps WHERE what = 'moved' GROUP BY ALL
)
SELECT stage, c.breakdown, deals, moved, lost, open, moved / nullif(moved + lost, 0) AS conversion,
    wilson(moved, moved + lost).low AS low, wilson(moved, moved + lost).high AS high, median_days, p90_days,
    CASE WHEN known THEN 1 - s END AS moved_30d,
    CASE WHEN known THEN wilson((1 - s) * informative, informative).low END AS moved_30d_low,
    CASE WHEN known THEN wilson((1 - s) * informative, informative).high END AS moved_30d_high
FROM counted c JOIN places USING (stage)
JOIN leaving l USING (stage) JOIN moving m USING (stage)
WHERE l.breakdown IS NOT DISTINCT FROM c.breakdown AND m.breakdown IS NOT DISTINCT FROM c.breakdown
ORDER BY place, c.breakdown NULLS FIRST
