-- Twin of the report `survival`.
-- case:
-- case: breakdown=segment
-- case: silence=30d tz=Asia/Shanghai breakdown=channel
-- case: silence=45d as_of=2024-09-30
-- case: silence=2w activity=login,export from=2024-02-10 to=2024-07-31
-- case: silence=0d activity=login
-- case: silence=36h activity=purchase
-- case: clock=contract
-- case: clock=contract breakdown=segment
-- case: clock=contract grace=0d tz=America/New_York breakdown=plan_size
-- case: clock=contract grace=90d as_of=2024-10-31
-- case: clock=contract from=2024-04-01 breakdown=owner
WITH settings AS (
    SELECT coalesce(getvariable('clock'), 'activity') AS clock, local_day(getvariable('as_of')) AS today,
        epoch(duration(CASE clock WHEN 'contract' THEN coalesce(getvariable('grace'), '30d')
            ELSE coalesce(getvariable('silence'), '90d') END))::BIGINT // 86400 AS tolerance,
        today - tolerance::INT - 1 AS horizon
),
days AS (
    SELECT DISTINCT customer_id, local_day(occurred_at) AS day
    FROM activity, settings
    WHERE clock = 'activity' AND (coalesce(getvariable('activity'), '') = ''
        OR list_contains(string_split(getvariable('activity'), ','), name))
),
silences AS (
    SELECT customer_id, day, lead(day, 1, today) OVER (PARTITION BY customer_id ORDER BY day) - day > tolerance AS lapsed
    FROM days, settings
),
contracts AS (
    SELECT customer_id, local_day(started_at) AS start, coalesce(local_day(ended_at), DATE '9999-12-31') AS stop
    FROM subscriptions, settings WHERE clock = 'contract' AND start < stop
),
-- What runs until a day, with when the next begins: a gap longer than the grace is an end.
stretches AS (
    SELECT customer_id, max(stop) OVER (PARTITION BY customer_id ORDER BY start, stop) AS stop,
        lead(start, 1, today) OVER (PARTITION BY customer_id ORDER BY start, stop) AS next
    FROM contracts, settings
),
lapses AS (SELECT customer_id, stop FROM stretches, settings WHERE next - stop > tolerance),
lives AS (
    SELECT customer_id, min(day) AS start, min(day) FILTER (lapsed) AS stop FROM silences GROUP BY customer_id
    UNION ALL
    SELECT customer_id, start, stop
    FROM (SELECT customer_id, min(start) AS start FROM contracts GROUP BY customer_id)
        LEFT JOIN (SELECT customer_id, min(stop) AS stop FROM lapses GROUP BY customer_id) USING (customer_id)
),
watched AS (
    SELECT breakdown, stop IS NOT NULL AS ended, coalesce(stop, horizon) - start AS days
    FROM lives LEFT JOIN breakdowns USING (customer_id), settings
    WHERE start <= horizon AND (getvariable('from') IS NULL OR start >= getvariable('from')::DATE)
        AND (getvariable('to') IS NULL OR start <= getvariable('to')::DATE)
),
-- Kaplan and Meier: of those at risk until then, who ended on each day.
times AS (
    SELECT breakdown, days, count(*) FILTER (ended) AS d,
        sum(count(*)) OVER (PARTITION BY breakdown ORDER BY days DESC) AS n
    FROM watched GROUP BY breakdown, days
),
steps AS (
    SELECT *, product(1 - d / n) OVER upto AS s, coalesce(product(1 - d / n) FILTER (d < n) OVER upto, 1) AS s_before,
        sum(d / (n * (n - d))) FILTER (d < n) OVER upto AS v
    FROM times
    WINDOW upto AS (PARTITION BY breakdown ORDER BY days)
),
ends AS (
    SELECT breakdown, max(days) AS last, max(n) AS everybody, min(n) AS at_last, min(days) FILTER (s < 0.5 + 1e-12) AS median
    FROM steps GROUP BY breakdown
),
months AS (SELECT *, unnest(range(0, (last + 29) // 30 + 1)) AS age FROM ends),
counted AS (
    SELECT months.breakdown, age, last, everybody, at_last, median, count(*) FILTER (days > 30 * (age - 1)) AS at_risk,
        count(*) FILTER (watched.ended AND days > 30 * (age - 1) AND days <= 30 * age) AS ended
    FROM months JOIN watched ON watched.breakdown IS NOT DISTINCT FROM months.breakdown
    GROUP BY ALL
),
read AS (
    SELECT counted.*, max_by(s, days) AS s, max_by(s_before, days) AS s_before, max_by(v, days) AS v
    FROM counted LEFT JOIN steps ON steps.breakdown IS NOT DISTINCT FROM counted.breakdown AND days <= age * 30
    GROUP BY ALL
),
-- The number that would be as informative had all been watched to the end, S(1-S)/Var(S) by Greenwood; while
-- nobody has ended, all, and at the last time those who were watched so long.
shares AS (
    SELECT *, CASE WHEN age * 30 <= last OR s = 0 THEN coalesce(s, 1) END AS share,
        CASE WHEN v > 0 THEN (1 - s_before) / (s_before * v) WHEN age * 30 = last THEN at_last ELSE everybody END
            AS informative
    FROM read
)
SELECT breakdown, age, at_risk, ended, share, wilson(share * informative, informative).low AS low,
    wilson(share * informative, informative).high AS high, median AS median_days
FROM shares
ORDER BY breakdown NULLS FIRST, age
