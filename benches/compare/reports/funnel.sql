-- Twin of the report `funnel`: every chain of rows there is, and of each customer the one that gets furthest.
-- case:
-- case: breakdown=segment
-- case: breakdown=language as_of=2024-04-20
-- case: breakdown=owner window=7d tz=Asia/Shanghai
-- case: as_of=2024-09-30 tz=Asia/Shanghai breakdown=channel
-- case: as_of=2024-01-20
-- case: from=2024-03-01 to=2024-06-30 tz=Asia/Shanghai
-- case: steps=login,export,invite window=12h
-- case: steps=login,login,complaint window=4w breakdown=region
-- case: steps=view_page,view_page,view_page window=90min
-- case: steps=purchase
-- case: steps=refund,signup breakdown=segment
-- case: steps=refund breakdown=channel
-- case: mode=any breakdown=segment
-- case: mode=any steps=login,view_page,login,export window=1d
-- case: mode=strict steps=signup,view_page,use_feature_a breakdown=channel
-- case: mode=strict steps=login,login window=4w
-- case: "steps=signup,trial within 7d,quote_opened after 1d"
-- case: "steps=signup,trial optional,quote_opened,purchase optional" breakdown=segment
-- case: "steps=signup,!complaint,trial,quote_opened"
-- case: "steps=login[properties.device=mobile],export[feature!=pdf & quantity>=500] within 12h,invite" window=60d
-- case: hold=feature steps=view_page,use_feature_a,export breakdown=region
-- case: hold=properties.reference "steps=stage_changed[properties.stage=Proposal],stage_changed[properties.stage=Won]" window=90d
WITH RECURSIVE settings AS (
    SELECT string_split(coalesce(getvariable('steps'), 'signup,trial,quote_opened,purchase'), ',') AS texts,
        duration(coalesce(getvariable('window'), '30d')) AS length, coalesce(getvariable('mode'), 'ordered') AS mode
),
asked AS (
    SELECT trim(texts[place]) AS text, place, starts_with(text, '!') AS excluded,
        count(*) FILTER (NOT excluded) OVER (ORDER BY place) AS step,
        regexp_extract(text, '^!?([^\[ ]+)', 1) AS name,
        list_transform(regexp_extract_all(text, '[^\[&]+[=<>]+[^\]&]+'),
            lambda word: regexp_extract(trim(word), '^([a-z_.]+)(!=|>=|<=|=|>|<)(.+)$', ['property', 'operator', 'value']))
            AS conditions,
        coalesce(duration(nullif(regexp_extract(text, ' within (\w+)', 1), '')), INTERVAL '100000 days') AS within,
        coalesce(duration(nullif(regexp_extract(text, ' after (\w+)', 1), '')), INTERVAL '0 days') AS after,
        text LIKE '% optional%' AS optional
    FROM settings, LATERAL (SELECT unnest(range(1, len(texts) + 1)) AS place)
),
steps AS (SELECT *, count(*) OVER () AS n_steps FROM asked WHERE NOT excluded),
-- The activity that counts; rows of one instant are one place.
events AS (
    SELECT customer_id, name, quantity, feature, attributes, occurred_at, row_number() OVER () AS id,
        CASE getvariable('hold') WHEN 'feature' THEN feature ELSE attributes[getvariable('hold')] END AS held
    FROM activity
    WHERE getvariable('hold') IS NULL OR held IS NOT NULL
),
placed AS (
    SELECT *, coalesce(held, '') AS same, dense_rank() OVER (PARTITION BY customer_id, same ORDER BY occurred_at) AS place,
        count(*) OVER (PARTITION BY customer_id, same, occurred_at) AS place_size
    FROM events
),
matched AS (
    SELECT placed.customer_id, same, occurred_at, id, placed.place, place_size, excluded, step
    FROM placed JOIN asked USING (name)
    WHERE list_bool_and(list_append(list_transform(conditions, lambda c: holds(
        CASE c.property WHEN 'quantity' THEN quantity::VARCHAR WHEN 'feature' THEN feature
            ELSE attributes[c.property] END, c.operator, c.value)), true))
),
served AS (FROM matched JOIN (SELECT step, within, after, optional, n_steps FROM steps) USING (step) WHERE NOT excluded),
barriers AS (
    SELECT customer_id, same, list({'step': step, 'stamp': occurred_at}) AS barred
    FROM matched WHERE excluded GROUP BY customer_id, same
),
-- What may follow a step: the next, and those after it as long as all between may be left out.
follows AS (
    SELECT a.step AS step, b.step AS next
    FROM (SELECT step FROM steps) AS a, (SELECT step FROM steps) AS b
    WHERE b.step > a.step AND NOT EXISTS (FROM steps WHERE step > a.step AND step < b.step AND NOT optional)
),
-- Chains with the rows they use at their last instant: rows before it can not come again.
chains AS (
    SELECT customer_id, same, id AS entry, occurred_at AS entered, place AS entry_place, step,
        occurred_at AS reached, place, place_size, [id] AS used, [occurred_at] AS instants
    FROM served, settings WHERE step = 1 AND mode <> 'any'
    UNION ALL
    SELECT c.customer_id, c.same, entry, any_value(entered), any_value(entry_place), next, r.occurred_at,
        any_value(r.place), any_value(r.place_size),
        list_sort(list_append(CASE WHEN r.occurred_at = reached THEN used ELSE [] END, r.id)) AS used_now,
        min(instants || list_resize([]::TIMESTAMPTZ[], next - c.step - 1) || [r.occurred_at])
    FROM chains AS c JOIN follows USING (step)
        JOIN served AS r ON r.customer_id = c.customer_id AND r.same = c.same AND r.step = next
        LEFT JOIN barriers ON barriers.customer_id = c.customer_id AND barriers.same = c.same, settings
    WHERE r.occurred_at BETWEEN reached + after AND least(reached + within, entered + length)
        AND NOT list_contains(used, r.id)
        AND (barred IS NULL OR len(list_filter(barred, lambda b: b.step >= c.step AND b.step < next
            AND b.stamp > reached AND b.stamp < r.occurred_at)) = 0)
        -- Nothing between: the next instant, and none left at an instant that the chain passes through.
        AND (mode <> 'strict' OR r.place = c.place
            OR r.place = c.place + 1 AND (c.place = entry_place OR len(used) = c.place_size))
    GROUP BY c.customer_id, c.same, entry, next, r.occurred_at, used_now
),
-- In any order: from each row, as many rows of a kind within the window as there are steps of it.
kinds AS (
    SELECT customer_id, same, id, any_value(occurred_at) AS occurred_at, list_sort(list(step)) AS serves
    FROM served, settings WHERE mode = 'any' GROUP BY customer_id, same, id
),
done AS (
    SELECT a.customer_id, a.id AS entry, b.occurred_at
    FROM kinds AS a JOIN kinds AS b USING (customer_id, same), settings
    WHERE b.occurred_at BETWEEN a.occurred_at AND a.occurred_at + length
    QUALIFY row_number() OVER (PARTITION BY a.id, b.serves ORDER BY b.occurred_at) <= len(b.serves)
),
attempts AS (
    SELECT customer_id, instants FROM chains
    UNION ALL
    SELECT customer_id, list(occurred_at ORDER BY occurred_at) FROM done GROUP BY customer_id, entry
),
furthest AS (
    SELECT * FROM attempts QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY len(instants) DESC, instants) = 1
),
entrants AS (
    SELECT breakdown, instants, instants[1] AS entered, entered + length <= getvariable('as_of') AS matured,
        epoch_us(least(entered + length, getvariable('as_of'))) - epoch_us(entered) AS watched
    FROM furthest LEFT JOIN breakdowns USING (customer_id), settings
    WHERE (getvariable('from') IS NULL OR local_day(entered) >= getvariable('from')::DATE)
        AND (getvariable('to') IS NULL OR local_day(entered) <= getvariable('to')::DATE)
),
journeys AS (
    SELECT breakdown, step, CASE mode WHEN 'any' THEN step || ' / ' || n_steps ELSE text END AS name, entered, matured,
        instants[step] IS NOT NULL AS arrived, epoch_us(instants[step]) - epoch_us(entered) AS took,
        CASE WHEN arrived THEN took ELSE watched END AS lasted
    FROM entrants, steps, settings
),
counted AS (
    SELECT breakdown, step, name, count(*) AS entrants, count(*) FILTER (arrived) AS customers,
        count(*) FILTER (matured) AS matured, count(*) FILTER (matured AND arrived) AS matured_customers,
        quantile_cont(took, 0.5) FILTER (arrived) / 86400e6 AS median_days,
        quantile_cont(took, 0.9) FILTER (arrived) / 86400e6 AS p90_days
    FROM journeys GROUP BY ALL
),
-- Kaplan and Meier: of those at risk until then, who arrived at each time.
times AS (
    SELECT breakdown, step, lasted, count(*) FILTER (arrived) AS d,
        sum(count(*)) OVER (PARTITION BY breakdown, step ORDER BY lasted DESC) AS n
    FROM journeys GROUP BY breakdown, step, lasted
),
-- The number that would be as informative had all been watched to the end, S(1-S)/Var(S) by Greenwood, where
-- S is not 0 yet; as long as nobody has arrived, those who were watched longest.
curves AS (
    SELECT breakdown, step, product(1 - d / n) AS s, coalesce(product(1 - d / n) FILTER (d < n), 1) AS s_before,
        sum(d / (n * (n - d))) FILTER (d < n) AS v,
        CASE WHEN v > 0 THEN (1 - s_before) / (s_before * v) ELSE min(n) END AS informative
    FROM times GROUP BY breakdown, step
)
SELECT counted.breakdown, counted.step, name, customers, customers / entrants AS share,
    wilson(customers, entrants).low AS low, wilson(customers, entrants).high AS high,
    matured, matured_customers / nullif(matured, 0) AS matured_share,
    wilson(matured_customers, matured).low AS matured_low, wilson(matured_customers, matured).high AS matured_high,
    CASE WHEN matured > 0 OR s = 0 THEN 1 - s END AS estimate,
    CASE WHEN matured > 0 OR s = 0 THEN wilson((1 - s) * informative, informative).low END AS estimate_low,
    CASE WHEN matured > 0 OR s = 0 THEN wilson((1 - s) * informative, informative).high END AS estimate_high,
    median_days, p90_days
FROM counted LEFT JOIN curves ON curves.breakdown IS NOT DISTINCT FROM counted.breakdown AND curves.step = counted.step
ORDER BY counted.breakdown NULLS FIRST, counted.step
