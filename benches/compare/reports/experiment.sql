-- Twin of the report `experiment`.
-- case: attribute=language control=en
-- case: attribute=language control=en aa=true starts=2024-06-01 window=90d
-- case: attribute=language control=en outcome=activity activity=login,export starts=2024-09-01 window=14d aa=true
-- case: attribute=segment control=C outcome=activity window=2w expected_share=0.5 starts=2024-07-01
-- case: attribute=region control=nowhere outcome=activity activity=purchase
-- case: attribute=channel control=ads starts=2024-05-01 window=60d as_of=2024-06-10 tz=Asia/Shanghai currency=USD
-- case: attribute=channel control=ads starts=2024-05-01 window=60d tz=America/New_York outcome=attribute outcome_attribute=consent covariate=plan_size
-- case: attribute=owner control=U001 starts=2024-08-01 window=120d
-- case: as_of=2023-12-31 attribute=segment control=A
-- case: attribute=channel control=ads as_of=2024-01-31
-- case: attribute=language control=en breakdown=segment aa=true
-- case: attribute=segment control=C breakdown=owner aa=true starts=2024-06-01 window=90d as_of=2024-08-15
-- case: attribute=segment control=C breakdown=channel outcome=activity starts=2024-08-01 window=90d expected_share=0.5
-- case: attribute=region control=nowhere breakdown=segment tz=Asia/Shanghai
-- case: attribute=segment control=A breakdown=plan_size covariate=plan_size outcome=attribute outcome_attribute=consent
-- case:
WITH settings AS (
    SELECT duration(coalesce(getvariable('window'), '30d')) AS length, getvariable('as_of')::TIMESTAMPTZ AS as_of,
        coalesce(getvariable('outcome'), 'order') AS outcome, coalesce(getvariable('aa') = 'true', false) AS aa,
        getvariable('expected_share')::DOUBLE AS share, coalesce(getvariable('activity'), '') AS names
),
-- What a setting that names a column or an attribute says of a customer.
said AS (
    SELECT customer_id, kind, CASE wanted WHEN 'none' THEN NULL WHEN 'segment' THEN segment WHEN 'channel' THEN channel
        WHEN 'region' THEN region WHEN 'industry' THEN industry WHEN 'owner' THEN owner_id WHEN 'status' THEN status
        ELSE attributes[wanted] END AS value
    FROM customers, (SELECT kind, coalesce(wanted, 'none') AS wanted FROM (VALUES ('arm', getvariable('attribute')),
        ('outcome', getvariable('outcome_attribute')), ('covariate', getvariable('covariate'))) AS _(kind, wanted))
),
members AS (
    SELECT customer_id, customer_key, breakdown, arms.value AS arm, outcomes.value AS outcome_value, covariates.value AS covariate,
        CASE WHEN getvariable('starts') IS NULL THEN created_at
            ELSE getvariable('starts')::DATE::TIMESTAMP AT TIME ZONE getvariable('tz') END AS starts_at
    FROM customers
    JOIN said AS arms USING (customer_id) JOIN said AS outcomes USING (customer_id)
    JOIN said AS covariates USING (customer_id) JOIN breakdowns USING (customer_id)
    WHERE arms.kind = 'arm' AND outcomes.kind = 'outcome' AND covariates.kind = 'covariate' AND arms.value IS NOT NULL
),
paid AS (
    SELECT customer_id, currency, amount, occurred_at < starts_at AS is_before
    FROM orders JOIN members USING (customer_id), settings
    WHERE occurred_at BETWEEN starts_at - length AND starts_at + length
        AND (getvariable('currency') IS NULL OR currency = getvariable('currency'))
),
seen AS (
    SELECT DISTINCT customer_id FROM activity JOIN members USING (customer_id), settings
    WHERE occurred_at BETWEEN starts_at AND starts_at + length
        AND (names = '' OR list_contains(string_split(names, ','), activity.name))
),
people AS (
    SELECT members.*, coalesce(starts_at + length <= as_of, false) AS matured,
        CASE outcome
            WHEN 'order' THEN EXISTS (FROM paid WHERE paid.customer_id = members.customer_id AND amount > 0 AND NOT is_before)
            WHEN 'activity' THEN customer_id IN (FROM seen)
            ELSE coalesce(lower(outcome_value) IN ('true', 'yes', 't', 'y') OR try_cast(outcome_value AS DOUBLE) > 0, false)
        END AS converted,
        coalesce((SELECT sum(amount) FROM paid WHERE paid.customer_id = members.customer_id AND NOT is_before), 0)::DOUBLE AS y,
        CASE WHEN (SELECT count(covariate) FROM members) > 0 THEN try_cast(covariate AS DECIMAL(18, 4))::DOUBLE
            ELSE coalesce((SELECT sum(amount) FROM paid WHERE paid.customer_id = members.customer_id AND is_before), 0)::DOUBLE
        END AS x
    FROM members, settings
),
-- Each group of customers is an experiment of its own; so is the A/A check, of the control alone.
tests AS (
    SELECT false AS aa, people.*, arm = coalesce(getvariable('control'), '') AS is_control FROM people
    UNION ALL BY NAME
    SELECT true AS aa, people.* REPLACE (CASE WHEN half THEN 'A/A' ELSE 'A/A control' END AS arm), NOT half AS is_control
    FROM (SELECT *, ((customer_key::HUGEINT * 48271 + 1) % 2147483647) ** 2 AS unused,
            (((customer_key::HUGEINT * 48271 + 1) % 2147483647) * ((customer_key::HUGEINT * 48271 + 1) % 2147483647))
                % 2147483647 < 1073741824 AS half FROM people) AS people, settings
    WHERE settings.aa AND arm = getvariable('control')
),
slopes AS (SELECT breakdown, aa, CASE WHEN count(x) = count(*) AND var_pop(x) > 0 THEN covar_pop(x, y) / var_pop(x) END AS theta,
        count(*) AS everybody, (SELECT count(DISTINCT arm) FROM tests AS t WHERE t.aa = tests.aa) AS n_arms FROM tests GROUP BY breakdown, aa),
