WITH ours AS (SELECT *, days_since(occurred_at) AS age FROM touches WHERE NOT is_reaction(kind)),
theirs AS (SELECT *, lower(kind) AS did, days_since(occurred_at) AS age FROM touches WHERE is_reaction(kind)),
sent AS (
    SELECT customer_id, min(age) AS recency, count(*) FILTER (age < 30) AS n30, count(*) FILTER (age < 90) AS n90,
        count(*) FILTER (age < 365) AS n365,
        avg((responded_at IS NOT NULL)::INT) FILTER (age < 180) AS answered
    FROM ours GROUP BY customer_id
),
came AS (
    SELECT customer_id, count(*) FILTER (did = 'opened' AND age < 180) AS opened,
        count(*) FILTER (did IN ('clicked', 'responded', 'redeemed') AND age < 180) AS responded,
        count(*) FILTER (did = 'bounced' AND age < 365) AS bounced, count(*) FILTER (did = 'unsubscribed') AS gone
    FROM theirs GROUP BY customer_id
),
lately AS (
    SELECT customer_id, min(days_since(stamp)) AS age
    FROM (SELECT customer_id, responded_at AS stamp FROM touches
        UNION ALL SELECT customer_id, occurred_at FROM theirs WHERE did NOT IN ('bounced', 'unsubscribed'))
    WHERE stamp IS NOT NULL GROUP BY customer_id
)
SELECT customer_id, recency AS touches_recency, coalesce(n30, 0) AS touches_30, coalesce(n90, 0) AS touches_90,
    coalesce(n365, 0) AS touches_365, answered AS touches_answered, age AS touches_answer_recency,
    coalesce(opened, 0) AS touches_opens_180, coalesce(responded, 0) AS touches_responses_180,
    coalesce(bounced, 0) AS touches_bounces_365, coalesce(gone, 0) AS touches_unsubscribed
FROM customers LEFT JOIN sent USING (customer_id) LEFT JOIN came USING (customer_id) LEFT JOIN lately USING (customer_id)
