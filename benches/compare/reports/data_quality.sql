-- Twin of the report `data_quality`.
-- case:
-- case: recent=7d
-- case: recent=365d tz=Asia/Shanghai
-- case: as_of=2024-09-30
-- case: as_of=2024-06-30T20:00:00Z tz=Asia/Shanghai recent=12h
WITH since AS (SELECT getvariable('as_of') - duration(coalesce(getvariable('recent'), '30d')) AS since),
-- One row for each row that is looked at and finding; stamp only where freshness is asked.
looked AS (
    SELECT 'not_filled' AS finding, 'customers' AS source, known_at, unnest([
        {'at': 'owner_id', 'good': owner_id IS NOT NULL}, {'at': 'segment', 'good': segment IS NOT NULL},
        {'at': 'channel', 'good': channel IS NOT NULL}, {'at': 'region', 'good': region IS NOT NULL},
        {'at': 'industry', 'good': industry IS NOT NULL}]) AS look, NULL::TIMESTAMPTZ AS stamp FROM customers
    UNION ALL
    SELECT 'not_filled', 'orders', known_at, unnest([{'at': 'customer_id', 'good': customer_id IS NOT NULL},
        {'at': 'currency', 'good': currency IS NOT NULL}, {'at': 'product', 'good': product IS NOT NULL}]), NULL FROM orders
    UNION ALL
    SELECT 'not_filled', 'opportunities', known_at, unnest([
        {'at': 'owner_id', 'good': owner_id IS NOT NULL}, {'at': 'amount', 'good': amount IS NOT NULL},
        {'at': 'source', 'good': source IS NOT NULL},
        {'at': 'expected_close_at', 'good': expected_close_at IS NOT NULL}]), NULL FROM opportunities
    UNION ALL
    SELECT 'not_filled', 'tickets', known_at, unnest([{'at': 'category', 'good': category IS NOT NULL},
        {'at': 'owner_id', 'good': owner_id IS NOT NULL}]), NULL FROM tickets
    UNION ALL
    SELECT 'not_filled', 'tickets', known_at, {'at': 'first_response_at', 'good': first_response_at IS NOT NULL}, NULL
    FROM tickets WHERE closed_at IS NOT NULL
    UNION ALL SELECT 'not_filled', 'surveys', known_at, {'at': 'comment', 'good': comment IS NOT NULL}, NULL FROM surveys
    UNION ALL
    SELECT 'not_filled', 'subscriptions', known_at, {'at': 'ends_at', 'good': ends_at IS NOT NULL}, NULL FROM subscriptions
    UNION ALL
    SELECT 'not_filled', 'touches', known_at, {'at': 'customer_id', 'good': customer_id IS NOT NULL}, NULL FROM touches
    UNION ALL
    SELECT 'unknown_customer', source, known_at, {'at': 'customer_id', 'good': customer_key NOT IN
        (SELECT customer_key FROM customers WHERE implied)}, NULL
    FROM (SELECT 'activity' AS source, customer_key, known_at FROM activity
        UNION ALL SELECT 'orders', customer_key, known_at FROM orders
        UNION ALL SELECT 'subscriptions', customer_key, known_at FROM subscriptions
        UNION ALL SELECT 'opportunities', customer_key, known_at FROM opportunities
        UNION ALL SELECT 'tickets', customer_key, known_at FROM tickets
        UNION ALL SELECT 'surveys', customer_key, known_at FROM surveys)
    WHERE customer_key IS NOT NULL AND EXISTS (SELECT 1 FROM customers WHERE implied IS NOT TRUE)
    UNION ALL
    SELECT 'contract_ends_before_start', 'subscriptions', known_at,
        {'at': 'ended_at', 'good': NOT coalesce(ended_at, ends_at) < started_at}, NULL
    FROM subscriptions WHERE ended_at IS NOT NULL OR ends_at IS NOT NULL
    UNION ALL
    SELECT 'closed_before_created', 'opportunities', known_at, {'at': 'closed_at', 'good': NOT closed_at < created_at}, NULL
    FROM opportunities WHERE closed_at IS NOT NULL AND created_at IS NOT NULL
    UNION ALL
    SELECT 'closed_before_created', 'tickets', known_at, {'at': 'closed_at', 'good': NOT closed_at < occurred_at}, NULL
    FROM tickets WHERE closed_at IS NOT NULL
    UNION ALL
    SELECT 'same_name_and_region', 'customers', known_at, {'at': 'name', 'good': NOT EXISTS (SELECT 1 FROM customers b
        WHERE lower(trim(b.name)) = lower(trim(a.name)) AND b.region IS NOT DISTINCT FROM a.region
            AND b.customer_key != a.customer_key)}, NULL
    FROM customers a WHERE name IS NOT NULL
    UNION ALL
    SELECT 'duplicate_order_lines', 'orders', known_at, {'at': NULL, 'good': n_loads = 1}, NULL
    FROM (SELECT known_at, len(list_distinct(list(load_id) OVER (PARTITION BY order_id, customer_id, product, quantity,
        amount, currency, occurred_at))) AS n_loads FROM orders WHERE line_id IS NULL)
    UNION ALL
    SELECT 'newest_row', source, known_at, {'at': NULL, 'good': NULL}, stamp
    FROM (SELECT 'customers' AS source, known_at, created_at AS stamp FROM customers
        UNION ALL SELECT 'activity', known_at, occurred_at FROM activity
        UNION ALL SELECT 'orders', known_at, occurred_at FROM orders
        UNION ALL SELECT 'subscriptions', known_at, started_at FROM subscriptions
        UNION ALL SELECT 'opportunities', known_at, created_at FROM opportunities
        UNION ALL SELECT 'opportunity_stages', known_at, occurred_at FROM opportunity_stages
        UNION ALL SELECT 'tickets', known_at, occurred_at FROM tickets
        UNION ALL SELECT 'campaigns', known_at, started_at FROM campaigns
        UNION ALL SELECT 'touches', known_at, occurred_at FROM touches
        UNION ALL SELECT 'surveys', known_at, occurred_at FROM surveys
        UNION ALL SELECT 'scores', known_at, cutoff FROM scores)
    UNION ALL SELECT reason, 'quarantine', known_at, {'at': NULL, 'good': false}, NULL FROM quarantine
),
counted AS (
    SELECT finding, source, look.at AS "column", source != 'quarantine' AND finding != 'newest_row' AS judged,
        count(*) AS n, count(*) FILTER (look.good) AS x, count(*) FILTER (known_at > since) AS rn,
        count(*) FILTER (known_at > since AND look.good) AS rx, max(stamp) AS newest
    FROM looked, since GROUP BY ALL
)
SELECT CASE WHEN source = 'quarantine' THEN 'quarantine' ELSE MAP {'newest_row': 'freshness', 'not_filled': 'completeness',
        'same_name_and_region': 'duplicates', 'duplicate_order_lines': 'duplicates', 'unknown_customer': 'validity',
        'contract_ends_before_start': 'validity', 'closed_before_created': 'validity'}[finding] END AS area,
    finding, source AS "table", "column", n AS rows, CASE WHEN finding != 'newest_row' THEN n - x END AS affected,
    CASE WHEN judged THEN x / n END AS share, CASE WHEN judged THEN wilson(x, n).low END AS low,
    CASE WHEN judged THEN wilson(x, n).high END AS high,
    CASE WHEN finding = 'newest_row' THEN local_day(getvariable('as_of')) - local_day(newest) END AS days,
    rn AS recent_rows, CASE WHEN judged THEN rx / nullif(rn, 0) END AS recent_share,
    CASE WHEN judged THEN wilson(rx, rn).low END AS recent_share_low,
    CASE WHEN judged THEN wilson(rx, rn).high END AS recent_share_high,
    CASE WHEN judged THEN rx / nullif(rn, 0) - (x - rx) / nullif(n - rn, 0) END AS change,
    CASE WHEN judged THEN difference(rx / nullif(rn, 0), wilson(rx, rn), (x - rx) / nullif(n - rn, 0),
        wilson(x - rx, n - rn)).low END AS change_low,
    CASE WHEN judged THEN difference(rx / nullif(rn, 0), wilson(rx, rn), (x - rx) / nullif(n - rn, 0),
        wilson(x - rx, n - rn)).high END AS change_high
FROM counted
ORDER BY CASE WHEN area = 'quarantine' THEN 1 WHEN area = 'freshness' THEN 4 WHEN affected = 0 THEN 5
    WHEN area = 'completeness' THEN 3 ELSE 2 END, share, affected DESC, days DESC NULLS LAST, finding, source, "column" NULLS FIRST
