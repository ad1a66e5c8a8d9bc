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
WITH settings AS (
    SELECT duration(coalesce(getvariable('window'), '90d')) AS length, getvariable('as_of')::TIMESTAMPTZ AS as_of
),
people AS (
    SELECT customer_id, coalesce(channel, '(no channel)') AS channel, created_at,
        created_at + length <= as_of AS matured,
        (epoch_us(as_of) // 1000000 - epoch_us(created_at) // 1000000) AS seconds
    FROM customers, settings
    WHERE (getvariable('from') IS NULL OR local_day(created_at) >= getvariable('from')::DATE)
        AND (getvariable('to') IS NULL OR local_day(created_at) <= getvariable('to')::DATE)
),
lines AS (
    SELECT customer_id, people.channel, currency, amount, matured, occurred_at <= created_at + length AS is_early
    FROM orders JOIN people USING (customer_id), settings
    WHERE getvariable('currency') IS NULL OR currency = getvariable('currency')
),
-- Everything is said of a channel, and once more of all of them.
spots AS (SELECT unnest([false, true]) AS total),
counts AS (
    SELECT total, CASE WHEN NOT total THEN channel END AS channel, count(*) AS customers,
        count(*) FILTER (matured) AS matured, sum(seconds) / (365.25 * 86400 / 12) AS months,
        count(*) FILTER (customer_id IN (SELECT customer_id FROM lines WHERE amount > 0)) AS buyers
    FROM people, spots GROUP BY ALL
),
revenues AS (
    SELECT total, CASE WHEN NOT total THEN channel END AS channel, customer_id, currency, sum(amount) AS revenue,
        sum(amount) FILTER (matured AND is_early) AS early
    FROM lines, spots GROUP BY ALL
),
recurring AS (
    SELECT total, CASE WHEN NOT total THEN people.channel END AS channel, currency, sum(mrr) AS mrr
    FROM subscriptions JOIN people USING (customer_id), spots
    WHERE mrr > 0 AND local_day(started_at) <= local_day(getvariable('as_of'))
        AND (ended_at IS NULL OR local_day(ended_at) > local_day(getvariable('as_of')))
        AND (getvariable('currency') IS NULL OR currency = getvariable('currency'))
    GROUP BY ALL
),
costs AS (
    SELECT total, CASE WHEN NOT total THEN channel END AS channel, currency, sum(cost) AS cost
    FROM campaigns, spots
    WHERE cost IS NOT NULL AND channel IN (SELECT channel FROM customers)
        AND (getvariable('from') IS NULL OR local_day(started_at) >= getvariable('from')::DATE)
        AND (getvariable('to') IS NULL OR local_day(started_at) <= getvariable('to')::DATE)
        AND (getvariable('currency') IS NULL OR currency = getvariable('currency'))
    GROUP BY ALL
),
money AS (
    SELECT total, channel, currency, sum(revenue) AS revenue, sum(revenue::DOUBLE ** 2) AS squares,
        sum(early) AS early, sum(early::DOUBLE ** 2) AS early_squares, NULL AS mrr, NULL AS cost
    FROM revenues GROUP BY ALL
    UNION ALL BY NAME SELECT * FROM recurring
    UNION ALL BY NAME SELECT * FROM costs
),
sums AS (
    SELECT total, channel, currency, true AS is_money, coalesce(sum(revenue), 0) AS revenue,
        coalesce(sum(squares), 0) AS squares, coalesce(sum(early), 0) AS early,
        coalesce(sum(early_squares), 0) AS early_squares, coalesce(sum(mrr), 0) AS mrr, sum(cost) AS cost
    FROM money GROUP BY ALL
),
listed AS (SELECT total, channel FROM counts UNION SELECT total, channel FROM sums),
joined AS (
    SELECT listed.total, listed.channel, coalesce(sums.currency, getvariable('currency')) AS currency,
        coalesce(customers, 0) AS customers, coalesce(buyers, 0) AS buyers, coalesce(matured, 0) AS matured, months,
        coalesce(revenue, 0) AS revenue, coalesce(mrr, 0) AS mrr, cost,
        coalesce(revenue, 0) / nullif(customers, 0) AS mean,
        sqrt(greatest(coalesce(squares, 0) - coalesce(revenue, 0)::DOUBLE ** 2 / nullif(customers, 0), 0)
            / nullif(customers - 1, 0)) AS deviation,
        coalesce(early, 0) / nullif(matured, 0) AS early_mean,
        sqrt(greatest(coalesce(early_squares, 0) - coalesce(early, 0)::DOUBLE ** 2 / nullif(matured, 0), 0)
            / nullif(matured - 1, 0)) AS early_deviation
    FROM listed
    LEFT JOIN counts ON counts.total = listed.total AND counts.channel IS NOT DISTINCT FROM listed.channel
    LEFT JOIN sums ON sums.total = listed.total AND sums.channel IS NOT DISTINCT FROM listed.channel
)
SELECT channel, customers, buyers, buyers / nullif(customers, 0) AS buyer_share,
    wilson(buyers, customers).low AS low, wilson(buyers, customers).high AS high, currency, revenue,
    mean AS revenue_per_customer, mean_interval(mean, deviation, customers).low AS revenue_low,
    mean_interval(mean, deviation, customers).high AS revenue_high, matured,
    early_mean AS window_revenue_per_customer, mean_interval(early_mean, early_deviation, matured).low AS window_low,
    mean_interval(early_mean, early_deviation, matured).high AS window_high, mrr, cost,
    cost / nullif(customers, 0) AS cost_per_customer, revenue / nullif(cost, 0) AS payback_ratio,
    CASE WHEN revenue > 0 THEN cost / customers / (revenue / months) END AS payback_months
FROM joined
ORDER BY total, currency NULLS LAST, early_mean DESC NULLS LAST, channel
