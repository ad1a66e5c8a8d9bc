WITH rows AS (
    SELECT customer_id, days_since(occurred_at) AS age, coalesce(feature, name) AS thing, coalesce(quantity, 0) AS quantity,
        name IN ('login', 'Login', 'log_in', 'sign_in', '登录') AS is_login
    FROM activity
),
n AS (
    SELECT customer_id, min(age) AS recency, max(age) AS tenure, count(*) AS n, count(DISTINCT floor(age)) AS days,
        count(*) FILTER (age < 7) AS c7, count(*) FILTER (age < 30) AS c30, count(*) FILTER (age < 90) AS c90,
        count(*) FILTER (age < 180) AS c180, count(*) FILTER (age < 365) AS c365,
        count(*) FILTER (age >= 30 AND age < 120) AS c_before, count(*) FILTER (age >= 90 AND age < 365) AS c_year_before,
        count(DISTINCT floor(age)) FILTER (age < 7) AS d7, count(DISTINCT floor(age)) FILTER (age < 30) AS d30,
        count(DISTINCT floor(age)) FILTER (age < 90) AS d90, count(DISTINCT floor(age)) FILTER (age < 180) AS d180,
        count(DISTINCT floor(age)) FILTER (age < 365) AS d365,
        count(DISTINCT floor(age)) FILTER (age >= 30 AND age < 120) AS d_before,
        sum(quantity) AS q, coalesce(sum(quantity) FILTER (age < 30), 0) AS q30,
        coalesce(sum(quantity) FILTER (age < 90), 0) AS q90, coalesce(sum(quantity) FILTER (age < 365), 0) AS q365,
        count(DISTINCT thing) FILTER (age < 30) AS b30, count(DISTINCT thing) FILTER (age < 90) AS b90,
        count(DISTINCT thing) FILTER (age < 365) AS b365,
        min(age) FILTER (is_login) AS login, count(*) FILTER (is_login AND age < 30) AS l30,
        count(*) FILTER (is_login AND age >= 30 AND age < 120) AS l_before, count(*) FILTER (is_login) AS logins
    FROM rows GROUP BY customer_id
),
-- The calendar of all customers: a row per customer and day of age, as the description says it.
days AS (SELECT DISTINCT customer_id, CAST(floor(age) AS INT) AS day FROM rows),
firsts AS (SELECT customer_id, max(day) AS first FROM days GROUP BY customer_id),
active AS (SELECT day, count(*) AS n FROM days JOIN firsts USING (customer_id) WHERE day <= first - 30 GROUP BY day),
watched AS (
    SELECT day, count(*) AS n
    FROM (SELECT DISTINCT customer_id, day - back AS day
        FROM days JOIN firsts USING (customer_id), (SELECT unnest(range(1, 91)) AS back) WHERE day - back BETWEEN 0 AND first - 30)
    GROUP BY day
),
counts AS (
    SELECT day, coalesce(a.n, 0) AS active, coalesce(w.n, 0) AS watched
    FROM (SELECT unnest(range(0, 368)) AS day) LEFT JOIN active a USING (day) LEFT JOIN watched w USING (day)
),
rate AS (SELECT coalesce(sum(active) / nullif(sum(watched), 0), 0) AS rate FROM counts WHERE day < 365),
weights AS (
    SELECT c.day, (sum(w.active) + 10) / (any_value(rate) * sum(w.watched) + 10) AS weight
    FROM counts c JOIN counts w ON w.day BETWEEN greatest(c.day, 3) - 3 AND greatest(c.day, 3) + 3, rate
    WHERE c.day < 365 GROUP BY c.day
    UNION ALL SELECT unnest(range(365, 36600)), 1
),
terms AS (SELECT customer_id, min(days_since(started_at)) AS term FROM subscriptions GROUP BY customer_id),
silences AS (
    SELECT customer_id, recency, least(recency, term) AS silence, least(tenure, 365) AS pace_of
    FROM n LEFT JOIN terms USING (customer_id)
),
busy AS (
    SELECT customer_id, any_value(silence) AS silence,
        sum(weight * least(greatest(silence - day, 0), 1)) AS missed,
        sum(weight * least(greatest(pace_of - day, 0), 1)) AS watched
    FROM silences JOIN weights ON day <= greatest(recency, pace_of) GROUP BY customer_id
)
SELECT customer_id, recency AS activity_recency, tenure AS activity_tenure,
    times_gap(recency, tenure, days) AS activity_rhythm,
    silence AS activity_silence,
    missed * (d365 + 1) / (watched + 20) AS activity_missed,
    pace(c30, c_before, 3) AS activity_trend, pace(c90, c_year_before, 275::DOUBLE / 90) AS activity_trend_long,
    pace(d30, d_before, 3) AS activity_days_trend, b30 / nullif(b90, 0) AS activity_breadth_trend,
    coalesce(n, 0) AS activity_count, coalesce(c7, 0) AS activity_count_7, coalesce(c30, 0) AS activity_count_30,
    coalesce(c90, 0) AS activity_count_90, coalesce(c180, 0) AS activity_count_180, coalesce(c365, 0) AS activity_count_365,
    coalesce(d7, 0) AS activity_days_7, coalesce(d30, 0) AS activity_days_30, coalesce(d90, 0) AS activity_days_90,
    coalesce(d180, 0) AS activity_days_180, coalesce(d365, 0) AS activity_days_365,
    coalesce(q, 0) AS activity_quantity, coalesce(q30, 0) AS activity_quantity_30, coalesce(q90, 0) AS activity_quantity_90,
    coalesce(q365, 0) AS activity_quantity_365, coalesce(b30, 0) AS activity_breadth_30,
    coalesce(b90, 0) AS activity_breadth_90, coalesce(b365, 0) AS activity_breadth_365,
    login AS login_recency, coalesce(l30, 0) AS logins_30,
    CASE WHEN logins > 0 THEN pace(l30, l_before, 3) END AS logins_trend
FROM customers LEFT JOIN n USING (customer_id) LEFT JOIN busy USING (customer_id)
