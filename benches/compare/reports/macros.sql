-- What twins share, written from the definitions, the literature and queries/vocabulary.toml.

-- The calendar day of an instant, where the reader is.
CREATE MACRO local_day(stamp) AS (stamp AT TIME ZONE getvariable('tz'))::DATE;

-- The first day of the period of an instant; the only period of `all` is called 1970-01-01.
CREATE MACRO first_day(unit, stamp) AS
    CASE WHEN stamp IS NULL THEN NULL
         WHEN unit = 'all' THEN DATE '1970-01-01'
         ELSE date_trunc(CASE unit WHEN 'all' THEN 'day' ELSE unit END, local_day(stamp))::DATE END;

-- Whether nothing later can fall into the period that begins on a day.
CREATE MACRO ended(unit, day) AS
    unit = 'all' OR day < first_day(unit, getvariable('as_of') + INTERVAL 1 MICROSECOND);

-- Whether that is so, and from and to leave no day of it out.
CREATE MACRO whole(unit, day) AS
    ended(unit, day) AND (unit = 'all' OR coalesce(getvariable('from')::DATE <= day, true) AND coalesce(day + CASE unit
        WHEN 'day' THEN INTERVAL 1 DAY WHEN 'week' THEN INTERVAL 7 DAY WHEN 'month' THEN INTERVAL 1 MONTH
        WHEN 'quarter' THEN INTERVAL 3 MONTH WHEN 'year' THEN INTERVAL 1 YEAR END <= getvariable('to')::DATE + INTERVAL 1 DAY, true));

-- A length of time as settings write it: 30d, 4w, 12h, 90min.
CREATE MACRO duration(words) AS to_microseconds(
    regexp_extract(words, '^\d+')::BIGINT * 1000000 * CASE regexp_extract(words, '[a-z]+$')
        WHEN 'w' THEN 604800 WHEN 'd' THEN 86400 WHEN 'h' THEN 3600 WHEN 'min' THEN 60 WHEN 's' THEN 1 END);

-- Wilson (1927): {low, high} of a share.
CREATE MACRO z95() AS 1.959963984540054;
CREATE MACRO wilson_end(x, n, sign) AS
    (x + z95() ** 2 / 2 + sign * z95() * sqrt(x * (n - x) / n + z95() ** 2 / 4)) / (n + z95() ** 2);
CREATE MACRO wilson(x, n) AS CASE WHEN n > 0 THEN
    {'low': wilson_end(x::DOUBLE, n::DOUBLE, -1), 'high': wilson_end(x::DOUBLE, n::DOUBLE, 1)} END;

-- Adjusted Wald: {low, high} of a Net Promoter Score, never beyond -100 and 100.
CREATE MACRO nps_end(p, d, n, sign) AS 100 * ((p - d) / (n + 3)
    + sign * z95() * sqrt(((p + 0.75 + d + 0.75) / (n + 3) - ((p - d) / (n + 3)) ** 2) / (n + 3)));
CREATE MACRO nps_interval(p, d, n) AS CASE WHEN n > 0 THEN
    {'low': greatest(nps_end(p::DOUBLE, d::DOUBLE, n::DOUBLE, -1), -100),
     'high': least(nps_end(p::DOUBLE, d::DOUBLE, n::DOUBLE, 1), 100)} END;

-- Newcombe (1998), method 10, and what it is a case of: the interval of a - b from those of a and b.
CREATE MACRO difference(a, a_interval, b, b_interval) AS
    {'low': a - b - sqrt((a - a_interval.low) ** 2 + (b_interval.high - b) ** 2),
     'high': a - b + sqrt((a_interval.high - a) ** 2 + (b - b_interval.low) ** 2)};
-- Donner & Zou (2012): an end of the interval of a / b from ends of those of a and b; nothing if b is 0.
CREATE MACRO ratio_end(a, a_end, b, b_end, sign) AS CASE WHEN b > 0 THEN
    (a * b + sign * sqrt(greatest((a * b) ** 2 - a_end * b_end * (2 * a - a_end) * (2 * b - b_end), 0)))
    / (b_end * (2 * b - b_end)) END;

-- The value by which each customer is broken down.
CREATE VIEW breakdowns AS
SELECT customer_id,
    CASE coalesce(getvariable('breakdown'), 'none')
        WHEN 'none' THEN NULL
        WHEN 'segment' THEN segment
        WHEN 'channel' THEN channel
        WHEN 'region' THEN region
        WHEN 'industry' THEN industry
        WHEN 'owner' THEN owner_id
        WHEN 'status' THEN status
        ELSE attributes[getvariable('breakdown')] END AS breakdown
