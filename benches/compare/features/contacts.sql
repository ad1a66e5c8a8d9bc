WITH n AS (
    SELECT customer_key, min(days_since(occurred_at)) AS recency, count(*) FILTER (days_since(occurred_at) < 90) AS n90,
        count(*) FILTER (days_since(occurred_at) < 365) AS n365
    FROM contacts GROUP BY customer_key
)
SELECT customer_id, recency AS contacts_recency, coalesce(n90, 0) AS contacts_90, coalesce(n365, 0) AS contacts_365
FROM customers LEFT JOIN n USING (customer_key)
