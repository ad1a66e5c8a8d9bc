-- Twin of the report `paths`.
-- case:
-- case: direction=before anchor=purchase
-- case: direction=before anchor=purchase,refund length=2 window=2w limit=20
-- case: anchor=purchase length=1
-- case: anchor=login length=1 limit=100
-- case: anchor=login,export length=2 window=12h
-- case: anchor=trial ignore=login,view_page limit=500
-- case: anchor=complaint direction=before length=1 window=90d ignore=login
-- case: anchor=complaint length=4 window=7d as_of=2024-09-30 limit=1000
-- case: window=90min length=5 tz=Asia/Shanghai limit=10
-- case: direction=before anchor=ticket_opened length=2 ignore=view_page,use_feature_a as_of=2024-10-15T12:00:00Z
-- case: direction=before
-- case: window=300d length=2
-- case: breakdown=segment length=1
-- case: breakdown=owner direction=before anchor=purchase length=2 limit=5
-- case: breakdown=channel limit=3 as_of=2024-09-30
-- case: breakdown=plan_size anchor=login length=1 limit=4 tz=Asia/Shanghai
WITH asked AS (
    SELECT string_split(coalesce(getvariable('anchor'), 'signup'), ',') AS anchors,
        string_split(coalesce(getvariable('ignore'), ''), ',') AS ignored,
        coalesce(getvariable('direction'), 'after') = 'after' AS forward,
        coalesce(getvariable('length'), '3')::INT AS length, duration(coalesce(getvariable('window'), '30d')) AS wide
),
anchored AS (
    SELECT customer_id, min(occurred_at) AS stood
    FROM activity, asked WHERE list_contains(anchors, name) GROUP BY customer_id, forward, wide
    HAVING NOT forward OR min(occurred_at) + wide <= getvariable('as_of')
),
-- How far from the anchor each other activity is, in microseconds.
near AS (
    SELECT customer_id, name, abs(epoch_us(occurred_at) - epoch_us(stood)) AS distance
    FROM anchored JOIN activity USING (customer_id), asked
    WHERE NOT list_contains(ignored, name)
        AND CASE WHEN forward THEN occurred_at > stood AND occurred_at <= stood + wide
            ELSE occurred_at < stood AND occurred_at >= stood - wide END
),
fresh AS (
    SELECT * FROM near
    QUALIFY name IS DISTINCT FROM lag(name) OVER (PARTITION BY customer_id ORDER BY distance, name)
),
steps AS (
    SELECT customer_id, name, distance, row_number() OVER (PARTITION BY customer_id ORDER BY distance, name) AS step
    FROM fresh, asked
    QUALIFY step <= length
),
travelled AS (
    SELECT a.customer_id, max(distance) AS far,
        coalesce(list(name ORDER BY step) FILTER (name IS NOT NULL), []) AS names,
        any_value('[' || array_to_string(anchors, ', ') || ']') AS middle
    FROM anchored a LEFT JOIN steps USING (customer_id), asked GROUP BY a.customer_id
)
SELECT array_to_string(CASE WHEN forward THEN [middle] || names ELSE list_reverse(names) || [middle] END, ' → ') AS path,
    breakdown, count(*) AS customers, count(*) / sum(count(*)) OVER alike AS share, wilson(count(*), sum(count(*)) OVER alike).low AS low,
    wilson(count(*), sum(count(*)) OVER alike).high AS high, quantile_cont(far, 0.5) / 3600e6 AS median_hours
FROM travelled LEFT JOIN breakdowns USING (customer_id), asked GROUP BY path, breakdown
WINDOW alike AS (PARTITION BY breakdown)
QUALIFY row_number() OVER (PARTITION BY breakdown ORDER BY customers DESC, path) <= coalesce(getvariable('limit'), '50')::INT
ORDER BY breakdown NULLS FIRST, customers DESC, path
