-- Twin of the report `uplift`. A store that has no churn scores, and no numeric attribute, answers nothing.
-- case: attribute=language control=en starts=2024-09-02 window=90d
-- case: attribute=language control=zh starts=2024-12-02 window=60d outcome=activity activity=login tz=Asia/Shanghai
-- case: attribute=channel control=ads treated=organic starts=2024-12-31 window=14d outcome=activity as_of=2025-01-10
-- case: attribute=segment control=C treated=A starts=2024-12-15 outcome=attribute outcome_attribute=consent
-- case: attribute=segment control=nobody starts=2024-12-15
-- case: attribute=segment control=C currency=USD
-- case: attribute=language control=en score_attribute=plan_size
-- case: attribute=language control=en as_of=2023-12-31
-- case: attribute=language control=en starts=2025-11-01 window=30d outcome=activity
-- case: attribute=channel control=ads starts=2025-12-16 window=15d outcome=activity activity=login tz=Asia/Shanghai
-- case: attribute=segment control=C treated=A starts=2025-11-03 window=45d as_of=2025-12-31
-- case:
-- drawn: qini_low qini_high
WITH settings AS (
    SELECT duration(coalesce(getvariable('window'), '30d')) AS length, coalesce(getvariable('outcome'), 'order') AS outcome,
        coalesce(getvariable('activity'), '') AS names
),
said AS (
    SELECT customer_id, kind, CASE wanted WHEN 'none' THEN NULL WHEN 'segment' THEN segment WHEN 'channel' THEN channel
        WHEN 'region' THEN region WHEN 'industry' THEN industry WHEN 'owner' THEN owner_id WHEN 'status' THEN status
        ELSE attributes[wanted] END AS value
    FROM customers, (SELECT kind, coalesce(wanted, 'none') AS wanted FROM (VALUES ('arm', getvariable('attribute')),
        ('outcome', getvariable('outcome_attribute')), ('score', getvariable('score_attribute'))) AS _(kind, wanted))
),
members AS (
    SELECT customer_id, arms.value <> getvariable('control') AS treated, outcomes.value AS outcome_value, given.value AS given,
        CASE WHEN getvariable('starts') IS NULL THEN created_at
            ELSE getvariable('starts')::DATE::TIMESTAMP AT TIME ZONE getvariable('tz') END AS starts_at
    FROM customers
    JOIN said AS arms USING (customer_id) JOIN said AS outcomes USING (customer_id) JOIN said AS given USING (customer_id)
    WHERE arms.kind = 'arm' AND outcomes.kind = 'outcome' AND given.kind = 'score'
        AND arms.value IN (getvariable('control'), coalesce(getvariable('treated'), arms.value))
),
guessed AS (
    SELECT customer_id, probability FROM scores JOIN members USING (customer_id) WHERE cutoff <= starts_at
    QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY cutoff DESC, known_at DESC NULLS LAST, model DESC) = 1
),
people AS (
    SELECT treated, CASE WHEN count(given) OVER () > 0 THEN try_cast(given AS DOUBLE) ELSE probability END AS score,
        CASE outcome
            WHEN 'order' THEN EXISTS (FROM orders WHERE orders.customer_id = members.customer_id AND amount > 0
                AND occurred_at BETWEEN starts_at AND starts_at + length
                AND (getvariable('currency') IS NULL OR currency = getvariable('currency')))
            WHEN 'activity' THEN EXISTS (FROM activity WHERE activity.customer_id = members.customer_id
                AND occurred_at BETWEEN starts_at AND starts_at + length
                AND (names = '' OR list_contains(string_split(names, ','), activity.name)))
            ELSE coalesce(lower(outcome_value) IN ('true', 'yes', 't', 'y') OR try_cast(outcome_value AS DOUBLE) > 0, false)
        END AS converted
    FROM members LEFT JOIN guessed USING (customer_id), settings
),
-- The tenth of a customer: how many score strictly more, out of all.
ranked AS (
    SELECT a.*, 1 + 10 * (SELECT count(*) FROM people AS b WHERE b.score > a.score)
        // (SELECT count(score) FROM people) AS decile
    FROM people AS a WHERE score IS NOT NULL
),
spots AS (SELECT unnest([false, true]) AS total),
tenths AS (
    SELECT total, CASE WHEN NOT total THEN decile END AS decile, min(score) AS score_from, max(score) AS score_to,
        count(*) AS n, count(*) FILTER (treated) AS nt, count(*) FILTER (NOT treated) AS nc,
        count(*) FILTER (treated AND converted) AS kt, count(*) FILTER (NOT treated AND converted) AS kc
    FROM ranked, spots GROUP BY ALL
),
-- The curve at the end of a tenth is that of everybody up to it.
curve AS (
    SELECT upto.*, sums.n / upto.everybody AS share, sums.kt - sums.kc * sums.nt / nullif(sums.nc, 0) AS qini
    FROM (SELECT *, max(n) OVER () AS everybody, max(nt) OVER () AS all_treated FROM tenths) AS upto,
        LATERAL (SELECT sum(n) AS n, sum(nt) AS nt, sum(nc) AS nc, sum(kt) AS kt, sum(kc) AS kc FROM tenths
            WHERE NOT total AND (upto.total OR decile <= upto.decile)) AS sums
),
area AS (
    SELECT sum((share - before) * (qini + qini_before) / 2) AS under_curve
    FROM (SELECT share, qini, lag(share, 1, 0) OVER (ORDER BY decile) AS before,
            lag(qini, 1, 0) OVER (ORDER BY decile) AS qini_before FROM curve WHERE NOT total)
)
SELECT decile, score_from, score_to, n AS customers, nt AS treated, nc AS control,
    kt / nullif(nt, 0) AS treated_rate, wilson(kt, nt).low AS treated_rate_low, wilson(kt, nt).high AS treated_rate_high,
    kc / nullif(nc, 0) AS control_rate, wilson(kc, nc).low AS control_rate_low, wilson(kc, nc).high AS control_rate_high,
    kt / nullif(nt, 0) - kc / nullif(nc, 0) AS uplift,
    CASE WHEN nt > 0 AND nc > 0 THEN difference(kt / nt, wilson(kt, nt), kc / nc, wilson(kc, nc)).low END AS low,
    CASE WHEN nt > 0 AND nc > 0 THEN difference(kt / nt, wilson(kt, nt), kc / nc, wilson(kc, nc)).high END AS high,
    share AS targeted_share, qini, share * all_qini AS random,
    CASE WHEN total THEN (under_curve - all_qini / 2) / nullif(all_treated, 0) END AS qini_coefficient,
    getvariable('currency') AS currency
FROM curve, area, (SELECT qini AS all_qini FROM curve WHERE total)
ORDER BY total, decile
