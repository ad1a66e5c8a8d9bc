-- Twin of the report `nps_change`.
-- case:
-- case: period=quarter breakdown=region
-- case: period=quarter breakdown=none tz=Asia/Shanghai
-- case: breakdown=owner day=2024-08-17
-- case: breakdown=plan_size as_of=2024-09-30
-- case: breakdown=status day=2024-12-31 tz=America/New_York
-- case: period=year breakdown=industry
WITH unit AS (SELECT coalesce(getvariable('period'), 'month') AS unit,
    CASE unit WHEN 'month' THEN INTERVAL 1 MONTH WHEN 'quarter' THEN INTERVAL 3 MONTH ELSE INTERVAL 1 YEAR END AS step,
    coalesce(date_trunc(unit, getvariable('day')::DATE),
        CASE WHEN ended(unit, first_day(unit, getvariable('as_of'))) THEN first_day(unit, getvariable('as_of'))
            ELSE first_day(unit, getvariable('as_of')) - step END)::DATE AS this),
-- The view is told what a breakdown is if none is given; here that is the segment.
values AS (
    SELECT customer_id, CASE WHEN getvariable('breakdown') IS NULL THEN segment ELSE breakdown END AS breakdown
    FROM customers JOIN breakdowns USING (customer_id)
),
answers AS (
    SELECT coalesce(breakdown, '(no value)') AS breakdown, breakdown IS NOT NULL AS has_value, first_day(unit, occurred_at) AS period,
        CASE WHEN score >= 9 THEN 100 WHEN score <= 6 THEN -100 ELSE 0 END AS vote
    FROM surveys LEFT JOIN values USING (customer_id), unit
    WHERE (kind = 'nps' OR kind IS NULL) AND period IN (this, (this - step)::DATE)
    QUALIFY row_number() OVER (PARTITION BY customer_id, period
        ORDER BY occurred_at DESC, known_at DESC NULLS LAST, response_id DESC NULLS LAST, score DESC) = 1
),
counted AS (
    SELECT breakdown, bool_or(has_value) AS has_value, count(*) FILTER (period = this) AS n, count(*) FILTER (period < this) AS m,
        avg(vote) FILTER (period = this) AS a, avg(vote) FILTER (period < this) AS b,
        count(*) FILTER (period = this AND vote > 0) AS p, count(*) FILTER (period = this AND vote < 0) AS d,
        count(*) FILTER (period < this AND vote > 0) AS p_before, count(*) FILTER (period < this AND vote < 0) AS d_before
    FROM answers, unit GROUP BY ROLLUP (breakdown)
),
whole AS (SELECT n AS all_n, m AS all_m, (a + b) / 2 AS middle, a - b AS all_change FROM counted WHERE breakdown IS NULL),
-- The NPS of a segment that only answered once is taken for both.
effects AS (
    SELECT counted.*, (n / nullif(all_n, 0) + m / nullif(all_m, 0)) / 2 * (coalesce(a, b) - coalesce(b, a)) AS within,
        (n / nullif(all_n, 0) - m / nullif(all_m, 0)) * ((coalesce(a, b) + coalesce(b, a)) / 2 - middle) AS mix,
        nps_interval(p, d, n) AS a_span, nps_interval(p_before, d_before, m) AS b_span, difference(a, a_span, b, b_span) AS span
    FROM counted, whole WHERE n + m > 0
)
SELECT e.breakdown, this AS period, m AS answers_before, n AS answers, b AS nps_before, b_span.low AS nps_before_low,
    b_span.high AS nps_before_high, a AS nps, a_span.low AS nps_low, a_span.high AS nps_high, a - b AS change,
    span.low AS low, span.high AS high,
    CASE WHEN e.breakdown IS NULL THEN (SELECT sum(within) FROM effects WHERE breakdown IS NOT NULL) ELSE within END
        AS within_effect,
    CASE WHEN e.breakdown IS NULL THEN (SELECT sum(mix) FROM effects WHERE breakdown IS NOT NULL) ELSE mix END AS mix_effect,
    CASE WHEN e.breakdown IS NOT NULL OR a - b IS NULL THEN NULL WHEN span.low > 0 OR span.high < 0 THEN 'beyond_chance'
        ELSE 'within_chance' END AS note, ended(unit, this) AS complete
FROM effects e, unit
WHERE e.breakdown IS NULL OR (SELECT bool_or(has_value) FROM effects)
ORDER BY e.breakdown NULLS LAST
