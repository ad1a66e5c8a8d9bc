WITH terms AS (
    SELECT *, days_since(started_at) AS began, days_since(ended_at) AS over, ended_at IS NULL AS runs FROM subscriptions
),
main AS (
    SELECT customer_id, currency FROM terms GROUP BY customer_id, currency
    QUALIFY row_number() OVER (PARTITION BY customer_id
        ORDER BY count(*) FILTER (runs) DESC, max(started_at) DESC, currency NULLS LAST) = 1
),
-- Who paid what, so many days ago.
ago AS (
    SELECT customer_id, back, sum(mrr) AS mrr
    FROM terms t JOIN main m USING (customer_id), (SELECT unnest([0, 90, 180, 365]) AS back)
    WHERE t.currency IS NOT DISTINCT FROM m.currency AND began >= back AND (over IS NULL OR over < back)
    GROUP BY customer_id, back
),
mrr AS (
    SELECT customer_id, sum(mrr) FILTER (back = 0) AS now, nullif(sum(mrr) FILTER (back = 90), 0) AS m90,
        nullif(sum(mrr) FILTER (back = 180), 0) AS m180, nullif(sum(mrr) FILTER (back = 365), 0) AS m365
    FROM ago GROUP BY customer_id
),
moves AS (
    SELECT customer_id, count(*) FILTER (moved > 0) AS rises, count(*) FILTER (moved < 0) AS falls
    FROM (
        SELECT customer_id, sum(amount) AS moved
        FROM (SELECT customer_id, currency, began AS age, mrr AS amount FROM terms
            UNION ALL SELECT customer_id, currency, over, -mrr FROM terms WHERE over IS NOT NULL)
        WHERE age < 365 GROUP BY customer_id, currency, floor(age))
    GROUP BY customer_id
),
seen AS (
    SELECT customer_id, bool_or(runs AND ends_at IS NULL) AS open_ended, max(-days_since(ends_at)) FILTER (runs) AS remaining,
        max(days_since(started_at) - days_since(ends_at)) FILTER (runs) AS term, max(began) AS tenure, min(over) AS lapsed,
        count(*) FILTER (runs) AS running, count(*) FILTER (NOT runs) AS ended
    FROM terms GROUP BY customer_id
)
SELECT customer_id, CASE WHEN NOT open_ended THEN remaining END AS contract_days_left,
    CASE WHEN NOT open_ended THEN term END AS contract_term, tenure AS contract_tenure,
    CASE WHEN running = 0 THEN lapsed END AS contract_lapsed, coalesce(running, 0) AS contract_count,
    coalesce(ended, 0) AS contract_ended, coalesce(now, 0) AS contract_mrr,
    CASE WHEN m90 IS NOT NULL THEN coalesce(now, 0)::DOUBLE / m90 END AS contract_mrr_90,
    CASE WHEN m180 IS NOT NULL THEN coalesce(now, 0)::DOUBLE / m180 END AS contract_mrr_180,
    CASE WHEN m365 IS NOT NULL THEN coalesce(now, 0)::DOUBLE / m365 END AS contract_mrr_365,
    coalesce(rises, 0) AS contract_rises, coalesce(falls, 0) AS contract_falls
FROM customers LEFT JOIN seen USING (customer_id) LEFT JOIN mrr USING (customer_id) LEFT JOIN moves USING (customer_id)
