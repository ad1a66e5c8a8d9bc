--! title = { en = "Activity", zh = "活跃行为" }
--! description = { en = "How much, how often, how broadly and how recently a customer was active, in windows of 7 to 365 days before the cutoff, and against the customer's own past. Trends compare with the customer's own pace before, 100 % being as before; one is added on both sides, so that a single row is no trend.", zh = "截止日前 7 至 365 天内客户活跃的次数、天数、广度与新近度，以及与其自身过往的对比。各项趋势以该客户此前的平均水平为 100%；前后各加 1，以免单条记录被当作趋势。" }
--! grain = "one row per customer with any activity"
--! [themes.volume]
--! title = { en = "How much the customer does", zh = "活跃程度" }
--! columns = [
--!   "activity_count_7", "activity_count_30", "activity_count_90", "activity_count_180",
--!   "activity_count_365", "activity_days_7", "activity_days_30", "activity_days_90",
--!   "activity_days_180", "activity_days_365", "activity_quantity_30", "activity_quantity_90",
--!   "activity_quantity_365", "activity_trend", "activity_trend_long", "activity_days_trend",
--! ]
--! [themes.recency]
--! title = { en = "How lately the customer was active", zh = "最近活跃情况" }
--! columns = [
--!   "activity_recency", "activity_rhythm", "activity_silence", "activity_missed",
--! ]
--! [themes.breadth]
--! title = { en = "How much of the offer is used", zh = "使用广度" }
--! columns = [
--!   "activity_breadth_30", "activity_breadth_90", "activity_breadth_365",
--!   "activity_breadth_trend",
--! ]
--! [themes.logins]
--! title = { en = "Logins", zh = "登录情况" }
--! columns = ["login_recency", "logins_30", "logins_trend"]
--! [themes.activity_history]
--! title = { en = "How long and how much ever", zh = "历史积累" }
--! fixed = true
--! columns = ["activity_tenure", "activity_count", "activity_quantity"]
--! [columns.activity_recency]
--! title = { en = "Days since the last activity", zh = "距上次活跃天数" }
--! unit = "days"
--! [columns.activity_tenure]
--! title = { en = "Days since the first activity", zh = "距首次活跃天数" }
--! unit = "days"
--! [columns.activity_rhythm]
--! title = { en = "Silence, as a multiple of the customer's own usual gap", zh = "静默时长（为该客户平时活跃间隔的倍数）" }
--! unit = "number"
--! doc = { en = "The mean gap between active days, at least one day; missing with fewer than two active days", zh = "活跃日之间的平均间隔，至少按 1 天计；活跃日不足两天时缺失" }
--! [columns.activity_silence]
--! title = { en = "Days since the last activity or the newest contract's start", zh = "距上次活跃或最近一份合同开始的天数" }
--! unit = "days"
--! doc = { en = "The later of both: who has just renewed is there", zh = "取两者中较晚者：刚续约的客户仍在" }
--! [columns.activity_missed]
--! title = { en = "Active days missed, at the customer's own pace", zh = "按客户自身节奏缺失的活跃天数" }
--! unit = "number"
--! doc = { en = "How many active days the customer's pace of the last year would have had since the last activity or the newest contract's start, days counting as much as all customers were active on them", zh = "自上次活跃或最近一份合同开始以来，按该客户近一年的节奏本应有的活跃天数；每日按全体客户的活跃程度加权" }
--! [columns.activity_trend]
--! title = { en = "Activity of 30 days against the monthly average of the 90 before", zh = "近 30 天活跃次数与此前 90 天月均之比" }
--! unit = "share"
--! of = "activity_count_30"
--! [columns.activity_trend_long]
--! title = { en = "Activity of 90 days against the quarterly average of the 275 before", zh = "近 90 天活跃次数与此前 275 天季均之比" }
--! unit = "share"
--! of = "activity_count_90"
--! [columns.activity_days_trend]
--! title = { en = "Active days of 30 days against the monthly average of the 90 before", zh = "近 30 天活跃天数与此前 90 天月均之比" }
--! unit = "share"
--! of = "activity_days_30"
--! [columns.activity_breadth_trend]
--! title = { en = "Share of what was used in 90 days that was used in the last 30", zh = "近 90 天用过的功能中近 30 天仍在使用的比例" }
--! unit = "share"
--! [columns.activity_count]
--! title = { en = "Activities ever", zh = "累计活跃次数" }
--! unit = "count"
--! [columns.activity_count_7]
--! title = { en = "Activities in 7 days", zh = "近 7 天活跃次数" }
--! unit = "count"
--! [columns.activity_count_30]
--! title = { en = "Activities in 30 days", zh = "近 30 天活跃次数" }
--! unit = "count"
--! [columns.activity_count_90]
--! title = { en = "Activities in 90 days", zh = "近 90 天活跃次数" }
--! unit = "count"
--! [columns.activity_count_180]
--! title = { en = "Activities in 180 days", zh = "近 180 天活跃次数" }
--! unit = "count"
--! [columns.activity_count_365]
--! title = { en = "Activities in 365 days", zh = "近 365 天活跃次数" }
--! unit = "count"
--! [columns.activity_days_7]
--! title = { en = "Active days in 7 days", zh = "近 7 天活跃天数" }
--! unit = "count"
--! [columns.activity_days_30]
--! title = { en = "Active days in 30 days", zh = "近 30 天活跃天数" }
--! unit = "count"
--! [columns.activity_days_90]
--! title = { en = "Active days in 90 days", zh = "近 90 天活跃天数" }
--! unit = "count"
--! [columns.activity_days_180]
--! title = { en = "Active days in 180 days", zh = "近 180 天活跃天数" }
--! unit = "count"
--! [columns.activity_days_365]
--! title = { en = "Active days in 365 days", zh = "近 365 天活跃天数" }
--! unit = "count"
--! [columns.activity_quantity]
--! title = { en = "Activity volume ever", zh = "累计活跃量" }
--! unit = "count"
--! [columns.activity_quantity_30]
--! title = { en = "Activity volume in 30 days", zh = "近 30 天活跃量" }
--! unit = "count"
--! [columns.activity_quantity_90]
--! title = { en = "Activity volume in 90 days", zh = "近 90 天活跃量" }
--! unit = "count"
--! [columns.activity_quantity_365]
--! title = { en = "Activity volume in 365 days", zh = "近 365 天活跃量" }
--! unit = "count"
--! [columns.activity_breadth_30]
--! title = { en = "Different things used in 30 days", zh = "近 30 天使用功能种类" }
--! unit = "count"
--! [columns.activity_breadth_90]
--! title = { en = "Different things used in 90 days", zh = "近 90 天使用功能种类" }
--! unit = "count"
--! [columns.activity_breadth_365]
--! title = { en = "Different things used in 365 days", zh = "近 365 天使用功能种类" }
--! unit = "count"
--! [columns.login_recency]
--! title = { en = "Days since the last login", zh = "距上次登录天数" }
--! unit = "days"
--! doc = { en = "Logins are activity called login, Login, log_in, sign_in or 登录", zh = "登录指名为 login、Login、log_in、sign_in 或 登录 的行为" }
--! [columns.logins_30]
--! title = { en = "Logins in 30 days", zh = "近 30 天登录次数" }
--! unit = "count"
--! [columns.logins_trend]
--! title = { en = "Logins of 30 days against the monthly average of the 90 before", zh = "近 30 天登录次数与此前 90 天月均之比" }
--! unit = "share"
--! of = "logins_30"
--- A window of w days is the w × 24 hours up to the cutoff: it begins with the
--- instant that lies w whole days before the cutoff's end and holds whole days
--- whatever the hour of the cutoff. Elements 1 to 6 are the windows, 7 is
--- everything. A mean gap foretells better than a median one, and costs no list of gaps.
---
--- Silence is judged against three things that leaving is mistaken for: the
--- customer's own pace, a term that has just begun, and days on which nobody is
--- there. One active day and twenty days are added to the pace, so that a
--- newcomer's first days are not taken for their pace.
WITH used AS (
  SELECT customer_key, max(customer_id) AS customer_id,
         usage(coalesce(feature, name), quantity, occurred_at, $as_of, [7, 30, 90, 120, 180, 365], []) AS u,
         usage(NULL, NULL, occurred_at, $as_of, [30, 120], [])
           FILTER (WHERE one_of(name, ['login', 'Login', 'log_in', 'sign_in', '登录'])) AS logins
  FROM activity
  WHERE customer_key IS NOT NULL
  GROUP BY customer_key
),
calendar AS (
  SELECT activity_calendar(u['seen']) AS days
  FROM (
    SELECT usage(NULL, NULL, occurred_at, $as_of, [365], []) AS u
    FROM activity
    WHERE customer_key IS NOT NULL
    GROUP BY customer_key
  )
),
terms AS (
  SELECT customer_key,
         (CAST($as_of AS BIGINT) - CAST(max(started_at) AS BIGINT)) / 86400000000.0 AS age
  FROM subscriptions
  WHERE customer_key IS NOT NULL
  GROUP BY customer_key
),
volume AS (
  SELECT customer_key, customer_id,
         (CAST($as_of AS BIGINT) - CAST(u['last_at'] AS BIGINT)) / 86400000000.0 AS activity_recency,
         (CAST($as_of AS BIGINT) - CAST(u['first_at'] AS BIGINT)) / 86400000000.0 AS activity_tenure,
         nth(u['days'], 7) AS active_days,
         nth(u['counts'], 7) AS activity_count,
         nth(u['counts'], 1) AS activity_count_7,
         nth(u['counts'], 2) AS activity_count_30,
         nth(u['counts'], 3) AS activity_count_90,
         nth(u['counts'], 4) AS activity_count_120,
         nth(u['counts'], 5) AS activity_count_180,
         nth(u['counts'], 6) AS activity_count_365,
         nth(u['days'], 1) AS activity_days_7,
         nth(u['days'], 2) AS activity_days_30,
         nth(u['days'], 3) AS activity_days_90,
         nth(u['days'], 4) AS activity_days_120,
         nth(u['days'], 5) AS activity_days_180,
         nth(u['days'], 6) AS activity_days_365,
         nth(u['quantities'], 7) AS activity_quantity,
         nth(u['quantities'], 2) AS activity_quantity_30,
         nth(u['quantities'], 3) AS activity_quantity_90,
         nth(u['quantities'], 6) AS activity_quantity_365,
         nth(u['breadth'], 2) AS activity_breadth_30,
         nth(u['breadth'], 3) AS activity_breadth_90,
         nth(u['breadth'], 6) AS activity_breadth_365,
         (CAST($as_of AS BIGINT) - CAST(logins['last_at'] AS BIGINT)) / 86400000000.0 AS login_recency,
         nth(logins['counts'], 1) AS logins_30,
         nth(logins['counts'], 2) AS logins_120
  FROM used
),
silence AS (
  SELECT v.*,
         least(v.activity_recency, t.age) AS silence,
         busy_days((SELECT days FROM calendar), least(v.activity_recency, t.age)) AS missed,
         busy_days((SELECT days FROM calendar), least(v.activity_tenure, 365.0)) AS watched
  FROM volume v
  LEFT JOIN terms t ON t.customer_key = v.customer_key
)
SELECT v.customer_id,
       v.activity_recency,
       v.activity_tenure,
       -- A customer seen on one day only has no rhythm of their own yet.
       CASE WHEN v.active_days > 1
            THEN v.activity_recency / greatest((v.activity_tenure - v.activity_recency) / (v.active_days - 1), 1.0)
       END AS activity_rhythm,
       v.silence AS activity_silence,
       v.missed * (v.activity_days_365 + 1) / (v.watched + 20) AS activity_missed,
       (v.activity_count_30 + 1) / ((v.activity_count_120 - v.activity_count_30) / 3.0 + 1) AS activity_trend,
       (v.activity_count_90 + 1) / ((v.activity_count_365 - v.activity_count_90) * 90 / 275.0 + 1) AS activity_trend_long,
       (v.activity_days_30 + 1) / ((v.activity_days_120 - v.activity_days_30) / 3.0 + 1) AS activity_days_trend,
       CASE WHEN v.activity_breadth_90 > 0
            THEN CAST(v.activity_breadth_30 AS DOUBLE) / v.activity_breadth_90
       END AS activity_breadth_trend,
       v.activity_count,
       v.activity_count_7,
       v.activity_count_30,
       v.activity_count_90,
       v.activity_count_180,
       v.activity_count_365,
       v.activity_days_7,
       v.activity_days_30,
       v.activity_days_90,
       v.activity_days_180,
       v.activity_days_365,
       v.activity_quantity,
       v.activity_quantity_30,
       v.activity_quantity_90,
       v.activity_quantity_365,
       v.activity_breadth_30,
       v.activity_breadth_90,
       v.activity_breadth_365,
       v.login_recency,
       coalesce(v.logins_30, 0) AS logins_30,
       -- Who never logged in has no pace to be compared with.
       CASE WHEN v.login_recency IS NOT NULL
            THEN (v.logins_30 + 1) / ((v.logins_120 - v.logins_30) / 3.0 + 1)
       END AS logins_trend
FROM silence v
ORDER BY v.customer_id