arms AS (
    SELECT tests.breakdown, tests.aa, arm, bool_or(is_control) AS is_control, count(*) AS n, count(*) FILTER (matured) AS matured,
        count(*) FILTER (converted) AS k, avg(y) AS mean,
        list(y) AS ys, list(y - theta * x) FILTER (theta IS NOT NULL) AS zs,
        any_value(everybody) AS everybody, any_value(n_arms) AS n_arms
    FROM tests JOIN slopes ON slopes.aa = tests.aa AND slopes.breakdown IS NOT DISTINCT FROM tests.breakdown
    GROUP BY tests.breakdown, tests.aa, arm
),
currencies AS (
    SELECT breakdown, aa, count(DISTINCT coalesce(currency, '')) FILTER (amount IS NOT NULL) AS n, min(currency) AS currency
    FROM tests LEFT JOIN paid USING (customer_id) GROUP BY breakdown, aa
),
compared AS (
    SELECT arms.*, c.n AS control_n, c.k AS control_k,
        (arms.n - arms.everybody * planned) / nullif(sqrt(arms.everybody * planned * (1 - planned)), 0) AS size_z,
        (arms.k / arms.n - c.k / c.n) / nullif(sqrt((arms.k + c.k) / (arms.n + c.n)
            * (1 - (arms.k + c.k) / (arms.n + c.n)) * (1 / arms.n + 1 / c.n)), 0) AS lift_z,
        arms.mean - c.mean AS difference, list_avg(arms.zs) - list_avg(c.zs) AS adjusted_difference,
        mean_difference(arms.ys, c.ys) AS ends,
        -- All else is rounding.
        CASE WHEN list_var_samp(arms.zs) + list_var_samp(c.zs) > 1e-9 * (list_var_samp(arms.ys) + list_var_samp(c.ys))
            THEN mean_difference(arms.zs, c.zs) END AS adjusted_ends
    FROM (SELECT arms.*, CASE WHEN aa OR share IS NULL THEN 1 / n_arms WHEN is_control THEN share
            ELSE (1 - share) / nullif(n_arms - 1, 0) END AS planned
        FROM arms, (SELECT share FROM settings)) AS arms
    LEFT JOIN (FROM arms WHERE is_control) AS c ON c.aa = arms.aa AND c.breakdown IS NOT DISTINCT FROM arms.breakdown
),
-- The two-sided normal tail, by Simpson's rule.
weights AS (SELECT list(CASE WHEN k IN (0, 2000) THEN 1 WHEN k % 2 = 1 THEN 4 ELSE 2 END / 6000 ORDER BY k) AS w
    FROM range(2001) AS _(k)),
