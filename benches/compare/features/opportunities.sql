WITH n AS (
    SELECT customer_id, count(*) FILTER (coalesce(status, 'open') = 'open') AS open, min(days_since(created_at)) AS recency,
        min(days_since(closed_at)) FILTER (status = 'won') AS won,
        count(*) FILTER (status = 'won' AND days_since(closed_at) < 365) AS won365,
        count(*) FILTER (status = 'lost' AND days_since(closed_at) < 365) AS lost365
    FROM opportunities GROUP BY customer_id
)
SELECT customer_id, coalesce(open, 0) AS deals_open, recency AS deals_recency, won AS deals_won_recency,
    coalesce(won365, 0) AS deals_won_365, coalesce(lost365, 0) AS deals_lost_365
FROM customers LEFT JOIN n USING (customer_id)