FROM customers;

-- By owner, deals and tickets are broken down by who is in charge of them, not of the customer.
CREATE MACRO of_owner(owner, breakdown) AS CASE WHEN getvariable('breakdown') = 'owner' THEN owner ELSE breakdown END;

-- Whether a property meets a condition; as numbers if both are.
CREATE MACRO holds(property, operator, wanted) AS coalesce(CASE operator
    WHEN '=' THEN coalesce(try_cast(property AS DOUBLE) = try_cast(wanted AS DOUBLE), property = wanted)
    WHEN '!=' THEN coalesce(try_cast(property AS DOUBLE) != try_cast(wanted AS DOUBLE), property != wanted)
    WHEN '>=' THEN try_cast(property AS DOUBLE) >= try_cast(wanted AS DOUBLE)
    WHEN '<=' THEN try_cast(property AS DOUBLE) <= try_cast(wanted AS DOUBLE)
    WHEN '>' THEN try_cast(property AS DOUBLE) > try_cast(wanted AS DOUBLE)
    WHEN '<' THEN try_cast(property AS DOUBLE) < try_cast(wanted AS DOUBLE) END, false);

-- Student's 97.5 % point: the series of Abramowitz & Stegun 26.7.3 and 26.7.4, solved by Newton's steps from the
-- expansion 26.7.5, which alone is exact enough for many degrees of freedom.
CREATE MACRO student_start(df) AS z95() + (z95() ** 3 + z95()) / (4 * df)
    + (5 * z95() ** 5 + 16 * z95() ** 3 + 3 * z95() ** 1) / (96 * df ** 2)
    + (3 * z95() ** 7 + 19 * z95() ** 5 + 17 * z95() ** 3 - 15 * z95() ** 1) / (384 * df ** 3)
    + (79 * z95() ** 9 + 776 * z95() ** 7 + 1482 * z95() ** 5 - 1920 * z95() ** 3 - 945.0 * z95() ** 1) / (92160 * df ** 4);