tailed AS (
    SELECT compared.*,
        CASE WHEN size_z IS NOT NULL THEN greatest(0, 1 - sqrt(2 / pi()) * least(abs(size_z), 9) * list_sum(list_transform(w,
            lambda f, k: f * exp(-0.5 * (least(abs(size_z), 9) * (k - 1) / 2000) ** 2)))) END AS size_p,
        CASE WHEN lift_z IS NOT NULL THEN greatest(0, 1 - sqrt(2 / pi()) * least(abs(lift_z), 9) * list_sum(list_transform(w,
            lambda f, k: f * exp(-0.5 * (least(abs(lift_z), 9) * (k - 1) / 2000) ** 2)))) END AS lift_p
    FROM compared, weights
)
SELECT arm, tailed.breakdown, tailed.n AS customers, size_p AS size_p_value, matured, k AS converted, k / tailed.n AS rate,
    wilson(k, tailed.n).low AS low, wilson(k, tailed.n).high AS high,
    CASE WHEN NOT is_control THEN k / tailed.n - control_k / control_n END AS lift,
    CASE WHEN NOT is_control AND control_n IS NOT NULL THEN difference(k / tailed.n, wilson(k, tailed.n),
        control_k / control_n, wilson(control_k, control_n)).low END AS lift_low,
    CASE WHEN NOT is_control AND control_n IS NOT NULL THEN difference(k / tailed.n, wilson(k, tailed.n),
        control_k / control_n, wilson(control_k, control_n)).high END AS lift_high,
    CASE WHEN NOT is_control THEN (k / tailed.n - control_k / control_n) / nullif(control_k / control_n, 0) END AS relative_lift,
    CASE WHEN NOT is_control THEN ratio_end(k / tailed.n, wilson(k, tailed.n).low, control_k / control_n,
        wilson(control_k, control_n).high, -1) - 1 END AS relative_lift_low,
    CASE WHEN NOT is_control THEN ratio_end(k / tailed.n, wilson(k, tailed.n).high, control_k / control_n,
        wilson(control_k, control_n).low, 1) - 1 END AS relative_lift_high,
    CASE WHEN NOT is_control THEN lift_p END AS p_value,
    CASE WHEN currencies.n = 1 THEN currencies.currency END AS currency,
    CASE WHEN currencies.n < 2 THEN mean END AS revenue_per_customer,
    CASE WHEN currencies.n < 2 THEN mean_interval(ys).low END AS revenue_low,
    CASE WHEN currencies.n < 2 THEN mean_interval(ys).high END AS revenue_high,
    CASE WHEN currencies.n < 2 AND NOT is_control THEN difference END AS difference,
    CASE WHEN currencies.n < 2 AND NOT is_control THEN ends.low END AS difference_low,
    CASE WHEN currencies.n < 2 AND NOT is_control THEN ends.high END AS difference_high,
    CASE WHEN currencies.n < 2 AND NOT is_control THEN adjusted_difference END AS adjusted_difference,
    CASE WHEN currencies.n < 2 AND NOT is_control THEN adjusted_ends.low END AS adjusted_low,
    CASE WHEN currencies.n < 2 AND NOT is_control THEN adjusted_ends.high END AS adjusted_high,
    CASE WHEN min(size_p) OVER (PARTITION BY tailed.breakdown, tailed.aa) < 0.001 THEN 'srm_alarm' WHEN control_n IS NULL THEN 'no_control'
        WHEN currencies.n > 1 THEN 'several_currencies' WHEN matured < tailed.n THEN 'window_running' END AS note
FROM tailed
JOIN currencies ON currencies.aa = tailed.aa AND currencies.breakdown IS NOT DISTINCT FROM tailed.breakdown
ORDER BY tailed.breakdown NULLS FIRST, tailed.aa, is_control DESC, arm
