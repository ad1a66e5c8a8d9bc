-- Twin of the report `overview`.
-- case:
-- case: as_of=2024-09-30
-- case: as_of=2024-09-15
-- case: as_of=2024-09-30 tz=Asia/Shanghai
-- case: as_of=2024-10-31T20:00:00Z tz=Asia/Shanghai
-- case: as_of=2024-02-10
-- case: as_of=2024-03-31T06:30:00Z tz=America/New_York
-- case: as_of=2024-12-14T12:00:00Z
-- case: as_of=2024-04-15 tz=Europe/Berlin
-- case: as_of=2024-11-12T20:00:00Z tz=America/New_York
-- case: as_of=2024-07-31 currency=USD
-- case: as_of=2030-01-31
WITH moment AS (
    SELECT first_day('month', getvariable('as_of')) AS month, (month - INTERVAL 1 MONTH)::DATE AS before,
        ended('month', month) AS complete, month::TIMESTAMP AT TIME ZONE getvariable('tz') AS began,
        local_day(getvariable('as_of')) AS today,
        complete OR before + (today - month)::INT >= month AS is_all,
        CASE WHEN is_all THEN month - 1 ELSE before + (today - month)::INT END AS same_day,
        CASE WHEN is_all THEN getvariable('as_of') ELSE ((getvariable('as_of')::TIMESTAMPTZ AT TIME ZONE getvariable('tz')) - to_days((today - same_day)::INT)) AT TIME ZONE getvariable('tz')
            END AS until
),
months AS (
    SELECT month, true AS now FROM moment UNION ALL SELECT before, false FROM moment
),
-- One row for each thing that is counted or summed, with its customer and when it was.
things AS (
    SELECT 1 AS place, 'new_customers' AS metric, 'count' AS unit, customer_id AS who, created_at AS stamp, 1.0 AS n
    FROM customers
    UNION ALL
    SELECT 3, 'revenue', 'money', coalesce(customer_id, 'order ' || order_id), occurred_at, amount
    FROM orders WHERE in_currency(currency)
    UNION ALL SELECT 5, 'active_customers', 'count', customer_id, occurred_at, 1 FROM activity WHERE customer_id IS NOT NULL
),
-- What a customer pays changes on days; a change counts for NRR if the customer paid the day before.
contracts AS (
    SELECT customer_id, currency, mrr, first_day('day', started_at) AS starts, first_day('day', ended_at) AS ends
    FROM subscriptions WHERE mrr > 0 AND (ends IS NULL OR ends > starts)
),
turns AS (
    SELECT *, EXISTS (SELECT 1 FROM contracts AS c WHERE c.customer_id = t.customer_id AND c.starts < day
        AND (c.ends IS NULL OR c.ends >= day)) AS paid
    FROM (
        SELECT customer_id, currency, starts AS day, mrr AS change FROM contracts
        UNION ALL
        SELECT customer_id, currency, ends, -mrr FROM contracts WHERE ends IS NOT NULL
    ) AS t
    WHERE in_currency(currency)
),
-- The newest scores, and the newest before the month began.
risks AS (
    SELECT customer_id, CASE WHEN in_currency(currency) THEN value_at_risk END AS money, (band = 'high')::INT AS high
    FROM scores QUALIFY rank() OVER (ORDER BY cutoff DESC, run_id DESC) = 1
),
risks_before AS (
    SELECT customer_id, CASE WHEN in_currency(currency) THEN value_at_risk END AS money, (band = 'high')::INT AS high FROM scores, moment WHERE cutoff < began
    QUALIFY rank() OVER (ORDER BY cutoff DESC, run_id DESC) = 1
),
people AS (
    SELECT place, metric, unit, who,
        CASE place WHEN 5 THEN least(count(*) FILTER (first_day('month', stamp) = month), 1)
            ELSE coalesce(sum(n) FILTER (first_day('month', stamp) = month), 0) END AS value,
        CASE place WHEN 5 THEN least(count(*) FILTER (first_day('month', stamp) = before AND stamp <= until), 1)
            ELSE coalesce(sum(n) FILTER (first_day('month', stamp) = before AND stamp <= until), 0) END AS previous
    FROM things, moment GROUP BY place, metric, unit, who
    UNION ALL
    SELECT 8, 'mrr', 'money', customer_id, sum(change), coalesce(sum(change) FILTER (day < month), 0)
    FROM turns, moment GROUP BY customer_id
    UNION ALL
    SELECT 9, 'open_tickets', 'count', coalesce(customer_id, 'ticket ' || ticket_id), count(*) FILTER (closed_at IS NULL),
        count(*) FILTER (occurred_at < began AND (closed_at IS NULL OR closed_at >= began))
    FROM tickets, moment GROUP BY coalesce(customer_id, 'ticket ' || ticket_id)
    UNION ALL
    SELECT 10, 'revenue_at_risk', 'money', customer_id, coalesce(cur.money, 0), CASE WHEN any_old THEN coalesce(old.money, 0) END
    FROM risks AS cur FULL JOIN risks_before AS old USING (customer_id), (SELECT count(*) > 0 AS any_old FROM risks_before)
    UNION ALL
    SELECT 11, 'customers_at_risk', 'count', customer_id, coalesce(cur.high, 0), CASE WHEN any_old THEN coalesce(old.high, 0) END
    FROM risks AS cur FULL JOIN risks_before AS old USING (customer_id), (SELECT count(*) > 0 AS any_old FROM risks_before)
),
sums AS (
    SELECT place, metric, unit, sum(value)::DOUBLE AS value, sum(previous)::DOUBLE AS previous,
        z95() * nullif(sqrt(sum((value::DOUBLE - previous::DOUBLE) ** 2)), 0) AS reach
    FROM people GROUP BY place, metric, unit
),
-- Base and what is kept of it, of both months and of both years, by customer.
books AS (
    SELECT 6 AS place, 'nrr' AS metric, customer_id,
        sum(CASE WHEN day < month THEN change ELSE 0 END)::DOUBLE AS b,
        sum(CASE WHEN day < month OR paid THEN change ELSE 0 END)::DOUBLE AS k,
        sum(CASE WHEN day < before THEN change ELSE 0 END)::DOUBLE AS b0,
        sum(CASE WHEN day < before OR day < month AND day <= same_day AND paid THEN change ELSE 0 END)::DOUBLE AS k0
    FROM turns, moment GROUP BY customer_id
    UNION ALL
    SELECT 7, 'nrr_year', customer_id,
        sum(CASE WHEN day < today + 1 - INTERVAL 12 MONTH THEN change ELSE 0 END)::DOUBLE AS b,
        CASE WHEN b > 0 THEN sum(CASE WHEN day < today + 1 - INTERVAL 12 MONTH OR paid THEN change ELSE 0 END)::DOUBLE ELSE 0 END,
        sum(CASE WHEN day < month - INTERVAL 12 MONTH THEN change ELSE 0 END)::DOUBLE AS b0,
        CASE WHEN b0 > 0 THEN sum(CASE WHEN day < month - INTERVAL 12 MONTH OR day < month AND paid THEN change ELSE 0 END)::DOUBLE ELSE 0 END
    FROM turns, moment GROUP BY customer_id
),
whole AS (
    SELECT place, metric, sum(b) AS all_b, sum(b0) AS all_b0, sum(k) / nullif(all_b, 0) AS value,
        sum(k0) / nullif(all_b0, 0) AS previous
    FROM books GROUP BY place, metric
),
ratios AS (
    SELECT place, metric, value, previous, z95() * nullif(sqrt(sum(((k - value * b) / all_b - (k0 - previous * b0) / all_b0) ** 2)), 0) AS reach
    FROM books JOIN whole USING (place, metric) GROUP BY place, metric, value, previous
    HAVING coalesce(value, previous) IS NOT NULL
),
deals AS (
    SELECT status, amount, customer_id, owner_id, closed_at, now,
        in_currency(currency) AS in_currency
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
sellers AS (
    SELECT coalesce(name, owner_id) AS name, sum(amount) FILTER (now) AS value,
        coalesce(sum(amount) FILTER (NOT now AND closed_at <= until), 0) AS previous,
        z95() * sqrt(sum(amount::DOUBLE ** 2) FILTER (now OR NOT now AND closed_at <= until)) AS reach,
        row_number() OVER (ORDER BY value DESC NULLS LAST, owner_id) AS rank
    FROM deals LEFT JOIN owners USING (owner_id), moment
    WHERE status = 'won' AND in_currency AND owner_id IS NOT NULL GROUP BY owner_id, owners.name
),
potential AS (
    SELECT coalesce(name, customer_id) AS name, sum(amount) AS value,
        row_number() OVER (ORDER BY value DESC NULLS LAST, customer_id) AS rank
    FROM deals LEFT JOIN customers USING (customer_id)
    WHERE deals.status = 'open' AND in_currency AND customer_id IS NOT NULL GROUP BY customer_id, customers.name
),
rows AS (
    SELECT place, metric, NULL AS rank, NULL AS name, value, previous, value - previous - reach AS change_low,
        value - previous + reach AS change_high, NULL AS low, NULL AS high, unit
    FROM sums
    UNION ALL
    SELECT place, metric, NULL, NULL, value, previous, value - previous - reach, value - previous + reach,
        NULL, NULL, 'share'
    FROM ratios
    UNION ALL
    SELECT place, metric, NULL, NULL, value, previous, d.low, d.high, interval.low, interval.high, unit FROM judged
    UNION ALL
    SELECT 12, 'top_seller', rank, name, value::DOUBLE, previous::DOUBLE, value::DOUBLE - previous::DOUBLE - reach,
        value::DOUBLE - previous::DOUBLE + reach, NULL, NULL, 'money'
    FROM sellers WHERE rank <= 3 AND value > 0
    UNION ALL
    SELECT 13, 'top_potential', rank, name, value::DOUBLE, NULL, NULL, NULL, NULL, NULL, 'money'
    FROM potential WHERE rank <= 5 AND value > 0
)
SELECT metric, rank, name, value, previous, value - previous AS change, change_low, change_high, low, high, unit,
    CASE WHEN change_low > 0 OR change_high < 0 THEN 'beyond_chance' WHEN change_low IS NOT NULL THEN 'within_chance' END
        AS note,
    complete
FROM rows, moment
ORDER BY place, rank
