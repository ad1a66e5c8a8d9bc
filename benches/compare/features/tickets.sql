WITH t AS (
    SELECT *, days_since(occurred_at) AS age, coalesce(lower(category) = 'complaint', false) AS bad,
        greatest(epoch_us(coalesce(first_response_at, closed_at, getvariable('as_of')::TIMESTAMPTZ)) - epoch_us(occurred_at), 0)
            / 3600e6 AS hours,
        CASE WHEN closed_at IS NOT NULL THEN satisfaction END AS rating
    FROM tickets
),
n AS (
    SELECT customer_id, min(age) AS recency, count(*) FILTER (age < 30) AS t30, count(*) FILTER (age < 90) AS t90,
        count(*) FILTER (age < 365) AS t365, count(*) FILTER (age >= 90 AND age < 365) AS before,
        min(age) FILTER (bad) AS complaint, count(*) FILTER (bad AND age < 60) AS c60,
        count(*) FILTER (bad AND age < 365) AS c365, count(*) FILTER (closed_at IS NULL) AS waiting,
        max(age) FILTER (closed_at IS NULL) AS oldest, sum(reopened) FILTER (age < 365) AS again,
        avg(hours) FILTER (age < 90) AS h90, avg(hours) FILTER (age < 365) AS h365,
        avg(hours) FILTER (age >= 90 AND age < 365) AS h_before, avg(rating) FILTER (age < 365) AS mean
    FROM t GROUP BY customer_id
),
newest AS (
    SELECT customer_id, rating FROM t WHERE rating IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY customer_id
        ORDER BY closed_at DESC, known_at DESC NULLS LAST, ticket_id DESC NULLS LAST, rating DESC) = 1
)
SELECT customer_id, recency AS tickets_recency, coalesce(t30, 0) AS tickets_30, coalesce(t90, 0) AS tickets_90,
    coalesce(t365, 0) AS tickets_365, pace(t90, before, 275::DOUBLE / 90) AS tickets_trend, complaint AS complaints_recency,
    coalesce(c60, 0) AS complaints_60, coalesce(c365, 0) AS complaints_365, coalesce(waiting, 0) AS tickets_open,
    oldest AS tickets_open_age, coalesce(again, 0) AS tickets_reopened_365, h90 AS tickets_response_90,
    h365 AS tickets_response_365, h90 / nullif(h_before, 0) AS tickets_response_trend, mean AS tickets_satisfaction,
    rating AS tickets_satisfaction_last
FROM customers LEFT JOIN n USING (customer_id) LEFT JOIN newest USING (customer_id)
