--! title = { en = "What changed the NPS", zh = "NPS 变化归因" }
--! description = { en = "Whether the NPS changed against the period before, and for whom. The change is split by the breakdown into what changed within each group, and what changed because the mix of customers who answered did; the rows add up exactly to the change. The mix of a group is negative if its weight grew while it is below average; a group that answered in one of the periods only is all mix. A change of the total within chance needs no explanation, and a split of it explains nothing.", zh = "与上期相比 NPS 是否变化、变在哪些客户。变化按分组拆为组内影响（该组回答变了）与结构影响（作答客户的构成变了），各行之和严格等于总变化。低于平均的分组占比上升时，其结构影响为负；仅在一期有回答的分组全部计入结构影响。总变化若属正常波动，则无需解释，拆分也说明不了什么。" }
--! group = "voice"
--! grain = "one row per breakdown value with an answer in either period, and a total row with breakdown null"
--! chart = { kind = "bar", x = "breakdown", y = ["within_effect", "mix_effect"] }
--!
--! [params.period]
--! title = { en = "Period", zh = "周期" }
--! type = "choice"
--! default = "month"
--! choices = ["month", "quarter", "year"]
--! doc = { en = "Length of the two periods compared", zh = "所比较的两期的周期长度" }
--! [params.day]
--! title = { en = "Period of", zh = "所在周期" }
--! type = "date"
--! doc = { en = "Compare the period that holds this day with the one before it; by default the last period that has ended", zh = "比较该日期所在周期与其前一周期；默认取最近一个已结束的周期" }
--! [params.breakdown]
--! title = { en = "Breakdown", zh = "分组" }
--! type = "breakdown"
--! default = "segment"
--! doc = { en = "none, segment, channel, region, industry, owner, status, or the name of a customer attribute", zh = "none（不分组）、segment（分层）、channel（渠道）、region（地区）、industry（行业）、owner（负责人）、status（状态），或客户自定义属性名" }
--!
--! [columns.breakdown]
--! title = { en = "Breakdown", zh = "分组" }
--! absent = { en = "Total", zh = "合计" }
--! unit = "text"
--! doc = { en = "Value of the breakdown, (no value) for customers without one; empty in the total row", zh = "分组值，无该值的客户为 (no value)；合计行留空" }
--! [columns.period]
--! title = { en = "Period", zh = "本期" }
--! unit = "date"
--! doc = { en = "First day of the period", zh = "本期首日" }
--! [columns.answers_before]
--! title = { en = "Answers before", zh = "上期回答数" }
--! unit = "count"
--! doc = { en = "Customers who answered in the period before", zh = "上期作答客户数" }
--! [columns.answers]
--! title = { en = "Answers", zh = "本期回答数" }
--! unit = "count"
--! doc = { en = "Customers who answered in the period; of several answers the latest counts", zh = "本期作答客户数；多次作答的只计最近一次" }
--! [columns.nps_before]
--! title = { en = "NPS before", zh = "上期 NPS" }
--! unit = "score"
--! doc = { en = "NPS of the period before", zh = "上期的 NPS" }
--! [columns.nps_before_low]
--! title = { en = "NPS before, low", zh = "上期 NPS 下限" }
--! unit = "score"
--! doc = { en = "Lower end of its 95 % interval (adjusted Wald)", zh = "上期 NPS 95% 区间下限（校正 Wald）" }
--! [columns.nps_before_high]
--! title = { en = "NPS before, high", zh = "上期 NPS 上限" }
--! unit = "score"
--! doc = { en = "Upper end of its 95 % interval (adjusted Wald)", zh = "上期 NPS 95% 区间上限（校正 Wald）" }
--! [columns.nps]
--! title = { en = "NPS", zh = "本期 NPS" }
--! unit = "score"
--! doc = { en = "NPS of the period", zh = "本期的 NPS" }
--! [columns.nps_low]
--! title = { en = "NPS, low", zh = "本期 NPS 下限" }
--! unit = "score"
--! doc = { en = "Lower end of its 95 % interval (adjusted Wald)", zh = "本期 NPS 95% 区间下限（校正 Wald）" }
--! [columns.nps_high]
--! title = { en = "NPS, high", zh = "本期 NPS 上限" }
--! unit = "score"
--! doc = { en = "Upper end of its 95 % interval (adjusted Wald)", zh = "本期 NPS 95% 区间上限（校正 Wald）" }
--! [columns.change]
--! title = { en = "Change", zh = "变化" }
--! unit = "score"
--! doc = { en = "NPS minus NPS before, in points. Its interval takes the periods for independent samples; where the same customers answer both times it is too wide rather than too narrow", zh = "本期减上期，单位为分。其区间视两期为独立样本；同一批客户两期均作答时，区间偏宽而非偏窄" }
--! [columns.low]
--! title = { en = "Low", zh = "区间下限" }
--! unit = "score"
--! doc = { en = "Lower end of the change's 95 % interval (Newcombe)", zh = "变化的 95% 区间下限（Newcombe）" }
--! [columns.high]
--! title = { en = "High", zh = "区间上限" }
--! unit = "score"
--! doc = { en = "Upper end of the change's 95 % interval (Newcombe)", zh = "变化的 95% 区间上限（Newcombe）" }
--! [columns.within_effect]
--! title = { en = "Within the group", zh = "组内影响" }
--! unit = "score"
--! doc = { en = "Points of the total change because this group answered otherwise: mean of both periods' shares of the answers × change of its NPS (symmetric decomposition as by Bennet and Oaxaca)", zh = "因该组回答变化而带来的总体变化（分）：两期回答占比的均值 × 该组 NPS 的变化（Bennet / Oaxaca 式对称分解）" }
--! [columns.mix_effect]
--! title = { en = "Mix", zh = "结构影响" }
--! unit = "score"
--! doc = { en = "Points of the total change because this group's weight changed: change of its share of the answers × (mean of both periods' NPS of the group − that of the total)", zh = "因该组占比变化而带来的总体变化（分）：回答占比的变化 ×（该组两期 NPS 均值 − 总体两期 NPS 均值）" }
--! [columns.note]
--! title = { en = "Note", zh = "备注" }
--! unit = "code"
--! doc = { en = "Of the total: beyond chance if its interval does not hold 0, else within chance", zh = "仅合计行：区间不含 0 为超出正常波动，否则属正常波动" }

