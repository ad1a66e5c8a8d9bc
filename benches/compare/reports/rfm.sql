-- Twin of the report `rfm`.
-- case:
-- case: window=90d
-- case: window=26w as_of=2024-09-30
-- case: as_of=2024-09-30
-- case: tz=Asia/Shanghai
-- case: as_of=2024-09-30T12:00:00Z tz=America/New_York window=2000h
-- case: currency=USD
-- case: breakdown=segment
-- case: breakdown=owner as_of=2024-09-30
-- case: breakdown=channel window=90d
WITH lines AS (
    SELECT customer_id, order_id, occurred_at, amount
    FROM orders
    WHERE customer_id IS NOT NULL
        AND in_currency(currency)
        AND (getvariable('window') IS NULL OR occurred_at > getvariable('as_of') - duration(getvariable('window')))
),
-- A line that is no refund makes an order; refunds booked later on the same order do not make it newer.
buyers AS (
    SELECT customer_id,
        local_day(getvariable('as_of')) - local_day(max(occurred_at) FILTER (amount >= 0)) AS recency_days,
        count(DISTINCT order_id) FILTER (amount >= 0) AS frequency, sum(amount) AS monetary
    FROM lines GROUP BY customer_id HAVING bool_or(amount >= 0)
),
scored AS (
    SELECT *,
        1 + 5 * (rank() OVER (ORDER BY recency_days DESC) - 1) // count(*) OVER () AS r,
        1 + 5 * (rank() OVER (ORDER BY frequency) - 1) // count(*) OVER () AS f,
        1 + 5 * (rank() OVER (ORDER BY monetary) - 1) // count(*) OVER () AS m
    FROM buyers
)
SELECT customer_id, customers.name AS customer, coalesce(owners.name, owner_id, '(no owner)') AS owner, breakdown, recency_days, frequency, monetary, r, f, m,
    -- The head names the segments and what they depend on, not the borders: these are read off answers.
    CASE WHEN r >= 4 AND f + m >= 8 THEN 'champions'
        WHEN r >= 4 AND f + m >= 5 OR r = 3 AND f + m >= 8 THEN 'loyal'
        WHEN r >= 4 AND f = 1 THEN 'new'
        WHEN r >= 4 THEN 'promising'
        WHEN r = 3 THEN 'needs_attention'
        WHEN r = 1 AND f + m >= 8 THEN 'cannot_lose'
        WHEN f + m >= 5 THEN 'at_risk'
        WHEN r = 2 THEN 'hibernating'
        ELSE 'lost' END AS segment
FROM scored LEFT JOIN customers USING (customer_id) LEFT JOIN owners USING (owner_id) LEFT JOIN breakdowns USING (customer_id)
ORDER BY monetary DESC, customer_id
