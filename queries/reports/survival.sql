--! title = { en = "Customer survival", zh = "客户存续" }
--! description = { en = "What share of customers is still there after so many months of 30 days (Kaplan–Meier), although many are still there and nobody knows yet for how long. Coming and going is read from activity or from contracts. Coming back later does not undo an end. Everybody is watched only up to one silence (or grace) before the report's date, when it is certain who was still there; customers who began after that do not count. Assumed: customers who began later leave as those before them did at the same age; where the business has changed, compare spans by From and To.", zh = "客户在若干个月（每月 30 天）之后仍然存续的比例（Kaplan–Meier）；许多客户仍在、最终能留多久尚不可知，该方法对此作了处理。开始与终止可按行为或按合同判断。之后再回来不改变已发生的终止。所有客户只观察到报表日期之前一个静默时长（或宽限期）为止，此时谁仍存续是确定的；在此之后才开始的客户不计入。假设：较晚开始的客户与较早开始的客户在相同客龄的流失规律相同；业务有变化时请用起止日期分段对比。" }
--! group = "retention"
--! grain = "one row per breakdown value and month since the start, to the last in which anybody was watched"
--! chart = { kind = "line", x = "age", y = ["share"], series = "breakdown", low = "low", high = "high", count = "at_risk" }
--!
--! [params.clock]
--! title = { en = "Clock", zh = "计时依据" }
--! type = "choice"
--! default = "activity"
--! choices = ["activity", "contract"]
--! doc = { en = "By activity, a customer begins on the first active day and has ended with the last one before the first silence that is too long. By contract, a customer begins with the first one and has ended when none runs any more and none follows within the grace; a contract ends when the source says it ended, not when its term was due", zh = "按行为：自首个活跃日起算，以首次过长的静默之前最后一个活跃日为终点。按合同：自首份合同开始起算，全部合同终止且宽限期内没有新合同即为终止；合同以来源系统记录的实际终止为准，而非约定到期" }
--!
--! [params.silence]
--! title = { en = "Silence", zh = "静默时长" }
--! type = "duration"
--! default = "90d"
--! doc = { en = "By activity: a customer silent for more days than this has ended", zh = "按行为计时：静默天数超过该值即视为终止" }
--!
--! [params.grace]
--! title = { en = "Grace", zh = "宽限期" }
--! type = "duration"
--! default = "30d"
--! doc = { en = "By contract: a customer without one for more days than this has ended", zh = "按合同计时：无合同天数超过该值即视为终止" }
--!
--! [params.activity]
--! title = { en = "Activity", zh = "行为" }
--! type = "activities"
--! default = []
--! doc = { en = "By activity: which counts; empty means any", zh = "按行为计时：计入的行为名称；留空表示任意行为" }
--!
--! [params.from]
--! title = { en = "From", zh = "起始日期" }
--! type = "date"
--! up_to = "to"
--! doc = { en = "Customers who began on or after this day", zh = "在该日（含）之后开始的客户" }
--!
--! [params.to]
--! title = { en = "To", zh = "截止日期" }
--! type = "date"
--! doc = { en = "Customers who began on or before this day", zh = "在该日（含）之前开始的客户" }
--!
--! [columns.age]
--! title = { en = "Month", zh = "客龄（月）" }
--! unit = "number"
--! doc = { en = "Months of 30 days since the start", zh = "自开始以来的月数（每月 30 天）" }
--! [columns.at_risk]
--! title = { en = "At risk", zh = "在观察客户数" }
--! unit = "count"
--! doc = { en = "Customers still there and watched on the first day of the 30 up to this age; at age 0 all customers", zh = "截至该客龄的 30 天内，首日仍存续且仍在观察的客户数；第 0 月为全部客户" }
--! [columns.ended]
--! title = { en = "Ended", zh = "终止客户数" }
--! unit = "count"
--! doc = { en = "Of those, customers who ended in these 30 days; at age 0, on the very day they began, such as those who came only once", zh = "其中在这 30 天内终止的客户数；第 0 月为开始当日即终止的客户数，如只来过一次的客户" }
--! [columns.share]
--! title = { en = "Still there", zh = "存续率" }
--! unit = "share"
--! doc = { en = "Share of customers still there after this age; empty where nobody has been watched so long", zh = "超过该客龄仍存续的客户比例；尚无客户被观察到该客龄时为空" }
--! [columns.median_days]
--! title = { en = "Median days", zh = "存续天数中位数" }
--! unit = "days"
--! absent = { en = "Not reached yet", zh = "尚未达到" }
--! doc = { en = "Days after which half of the customers have ended; empty while more than half are still there", zh = "半数客户终止时的天数；仍有过半客户存续时为空" }
--!
--! [labels]
--! activity = { en = "Activity", zh = "行为" }
--! contract = { en = "Contract", zh = "合同" }

