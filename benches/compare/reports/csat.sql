-- Twin of the report `csat`.
-- case:
-- case: source=tickets breakdown=owner
-- case: breakdown=segment satisfied_from=5
-- case: source=tickets
-- case: source=tickets period=week breakdown=region tz=Asia/Shanghai
-- case: source=tickets period=quarter from=2024-05-15 to=2024-09-10
-- case: period=all breakdown=owner
-- case: period=year as_of=2024-09-30 breakdown=plan_size
-- case: period=day satisfied_from=3.5 from=2024-08-05
WITH unit AS (SELECT coalesce(getvariable('period'), 'month') AS unit, coalesce(getvariable('source'), 'surveys') AS source),
given AS (
    SELECT customer_id, NULL AS owner, occurred_at AS stamp, score, known_at, response_id FROM surveys, unit
    WHERE source = 'surveys' AND kind = 'csat'
    UNION ALL SELECT customer_id, owner_id, coalesce(closed_at, occurred_at), satisfaction, NULL, NULL FROM tickets, unit
    WHERE source = 'tickets' AND satisfaction IS NOT NULL
        AND (closed_at IS NOT NULL OR NOT EXISTS (SELECT 1 FROM tickets WHERE closed_at IS NOT NULL))
),
scale AS (
    SELECT best_of(max(score)) AS best, coalesce(getvariable('satisfied_from')::DOUBLE,
        CASE WHEN max(score) <= 5 THEN 4 WHEN max(score) <= 10 THEN 8 ELSE 80 END) AS satisfied_from
    FROM given
),
answers AS (
    SELECT CASE source WHEN 'tickets' THEN of_owner(owner, breakdown) ELSE breakdown END AS breakdown, first_day(unit, stamp) AS period, score::DECIMAL(12, 4) AS score
    FROM given LEFT JOIN breakdowns USING (customer_id), unit
    WHERE (getvariable('from') IS NULL OR local_day(stamp) >= getvariable('from')::DATE)
        AND (getvariable('to') IS NULL OR local_day(stamp) <= getvariable('to')::DATE)
    QUALIFY source = 'tickets' OR row_number() OVER (PARTITION BY customer_id, period
        ORDER BY stamp DESC, known_at DESC NULLS LAST, response_id DESC NULLS LAST, score DESC) = 1
),
counted AS (
    SELECT breakdown, period, count(*) AS n, list(score::DOUBLE) AS scores,
        count(*) FILTER (score >= satisfied_from) AS x
    FROM answers, scale GROUP BY ALL
),
grid AS (
    SELECT breakdown, unnest(CASE unit WHEN 'all' THEN [DATE '1970-01-01'] ELSE generate_series(min(period),
        least(first_day(unit, getvariable('as_of')), coalesce(getvariable('to')::DATE, DATE '9999-01-01')),
        CASE unit WHEN 'day' THEN INTERVAL 1 DAY WHEN 'week' THEN INTERVAL 7 DAY WHEN 'month' THEN INTERVAL 1 MONTH
            WHEN 'quarter' THEN INTERVAL 3 MONTH ELSE INTERVAL 1 YEAR END) END)::DATE AS period
    FROM counted, unit GROUP BY breakdown, unit
)
SELECT g.period, g.breakdown, coalesce(n, 0) AS answers, list_avg(scores) AS score,
    mean_interval(scores).low AS score_low,
    CASE WHEN mean_interval(scores) IS NOT NULL THEN least(mean_interval(scores).high, best) END AS score_high,
    coalesce(x, 0) AS satisfied, x / n AS share, wilson(x, n).low AS low, wilson(x, n).high AS high, satisfied_from,
    whole(unit, g.period) AS complete
FROM grid g LEFT JOIN counted c ON c.period = g.period AND c.breakdown IS NOT DISTINCT FROM g.breakdown, unit, scale
ORDER BY g.period, g.breakdown NULLS FIRST
