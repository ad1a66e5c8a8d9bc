-- Twin of the report `nps_outcome`.
-- case:
-- case: breakdown=segment
-- case: horizon=30d window=180d
-- case: horizon=45d window=4w activity=login,export breakdown=region
-- case: as_of=2024-09-30 tz=Asia/Shanghai breakdown=plan_size
-- case: horizon=1w window=365d breakdown=owner
WITH settings AS (
    SELECT duration(coalesce(getvariable('horizon'), '90d')) AS horizon, duration(coalesce(getvariable('window'), '90d')) AS span,
        getvariable('as_of') - horizon AS index_at
),
acts AS (
    SELECT customer_id, occurred_at FROM activity
    WHERE coalesce(getvariable('activity'), '') = '' OR list_contains(string_split(getvariable('activity'), ','), name)
),
people AS (
    SELECT customer_id, breakdown, max(occurred_at) <= any_value(index_at) AS is_gone
    FROM acts LEFT JOIN breakdowns USING (customer_id), settings
    GROUP BY ALL HAVING bool_or(occurred_at > index_at - horizon AND occurred_at <= index_at)
),
answers AS (
    SELECT customer_id, score FROM surveys, settings
    WHERE (kind = 'nps' OR kind IS NULL) AND occurred_at > index_at - span AND occurred_at <= index_at
    QUALIFY row_number() OVER (PARTITION BY customer_id
        ORDER BY occurred_at DESC, known_at DESC NULLS LAST, response_id DESC NULLS LAST, score DESC) = 1
),
kinds(place, answer, lowest, highest) AS (VALUES (1, 'promoter', 9, 99), (2, 'passive', 6.000001, 8.999999),
    (3, 'detractor', -99, 6), (4, 'no_answer', NULL, NULL)),
counted AS (
    SELECT place, answer, p.breakdown, count(*) FILTER (is_it) AS n, count(*) FILTER (is_it AND is_gone) AS x
    FROM (SELECT people.*, kinds.*, coalesce(score BETWEEN lowest AND highest, score IS NULL AND lowest IS NULL) AS is_it
        FROM people LEFT JOIN answers USING (customer_id), kinds) p
    GROUP BY ALL
)
SELECT c.answer, c.breakdown, c.n AS customers, c.x AS gone, c.x / nullif(c.n, 0) AS share, wilson(c.x, c.n).low AS low,
    wilson(c.x, c.n).high AS high, CASE WHEN c.place > 1 THEN c.x / nullif(c.n, 0) - b.x / nullif(b.n, 0) END AS difference,
    CASE WHEN c.place > 1 THEN difference(c.x / nullif(c.n, 0), wilson(c.x, c.n), b.x / nullif(b.n, 0), wilson(b.x, b.n)).low END
        AS difference_low,
    CASE WHEN c.place > 1 THEN difference(c.x / nullif(c.n, 0), wilson(c.x, c.n), b.x / nullif(b.n, 0), wilson(b.x, b.n)).high END
        AS difference_high
FROM counted c JOIN counted b ON b.place = 1 AND b.breakdown IS NOT DISTINCT FROM c.breakdown
ORDER BY c.breakdown NULLS FIRST, c.place
