-- Twin of the report `mrr`: what each customer paid on each day, beside the day before.
-- case:
-- case: breakdown=segment
-- case: breakdown=owner period=quarter tz=Asia/Shanghai
-- case: breakdown=plan_size period=week as_of=2024-10-15
-- case: period=day tz=Asia/Shanghai as_of=2024-12-20T16:30:00Z
-- case: period=quarter
-- case: period=year tz=America/New_York
-- case: as_of=2024-09-30
-- case: as_of=2024-12-12T10:00:00Z period=week tz=Asia/Shanghai
-- case: currency=USD period=quarter
-- case: from=2024-05-01 to=2024-10-31
-- case: from=2024-05-20 to=2024-11-10 breakdown=channel tz=Asia/Shanghai
-- case: from=2024-08-07 period=week currency=USD
-- case: to=2024-12-17 period=year
WITH unit AS (SELECT coalesce(getvariable('period'), 'month') AS unit, local_day(getvariable('as_of')) AS today,
    CASE unit WHEN 'quarter' THEN INTERVAL 3 MONTH ELSE ('1 ' || unit)::INTERVAL END AS length),
contracts AS (
    SELECT customer_id, currency, mrr, local_day(started_at) AS start, coalesce(local_day(ended_at), today + 1) AS stop
    FROM subscriptions, unit WHERE start < stop
),
days AS (
    SELECT customer_id, currency, day::DATE AS day, sum(mrr) AS mrr
    FROM contracts, LATERAL (SELECT unnest(generate_series(start, stop - 1, INTERVAL 1 DAY)) AS day) GROUP BY ALL
),
paying AS (SELECT DISTINCT customer_id, day FROM days WHERE mrr > 0),
changes AS (
    SELECT customer_id, currency, day, sum(mrr) AS change
    FROM (SELECT * FROM days UNION ALL SELECT customer_id, currency, day + 1, -mrr FROM days), unit
    WHERE day <= today GROUP BY ALL HAVING change <> 0
),
moves AS (
    SELECT changes.*, CASE WHEN before.day IS NULL AND changes.day = first THEN 'new'
        WHEN before.day IS NULL THEN 'reactivation' WHEN after.day IS NULL THEN 'churn'
        WHEN change > 0 THEN 'expansion' ELSE 'contraction' END AS kind
    FROM changes LEFT JOIN paying before ON before.customer_id = changes.customer_id AND before.day = changes.day - 1
        LEFT JOIN paying after ON after.customer_id = changes.customer_id AND after.day = changes.day
        LEFT JOIN (SELECT customer_id, min(day) AS first FROM paying GROUP BY ALL) f
            ON f.customer_id = changes.customer_id
),
groups AS (
    SELECT currency, breakdown, date_trunc(any_value(unit), min(start)) AS first
    FROM contracts LEFT JOIN breakdowns USING (customer_id), unit WHERE mrr > 0 GROUP BY ALL
),
periods AS (
    SELECT day::DATE AS period, least(day + length - INTERVAL 1 DAY, today)::DATE AS last
    FROM unit, LATERAL (SELECT unnest(generate_series((SELECT min(first) FROM groups), today, length)) AS day)
),
states AS (
    SELECT period, currency, breakdown, sum(mrr) FILTER (day < period) AS start_mrr,
        sum(mrr) FILTER (day = last) AS end_mrr, count(*) FILTER (day = last AND mrr > 0) AS customers
    FROM periods JOIN days ON day = last OR day = period - 1 LEFT JOIN breakdowns USING (customer_id) GROUP BY ALL
),
moved AS (
    SELECT date_trunc(unit, day)::DATE AS period, currency, breakdown, sum(change) FILTER (kind = 'new') AS new_mrr,
        sum(change) FILTER (kind = 'expansion') AS expansion, sum(change) FILTER (kind = 'reactivation') AS reactivation,
        -sum(change) FILTER (kind = 'contraction') AS contraction, -sum(change) FILTER (kind = 'churn') AS churn,
        count(DISTINCT customer_id) FILTER (kind = 'new') AS new_customers,
        count(DISTINCT customer_id) FILTER (kind = 'churn') AS churned_customers
    FROM moves LEFT JOIN breakdowns USING (customer_id), unit GROUP BY ALL
)
SELECT p.period, g.currency, g.breakdown, coalesce(start_mrr, 0) AS start_mrr, coalesce(new_mrr, 0) AS new_mrr,
    coalesce(expansion, 0) AS expansion, coalesce(reactivation, 0) AS reactivation,
    coalesce(contraction, 0) AS contraction, coalesce(churn, 0) AS churn, coalesce(end_mrr, 0) AS end_mrr,
    coalesce(new_customers, 0) AS new_customers, coalesce(churned_customers, 0) AS churned_customers,
    coalesce(customers, 0) AS customers, ended(unit, p.period) AS complete
FROM unit, groups g JOIN periods p ON p.period >= first
    LEFT JOIN states s ON s.period = p.period AND s.currency IS NOT DISTINCT FROM g.currency
        AND s.breakdown IS NOT DISTINCT FROM g.breakdown
    LEFT JOIN moved m ON m.period = p.period AND m.currency IS NOT DISTINCT FROM g.currency
        AND m.breakdown IS NOT DISTINCT FROM g.breakdown
WHERE (getvariable('currency') IS NULL OR g.currency = getvariable('currency'))
    AND (getvariable('from') IS NULL OR p.period >= date_trunc(unit, getvariable('from')::DATE))
    AND (getvariable('to') IS NULL OR p.period <= getvariable('to')::DATE)
ORDER BY p.period, g.currency NULLS FIRST, g.breakdown NULLS FIRST
