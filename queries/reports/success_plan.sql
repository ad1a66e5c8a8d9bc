--! title = { en = "90-day success plan", zh = "签约后 90 天成功计划" }
--! description = { en = "Whether customers who were looked after in the first weeks stay longer. The plan has six steps after the first contract started: a contact in each of weeks 1 to 4, a meeting in week 6, and a survey answered or a contact in week 9; it counts as followed from Steps needed on. Compared is who has a running contract on day 180, among customers who had one on day 90 (so that nobody counts as followed merely for having stayed long enough) and whose day 180 is over. This is association, not effect: whom sellers call is no accident, and customers who want to stay answer the phone.", zh = "签约初期得到跟进的客户是否留得更久。计划共六步，自首份合同开始起计：第 1 至 4 周每周一次联系，第 6 周一次会议，第 9 周完成一次问卷或联系；完成“最少步数”及以上视为执行了计划。比较对象为第 90 天仍有在用合同、且第 180 天已过的客户（避免仅因留得够久才完成计划），看第 180 天是否仍有在用合同。结果为相关而非因果：销售联系谁并非随机，愿意留下的客户也更愿意接电话。" }
--! group = "process"
--! grain = "two rows per breakdown value: plan followed and not followed"
--! chart = { kind = "bar", x = "plan", y = ["share"], series = "breakdown", low = "low", high = "high", count = "customers" }
--!
--! [params.from]
--! title = { en = "From", zh = "起始日期" }
--! type = "date"
--! up_to = "to"
--! doc = { en = "Only customers whose first contract started on or after this day", zh = "仅统计首份合同在该日（含）之后开始的客户" }
--! [params.to]
--! title = { en = "To", zh = "截止日期" }
--! type = "date"
--! doc = { en = "Only customers whose first contract started on or before this day", zh = "仅统计首份合同在该日（含）之前开始的客户" }
--! [params.min_steps]
--! title = { en = "Steps needed", zh = "最少步数" }
--! type = "integer"
--! default = 3
--! doc = { en = "From how many of the six steps on the plan counts as followed", zh = "六步中至少完成几步视为执行了计划" }
--!
--! [columns.plan]
--! title = { en = "Plan", zh = "计划" }
--! unit = "code"
--! doc = { en = "Whether at least as many steps were done as Steps needed says", zh = "完成的步数是否达到“最少步数”" }
--! [columns.customers]
--! title = { en = "Customers", zh = "客户数" }
--! unit = "count"
--! doc = { en = "Customers with a running contract on day 90 whose day 180 is over", zh = "第 90 天有在用合同且第 180 天已过的客户数" }
--! [columns.stayed]
--! title = { en = "Stayed", zh = "留下的客户" }
--! unit = "count"
--! doc = { en = "Of these, with a running contract on day 180", zh = "其中第 180 天仍有在用合同的" }
--! [columns.share]
--! title = { en = "Stayed, share", zh = "留存率" }
--! unit = "share"
--! doc = { en = "Stayed divided by customers", zh = "留下的客户 ÷ 客户数" }
--! [columns.difference]
--! title = { en = "Difference", zh = "差值" }
--! unit = "points"
--! doc = { en = "Share with the plan minus share without; in the row of those who had it", zh = "执行计划者的留存率减未执行者的留存率，仅列于执行行" }
--! [columns.difference_low]
--! title = { en = "Difference, low", zh = "差值下限" }
--! unit = "points"
--! doc = { en = "Lower end of the difference's 95 % interval (Newcombe); an interval that holds 0 is compatible with no difference", zh = "差值 95% 区间下限（Newcombe）；区间含 0 即与无差异相容" }
--! [columns.difference_high]
--! title = { en = "Difference, high", zh = "差值上限" }
--! unit = "points"
--! doc = { en = "Upper end of the difference's 95 % interval (Newcombe)", zh = "差值 95% 区间上限（Newcombe）" }
--! [columns.week_1]
--! title = { en = "Week 1: onboarding", zh = "第 1 周：上手引导" }
--! unit = "count"
--! doc = { en = "Customers contacted on days 0 to 7 by a person: a call, meeting, visit, demo or task, or a seller's own message; mass mail is none", zh = "第 0 至 7 天内有人工联系的客户数：电话、会议、拜访、演示、任务，或销售亲自发送的消息；群发不计" }
--! [columns.week_2]
--! title = { en = "Week 2", zh = "第 2 周" }
--! unit = "count"
--! doc = { en = "Customers contacted on days 8 to 14", zh = "第 8 至 14 天内有联系的客户数" }
--! [columns.week_3]
--! title = { en = "Week 3", zh = "第 3 周" }
--! unit = "count"
--! doc = { en = "Customers contacted on days 15 to 21", zh = "第 15 至 21 天内有联系的客户数" }
--! [columns.week_4]
--! title = { en = "Week 4: usage tips", zh = "第 4 周：使用技巧" }
--! unit = "count"
--! doc = { en = "Customers contacted on days 22 to 28", zh = "第 22 至 28 天内有联系的客户数" }
--! [columns.week_6]
--! title = { en = "Week 6: meeting", zh = "第 6 周：会议" }
--! unit = "count"
--! doc = { en = "Customers with a meeting, visit or demo on days 36 to 42", zh = "第 36 至 42 天内有会议、拜访或演示的客户数" }
--! [columns.week_9]
--! title = { en = "Week 9: satisfaction", zh = "第 9 周：满意度" }
--! unit = "count"
--! doc = { en = "Customers who answered a survey or were contacted on days 57 to 63", zh = "第 57 至 63 天内完成问卷或有联系的客户数" }
--!
--! [labels]
--! followed = { en = "Plan followed", zh = "已执行计划" }
--! not_followed = { en = "Plan not followed", zh = "未执行计划" }

