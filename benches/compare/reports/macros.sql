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

-- Student's interval of a mean: {low, high}, none of fewer than two values.
CREATE MACRO mean_interval(mean, stddev, n) AS CASE WHEN n > 1 THEN
    {'low': mean - student95(n - 1) * stddev / sqrt(n), 'high': mean + student95(n - 1) * stddev / sqrt(n)} END;
