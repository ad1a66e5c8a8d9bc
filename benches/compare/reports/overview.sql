-- Twin of the report `overview`.
-- case:
-- case: as_of=2024-09-30
-- case: as_of=2024-09-15
-- case: as_of=2024-09-30 tz=Asia/Shanghai
-- case: as_of=2024-10-31T20:00:00Z tz=Asia/Shanghai
-- case: as_of=2024-02-10
-- case: as_of=2024-07-31 currency=USD
-- case: as_of=2030-01-31
WITH moment AS (
    SELECT first_day('month', getvariable('as_of')) AS month, ended('month', month) AS complete,
        month::TIMESTAMP AT TIME ZONE getvariable('tz') AS began
),
months AS (
    SELECT month, true AS now FROM moment UNION ALL SELECT (month - INTERVAL 1 MONTH)::DATE, false FROM moment
),
-- One row for each thing that is counted or summed, with the month it falls into.
things AS (
    SELECT 1 AS place, 'new_customers' AS metric, 'count' AS unit, first_day('month', created_at) AS month, 1.0 AS n
    FROM customers
    UNION ALL
    SELECT 3, 'revenue', 'money', first_day('month', occurred_at), amount
    FROM orders WHERE getvariable('currency') IS NULL OR currency = getvariable('currency')
    UNION ALL
    SELECT DISTINCT ON (customer_id, month) 5, 'active_customers', 'count', first_day('month', occurred_at) AS month, 1
    FROM activity
),
-- What a customer pays changes on days; a change counts for NRR if the customer paid the day before.
contracts AS (
    SELECT customer_id, currency, mrr, first_day('day', started_at) AS starts, first_day('day', ended_at) AS ends
    FROM subscriptions WHERE mrr > 0 AND (ends IS NULL OR ends > starts)
),
turns AS (
    SELECT customer_id, currency, starts AS day, mrr AS change FROM contracts
    UNION ALL
    SELECT customer_id, currency, ends, -mrr FROM contracts WHERE ends IS NOT NULL
),
recurring AS (
    SELECT sum(change) AS mrr, sum(change) FILTER (day < month) AS base,
        base + coalesce(sum(change) FILTER (day >= month AND paid), 0) AS kept,
        sum(change) FILTER (day < before) AS base_before,
        base_before + coalesce(sum(change) FILTER (day >= before AND day < month AND paid), 0) AS kept_before
    FROM (SELECT *, (month - INTERVAL 1 MONTH)::DATE AS before, EXISTS (
            SELECT 1 FROM contracts AS c WHERE c.customer_id = turns.customer_id AND c.starts < day
                AND (c.ends IS NULL OR c.ends >= day)) AS paid
        FROM turns, moment)
    WHERE getvariable('currency') IS NULL OR currency = getvariable('currency')
    HAVING count(*) > 0
),
sums AS (
    SELECT place, metric, unit, coalesce(sum(n) FILTER (now), 0)::DOUBLE AS value,
        coalesce(sum(n) FILTER (NOT now), 0)::DOUBLE AS previous
    FROM things LEFT JOIN months USING (month) GROUP BY ALL
    UNION ALL
    SELECT 6, 'nrr', 'share', kept / nullif(base, 0), kept_before / nullif(base_before, 0) FROM recurring
),
deals AS (
    SELECT status, amount, customer_id, owner_id, now,
        getvariable('currency') IS NULL OR currency = getvariable('currency') AS in_currency
    FROM opportunities LEFT JOIN months ON first_day('month', closed_at) = months.month
),
closed AS (
    SELECT count(*) FILTER (now AND status = 'won') AS won, nullif(count(*) FILTER (now), 0) AS n, won / n AS value,
        count(*) FILTER (NOT now AND status = 'won') AS won_before, nullif(count(*) FILTER (NOT now), 0) AS n_before,
        won_before / n_before AS previous
    FROM deals WHERE status IN ('won', 'lost') HAVING count(*) > 0
),
answers AS (
    SELECT now, score FROM surveys LEFT JOIN months ON first_day('month', occurred_at) = month
    WHERE coalesce(kind, 'nps') = 'nps'
    QUALIFY row_number() OVER (PARTITION BY customer_id, now
        ORDER BY occurred_at DESC, known_at DESC NULLS LAST, response_id DESC NULLS LAST, score DESC) = 1
),
asked AS (
    SELECT count(*) FILTER (now AND score >= 9) AS p, count(*) FILTER (now AND score <= 6) AS d,
        nullif(count(*) FILTER (now), 0) AS n, 100 * (p - d) / n AS value,
        count(*) FILTER (NOT now AND score >= 9) AS p_before, count(*) FILTER (NOT now AND score <= 6) AS d_before,
        nullif(count(*) FILTER (NOT now), 0) AS n_before, 100 * (p_before - d_before) / n_before AS previous
    FROM answers HAVING count(*) > 0
),
rates AS (
    SELECT 2 AS place, 'win_rate' AS metric, 'share' AS unit, value, previous,
        wilson(won, n) AS interval, wilson(won_before, n_before) AS interval_before
    FROM closed
    UNION ALL
    SELECT 4, 'nps', 'score', value, previous, nps_interval(p, d, n), nps_interval(p_before, d_before, n_before)
    FROM asked
),
judged AS (SELECT *, difference(value, interval, previous, interval_before) AS d FROM rates),
-- The newest scores, and the newest before the month began.
risks AS (
    SELECT sum(value_at_risk)::DOUBLE AS money, count(*) FILTER (band = 'high')::DOUBLE AS high, count(*) AS n
    FROM (FROM scores QUALIFY rank() OVER (ORDER BY cutoff DESC, run_id DESC) = 1)
),
risks_before AS (
    SELECT sum(value_at_risk)::DOUBLE AS money, count(*) FILTER (band = 'high')::DOUBLE AS high, count(*) AS n
    FROM (SELECT scores.* FROM scores, moment WHERE cutoff < began
        QUALIFY rank() OVER (ORDER BY cutoff DESC, run_id DESC) = 1)
),
states AS (
    SELECT 7 AS place, 'mrr' AS metric, 'money' AS unit, mrr::DOUBLE AS value, base::DOUBLE AS previous FROM recurring
    UNION ALL
    SELECT 8, 'open_tickets', 'count', count(*) FILTER (closed_at IS NULL)::DOUBLE,
        count(*) FILTER (occurred_at < began AND (closed_at IS NULL OR closed_at >= began))::DOUBLE
    FROM tickets, moment HAVING count(*) > 0
    UNION ALL
    SELECT 9, 'revenue_at_risk', 'money', a.money, CASE WHEN b.n > 0 THEN b.money END
    FROM risks AS a, risks_before AS b WHERE a.n > 0
    UNION ALL
    SELECT 10, 'customers_at_risk', 'count', a.high, CASE WHEN b.n > 0 THEN b.high END
    FROM risks AS a, risks_before AS b WHERE a.n > 0
),
sellers AS (
    SELECT coalesce(name, owner_id) AS name, sum(amount) FILTER (now) AS value,
        sum(amount) FILTER (NOT now) AS previous, row_number() OVER (ORDER BY value DESC NULLS LAST, owner_id) AS rank
    FROM deals LEFT JOIN owners USING (owner_id)
    WHERE status = 'won' AND in_currency AND owner_id IS NOT NULL GROUP BY owner_id, owners.name
),
potential AS (
    SELECT coalesce(name, customer_id) AS name, sum(amount) AS value,
        row_number() OVER (ORDER BY value DESC NULLS LAST, customer_id) AS rank
    FROM deals LEFT JOIN customers USING (customer_id)
    WHERE deals.status = 'open' AND in_currency AND customer_id IS NOT NULL GROUP BY customer_id, customers.name
),
rows AS (
    SELECT place, metric, NULL AS rank, NULL AS name, value, previous, CASE WHEN complete THEN value - previous END AS change,
        NULL AS low, NULL AS high, unit, CASE WHEN NOT complete THEN 'month_to_date'
            WHEN metric = 'new_customers' AND value + previous > 0 THEN
                if(abs(value - previous) > z95() * sqrt(value + previous), 'beyond_chance', 'within_chance') END AS note
    FROM sums, moment
    UNION ALL
    SELECT place, metric, NULL, NULL, value, previous, value - previous, interval.low, interval.high, unit,
        CASE WHEN d.low > 0 OR d.high < 0 THEN 'beyond_chance' WHEN value - previous IS NOT NULL THEN 'within_chance' END
    FROM judged
    UNION ALL
    SELECT place, metric, NULL, NULL, value, previous, value - previous, NULL, NULL, unit, NULL FROM states
    UNION ALL
    SELECT 11, 'top_seller', rank, name, value::DOUBLE, previous::DOUBLE, CASE WHEN complete THEN value - previous END,
        NULL, NULL, 'money', CASE WHEN NOT complete THEN 'month_to_date' END
    FROM sellers, moment WHERE rank <= 3 AND value > 0
    UNION ALL
    SELECT 12, 'top_potential', rank, name, value::DOUBLE, NULL, NULL, NULL, NULL, 'money', NULL
    FROM potential WHERE rank <= 5 AND value > 0
)
SELECT metric, rank, name, value, previous, change, low, high, unit, note
FROM rows
ORDER BY place, rank
