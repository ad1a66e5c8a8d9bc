-- Twin of the report `forecast`.
-- case:
-- case: tz=Asia/Shanghai
-- case: tz=America/New_York as_of=2024-12-15
-- case: as_of=2024-09-30
-- case: as_of=2024-09-29T17:00:00Z tz=Asia/Shanghai
-- case: as_of=2024-09-30T16:00:00Z tz=Asia/Shanghai
-- case: as_of=2024-03-31
-- case: as_of=2024-01-20
-- case: as_of=2023-12-31
-- case: currency=USD
-- case: breakdown=segment
-- case: breakdown=owner
-- case: breakdown=channel as_of=2024-09-30
-- case: breakdown=plan_size as_of=2024-09-29T17:00:00Z tz=Asia/Shanghai currency=USD
WITH
-- When each deal first entered each stage; what stands at or after its closing only names the outcome.
history AS (
    SELECT opportunity_id, s.stage, min(s.occurred_at) AS entered_at,
        min({'at': s.occurred_at, 'unknown': s.amount IS NULL, 'amount': s.amount}).amount AS entered_amount
    FROM opportunity_stages s JOIN opportunities o USING (opportunity_id)
    WHERE s.occurred_at < o.closed_at OR o.closed_at IS NULL AND o.status = 'open' GROUP BY ALL
),
-- Stages stand in the order in which deals enter them on average.
places AS (
    SELECT stage, row_number() OVER (ORDER BY avg(place), stage) AS place
    FROM (SELECT stage, row_number() OVER (PARTITION BY opportunity_id ORDER BY entered_at, stage) AS place FROM history)
    GROUP BY stage
),
-- Ten spans of whole days, by the calendar where the reader is.
spans(span, begins) AS (VALUES (1, 0), (2, 2), (3, 5), (4, 9), (5, 14), (6, 21), (7, 30), (8, 45), (9, 60), (10, 90)),
-- The report's date, and the ends of the last twelve months that are over.
dates AS (
    SELECT 'forecast' AS kind, local_day(getvariable('as_of')) AS date, getvariable('as_of')::TIMESTAMPTZ AS instant
    UNION ALL
    SELECT 'backtest', (first - INTERVAL 1 DAY)::DATE, first::TIMESTAMP AT TIME ZONE getvariable('tz') - INTERVAL 1 MICROSECOND
    FROM (SELECT unnest(generate_series(0, 11)) AS back),
        LATERAL (SELECT (first_day('month', getvariable('as_of')) - to_months(back))::DATE AS first)
),
-- What was known at each date of each deal: the furthest stage it had entered, and whether it had closed.
known AS (
    SELECT kind, date, instant, opportunity_id, currency, of_owner(o.owner_id, breakdown) AS breakdown, amount, o.status, closed_at,
        arg_max(stage, place) AS stage, arg_max(entered_at, place) AS entered_at,
        arg_max({'amount': coalesce(entered_amount, amount)}, place).amount AS amount_then
    FROM dates JOIN history ON entered_at <= instant JOIN places USING (stage) JOIN opportunities o USING (opportunity_id)
    LEFT JOIN breakdowns USING (customer_id)
    WHERE created_at IS NULL OR created_at <= instant
    GROUP BY ALL
),
open AS (
    SELECT *, (SELECT max(span) FROM spans WHERE begins <= local_day(instant) - local_day(entered_at)) AS span
    FROM known WHERE (closed_at IS NULL OR closed_at > instant)
        AND (getvariable('currency') IS NULL OR currency = getvariable('currency'))
),
-- How long closed deals had stayed in each stage.
stays AS (
    SELECT h.stage, any_value(of_owner(o.owner_id, breakdown)) AS breakdown, any_value(o.closed_at) AS closed_at, any_value(o.status = 'won') AS won,
        local_day(greatest(h.entered_at, coalesce(min(l.entered_at), any_value(o.closed_at)))) - local_day(h.entered_at) AS days
    FROM history h JOIN places p USING (stage) JOIN opportunities o USING (opportunity_id)
    LEFT JOIN breakdowns USING (customer_id)
    LEFT JOIN (FROM history JOIN places USING (stage)) l ON l.opportunity_id = h.opportunity_id AND l.place > p.place
    WHERE o.status IN ('won', 'lost')
    GROUP BY h.opportunity_id, h.stage, h.entered_at
),
shares AS (
    SELECT kind, date, breakdown, stage, span, count(*) FILTER (won) AS won, count(*) AS closed
    FROM dates JOIN stays ON closed_at <= instant JOIN spans ON days >= begins
    GROUP BY ALL
),
-- Deals of one share err together: p is the mean of a Beta distribution, v its variance. Money has four decimals.
cells AS (
    SELECT o.kind, o.date, currency, o.breakdown, o.stage, o.span, count(*) AS deals, coalesce(sum(amount_then), 0) AS value,
        coalesce(sum(amount_then::DOUBLE ** 2), 0) AS squares,
        (coalesce(any_value(s.won), 0) + 1) / (coalesce(any_value(s.closed), 0) + 2) AS p,
        p * (1 - p) / (coalesce(any_value(s.closed), 0) + 3) AS v,
        coalesce(sum(amount) FILTER (o.status = 'won' AND closed_at <= getvariable('as_of')), 0) AS won_since,
        count(*) FILTER (o.status = 'open') AS still_open,
        coalesce(sum(amount) FILTER (o.status = 'open'), 0) AS still_open_value
    FROM open o LEFT JOIN shares s ON s.kind = o.kind AND s.date = o.date AND s.stage = o.stage AND s.span = o.span
        AND s.breakdown IS NOT DISTINCT FROM o.breakdown
    GROUP BY o.kind, o.date, currency, o.breakdown, o.stage, o.span
),
sums AS (
    SELECT kind, date, currency, breakdown, sum(deals)::BIGINT AS deals, sum(value) AS value, sum((value::DOUBLE * p)::DECIMAL(30, 4)) AS expected,
        sqrt(sum(squares * p * (1 - p) + value::DOUBLE ** 2 * v)) AS sd,
        sum(won_since) AS won_since, sum(still_open)::BIGINT AS still_open, sum(still_open_value) AS still_open_value
    FROM cells GROUP BY ALL
),
ends AS (SELECT *, round(greatest(expected - z95() * sd, 0), 4) AS low, round(least(expected + z95() * sd, value), 4) AS high FROM sums),
-- What came of what was expected, of the month ends that have little left to come; of all of them together.
settled AS (
    SELECT kind, date, currency, breakdown, won_since / nullif(expected, 0)::DOUBLE AS ratio,
        sum(won_since) OVER whole / nullif(sum(expected) OVER whole, 0)::DOUBLE AS whole_ratio
    FROM sums WHERE kind = 'backtest' AND still_open_value <= value / 20
    WINDOW whole AS (PARTITION BY currency, breakdown)
),
ratios AS (
    SELECT kind, date, currency, breakdown, ratio FROM settled
    UNION ALL SELECT DISTINCT 'forecast', local_day(getvariable('as_of')), currency, breakdown, whole_ratio FROM settled
)
SELECT e.kind, e.date, e.currency, e.breakdown, deals, value, expected, low, high, CASE WHEN e.kind = 'backtest' THEN won_since END AS won_since,
    still_open, still_open_value, ratio,
    CASE WHEN e.kind = 'backtest' THEN
        CASE WHEN won_since <= high AND won_since + still_open_value >= low THEN 'inside' ELSE 'outside' END END AS note
FROM ends e LEFT JOIN ratios r ON r.kind = e.kind AND r.date = e.date AND r.currency IS NOT DISTINCT FROM e.currency
    AND r.breakdown IS NOT DISTINCT FROM e.breakdown
ORDER BY e.kind DESC, e.date DESC, e.currency NULLS FIRST, e.breakdown NULLS FIRST
