-- Twin of the report `drivers`.
-- case:
-- case: early=1d window=30d least=5
-- case: start=trial goal=quote_opened early=3d
-- case: start=login goal=purchase early=2w window=120d least=10
-- case: start=login,view_page goal=export,invite early=12h window=14d
-- case: start=signup goal=complaint,refund window=180d least=3
-- case: start=quote_opened goal=purchase early=0d window=90d least=8
-- case: start=purchase goal=refund early=30d window=60d least=2 as_of=2024-10-31
-- case: start=signup goal=login early=90min window=10d least=1 tz=Asia/Shanghai
-- case: start=view_page goal=signup least=1
-- case: breakdown=segment least=5
-- case: breakdown=owner start=login goal=purchase early=2w window=120d least=4
-- case: breakdown=channel start=signup goal=login early=90min window=10d least=1 as_of=2024-09-30
-- case: breakdown=plan_size start=view_page goal=export early=12h window=14d least=3 tz=Asia/Shanghai
-- case: start=ticket_opened goal=complaint,survey_answered least=4 as_of=2024-09-30T12:00:00Z
WITH asked AS (
    SELECT string_split(coalesce(getvariable('start'), 'signup'), ',') AS starts,
        string_split(coalesce(getvariable('goal'), 'purchase'), ',') AS goals,
        duration(coalesce(getvariable('early'), '7d')) AS early,
        duration(coalesce(getvariable('window'), '60d')) AS wide, coalesce(getvariable('least'), '20')::INT AS least
),
begun AS (
    SELECT customer_id, min(occurred_at) AS started FROM activity, asked WHERE list_contains(starts, name) GROUP BY ALL
),
-- What each did from the start on, as far as it matters.
did AS (
    SELECT customer_id, name, occurred_at <= started + early AS soon, list_contains(goals, name) AS reaches
    FROM begun JOIN activity USING (customer_id), asked
    WHERE occurred_at >= started AND occurred_at <= started + wide
        AND started + wide <= getvariable('as_of')
),
watched AS (
    SELECT customer_id, any_value(breakdown) AS breakdown, coalesce(bool_or(reaches), false) AS reached
    FROM begun LEFT JOIN did USING (customer_id) LEFT JOIN breakdowns USING (customer_id), asked
    WHERE started + wide <= getvariable('as_of')
    GROUP BY customer_id HAVING NOT coalesce(bool_or(reaches AND soon), false)
),
traits AS (
    SELECT DISTINCT 'activity' AS factor, name AS value, customer_id FROM did, asked
    WHERE soon AND NOT list_contains(starts, name)
    UNION ALL
    SELECT unnest(['segment', 'channel', 'region', 'industry']), unnest([segment, channel, region, industry]), customer_id
    FROM customers
),
-- With the factor and reached (a) or not (b), without and reached (c) or not (d).
counted AS (
    SELECT watched.breakdown, factor, value, count(*) AS n, count(*) FILTER (reached) AS a, n - a AS b,
        any_value(all_reached) - a AS c, any_value(everybody) - n - c AS d
    FROM traits JOIN watched USING (customer_id) JOIN (
            SELECT breakdown, count(*) AS everybody, count(*) FILTER (reached) AS all_reached FROM watched GROUP BY breakdown
        ) AS whole ON whole.breakdown IS NOT DISTINCT FROM watched.breakdown, asked
    WHERE value IS NOT NULL GROUP BY watched.breakdown, factor, value, least HAVING n >= least AND c + d >= least
),
odds AS (
    SELECT *, ln((a + 0.5) * (d + 0.5) / ((b + 0.5) * (c + 0.5))) AS lor,
        sqrt(1 / (a + 0.5) + 1 / (b + 0.5) + 1 / (c + 0.5) + 1 / (d + 0.5)) AS se, abs(lor) / se / sqrt(2) AS x
    FROM counted
),
-- p = erfc(x): its series near 0, where all terms are positive, and its continued fraction beyond.
tested AS (
    SELECT *, CASE
        WHEN x < 2 THEN 1 - 2 * x / sqrt(pi()) * exp(-x * x)
            * list_reduce([1.0::DOUBLE] || list_transform(range(80), lambda i: (161 - 2 * i)::DOUBLE),
                lambda tail, k: 1 + 2 * x * x / k * tail)
        ELSE exp(-x * x) / sqrt(pi()) / list_reduce([x] || list_transform(range(200), lambda i: (200 - i) / 2),
            lambda tail, k: x + k / tail) END AS p
    FROM odds
),
ranked AS (
    SELECT *, p * count(*) OVER (PARTITION BY breakdown) / rank AS adjusted
    FROM (SELECT *, count(*) OVER (PARTITION BY breakdown ORDER BY p) AS rank FROM tested)
)
SELECT factor, value, breakdown, n AS customers, a / n AS share, wilson(a, n).low AS share_low, wilson(a, n).high AS share_high,
    c / (c + d) AS share_without, wilson(c, c + d).low AS share_without_low, wilson(c, c + d).high AS share_without_high,
    exp(lor) AS odds_ratio,
    exp(lor - z95() * se) AS low, exp(lor + z95() * se) AS high,
    least(min(adjusted) OVER (PARTITION BY breakdown ORDER BY p DESC), 1) AS q, CASE WHEN q < 0.05 THEN 'beyond_chance' END AS note
FROM ranked
ORDER BY breakdown NULLS FIRST, round(x, 9) DESC, factor, value