--- Is the plan worth its calls? A contract runs from the local day it started to
--- the day before it ended, as in the report `mrr`. Each customer is taken once
--- for each of the two rows and counts in one: both rows are then always there,
--- and know of each other for the difference.

WITH contracts AS (
  SELECT
    customer_key,
    started_at,
    min(started_at) OVER (PARTITION BY customer_key) AS signed_at,
    period_index('day', period('day', started_at, $tz)) AS first_day,
    period_index('day', period('day', ended_at, $tz)) AS end_day
  FROM subscriptions
  WHERE customer_key IS NOT NULL
),
signings AS (
  SELECT
    customer_key,
    signed_at,
    signed_day,
    bool_or(first_day <= signed_day + 180 AND coalesce(end_day > signed_day + 180, TRUE)) AS has_stayed
  FROM (
    SELECT *, period_index('day', period('day', signed_at, $tz)) AS signed_day FROM contracts
  )
  WHERE period_complete('day', period_add('day', period('day', signed_at, $tz), 180), $as_of, $tz)
    AND ($from IS NULL OR period('day', signed_at, $tz) >= $from)
    AND ($to IS NULL OR period('day', signed_at, $tz) <= $to)
  GROUP BY customer_key, signed_at, signed_day
  HAVING bool_or(first_day <= signed_day + 90 AND coalesce(end_day > signed_day + 90, TRUE))
),
made AS (
  SELECT customer_key, occurred_at, kind FROM contacts
  UNION ALL
  SELECT customer_key, occurred_at, 'survey' FROM surveys WHERE customer_key IS NOT NULL
),
dated AS (
  SELECT
    signings.customer_key,
    signings.has_stayed,
    made.kind,
    -- Day 0 belongs to week 1.
    (greatest(period_index('day', period('day', made.occurred_at, $tz)) - signings.signed_day, 1) + 6) / 7 AS week
  FROM signings
  LEFT JOIN made ON made.customer_key = signings.customer_key AND made.occurred_at >= signings.signed_at
),
done AS (
  SELECT
    customer_key,
    has_stayed,
    CAST(coalesce(bool_or(week = 1 AND kind <> 'survey'), FALSE) AS BIGINT) AS week_1,
    CAST(coalesce(bool_or(week = 2 AND kind <> 'survey'), FALSE) AS BIGINT) AS week_2,
    CAST(coalesce(bool_or(week = 3 AND kind <> 'survey'), FALSE) AS BIGINT) AS week_3,
    CAST(coalesce(bool_or(week = 4 AND kind <> 'survey'), FALSE) AS BIGINT) AS week_4,
    CAST(coalesce(bool_or(week = 6 AND kind IN ('meeting', 'visit', 'demo')), FALSE) AS BIGINT) AS week_6,
    CAST(coalesce(bool_or(week = 9), FALSE) AS BIGINT) AS week_9
  FROM dated
  GROUP BY customer_key, has_stayed
),
members AS (
  SELECT
    $breakdown AS breakdown,
    done.*,
    rows.plan,
    (week_1 + week_2 + week_3 + week_4 + week_6 + week_9 >= $min_steps) = (rows.plan = 'followed') AS is_here
  FROM done
  LEFT JOIN customers ON customers.customer_key = done.customer_key
  CROSS JOIN (VALUES ('followed'), ('not_followed')) AS rows (plan)
),
counted AS (
  SELECT
    breakdown,
    plan,
    count(*) FILTER (WHERE is_here) AS customers,
    count(*) FILTER (WHERE is_here AND has_stayed) AS stayed,
    count(*) FILTER (WHERE NOT is_here) AS others,
    count(*) FILTER (WHERE NOT is_here AND has_stayed) AS others_stayed,
    count(*) FILTER (WHERE is_here AND week_1 = 1) AS week_1,
    count(*) FILTER (WHERE is_here AND week_2 = 1) AS week_2,
    count(*) FILTER (WHERE is_here AND week_3 = 1) AS week_3,
    count(*) FILTER (WHERE is_here AND week_4 = 1) AS week_4,
    count(*) FILTER (WHERE is_here AND week_6 = 1) AS week_6,
    count(*) FILTER (WHERE is_here AND week_9 = 1) AS week_9
  FROM members
  GROUP BY breakdown, plan
)
SELECT
  plan,
  breakdown,
  customers,
  stayed,
  CASE WHEN customers > 0 THEN CAST(stayed AS DOUBLE) / customers END AS share,
  wilson(stayed, customers)['low'] AS low,
  wilson(stayed, customers)['high'] AS high,
  CASE WHEN plan = 'followed' AND customers > 0 AND others > 0
    THEN CAST(stayed AS DOUBLE) / customers - CAST(others_stayed AS DOUBLE) / others
  END AS difference,
  CASE WHEN plan = 'followed' THEN newcombe(stayed, customers, others_stayed, others)['low'] END AS difference_low,
  CASE WHEN plan = 'followed' THEN newcombe(stayed, customers, others_stayed, others)['high'] END AS difference_high,
  week_1,
  week_2,
  week_3,
  week_4,
  week_6,
  week_9
FROM counted
ORDER BY breakdown NULLS FIRST, plan
