-- Twin of the report `repurchase`.
-- case:
-- case: breakdown=segment
-- case: window=30d period=week tz=Asia/Shanghai
-- case: window=8w period=quarter breakdown=channel as_of=2024-11-20
-- case: window=180d from=2024-04-10 to=2024-08-20 breakdown=owner
-- case: window=36h period=year
-- case: window=90d as_of=2024-10-01T04:00:00Z tz=America/New_York breakdown=plan_size
WITH unit AS (
    SELECT coalesce(getvariable('period'), 'month') AS unit, local_day(getvariable('as_of')) AS today,
        epoch(duration(coalesce(getvariable('window'), '90d')))::INT // 86400 AS length
),
purchases AS (
    SELECT DISTINCT customer_id, local_day(placed_at) AS day
    FROM (
        SELECT customer_id, order_id, min(CASE WHEN amount > 0 THEN occurred_at END) AS placed_at FROM orders
        WHERE customer_id IS NOT NULL GROUP BY customer_id, order_id HAVING sum(amount) > 0
    )
),
buyers AS (
    SELECT breakdown, date_trunc(unit, min(day))::DATE AS cohort, count(*) AS n, min(day) AS first,
        list(day ORDER BY day)[2] - first AS days, today - first AS watched, ended('day', first + length) AS matured
    FROM purchases LEFT JOIN breakdowns USING (customer_id), unit
    GROUP BY customer_id, breakdown, unit, today, length
),
chosen AS (
    SELECT * FROM buyers, unit
    WHERE (getvariable('from') IS NULL OR cohort >= date_trunc(unit, getvariable('from')::DATE))
        AND (getvariable('to') IS NULL OR cohort <= getvariable('to')::DATE)
),
counted AS (
    SELECT cohort, breakdown, count(*) AS buyers, count(*) FILTER (matured) AS matured,
        count(*) FILTER (matured AND days <= length) AS again, sum(n) AS n, mean_interval(list(n::DOUBLE)) AS mean
    FROM chosen GROUP BY cohort, breakdown
),
-- Kaplan and Meier: of those at risk until then, who bought again on each day.
times AS (
    SELECT cohort, breakdown, coalesce(days, watched) AS day, count(days) AS d, length,
        sum(count(*)) OVER (PARTITION BY cohort, breakdown ORDER BY coalesce(days, watched) DESC) AS n
    FROM chosen GROUP BY cohort, breakdown, coalesce(days, watched), length
),
steps AS (
    SELECT *, product(1 - d / n) OVER upto AS s FROM times
    WINDOW upto AS (PARTITION BY cohort, breakdown ORDER BY day)
),
curves AS (
    SELECT cohort, breakdown, max(day) AS last, min(day) FILTER (s < 0.5 + 1e-12) AS median, any_value(length) AS length,
        coalesce(product(1 - d / n) FILTER (day <= length), 1) AS s,
        coalesce(product(1 - d / n) FILTER (day <= length AND d < n), 1) AS s_before,
        sum(d / (n * (n - d))) FILTER (day <= length AND d < n) AS v, max(n) AS everybody, min(n) AS at_last
    FROM steps GROUP BY cohort, breakdown
),
-- The number that would be as informative had all been watched to the end, S(1-S)/Var(S) by Greenwood; while
-- nobody has bought again, all, and at the last time those who were watched so long.
read AS (
    SELECT *, last >= length OR s = 0 AS known, CASE WHEN v > 0 THEN (1 - s_before) / (s_before * v)
        WHEN last = length THEN at_last ELSE everybody END AS informative
    FROM curves
)
SELECT counted.cohort, counted.breakdown, buyers, matured, again AS bought_again, again / nullif(matured, 0) AS share,
    wilson(again, matured).low AS low, wilson(again, matured).high AS high, CASE WHEN known THEN 1 - s END AS estimate,
    CASE WHEN known THEN wilson((1 - s) * informative, informative).low END AS estimate_low,
    CASE WHEN known THEN wilson((1 - s) * informative, informative).high END AS estimate_high, median AS median_days,
    counted.n / buyers AS purchases_per_buyer,
    CASE WHEN mean IS NOT NULL THEN greatest(mean.low, 1) END AS purchases_low, mean.high AS purchases_high,
    ended('day', (counted.cohort + CASE unit WHEN 'day' THEN INTERVAL 1 DAY WHEN 'week' THEN INTERVAL 7 DAY
        WHEN 'month' THEN INTERVAL 1 MONTH WHEN 'quarter' THEN INTERVAL 3 MONTH ELSE INTERVAL 1 YEAR END)::DATE
        + unit.length - 1) AS complete
FROM counted JOIN read ON read.cohort = counted.cohort AND read.breakdown IS NOT DISTINCT FROM counted.breakdown, unit
ORDER BY counted.cohort, counted.breakdown NULLS FIRST
