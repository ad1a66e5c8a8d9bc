WITH lines AS (SELECT *, days_since(occurred_at) AS age FROM orders WHERE customer_id IS NOT NULL),
sold AS (
    SELECT customer_id, order_id, currency, max(age) AS age, sum(amount) AS value
    FROM lines WHERE amount >= 0 GROUP BY ALL
),
returned AS (
    SELECT customer_id, order_id, currency, max(age) AS age, sum(amount) AS value FROM lines WHERE amount < 0 GROUP BY ALL
),
main AS (
    SELECT customer_id, currency
    FROM (SELECT customer_id, currency, count(*) FILTER (sale AND age < 365) AS lately, count(*) FILTER (sale) AS n
        FROM (SELECT *, true AS sale FROM sold UNION ALL BY NAME SELECT *, false AS sale FROM returned) GROUP BY ALL)
    QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY lately DESC, n DESC, currency NULLS LAST) = 1
),
often AS (
    SELECT customer_id, count(*) AS n, count(*) FILTER (age < 30) AS n30, count(*) FILTER (age < 90) AS n90,
        count(*) FILTER (age < 365) AS n365, count(*) FILTER (age >= 90 AND age < 365) AS before
    FROM sold GROUP BY customer_id
),
rhythm AS (
    SELECT customer_id, min(age) AS recency, max(age) AS tenure, count(DISTINCT floor(age)) AS days
    FROM lines WHERE amount >= 0 GROUP BY customer_id
),
back AS (SELECT customer_id, count(*) FILTER (age < 365) AS n365 FROM returned GROUP BY customer_id),
gross AS (
    SELECT customer_id, sum(value) FILTER (age < 365) AS y, count(*) FILTER (age < 365) AS n, sum(value) AS v,
        sum(value) FILTER (age < 7) AS v7, sum(value) FILTER (age < 30) AS v30, sum(value) FILTER (age < 90) AS v90
    FROM sold s JOIN main m USING (customer_id) WHERE s.currency IS NOT DISTINCT FROM m.currency GROUP BY customer_id
),
less AS (
    SELECT customer_id, sum(value) FILTER (age < 365) AS y, sum(value) AS v,
        sum(value) FILTER (age < 7) AS v7, sum(value) FILTER (age < 30) AS v30, sum(value) FILTER (age < 90) AS v90
    FROM returned s JOIN main m USING (customer_id) WHERE s.currency IS NOT DISTINCT FROM m.currency GROUP BY customer_id
)
SELECT customer_id, r.recency AS orders_recency, r.tenure AS orders_tenure,
    times_gap(r.recency, r.tenure, r.days) AS orders_rhythm,
    CASE WHEN m.customer_id IS NOT NULL THEN pace(coalesce(o.n90, 0), coalesce(o.before, 0), 275::DOUBLE / 90) END
        AS orders_trend,
    coalesce(o.n, 0) AS orders_count, coalesce(o.n30, 0) AS orders_count_30, coalesce(o.n90, 0) AS orders_count_90,
    coalesce(o.n365, 0) AS orders_count_365,
    coalesce(g.v, 0) + coalesce(l.v, 0) AS orders_value, coalesce(g.v7, 0) + coalesce(l.v7, 0) AS orders_value_7,
    coalesce(g.v30, 0) + coalesce(l.v30, 0) AS orders_value_30, coalesce(g.v90, 0) + coalesce(l.v90, 0) AS orders_value_90,
    coalesce(g.y, 0) + coalesce(l.y, 0) AS orders_value_365,
    g.y::DOUBLE / nullif(g.n, 0) AS orders_basket, coalesce(b.n365, 0) AS orders_refunds_365,
    CASE WHEN g.y > 0 THEN -coalesce(l.y, 0)::DOUBLE / g.y END AS orders_refund_share
FROM customers LEFT JOIN main m USING (customer_id) LEFT JOIN often o USING (customer_id)
LEFT JOIN rhythm r USING (customer_id) LEFT JOIN back b USING (customer_id)
LEFT JOIN gross g USING (customer_id) LEFT JOIN less l USING (customer_id)