--- How long do customers stay? Days are ordinals. `limits` stands left of each
--- CROSS JOIN: DataFusion 55 keeps the left side in memory and streams the right.

WITH limits AS (
  SELECT
    today,
    tolerance,
    -- The last day of which it is certain who was still there.
    today - tolerance - 1 AS horizon
  FROM (
    SELECT
      period_index('day', period('day', $as_of, $tz)) AS today,
      (
        CAST($as_of AS BIGINT)
          - CAST($as_of - CASE $clock WHEN 'contract' THEN $grace ELSE $silence END AS BIGINT)
      ) / 86400000000 AS tolerance
  )
),
contracts AS (
  SELECT
    customer_key,
    period_index('day', period('day', started_at, $tz)) AS start_no,
    period_index('day', period('day', ended_at, $tz)) AS end_no
  FROM subscriptions
  WHERE $clock = 'contract'
    AND customer_key IS NOT NULL
    AND (ended_at IS NULL OR period('day', ended_at, $tz) > period('day', started_at, $tz))
),
-- The first time that no contract ran any more and none began within the grace.
lapses AS (
  SELECT contracts.customer_key, min(contracts.end_no) AS ended_no
  FROM limits
  CROSS JOIN contracts
  WHERE limits.today - contracts.end_no > limits.tolerance
    AND NOT EXISTS (
      SELECT 1
      FROM contracts AS others
      WHERE others.customer_key = contracts.customer_key
        AND (others.end_no IS NULL OR others.end_no > contracts.end_no)
        AND others.start_no <= contracts.end_no + limits.tolerance
    )
  GROUP BY contracts.customer_key
),
lives AS (
  SELECT
    active_days.customer_key,
    min(active_days.first_no) AS first_no,
    min(active_days.day_no) FILTER (
      WHERE coalesce(active_days.next_no, limits.today) - active_days.day_no > limits.tolerance
    ) AS ended_no
  FROM limits
  CROSS JOIN active_days
  WHERE $clock = 'activity'
  GROUP BY active_days.customer_key
  UNION ALL
  SELECT contracts.customer_key, min(contracts.start_no), min(lapses.ended_no)
  FROM contracts
  LEFT JOIN lapses ON lapses.customer_key = contracts.customer_key
  GROUP BY contracts.customer_key
),
watched AS (
  SELECT
    $breakdown AS breakdown,
    coalesce(lives.ended_no, limits.horizon) - lives.first_no AS days,
    lives.ended_no IS NOT NULL AS has_ended
  FROM limits
  CROSS JOIN lives
  LEFT JOIN customers ON customers.customer_key = lives.customer_key
  WHERE lives.first_no <= limits.horizon
    AND ($from IS NULL OR lives.first_no >= period_index('day', $from))
    AND ($to IS NULL OR lives.first_no <= period_index('day', $to))
),
-- The minimum of the key, not the key itself: DataFusion 55 takes a GROUP BY key
-- for unique even after an unnest beside it, and then drops `age` from ORDER BY.
curves AS (
  SELECT
    min(breakdown) AS breakdown,
    kaplan_meier(days, has_ended) AS curve,
    retained([(days + 29) / 30], 'on_or_after') AS at_risk,
    retained([(days + 29) / 30], 'on') FILTER (WHERE has_ended) AS ended
  FROM watched
  GROUP BY breakdown
),
months AS (
  SELECT
    breakdown,
    curve,
    at_risk,
    ended,
    unnest(range(0, CAST(cardinality(at_risk) AS BIGINT))) AS age
  FROM curves
)
SELECT
  breakdown,
  age,
  array_element(at_risk, age + 1) AS at_risk,
  coalesce(array_element(ended, age + 1), 0) AS ended,
  survival_at(curve, age * 30)['share'] AS share,
  survival_at(curve, age * 30)['low'] AS low,
  survival_at(curve, age * 30)['high'] AS high,
  survival_time(curve, 0.5) AS median_days
FROM months
ORDER BY breakdown NULLS FIRST, age