--- Did the NPS change, and for whom? GROUPING SETS gives the total beside the
--- segments in one pass. Effects are added up as decimals, so that their sum does
--- not depend on the order of the rows.

WITH compared AS (
  SELECT
    coalesce(
      period_index($period, $day),
      period_index($period, period($period, $as_of, $tz))
        - CASE WHEN period_complete($period, period($period, $as_of, $tz), $as_of, $tz) THEN 0 ELSE 1 END
    ) AS this_no
),
answers AS (
  SELECT
    surveys.customer_key,
    period_index($period, period($period, surveys.occurred_at, $tz)) = compared.this_no AS is_now,
    compared.this_no,
    latest(surveys.score, surveys.occurred_at, surveys.known_at, surveys.response_id) AS score
  FROM compared
  CROSS JOIN surveys
  WHERE coalesce(surveys.kind, 'nps') = 'nps'
    AND surveys.score IS NOT NULL
    AND compared.this_no - period_index($period, period($period, surveys.occurred_at, $tz)) BETWEEN 0 AND 1
  GROUP BY 1, 2, 3
),
broken_down AS (
  SELECT
    coalesce($breakdown, '(no value)') AS breakdown,
    $breakdown IS NOT NULL AS has_value,
    answers.is_now,
    answers.this_no,
    CASE WHEN answers.score >= 9 THEN 1 WHEN answers.score <= 6 THEN -1 ELSE 0 END AS vote
  FROM answers
  LEFT JOIN customers ON customers.customer_key = answers.customer_key
),
counted AS (
  SELECT
    breakdown,
    grouping(breakdown) AS is_total,
    bool_or(has_value) AS has_value,
    max(this_no) AS this_no,
    count(*) FILTER (WHERE is_now) AS n,
    count(*) FILTER (WHERE is_now AND vote > 0) AS promoters,
    count(*) FILTER (WHERE is_now AND vote < 0) AS detractors,
    count(*) FILTER (WHERE NOT is_now) AS n_before,
    count(*) FILTER (WHERE NOT is_now AND vote > 0) AS promoters_before,
    count(*) FILTER (WHERE NOT is_now AND vote < 0) AS detractors_before
  FROM broken_down
  GROUP BY GROUPING SETS ((breakdown), ())
  HAVING count(*) > 0
),
scored AS (
  SELECT
    *,
    CAST(n AS DOUBLE) / nullif(max(n) OVER (), 0) AS weight,
    CAST(n_before AS DOUBLE) / nullif(max(n_before) OVER (), 0) AS weight_before,
    CASE WHEN n > 0 THEN CAST(100 * (promoters - detractors) AS DOUBLE) / n END AS nps,
    CASE WHEN n_before > 0 THEN CAST(100 * (promoters_before - detractors_before) AS DOUBLE) / n_before END
      AS nps_before,
    nps_interval(promoters, detractors, n) AS span,
    nps_interval(promoters_before, detractors_before, n_before) AS span_before
  FROM counted
),
-- Of a segment that did not answer in one period, the NPS of the other is taken.
split AS (
  SELECT
    *,
    nps - nps_before AS change,
    nps - nps_before - sqrt(power(nps - span['low'], 2) + power(span_before['high'] - nps_before, 2)) AS low,
    nps - nps_before + sqrt(power(span['high'] - nps, 2) + power(nps_before - span_before['low'], 2)) AS high,
    (weight + weight_before) / 2 * (coalesce(nps, nps_before) - coalesce(nps_before, nps)) AS within_effect,
    (weight - weight_before) * (
      (coalesce(nps, nps_before) + coalesce(nps_before, nps)) / 2
        - max((nps + nps_before) / 2) FILTER (WHERE is_total = 1) OVER ()
    ) AS mix_effect
  FROM scored
),
added AS (
  SELECT
    *,
    CAST(sum(CAST(within_effect AS DECIMAL(24, 12))) FILTER (WHERE is_total = 0) OVER () AS DOUBLE) AS within_sum,
    CAST(sum(CAST(mix_effect AS DECIMAL(24, 12))) FILTER (WHERE is_total = 0) OVER () AS DOUBLE) AS mix_sum,
    bool_or(has_value) OVER () AS is_split
  FROM split
)
SELECT
  breakdown,
  period_add($period, DATE '1970-01-01', this_no) AS period,
  n_before AS answers_before,
  n AS answers,
  nps_before,
  span_before['low'] AS nps_before_low,
  span_before['high'] AS nps_before_high,
  nps,
  span['low'] AS nps_low,
  span['high'] AS nps_high,
  change,
  low,
  high,
  CASE is_total WHEN 1 THEN within_sum ELSE within_effect END AS within_effect,
  CASE is_total WHEN 1 THEN mix_sum ELSE mix_effect END AS mix_effect,
  CASE
    WHEN is_total = 1 AND (low > 0 OR high < 0) THEN 'beyond_chance'
    WHEN is_total = 1 AND change IS NOT NULL THEN 'within_chance'
  END AS note,
  period_complete($period, period_add($period, DATE '1970-01-01', this_no), $as_of, $tz) AS complete
FROM added
WHERE is_split OR is_total = 1
ORDER BY is_total, breakdown
