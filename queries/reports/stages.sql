--! title = { en = "Stage conversion", zh = "阶段转化" }
--! description = { en = "Where deals get stuck, and where they are lost. Each deal counts once per stage, by the day it first entered it: it moved on when it first entered a later stage or was won, and it was lost from the furthest stage it had reached. Conversion is of the deals moved on or lost; deals still in the stage are in neither. The times in the stage, and the share that has moved on within 30 days, count deals still there for as long as they have been (Kaplan–Meier). Stages come from the stage history, in the order in which deals enter them on average.", zh = "商机卡在哪个阶段、在哪里输单。每个商机在每个阶段只计一次，按首次进入日：首次进入更靠后的阶段或赢单为推进，输单计在其到达过的最靠后阶段。转化率只计已推进或输单的商机，仍在该阶段的不计。停留时长与 30 天内推进的比例，按仍在阶段内的商机已停留时长计入（Kaplan–Meier）。阶段依据阶段历史，按商机平均进入次序排列。" }
--! group = "sales"
--! grain = "one row per stage and breakdown value"
--! hint = { en = "It needs deals with a stage history (table opportunity_stages) by the report's date", zh = "需要截至报表日期带阶段历史的商机（表 opportunity_stages）" }
--! chart = { kind = "bar", x = "stage", y = ["conversion"], series = "breakdown", low = "low", high = "high", count = "deals" }
--!
--! [params.from]
--! title = { en = "From", zh = "起始日期" }
--! type = "date"
--! up_to = "to"
--! doc = { en = "Count deals that entered the stage on or after this day", zh = "统计该日（含）之后进入该阶段的商机" }
--!
--! [params.to]
--! title = { en = "To", zh = "截止日期" }
--! type = "date"
--! doc = { en = "Count deals that entered the stage on or before this day", zh = "统计该日（含）之前进入该阶段的商机" }
--!
--! [columns.stage]
--! title = { en = "Stage", zh = "阶段" }
--! unit = "text"
--! doc = { en = "Name of the stage in the source", zh = "来源系统中的阶段名称" }
--! [columns.deals]
--! title = { en = "Entered", zh = "进入" }
--! unit = "count"
--! doc = { en = "Deals that entered the stage", zh = "进入该阶段的商机数" }
--! [columns.moved]
--! title = { en = "Moved on", zh = "推进" }
--! unit = "count"
--! doc = { en = "Deals that entered a later stage or were won", zh = "进入更靠后阶段或赢单的商机数" }
--! [columns.lost]
--! title = { en = "Lost", zh = "输单" }
--! unit = "count"
--! doc = { en = "Deals lost from this stage", zh = "在该阶段输单的商机数" }
--! [columns.open]
--! title = { en = "Still there", zh = "仍在该阶段" }
--! unit = "count"
--! doc = { en = "Deals still in the stage", zh = "仍处于该阶段的商机数" }
--! [columns.conversion]
--! title = { en = "Conversion", zh = "转化率" }
--! unit = "share"
--! doc = { en = "Moved on, divided by moved on and lost", zh = "推进 ÷（推进 + 输单）" }
--! [columns.median_days]
--! title = { en = "Median days", zh = "停留时长中位数（天）" }
--! unit = "days"
--! doc = { en = "Days after which half of the deals have left the stage; empty while not known", zh = "半数商机离开该阶段所需天数；尚不可知时为空" }
--! [columns.p90_days]
--! title = { en = "90 % left after days", zh = "停留时长 P90（天）" }
--! unit = "days"
--! doc = { en = "Days after which nine in ten have left the stage", zh = "九成商机离开该阶段所需天数" }
--! [columns.moved_30d]
--! title = { en = "Moved on in 30 days", zh = "30 天内推进" }
--! unit = "share"
--! doc = { en = "Share that has moved on 30 days after entering; a lost deal has not", zh = "进入后 30 天内推进的比例；输单视为未推进" }
--! [columns.moved_30d_low]
--! title = { en = "Low", zh = "区间下限" }
--! unit = "share"
--! doc = { en = "Lower end of its 95 % band", zh = "其 95% 区间下限" }
--! [columns.moved_30d_high]
--! title = { en = "High", zh = "区间上限" }
--! unit = "share"
--! doc = { en = "Upper end of its 95 % band", zh = "其 95% 区间上限" }

--- Where do deals get stuck, and where are they lost?

WITH visits AS (
  SELECT
    $breakdown_of_stage_entries AS breakdown,
    stage_entries.stage,
    stage_entries.stage_no,
    stage_entries.moved_at IS NOT NULL AS has_moved,
    stage_entries.lost_at IS NOT NULL AS is_lost,
    CAST(coalesce(stage_entries.moved_at, stage_entries.lost_at, $as_of) AS BIGINT)
      - CAST(stage_entries.entered_at AS BIGINT) AS stayed,
    CAST(coalesce(stage_entries.moved_at, $as_of) AS BIGINT)
      - CAST(stage_entries.entered_at AS BIGINT) AS unmoved
  FROM stage_entries
  LEFT JOIN customers ON customers.customer_key = stage_entries.customer_key
  WHERE ($from IS NULL OR period('day', stage_entries.entered_at, $tz) >= $from)
    AND ($to IS NULL OR period('day', stage_entries.entered_at, $tz) <= $to)
),
counted AS (
  SELECT
    breakdown,
    stage,
    stage_no,
    count(*) AS deals,
    count(*) FILTER (WHERE has_moved) AS moved,
    count(*) FILTER (WHERE is_lost) AS lost,
    kaplan_meier(stayed, has_moved OR is_lost) AS staying,
    survival_at(kaplan_meier(unmoved, has_moved), 2592000000000) AS unmoved
  FROM visits
  GROUP BY breakdown, stage, stage_no
)
SELECT
  stage,
  breakdown,
  deals,
  moved,
  lost,
  deals - moved - lost AS open,
  CASE WHEN moved + lost > 0 THEN CAST(moved AS DOUBLE) / (moved + lost) END AS conversion,
  wilson(moved, moved + lost)['low'] AS low,
  wilson(moved, moved + lost)['high'] AS high,
  CAST(survival_time(staying, 0.5) AS DOUBLE) / 86400000000 AS median_days,
  CAST(survival_time(staying, 0.9) AS DOUBLE) / 86400000000 AS p90_days,
  1 - unmoved['share'] AS moved_30d,
  1 - unmoved['high'] AS moved_30d_low,
  1 - unmoved['low'] AS moved_30d_high
FROM counted
ORDER BY stage_no, breakdown NULLS FIRST