CREATE MACRO student_within(t, df) AS CASE WHEN df % 2 = 0
    THEN t / sqrt(df + t * t) * list_sum(list_transform(range((df // 2)::BIGINT),
        lambda j: exp(lgamma(j + 0.5) - lgamma(j + 1.0)) / sqrt(pi()) * (df / (df + t * t)) ** j))
    ELSE 2 / pi() * (atan(t / sqrt(df)) + t * sqrt(df) / (df + t * t) * coalesce(list_sum(list_transform(
        range(((df - 1) // 2)::BIGINT),
        lambda j: exp(lgamma(j + 1.0) - lgamma(j + 1.5)) * sqrt(pi()) / 2 * (df / (df + t * t)) ** j)), 0)) END;
CREATE MACRO student_slope(t, df) AS
    2 * exp(lgamma((df + 1) / 2) - lgamma(df / 2)) / sqrt(pi() * df) * (1 + t * t / df) ** (-(df + 1) / 2);
CREATE MACRO student95(df) AS CASE WHEN df > 300 THEN student_start(df) ELSE list_reduce(
    list_concat([student_start(df)], list_transform(range(30), lambda i: i::DOUBLE)),
    lambda t, i: t - (student_within(t, df) - 0.95) / student_slope(t, df)) END;

-- Hall (1992): {low, high} of the mean of a list, to the side of the long tail; none of fewer than five values or of equal
-- ones, and not beyond 0 if no value is.
CREATE MACRO hall_end(mean, error, skew, t) AS mean - error * CASE WHEN abs(skew) < 1e-9 THEN t
    ELSE 3 / skew * (cbrt(1 + skew * (t - skew / 6)) - 1) END;
-- DuckDB's skewness is adjusted for the number of values; this one is not.
CREATE MACRO skew(xs) AS list_skewness(xs) * (len(xs) - 2) / sqrt(len(xs) * (len(xs) - 1));
CREATE MACRO mean_end(xs, sign) AS hall_end(list_avg(xs), sqrt(list_var_samp(xs) / len(xs)),
    skew(xs) / sqrt(len(xs)),
    sign * student95(len(xs) - 1));
CREATE MACRO mean_interval(xs) AS CASE WHEN len(xs) >= 5 AND list_max(xs) > list_min(xs) THEN {
    'low': CASE WHEN list_min(xs) >= 0 THEN greatest(mean_end(xs, 1), 0) ELSE mean_end(xs, 1) END,
    'high': CASE WHEN list_max(xs) <= 0 THEN least(mean_end(xs, -1), 0) ELSE mean_end(xs, -1) END} END;
-- Zou and Donner (2008): {low, high} of the difference of the means of two lists, from the interval of each.
CREATE MACRO has_spread(xs) AS len(xs) >= 5 AND list_max(xs) > list_min(xs);
CREATE MACRO mean_difference(xs, ys) AS CASE WHEN has_spread(xs) AND has_spread(ys) THEN {
    'low': list_avg(xs) - list_avg(ys)
        - sqrt((list_avg(xs) - mean_end(xs, 1)) ** 2 + (mean_end(ys, -1) - list_avg(ys)) ** 2),
    'high': list_avg(xs) - list_avg(ys)
        + sqrt((mean_end(xs, -1) - list_avg(xs)) ** 2 + (list_avg(ys) - mean_end(ys, 1)) ** 2)} END;
-- The best of a scale that nothing says, from the best that was given.
CREATE MACRO best_of(score) AS CASE WHEN score <= 5 THEN 5 WHEN score <= 10 THEN 10 ELSE 100 END;

-- Whether a kind of touch is what came back, and not what we sent.
CREATE MACRO is_reaction(kind) AS
    coalesce(lower(kind) IN ('opened', 'clicked', 'responded', 'redeemed', 'bounced', 'unsubscribed'), false);

-- Every time a person of ours was in contact with a customer.
CREATE VIEW contacts AS
SELECT customer_key, occurred_at, lower(kind) AS kind FROM touches
WHERE lower(kind) IN ('call', 'meeting', 'visit', 'demo', 'task')
    OR owner_id IS NOT NULL AND campaign_id IS NULL AND NOT is_reaction(kind)
UNION ALL SELECT customer_key, occurred_at, name FROM activity WHERE name IN ('call', 'meeting', 'visit', 'demo');

-- For reports that add amounts up: whether an amount is in the currency that was asked for; if none was, in the one most
-- amounts have, where there are several or some do not say theirs. A null code is all of them.
CREATE VIEW counted_currency AS
SELECT coalesce(getvariable('currency')::VARCHAR,
    CASE WHEN count(*) > 1 THEN list(currency ORDER BY currency IS NULL, n DESC, currency)[1] END) AS code
FROM (
    SELECT currency, count(*) AS n FROM (
        SELECT currency FROM orders WHERE amount IS NOT NULL
        UNION ALL SELECT currency FROM subscriptions WHERE mrr IS NOT NULL
        UNION ALL SELECT currency FROM opportunities WHERE amount IS NOT NULL
        UNION ALL SELECT currency FROM campaigns WHERE cost IS NOT NULL)
    GROUP BY currency);
CREATE MACRO in_currency(of_amount) AS
    (SELECT code FROM counted_currency) IS NULL OR coalesce(of_amount = (SELECT code FROM counted_currency), false);

-- Activity that counts.
CREATE VIEW counting AS
SELECT * FROM activity WHERE coalesce(getvariable('activity')::VARCHAR, '') = ''
    OR list_contains(string_split(getvariable('activity')::VARCHAR, ','), name);

-- The signals of health in their order, and what each counts: shares of 1, null if all weights are 0.
CREATE MACRO health_names() AS
    ['recency', 'usage', 'trend', 'breadth', 'tickets', 'complaints', 'nps', 'renewal', 'orders', 'contact'];
CREATE VIEW health_shares AS
SELECT CASE WHEN list_sum(weights) > 0 THEN list_transform(weights, lambda w: w / list_sum(weights)) END AS shares
FROM (SELECT list_transform([
    coalesce(getvariable('weight_recency')::DOUBLE, 20), coalesce(getvariable('weight_usage')::DOUBLE, 20),
    coalesce(getvariable('weight_trend')::DOUBLE, 10), coalesce(getvariable('weight_breadth')::DOUBLE, 10),
    coalesce(getvariable('weight_tickets')::DOUBLE, 5), coalesce(getvariable('weight_complaints')::DOUBLE, 10),
    coalesce(getvariable('weight_nps')::DOUBLE, 10), coalesce(getvariable('weight_renewal')::DOUBLE, 5),
    coalesce(getvariable('weight_orders')::DOUBLE, 5), coalesce(getvariable('weight_contact')::DOUBLE, 5)],
    lambda w: greatest(w, 0)) AS weights);

-- How long a customer is watched, and days of 24 hours since an instant.
CREATE MACRO horizon() AS duration(coalesce(getvariable('horizon')::VARCHAR, '90d'));
CREATE MACRO days_since(stamp) AS (epoch_us(getvariable('as_of')::TIMESTAMPTZ) - epoch_us(stamp)) / 86400e6;

-- The signals of everybody who is active or under contract.
CREATE VIEW health_signals AS
WITH used AS (
    SELECT customer_key, max(occurred_at) AS last_at, count(DISTINCT floor(day)) FILTER (day < 30) AS days,
        count(*) FILTER (day < 30) AS lately, count(*) FILTER (day >= 30 AND day < 90) AS before,
        count(DISTINCT coalesce(feature, name)) FILTER (day < 90) AS things
    FROM (SELECT *, days_since(occurred_at) AS day FROM counting) GROUP BY ALL
),
contracts AS (
    SELECT customer_key, max(CASE WHEN ends_at IS NULL THEN 180 ELSE -days_since(ends_at) END) AS remaining
    FROM subscriptions WHERE ended_at IS NULL GROUP BY ALL
),
bought AS (SELECT customer_key, min(days_since(occurred_at)) AS ordered FROM orders WHERE amount >= 0 GROUP BY ALL),
spoken AS (SELECT customer_key, min(days_since(occurred_at)) AS spoke FROM contacts GROUP BY ALL),
asked AS (
    SELECT customer_key, count(*) FILTER (days_since(occurred_at) < 90) AS tickets,
        count(*) FILTER (days_since(occurred_at) < 60 AND lower(category) = 'complaint') AS complaints
    FROM tickets GROUP BY ALL
),
answers AS (
    SELECT customer_key, score FROM surveys WHERE coalesce(kind, 'nps') = 'nps'
    QUALIFY row_number() OVER (PARTITION BY customer_key
        ORDER BY occurred_at DESC, known_at DESC NULLS LAST, response_id DESC NULLS LAST, score DESC) = 1
),
said AS (
    SELECT customer_key, last_at, [
        coalesce(1 - days_since(last_at) / 60, 0), coalesce(days / 12, 0),
        2 * lately / nullif(2 * lately + before, 0), coalesce(things / 5, 0), 1 - coalesce(tickets, 0) / 5,
        1.0 - coalesce(complaints, 0), score / 10, remaining / 180, 1 - ordered / 180, 1 - spoke / 90] AS said
    FROM customers LEFT JOIN used USING (customer_key) LEFT JOIN contracts USING (customer_key)
    LEFT JOIN bought USING (customer_key) LEFT JOIN spoken USING (customer_key)
    LEFT JOIN asked USING (customer_key) LEFT JOIN answers USING (customer_key)
    WHERE last_at > getvariable('as_of')::TIMESTAMPTZ - horizon() OR remaining IS NOT NULL
),
bounded AS (
    SELECT customer_key, last_at, signal, CASE WHEN x IS NOT NULL THEN least(greatest(x, 0), 1) END AS x
    FROM (SELECT customer_key, last_at, unnest(said) AS x, unnest(range(1, 11)) AS signal FROM said)
),
-- Who never spoke with us is at 0, if anybody did. Rounded, a mean of .8 equals who is at .8.
filled AS (
    SELECT *, round(avg(x) OVER whole, 6) AS mean, signal = 10 AND mean IS NOT NULL AS spoken,
        CASE WHEN spoken THEN coalesce(x, 0) ELSE coalesce(x, mean, 0.5) END AS value
    FROM bounded WINDOW whole AS (PARTITION BY signal)
)
SELECT customer_key, last_at, count(*) FILTER (x IS NOT NULL OR spoken) AS known,
    list(value ORDER BY signal) AS signals, round(100 * list_inner_product(any_value(shares), signals), 9) AS health
FROM filled, health_shares GROUP BY customer_key, last_at;

-- The newest months whose outcome is known.
CREATE VIEW cutoffs AS
SELECT cutoff FROM (
    SELECT (first_day('month', getvariable('as_of')) - to_months(back))::TIMESTAMP AT TIME ZONE getvariable('tz') AS cutoff
    FROM (SELECT unnest(range(2000))::INT AS back))
WHERE cutoff + horizon() <= getvariable('as_of')::TIMESTAMPTZ
QUALIFY row_number() OVER (ORDER BY cutoff DESC) <= coalesce(getvariable('cutoffs')::INT, 12);

-- What became of those who were active before each cutoff.
CREATE MACRO judged(past) AS TABLE
SELECT p.*, NOT EXISTS (SELECT 1 FROM counting a WHERE a.customer_key = p.customer_key
    AND a.occurred_at >= p.cutoff AND a.occurred_at < p.cutoff + horizon()) AS is_gone
FROM query_table(past) p WHERE last_at > cutoff - INTERVAL 1 MICROSECOND - horizon();

-- Their health by the weights that were set, and by those that early months propose. The quarter, which is of months
-- that anybody was active before, rounded up, is read off the part's SQL. Equal scores differ in their last digits.
CREATE MACRO health_judged(past) AS TABLE
WITH rows AS (FROM judged(past)),
months AS (SELECT cutoff, ntile(4) OVER (ORDER BY cutoff DESC) = 1 AS is_test FROM (SELECT DISTINCT cutoff FROM rows)),
split AS (
    SELECT *, cutoff + horizon() <= min(cutoff) FILTER (is_test) OVER () AS is_early,
        cutoff = max(cutoff) OVER () AS is_newest
    FROM months
),
fitted AS (
    SELECT nonnegative_logistic(list(NOT is_gone), list(signals))[2:] AS fit
    FROM rows JOIN split USING (cutoff) WHERE is_early
)
SELECT cutoff, customer_key, 'configured' AS weights, round(health, 9) AS health, is_gone, is_test, is_early, is_newest
FROM rows JOIN split USING (cutoff) WHERE health IS NOT NULL
UNION ALL
SELECT cutoff, customer_key, 'proposed', round(100 * list_inner_product(fit, signals) / list_sum(fit), 9), is_gone, is_test,
    is_early, is_newest
FROM rows JOIN split USING (cutoff), fitted WHERE list_sum(fit) > 0 AND (is_test OR is_early);

-- How well a score tells events apart within each kind, of rows (kind, score, event, cluster): c of {value, low, high}, by
-- Obuchowski (1997), which is DeLong's where each row is a cluster.
CREATE MACRO concordance(judged) AS TABLE
WITH counted AS (
    SELECT *, count(*) FILTER (event) OVER whole AS m, count(*) FILTER (NOT event) OVER whole AS n,
        count(*) FILTER (event) OVER up - count(*) FILTER (event) OVER same / 2 AS events_under,
        count(*) FILTER (NOT event) OVER up - count(*) FILTER (NOT event) OVER same / 2 AS others_under
    FROM query_table(judged)
    WINDOW whole AS (PARTITION BY kind), up AS (PARTITION BY kind ORDER BY score), same AS (PARTITION BY kind, score)
),
placed AS (
    SELECT *, CASE WHEN event THEN others_under / n ELSE 1 - events_under / m END AS place,
        sum(others_under / n) FILTER (event) OVER (PARTITION BY kind) / m AS value
    FROM counted WHERE m > 0 AND n > 0
),
clusters AS (
    SELECT kind, value, m, n, coalesce(sum(place - value) FILTER (event), 0) AS x,
        coalesce(sum(place - value) FILTER (NOT event), 0) AS y, bool_or(event) AS has_x, bool_or(NOT event) AS has_y
    FROM placed GROUP BY kind, value, m, n, cluster
),
varied AS (
    SELECT kind, value, count(*) AS i, count(*) FILTER (has_x) AS i10, count(*) FILTER (has_y) AS i01,
        i10 / nullif(i10 - 1, 0) * sum(x * x) / m ** 2 + i01 / nullif(i01 - 1, 0) * sum(y * y) / n ** 2
            + 2 * i / nullif(i - 1, 0) * sum(x * y) / (m * n) AS variance,
        CASE WHEN value > 0 AND value < 1 AND m > 1 AND n > 1 AND variance > 0
            THEN z95() * sqrt(variance) / (value * (1 - value)) END AS reach,
        ln(nullif(value, 0) / nullif(1 - value, 0)) AS logit
    FROM clusters GROUP BY kind, value, m, n
)
SELECT kind, {'value': value, 'low': 1 / (1 + exp(reach - logit)), 'high': 1 / (1 + exp(-reach - logit))} AS c FROM varied;
