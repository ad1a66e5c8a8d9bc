-- Twin of the report `complaints`.
-- case:
-- case: breakdown=segment
-- case: horizon=30d
-- case: horizon=60d activity=login,export breakdown=region
-- case: as_of=2024-09-30 tz=Asia/Shanghai breakdown=plan_size
-- case: horizon=20w breakdown=owner
WITH settings AS (
    SELECT duration(coalesce(getvariable('horizon'), '90d')) AS horizon, getvariable('as_of') - horizon AS index_at
),
-- A ticket is one of its category, and any.
asked AS (
    SELECT customer_key, customer_id, occurred_at, unnest([coalesce(category, '(no category)'), NULL]) AS category FROM tickets
),
volumes AS (
    SELECT breakdown, category, count(*) FILTER (occurred_at > index_at) AS n,
        count(DISTINCT customer_key) FILTER (occurred_at > index_at) AS customers,
        count(*) FILTER (occurred_at <= index_at) AS n_before
    FROM asked LEFT JOIN breakdowns USING (customer_id), settings WHERE occurred_at > index_at - horizon GROUP BY ALL
),
acts AS (
    SELECT customer_id, count(*) FILTER (occurred_at <= index_at) AS n, count(*) FILTER (occurred_at > index_at) AS n_after
    FROM activity, settings
    WHERE occurred_at > index_at - horizon
        AND (coalesce(getvariable('activity'), '') = '' OR list_contains(string_split(getvariable('activity'), ','), name))
    GROUP BY ALL HAVING n > 0
),
-- Levels as the scores of `rfm`: from how many of the others are strictly less active.
people AS (
    SELECT customer_id, breakdown, n_after = 0 AS is_gone,
        1 + 5 * (rank() OVER (ORDER BY n) - 1) // count(*) OVER () AS level
    FROM acts LEFT JOIN breakdowns USING (customer_id)
),
categories AS (SELECT DISTINCT breakdown, category FROM volumes),
levels AS (
    SELECT c.breakdown, c.category, level, count(*) FILTER (has) AS n1, count(*) FILTER (has AND is_gone) AS x1,
        count(*) FILTER (NOT has) AS n0, count(*) FILTER (NOT has AND is_gone) AS x0
    FROM (
        SELECT people.*, categories.category, EXISTS (SELECT 1 FROM asked, settings
            WHERE asked.customer_id = people.customer_id AND asked.category IS NOT DISTINCT FROM categories.category
                AND occurred_at > index_at - horizon AND occurred_at <= index_at) AS has
        FROM people JOIN categories ON categories.breakdown IS NOT DISTINCT FROM people.breakdown
    ) c
    GROUP BY ALL HAVING n1 > 0 AND n0 > 0
),
compared AS (
    SELECT breakdown, category, sum(n1)::BIGINT AS exposed, sum(x1) / sum(n1) AS gone, sum(n0)::BIGINT AS others,
        sum(n1 * x0 / n0) / sum(n1) AS others_gone, sum(n1) ** 2 / sum(n1 * n1 / n0) AS worth
    FROM levels GROUP BY ALL
),
spans AS (
    SELECT *, wilson(gone * exposed, exposed) AS gone_span, wilson(others_gone * worth, worth) AS others_span,
        difference(gone, gone_span, others_gone, others_span) AS span
    FROM compared
)
SELECT v.category, v.breakdown, n AS tickets, customers, n / nullif(max(n) OVER whole, 0) AS share,
    CASE WHEN v.category IS NOT NULL THEN wilson(n, max(n) OVER whole).low END AS low,
    CASE WHEN v.category IS NOT NULL THEN wilson(n, max(n) OVER whole).high END AS high, n_before AS tickets_before,
    coalesce(exposed, 0) AS exposed, gone AS gone_share, gone_span.low AS gone_share_low, gone_span.high AS gone_share_high,
    coalesce(others, 0) AS others, others_gone AS others_gone_share, others_span.low AS others_gone_share_low,
    others_span.high AS others_gone_share_high,
    gone - others_gone AS difference, span.low AS difference_low, span.high AS difference_high
FROM volumes v LEFT JOIN spans s
    ON s.breakdown IS NOT DISTINCT FROM v.breakdown AND s.category IS NOT DISTINCT FROM v.category
WINDOW whole AS (PARTITION BY v.breakdown)
ORDER BY v.breakdown NULLS FIRST, v.category IS NULL, n DESC, v.category
