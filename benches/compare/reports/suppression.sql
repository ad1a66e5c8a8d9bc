-- Twin of the report `suppression`.
-- case:
-- case: max_touches=0
-- case: max_touches=1 tz=Asia/Shanghai
-- case: statuses=gone,active
-- case: as_of=2024-09-30 max_touches=1
-- case: as_of=2024-07-15T09:00:00Z tz=Asia/Shanghai max_touches=2
-- case: breakdown=segment
-- case: breakdown=owner max_touches=0
-- case: breakdown=channel as_of=2024-09-30 max_touches=1
WITH asked AS (
    SELECT coalesce(getvariable('max_touches')::INT, 3) AS most, string_split(coalesce(getvariable('statuses'),
        'churned,terminated,lost,cancelled,canceled,unsubscribed,流失,已流失,终止,已终止,退订,已退订'), ',') AS statuses
),
sent AS (
    SELECT customer_key, list_sort(list(occurred_at)) AS stamps FROM touches
    WHERE occurred_at > getvariable('as_of') - to_hours(7 * 24)
        AND NOT is_reaction(kind)
    GROUP BY ALL
),
last_seen AS (
    SELECT c.customer_key, local_day(coalesce(max(occurred_at), any_value(c.created_at))) AS day
    FROM customers c LEFT JOIN activity USING (customer_key) GROUP BY ALL
),
reasons AS (
    SELECT customer_key, 'no_consent' AS reason, NULL::DATE AS since, NULL::DATE AS until FROM customers
    WHERE lower(trim(attributes['consent'])) IN ('no', 'false', '0', 'n', '否')
    UNION ALL
    SELECT customer_key, 'status_ended', NULL, NULL FROM customers, asked WHERE list_contains(statuses, lower(trim(status)))
    UNION ALL
    SELECT customer_key, 'contract_ended', max(local_day(ended_at)), max(local_day(ended_at)) + 180
    FROM subscriptions GROUP BY ALL HAVING count(*) = count(ended_at)
    UNION ALL
    SELECT customer_key, 'complaint_open', min(local_day(occurred_at)), NULL
    FROM tickets WHERE closed_at IS NULL AND lower(category) = 'complaint' GROUP BY ALL
    UNION ALL
    SELECT customer_key, 'touched_often', local_day(stamps[most + 1]), local_day(stamps[len(stamps) - most]) + 7
    FROM sent, asked WHERE len(stamps) > most
    UNION ALL
    SELECT customer_key, 'quiet', day, day + 180 FROM last_seen
    WHERE day + 180 <= local_day(getvariable('as_of')) AND (SELECT count(*) FROM activity) > 0
)
SELECT customer_id, customers.name AS customer, coalesce(owners.name, owner_id, '(no owner)') AS owner, breakdown, reason, since, until
FROM reasons JOIN customers USING (customer_key) LEFT JOIN owners USING (owner_id) LEFT JOIN breakdowns USING (customer_id)
ORDER BY customer_id, reason
