-- Twin of the report `nrr`: what each customer paid on each day, beside the day before.
-- case:
-- case: base=start
-- case: breakdown=segment
-- case: breakdown=channel base=start period=quarter
-- case: base=start breakdown=owner tz=Asia/Shanghai as_of=2024-12-15
-- case: base=start breakdown=plan_size period=week
-- case: period=week as_of=2024-12-20T16:30:00Z tz=Asia/Shanghai
-- case: base=start period=day tz=America/New_York
-- case: period=year
-- case: base=start period=year breakdown=region
-- case: period=quarter currency=USD breakdown=industry
-- case: from=2024-06-01 to=2024-11-30 base=start
-- case: from=2024-06-19 period=quarter base=start tz=Asia/Shanghai
WITH unit AS (SELECT coalesce(getvariable('period'), 'month') AS unit, local_day(getvariable('as_of')) AS today,
    CASE unit WHEN 'quarter' THEN INTERVAL 3 MONTH ELSE ('1 ' || unit)::INTERVAL END AS length,
    coalesce(getvariable('base'), 'movements') AS base),
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
    SELECT day::DATE AS period
    FROM unit, LATERAL (SELECT unnest(generate_series((SELECT min(first) FROM groups), today, length)) AS day)
),
begun AS (
    SELECT period, customer_id, currency, mrr FROM periods JOIN days ON day = period - 1 WHERE mrr > 0
),
started AS (
    SELECT period, currency, breakdown, sum(mrr) AS start_mrr, count(*) AS customers
    FROM begun LEFT JOIN breakdowns USING (customer_id) GROUP BY ALL
),
counted AS (
    SELECT moves.*, base = 'movements' OR begun.period IS NOT NULL AS counts
    FROM moves CROSS JOIN unit LEFT JOIN begun ON begun.customer_id = moves.customer_id
        AND begun.currency IS NOT DISTINCT FROM moves.currency AND begun.period = date_trunc(unit, day)
),
-- What counts for the retained, in the order up, back and down; and what the quick ratio takes.
moved AS (
    SELECT date_trunc(unit, day)::DATE AS period, m.currency, breakdown,
        coalesce(sum(change) FILTER (counts AND kind = 'expansion'), 0)::DOUBLE AS up,
        coalesce(sum(change) FILTER (counts AND kind = 'reactivation'), 0)::DOUBLE AS back,
        -coalesce(sum(change) FILTER (counts AND kind IN ('contraction', 'churn')), 0)::DOUBLE AS down,
        coalesce(sum(change) FILTER (kind IN ('new', 'expansion')), 0)::DOUBLE AS gained,
        coalesce(sum(change) FILTER (kind = 'reactivation'), 0)::DOUBLE AS regained,
        -coalesce(sum(change) FILTER (kind IN ('contraction', 'churn')), 0)::DOUBLE AS lost
    FROM counted m LEFT JOIN breakdowns USING (customer_id), unit GROUP BY ALL
),
-- What each customer paid at the start, and what they gained: by expansion, and all in all.
each AS (
    SELECT period, currency, breakdown, customer_id, sum(b)::DOUBLE AS b, sum(more)::DOUBLE AS more, sum(more + back)::DOUBLE AS most
    FROM (
        SELECT period, currency, customer_id, mrr AS b, 0 AS more, 0 AS back FROM begun
        UNION ALL
        SELECT date_trunc(unit, day)::DATE, currency, customer_id, 0, if(kind = 'expansion', change, 0),
            if(kind = 'reactivation', change, 0) FROM counted, unit WHERE counts
    ) LEFT JOIN breakdowns USING (customer_id) GROUP BY ALL
),
-- The weight of those who paid, by Kish; and each moves what was gained by what they gained beyond it.
reaches AS (
    SELECT period, currency, breakdown, sum(b) ** 2 / sum(b ** 2) AS worth, z95() * sqrt(sum(more ** 2)) AS more,
        z95() * sqrt(sum(most ** 2)) AS most
    FROM (
        SELECT period, currency, breakdown, b, (more - sum(more) OVER w / sum(b) OVER w * b) / sum(b) OVER w AS more,
            (most - sum(most) OVER w / sum(b) OVER w * b) / sum(b) OVER w AS most
        FROM each WINDOW w AS (PARTITION BY period, currency, breakdown)
    ) GROUP BY ALL HAVING sum(b) > 0
),
ratios AS (
SELECT p.period, g.currency, g.breakdown, coalesce(start_mrr, 0) AS start_mrr,
    (start_mrr::DOUBLE - coalesce(down, 0)) / start_mrr::DOUBLE AS grr,
    (start_mrr::DOUBLE + coalesce(up, 0) - coalesce(down, 0)) / start_mrr::DOUBLE AS nrr,
    (start_mrr::DOUBLE + coalesce(up, 0) + coalesce(back, 0) - coalesce(down, 0)) / start_mrr::DOUBLE
        AS nrr_with_reactivation,
    gained / nullif(lost, 0) AS quick_ratio, (gained + regained) / nullif(lost, 0) AS quick_ratio_with_reactivation,
    coalesce(customers, 0) AS customers, ended(unit, p.period) AS complete,
    CASE WHEN grr >= 0 THEN wilson(grr * worth, worth) END AS span, more, most
FROM unit, groups g JOIN periods p ON p.period >= first
    LEFT JOIN started s ON s.period = p.period AND s.currency IS NOT DISTINCT FROM g.currency
        AND s.breakdown IS NOT DISTINCT FROM g.breakdown
    LEFT JOIN moved m ON m.period = p.period AND m.currency IS NOT DISTINCT FROM g.currency
        AND m.breakdown IS NOT DISTINCT FROM g.breakdown
    LEFT JOIN reaches r ON r.period = p.period AND r.currency IS NOT DISTINCT FROM g.currency
        AND r.breakdown IS NOT DISTINCT FROM g.breakdown
WHERE (getvariable('currency') IS NULL OR g.currency = getvariable('currency'))
    AND (getvariable('from') IS NULL OR p.period >= date_trunc(unit, getvariable('from')::DATE))
    AND (getvariable('to') IS NULL OR p.period <= getvariable('to')::DATE)
)
SELECT period, currency, breakdown, start_mrr, grr, span.low AS grr_low, span.high AS grr_high, nrr,
    if(span IS NULL, NULL, greatest(nrr - sqrt((grr - span.low) ** 2 + more ** 2), 0)) AS nrr_low,
    nrr + sqrt((span.high - grr) ** 2 + more ** 2) AS nrr_high, nrr_with_reactivation,
    if(span IS NULL, NULL, greatest(nrr_with_reactivation - sqrt((grr - span.low) ** 2 + most ** 2), 0))
        AS nrr_with_reactivation_low,
    nrr_with_reactivation + sqrt((span.high - grr) ** 2 + most ** 2) AS nrr_with_reactivation_high,
    quick_ratio, quick_ratio_with_reactivation, customers, complete
FROM ratios
ORDER BY period, currency NULLS FIRST, breakdown NULLS FIRST
