-- Twin of the report `campaigns`.
-- case:
-- case: window=30d
-- case: window=30d attribution=last
-- case: attribution=last window=120d tz=Asia/Shanghai
-- case: breakdown=segment
-- case: breakdown=region attribution=last as_of=2024-12-10
-- case: breakdown=plan_size window=90d
-- case: responses=clicked,responded
-- case: from=2024-03-01 to=2024-08-31
-- case: from=2024-08-12 tz=Asia/Shanghai window=60d
-- case: as_of=2024-12-10
-- case: as_of=2024-09-30 tz=Asia/Shanghai window=60d
-- case: currency=USD
-- case: as_of=2023-12-31
WITH settings AS (
    SELECT duration(coalesce(getvariable('window'), '14d')) AS length,
        coalesce(getvariable('attribution'), 'every') AS attribution,
        string_split(coalesce(getvariable('responses'), 'opened,clicked,responded,redeemed'), ',') AS responses,
        getvariable('as_of')::TIMESTAMPTZ AS as_of
),
-- A campaign that does not say its start began with its first touch.
starts AS (
    SELECT campaign_id, local_day(coalesce(any_value(started_at), min(occurred_at))) AS day
    FROM touches FULL JOIN campaigns USING (campaign_id) WHERE campaign_id IS NOT NULL GROUP BY campaign_id
),
in_span AS (
    SELECT campaign_id FROM starts
    WHERE (getvariable('from') IS NULL OR day >= getvariable('from')::DATE)
        AND (getvariable('to') IS NULL OR day <= getvariable('to')::DATE)
),
chosen AS (
    SELECT touch_id, customer_id, campaign_id, occurred_at, responded_at, lower(kind) AS kind
    FROM touches JOIN in_span USING (campaign_id)
),
contacts AS (
    SELECT campaign_id, customer_id, min(occurred_at) AS first_at,
        greatest(1, count(*) - count(*) FILTER (list_contains(responses, kind) OR is_reaction(kind))) AS touches,
        bool_or(responded_at IS NOT NULL OR coalesce(list_contains(responses, kind), false)) AS responded
    FROM chosen, settings GROUP BY campaign_id, customer_id
),
people AS (
    SELECT contacts.*, breakdown, first_at + length AS last_at, first_at + length <= as_of AS matured
    FROM contacts LEFT JOIN breakdowns USING (customer_id), settings
),
-- Every order line with every campaign whose window holds it; the last one is marked.
held AS (
    SELECT campaign_id, people.customer_id, breakdown, currency, amount,
        (first_at, campaign_id) = max((first_at, campaign_id)) OVER (PARTITION BY line) AS is_last
    FROM people
    JOIN (SELECT *, row_number() OVER () AS line FROM orders) AS orders ON orders.customer_id = people.customer_id
        AND orders.occurred_at BETWEEN first_at AND last_at
),
credited AS (SELECT held.* FROM held, settings WHERE attribution = 'every' OR is_last),
buyers AS (SELECT DISTINCT campaign_id, customer_id FROM credited WHERE amount > 0),
-- Counts: of a campaign and breakdown value, and of everybody once.
marked AS (
    SELECT people.*, buyers.customer_id IS NOT NULL AS bought FROM people LEFT JOIN buyers USING (campaign_id, customer_id)
),
everybody AS (
    SELECT customer_id, bool_or(responded) AS responded, bool_or(bought) AS bought, bool_and(matured) AS matured
    FROM marked WHERE customer_id IS NOT NULL GROUP BY customer_id
),
counts AS (
    SELECT false AS total, campaign_id, breakdown, sum(touches) AS touches, count(customer_id) AS reach,
        count(customer_id) FILTER (responded) AS responded, count(customer_id) FILTER (bought) AS converted,
        count(customer_id) FILTER (matured) AS matured, count(customer_id) FILTER (matured AND bought) AS mature_buyers
    FROM marked GROUP BY campaign_id, breakdown
    UNION ALL
    SELECT true, NULL, NULL, (SELECT sum(touches) FROM people), count(*), count(*) FILTER (responded),
        count(*) FILTER (bought), count(*) FILTER (matured), count(*) FILTER (matured AND bought)
    FROM everybody
),
-- Costs belong to a campaign as a whole.
costs AS (
    SELECT campaign_id, currency, cost FROM campaigns
    WHERE NOT EXISTS (SELECT 1 FROM people WHERE breakdown IS NOT NULL)
        AND campaign_id IN (FROM in_span)
        AND (getvariable('currency') IS NULL OR currency = getvariable('currency'))
),
money AS (
    SELECT false AS total, campaign_id, breakdown, currency, sum(amount) AS revenue, NULL AS cost
    FROM credited WHERE (getvariable('currency') IS NULL OR currency = getvariable('currency')) GROUP BY ALL
    UNION ALL SELECT false, campaign_id, NULL, currency, NULL, cost FROM costs WHERE cost IS NOT NULL
    UNION ALL SELECT true, NULL, NULL, currency, sum(amount), NULL FROM held
        WHERE is_last AND (getvariable('currency') IS NULL OR currency = getvariable('currency')) GROUP BY currency
    UNION ALL SELECT true, NULL, NULL, currency, NULL, sum(cost) FROM costs WHERE cost IS NOT NULL GROUP BY currency
),
sums AS (
    SELECT total, campaign_id, breakdown, currency, sum(revenue) AS revenue, sum(cost) AS cost FROM money GROUP BY ALL
),
-- A campaign that touched nobody is there too; so are its costs.
listed AS (
    SELECT total, campaign_id, breakdown FROM counts WHERE NOT total OR reach > 0
    UNION SELECT false, campaign_id, NULL FROM costs
    UNION SELECT true, NULL, NULL FROM costs
    UNION SELECT true, NULL, NULL FROM people
)
SELECT listed.campaign_id, coalesce(name, listed.campaign_id) AS campaign, channel, local_day(started_at) AS started_on,
    listed.breakdown, coalesce(touches, 0) AS touches, coalesce(reach, 0) AS reach, coalesce(responded, 0) AS responded,
    responded / nullif(reach, 0) AS response_rate,
    wilson(responded, reach).low AS response_low, wilson(responded, reach).high AS response_high,
    coalesce(converted, 0) AS converted, converted / nullif(reach, 0) AS naive_rate,
    wilson(converted, reach).low AS naive_rate_low, wilson(converted, reach).high AS naive_rate_high,
    coalesce(matured, 0) AS matured, mature_buyers / nullif(matured, 0) AS conversion_rate,
    wilson(mature_buyers, matured).low AS low, wilson(mature_buyers, matured).high AS high,
    CASE WHEN sums.total IS NULL THEN coalesce(campaigns.currency, getvariable('currency')) ELSE sums.currency END AS currency,
    coalesce(sums.revenue, 0) AS revenue, sums.cost AS cost,
    (coalesce(sums.revenue, 0) - sums.cost) / nullif(sums.cost, 0) AS roi
FROM listed
LEFT JOIN counts ON counts.total = listed.total AND counts.campaign_id IS NOT DISTINCT FROM listed.campaign_id
    AND counts.breakdown IS NOT DISTINCT FROM listed.breakdown
LEFT JOIN sums ON sums.total = listed.total AND sums.campaign_id IS NOT DISTINCT FROM listed.campaign_id
    AND sums.breakdown IS NOT DISTINCT FROM listed.breakdown
LEFT JOIN campaigns ON campaigns.campaign_id = listed.campaign_id
ORDER BY listed.total, started_on NULLS LAST, listed.campaign_id, listed.breakdown NULLS FIRST, currency NULLS FIRST
