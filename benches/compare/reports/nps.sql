-- Twin of the report `nps`.
-- case:
-- case: breakdown=segment
-- case: breakdown=owner period=quarter
-- case: breakdown=plan_size period=all
-- case: breakdown=status
-- case: period=week breakdown=region tz=Asia/Shanghai
-- case: period=day
-- case: period=year as_of=2024-09-30 breakdown=channel
-- case: as_of=2024-09-30 tz=Asia/Shanghai
-- case: from=2024-05-10 to=2024-08-12 tz=Asia/Shanghai
-- case: period=all from=2024-09-08 breakdown=region
WITH unit AS (SELECT coalesce(getvariable('period'), 'month') AS unit),
answers AS (
    SELECT customer_id, first_day(unit, occurred_at) AS period, score
    FROM surveys, unit
    WHERE coalesce(kind, 'nps') = 'nps'
        AND (getvariable('from') IS NULL OR local_day(occurred_at) >= getvariable('from')::DATE)
        AND (getvariable('to') IS NULL OR local_day(occurred_at) <= getvariable('to')::DATE)
    QUALIFY row_number() OVER (PARTITION BY customer_id, period
        ORDER BY occurred_at DESC, known_at DESC NULLS LAST, response_id DESC NULLS LAST, score DESC) = 1
),
counted AS (
    SELECT period, breakdown, count(*) AS responses, count(*) FILTER (score >= 9) AS promoters,
        count(*) FILTER (score <= 6) AS detractors
    FROM answers LEFT JOIN breakdowns USING (customer_id)
    GROUP BY period, breakdown
)
SELECT period, breakdown, responses, promoters, responses - promoters - detractors AS passives, detractors,
    100 * (promoters - detractors) / responses AS nps,
    nps_interval(promoters, detractors, responses).low AS low,
    nps_interval(promoters, detractors, responses).high AS high,
    whole(unit, period) AS complete
FROM counted, unit
ORDER BY period, breakdown NULLS FIRST
