-- Twin of the report `channels`.
-- case:
-- case: window=30d
-- case: from=2024-03-01 to=2024-09-30
-- case: from=2024-08-15 tz=Asia/Shanghai window=60d
-- case: to=2024-03-20 tz=America/New_York
-- case: as_of=2024-09-30
-- case: as_of=2024-09-30 tz=Asia/Shanghai window=8w
-- case: as_of=2023-12-31
-- case: currency=USD
-- case: breakdown=segment
-- case: breakdown=owner from=2024-03-01 to=2024-09-30
-- case: breakdown=channel window=30d as_of=2024-09-30
-- case: breakdown=language tz=Asia/Shanghai currency=USD
WITH settings AS (
    SELECT duration(coalesce(getvariable('window'), '90d')) AS length, getvariable('as_of')::TIMESTAMPTZ AS as_of
),
people AS (
    SELECT customer_id, breakdown, coalesce(channel, '(no channel)') AS channel, created_at,
        created_at + length <= as_of AS matured,
        (epoch_us(as_of) // 1000000 - epoch_us(created_at) // 1000000) AS seconds
    FROM customers JOIN breakdowns USING (customer_id), settings
    WHERE (getvariable('from') IS NULL OR local_day(created_at) >= getvariable('from')::DATE)
        AND (getvariable('to') IS NULL OR local_day(created_at) <= getvariable('to')::DATE)
),
lines AS (
    SELECT customer_id, breakdown, people.channel, currency, amount, matured, occurred_at <= created_at + length AS is_early
    FROM orders JOIN people USING (customer_id), settings
),
-- Everything is said of a channel, and once more of all of them, of each group of customers.
spots AS (SELECT unnest([false, true]) AS total),
counts AS (
    SELECT breakdown, total, CASE WHEN NOT total THEN channel END AS channel, count(*) AS customers,
        count(*) FILTER (matured) AS matured, sum(seconds) / (365.25 * 86400 / 12) AS months,
        count(*) FILTER (customer_id IN (SELECT customer_id FROM lines WHERE amount > 0)) AS buyers
    FROM people, spots GROUP BY ALL
),
revenues AS (
    SELECT breakdown, total, CASE WHEN NOT total THEN channel END AS channel, customer_id, currency, sum(amount) AS revenue,
        sum(amount) FILTER (matured AND is_early) AS early
    FROM lines, spots WHERE getvariable('currency') IS NULL OR currency = getvariable('currency') GROUP BY ALL
),
recurring AS (
    SELECT breakdown, total, CASE WHEN NOT total THEN people.channel END AS channel, currency, sum(mrr) AS mrr
    FROM subscriptions JOIN people USING (customer_id), spots
    WHERE mrr > 0 AND local_day(started_at) <= local_day(getvariable('as_of'))
        AND (ended_at IS NULL OR local_day(ended_at) > local_day(getvariable('as_of')))
        AND (getvariable('currency') IS NULL OR currency = getvariable('currency'))
    GROUP BY ALL
),
costs AS (
    SELECT NULL::VARCHAR AS breakdown, total, CASE WHEN NOT total THEN channel END AS channel, currency, sum(cost) AS cost
    FROM campaigns, spots
    WHERE cost IS NOT NULL AND (SELECT bool_and(breakdown IS NULL) FROM breakdowns) AND channel IN (SELECT channel FROM customers)
        AND (getvariable('from') IS NULL OR local_day(started_at) >= getvariable('from')::DATE)
        AND (getvariable('to') IS NULL OR local_day(started_at) <= getvariable('to')::DATE)
        AND (getvariable('currency') IS NULL OR currency = getvariable('currency'))
    GROUP BY ALL
),
money AS (
    SELECT breakdown, total, channel, currency, sum(revenue) AS revenue, list(revenue::DOUBLE) AS each,
        sum(early) AS early, list(early::DOUBLE) FILTER (early IS NOT NULL) AS each_early, NULL AS mrr, NULL AS cost
    FROM revenues GROUP BY ALL
    UNION ALL BY NAME SELECT * FROM recurring
    UNION ALL BY NAME SELECT * FROM costs
),
sums AS (
    SELECT breakdown, total, channel, currency, true AS is_money, coalesce(sum(revenue), 0) AS revenue,
        coalesce(any_value(each), []) AS each, coalesce(sum(early), 0) AS early,
        coalesce(any_value(each_early), []) AS each_early, coalesce(sum(mrr), 0) AS mrr, sum(cost) AS cost
    FROM money GROUP BY ALL
),
listed AS (SELECT breakdown, total, channel FROM counts UNION SELECT breakdown, total, channel FROM sums),
joined AS (
    SELECT listed.breakdown, listed.total, listed.channel, coalesce(sums.currency, getvariable('currency')) AS currency,
        coalesce(customers, 0) AS customers, coalesce(buyers, 0) AS buyers, coalesce(matured, 0) AS matured, months,
        coalesce(revenue, 0) AS revenue, coalesce(mrr, 0) AS mrr, cost,
        coalesce(revenue, 0) / nullif(customers, 0) AS mean,
        -- Who bought nothing bought for 0.
        mean_interval(list_concat(each, list_transform(range(customers - len(each)), lambda i: 0.0::DOUBLE))) AS ends,
        coalesce(early, 0) / nullif(matured, 0) AS early_mean,
        mean_interval(list_concat(each_early, list_transform(range(matured - len(each_early)), lambda i: 0.0::DOUBLE)))
            AS early_ends
    FROM listed
    LEFT JOIN counts ON counts.total = listed.total AND counts.channel IS NOT DISTINCT FROM listed.channel
        AND counts.breakdown IS NOT DISTINCT FROM listed.breakdown
    LEFT JOIN sums ON sums.total = listed.total AND sums.channel IS NOT DISTINCT FROM listed.channel
        AND sums.breakdown IS NOT DISTINCT FROM listed.breakdown
)
SELECT channel, breakdown, customers, buyers, buyers / nullif(customers, 0) AS buyer_share,
    wilson(buyers, customers).low AS low, wilson(buyers, customers).high AS high, currency, revenue,
    mean AS revenue_per_customer, ends.low AS revenue_low,
    ends.high AS revenue_high, matured,
    early_mean AS window_revenue_per_customer, early_ends.low AS window_low,
    early_ends.high AS window_high, mrr, cost,
    cost / nullif(customers, 0) AS cost_per_customer, revenue / nullif(cost, 0) AS payback_ratio,
    ends.low / nullif(cost / customers, 0) AS payback_ratio_low, ends.high / nullif(cost / customers, 0) AS payback_ratio_high,
    CASE WHEN revenue > 0 THEN cost / customers / (revenue / months) END AS payback_months
FROM joined
ORDER BY breakdown NULLS FIRST, total, currency NULLS LAST, early_mean DESC NULLS LAST, channel
