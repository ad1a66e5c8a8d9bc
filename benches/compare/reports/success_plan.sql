-- Twin of the report `success_plan`.
-- case:
-- case: min_steps=1
-- case: min_steps=2 breakdown=segment
-- case: min_steps=1 breakdown=owner tz=Asia/Shanghai
-- case: min_steps=0 from=2024-02-01 to=2024-05-31
-- case: as_of=2024-11-30 min_steps=1 from=2024-03-01 breakdown=region
-- case: as_of=2024-09-15T08:00:00Z tz=Asia/Shanghai min_steps=1
WITH signed AS (
    SELECT customer_key, min(started_at) AS signed_at, local_day(signed_at) AS day
    FROM subscriptions WHERE customer_key IS NOT NULL GROUP BY ALL
    HAVING ended('day', day + 180)
        AND (getvariable('from') IS NULL OR day >= getvariable('from')::DATE)
        AND (getvariable('to') IS NULL OR day <= getvariable('to')::DATE)
),
running AS (
    SELECT customer_key, signed_at, day, n,
        bool_or(local_day(started_at) <= day + n AND (ended_at IS NULL OR local_day(ended_at) > day + n)) AS is_running
    FROM signed JOIN subscriptions USING (customer_key), (SELECT unnest([90, 180]) AS n) GROUP BY ALL
),
stayed AS (
    SELECT customer_key, signed_at, day, bool_or(n = 180 AND is_running) AS stayed
    FROM running GROUP BY ALL HAVING bool_or(n = 90 AND is_running)
),
-- The first and last day of each step, what may do it, and what it is called.
plan(week, first_day, last_day, only_meetings, surveys_too) AS (VALUES (1, 0, 7, false, false), (2, 8, 14, false, false),
    (3, 15, 21, false, false), (4, 22, 28, false, false), (6, 36, 42, true, false), (9, 57, 63, false, true)),
made AS (
    SELECT customer_key, week FROM stayed s JOIN contacts c USING (customer_key), plan
    WHERE c.occurred_at >= signed_at AND local_day(c.occurred_at) BETWEEN day + first_day AND day + last_day
        AND (NOT only_meetings OR kind IN ('meeting', 'visit', 'demo'))
    UNION
    SELECT customer_key, week FROM stayed s JOIN surveys a USING (customer_key), plan
    WHERE surveys_too AND a.occurred_at >= signed_at AND local_day(a.occurred_at) BETWEEN day + first_day AND day + last_day
),
done AS (
    SELECT customer_key, stayed, list(week) FILTER (week IS NOT NULL) AS weeks
    FROM stayed LEFT JOIN made USING (customer_key) GROUP BY ALL
),
grouped AS (
    SELECT breakdown, coalesce(len(weeks), 0) >= coalesce(getvariable('min_steps')::INT, 3) AS followed,
        count(*) AS n, count(*) FILTER (stayed) AS x,
        [count(*) FILTER (list_contains(weeks, 1)), count(*) FILTER (list_contains(weeks, 2)),
         count(*) FILTER (list_contains(weeks, 3)), count(*) FILTER (list_contains(weeks, 4)),
         count(*) FILTER (list_contains(weeks, 6)), count(*) FILTER (list_contains(weeks, 9))] AS by_week
    FROM done LEFT JOIN customers USING (customer_key) LEFT JOIN breakdowns USING (customer_id) GROUP BY ALL
),
grid AS (SELECT DISTINCT breakdown, f AS followed FROM grouped, (SELECT unnest([true, false]) AS f)),
filled AS (
    SELECT grid.breakdown, grid.followed, coalesce(n, 0) AS n, coalesce(x, 0) AS x, coalesce(by_week, [0, 0, 0, 0, 0, 0]) AS by_week
    FROM grid LEFT JOIN grouped g ON g.breakdown IS NOT DISTINCT FROM grid.breakdown AND g.followed = grid.followed
)
SELECT CASE WHEN a.followed THEN 'followed' ELSE 'not_followed' END AS plan, a.breakdown, a.n AS customers, a.x AS stayed,
    a.x / nullif(a.n, 0) AS share, wilson(a.x, a.n).low AS low, wilson(a.x, a.n).high AS high,
    CASE WHEN a.followed THEN a.x / nullif(a.n, 0) - b.x / nullif(b.n, 0) END AS difference,
    CASE WHEN a.followed THEN difference(a.x / nullif(a.n, 0), wilson(a.x, a.n), b.x / nullif(b.n, 0), wilson(b.x, b.n)).low
        END AS difference_low,
    CASE WHEN a.followed THEN difference(a.x / nullif(a.n, 0), wilson(a.x, a.n), b.x / nullif(b.n, 0), wilson(b.x, b.n)).high
        END AS difference_high,
    a.by_week[1] AS week_1, a.by_week[2] AS week_2, a.by_week[3] AS week_3, a.by_week[4] AS week_4, a.by_week[5] AS week_6,
    a.by_week[6] AS week_9
FROM filled a JOIN filled b ON a.breakdown IS NOT DISTINCT FROM b.breakdown AND a.followed != b.followed
ORDER BY a.breakdown NULLS FIRST, plan
