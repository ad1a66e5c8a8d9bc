WITH said AS (
    SELECT customer_id, coalesce(kind, 'nps') AS kind, score, days_since(occurred_at) AS age, row_number() OVER (
        PARTITION BY customer_id, coalesce(kind, 'nps')
        ORDER BY occurred_at DESC, known_at DESC NULLS LAST, response_id DESC NULLS LAST, score DESC) AS nth
    FROM surveys
),
told AS (
    SELECT customer_id, kind, list(score ORDER BY nth) AS scores, min(age) AS age, min(score) FILTER (age < 365) AS lowest,
        count(*) FILTER (age < 365) AS n
    FROM said GROUP BY ALL
)
SELECT customer_id, nps.scores[1] AS nps_last, nps.age AS nps_age, nps.scores[1] - nps.scores[2] AS nps_change,
    csat.scores[1] AS csat_last, csat.lowest AS csat_lowest_365, coalesce(nps.n, 0) + coalesce(csat.n, 0) AS surveys_365
FROM customers LEFT JOIN (FROM told WHERE kind = 'nps') nps USING (customer_id)
LEFT JOIN (FROM told WHERE kind = 'csat') csat USING (customer_id)
