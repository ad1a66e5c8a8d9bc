-- Twin of the report `tags`.
-- case:
-- case: breakdown=channel
-- case: breakdown=owner
-- case: breakdown=plan_size as_of=2024-09-30
-- case: breakdown=language tz=Asia/Shanghai as_of=2024-10-31
-- case: breakdown=none
-- case: currency=USD breakdown=region
-- The view of breakdowns knows none unless one is set; here segment is.
WITH fields AS (
    SELECT customers.customer_id,
        CASE WHEN getvariable('breakdown') IS NULL THEN segment ELSE breakdown END AS field
    FROM customers JOIN breakdowns USING (customer_id)
),
-- Under each tag once; without any, under none.
tagged AS (
    SELECT customer_id, unnest(CASE WHEN len(tags) > 0 THEN tags ELSE [NULL] END) AS breakdown
    FROM (SELECT customer_id, list_distinct(list_filter(list_transform(regexp_split_to_array(field, '[;|；，、]'),
        lambda tag: trim(tag)), lambda tag: tag != '')) AS tags FROM fields)
),
amounts AS (
    SELECT customer_id, currency, sum(amount) AS revenue, NULL AS mrr, NULL AS open FROM orders
    WHERE occurred_at > getvariable('as_of') - INTERVAL 8760 HOUR GROUP BY ALL
    UNION ALL
    SELECT customer_id, currency, NULL, sum(mrr), NULL FROM subscriptions
    WHERE mrr > 0 AND ended_at IS NULL GROUP BY ALL
    UNION ALL
    SELECT customer_id, currency, NULL, NULL, sum(amount) FROM opportunities
    WHERE (status IS NULL OR status NOT IN ('won', 'lost')) AND amount IS NOT NULL GROUP BY ALL
),
money AS (
    SELECT breakdown, currency, coalesce(sum(revenue), 0) AS revenue, coalesce(sum(mrr), 0) AS mrr,
        coalesce(sum(open), 0) AS open
    FROM amounts JOIN tagged USING (customer_id)
    WHERE getvariable('currency') IS NULL OR currency = getvariable('currency')
    GROUP BY ALL
),
newest AS (SELECT customer_id, band FROM scores WHERE run_id = (SELECT arg_max(run_id, (cutoff, run_id)) FROM scores)),
people AS (
    SELECT breakdown, count(*) AS n,
        count(*) FILTER (customer_id IN (SELECT customer_id FROM activity
            WHERE occurred_at > getvariable('as_of') - INTERVAL 720 HOUR)) AS active,
        count(band) AS scored, count(*) FILTER (band = 'high') AS high
    FROM tagged LEFT JOIN newest USING (customer_id) GROUP BY breakdown
)
SELECT people.breakdown, n AS customers, n / (SELECT count(*) FROM customers) AS share, active / n AS active_share,
    wilson(active, n).low AS active_low, wilson(active, n).high AS active_high,
    scored, high / nullif(scored, 0) AS at_risk_share, wilson(high, scored).low AS at_risk_low,
    wilson(high, scored).high AS at_risk_high, coalesce(currency, getvariable('currency')) AS currency,
    coalesce(revenue, 0) AS revenue, coalesce(mrr, 0) AS mrr, coalesce(open, 0) AS open_value
FROM people LEFT JOIN money ON money.breakdown IS NOT DISTINCT FROM people.breakdown
ORDER BY n DESC, people.breakdown NULLS FIRST, 11 NULLS FIRST
