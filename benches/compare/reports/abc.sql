-- Twin of the report `abc`.
-- case:
-- case: window=365d
-- case: window=90d as_of=2024-10-31
-- case: a=50 b=80
-- case: a=20.5 b=99.9 window=26w tz=Asia/Shanghai
-- case: a=0 b=100
-- case: currency=USD
-- case: breakdown=segment
-- case: breakdown=owner window=90d as_of=2024-10-31
-- case: breakdown=channel a=50 b=80
WITH sums AS (
    SELECT customer_id, currency, sum(amount) AS revenue FROM orders
    WHERE customer_id IS NOT NULL
        AND (getvariable('currency') IS NULL OR currency = getvariable('currency'))
        AND (getvariable('window') IS NULL OR occurred_at > getvariable('as_of') - duration(getvariable('window')))
    GROUP BY customer_id, currency
),
-- Equal amounts are one step.
amounts AS (
    SELECT currency, revenue, sum(revenue) AS earned FROM sums WHERE revenue > 0 GROUP BY currency, revenue
),
steps AS (
    SELECT currency, revenue, sum(earned) OVER (PARTITION BY currency) AS total,
        sum(earned) OVER (PARTITION BY currency ORDER BY revenue DESC) AS upto, upto - earned AS above
    FROM amounts
)
SELECT sums.customer_id, customers.name AS customer,
    coalesce(owners.name, customers.owner_id, '(no owner)') AS owner, breakdown, sums.currency, sums.revenue,
    sums.revenue / total AS share, upto / total AS cumulative_share,
    CASE WHEN above * 100 < total * coalesce(getvariable('a'), '80')::DECIMAL(9, 4) THEN 'A'
        WHEN above * 100 < total * coalesce(getvariable('b'), '95')::DECIMAL(9, 4) THEN 'B' ELSE 'C' END AS tier
FROM sums
    LEFT JOIN steps ON steps.revenue = sums.revenue AND steps.currency IS NOT DISTINCT FROM sums.currency
    LEFT JOIN customers ON customers.customer_id = sums.customer_id
    LEFT JOIN breakdowns ON breakdowns.customer_id = sums.customer_id
    LEFT JOIN owners ON owners.owner_id = customers.owner_id
ORDER BY sums.currency NULLS FIRST, sums.revenue DESC, sums.customer_id
