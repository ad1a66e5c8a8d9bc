--! title = { en = "Net revenue retention", zh = "净收入留存率（NRR）" }
--! description = { en = "How much of the recurring revenue a period began with is still there at its end. Gross retention (GRR) counts only what was lost, net retention (NRR) what was gained by expansion, too; customers won back are in columns of their own. Movements are those of the report MRR movements. As base, All movements takes those of the period, as most dashboards do; Customers at start takes only those of customers who paid when the period began, which is what happened to that revenue: choose it for quarters and years.", zh = "期初经常性收入在期末还剩多少。总收入留存率（GRR）只计减少，净收入留存率（NRR）另计扩张；回流的客户单独成列。变动与报表“月度经常性收入变动”一致。口径选“全部变动”为周期内全部变动（多数看板的口径）；选“期初客户”则仅计期初已付费客户的变动，反映该笔收入的真实去向，季度与年度建议使用。" }
--! group = "revenue"
--! grain = "one row per period, currency and breakdown value"
--! chart = { kind = "line", x = "period", y = ["nrr"], series = "breakdown", facet = "currency", low = "nrr_low", high = "nrr_high", complete = "complete", count = "customers" }
--!
--! [params.base]
--! title = { en = "Base", zh = "口径" }
--! type = "choice"
--! default = "movements"
--! choices = ["movements", "start"]
--! doc = { en = "All movements of the period, or only those of customers who paid when it began", zh = "周期内全部变动，或仅期初已付费客户的变动" }
--!
--! [columns.start_mrr]
--! title = { en = "MRR at start", zh = "期初 MRR" }
--! unit = "money"
--! doc = { en = "Monthly recurring revenue when the period began", zh = "周期开始时的月度经常性收入" }
--! [columns.grr]
--! title = { en = "GRR", zh = "GRR" }
--! unit = "share"
--! doc = { en = "Gross revenue retention, (start − contraction − churn) / start; empty when nothing was there at the start", zh = "总收入留存率 =（期初 − 收缩 − 流失）÷ 期初；期初为零时为空" }
--! [columns.grr_low]
--! title = { en = "GRR, low", zh = "GRR 下限" }
--! unit = "share"
--! doc = { en = "Lower end of its 95 % interval (Wilson, customers counting as many as what they paid at the start is worth by Kish); empty if GRR is below 0", zh = "GRR 95% 区间下限（Wilson，客户按期初金额加权、以 Kish 有效样本量计）；GRR 为负时为空" }
--! [columns.grr_high]
--! title = { en = "GRR, high", zh = "GRR 上限" }
--! unit = "share"
--! doc = { en = "Upper end of its 95 % interval (Wilson, by Kish)", zh = "GRR 95% 区间上限（Wilson，Kish 有效样本量）" }
--! [columns.nrr]
--! title = { en = "NRR", zh = "NRR" }
--! unit = "share"
--! doc = { en = "Net revenue retention, (start + expansion − contraction − churn) / start, without customers won back", zh = "净收入留存率 =（期初 + 扩张 − 收缩 − 流失）÷ 期初，不含回流" }
--! [columns.nrr_low]
--! title = { en = "NRR, low", zh = "NRR 下限" }
--! unit = "share"
--! doc = { en = "Lower end of its 95 % interval: that of GRR, joined as by Newcombe with that of what was gained, ± 1.96 × √(sum of the squares of how far each customer moves it); not below 0, empty if more was lost than there was at the start, and too narrow with fewer than fifty customers of whom hardly any moved", zh = "NRR 95% 区间下限：以 Newcombe 法合并 GRR 的区间与扩张部分的区间，后者为 ± 1.96 × √（各客户影响的平方和）；不低于 0，流失超过期初金额时为空；客户少于五十且几乎没有变动时偏窄" }
--! [columns.nrr_high]
--! title = { en = "NRR, high", zh = "NRR 上限" }
--! unit = "share"
--! doc = { en = "Upper end of its 95 % interval", zh = "NRR 95% 区间上限" }
--! [columns.nrr_with_reactivation]
--! title = { en = "NRR with reactivation", zh = "NRR（含回流）" }
--! unit = "share"
--! doc = { en = "Net revenue retention, customers won back included", zh = "净收入留存率，含回流" }
--! [columns.nrr_with_reactivation_low]
--! title = { en = "NRR with reactivation, low", zh = "NRR（含回流）下限" }
--! unit = "share"
--! doc = { en = "Lower end of its 95 % interval, made like that of NRR", zh = "NRR（含回流）95% 区间下限，算法同 NRR" }
--! [columns.nrr_with_reactivation_high]
--! title = { en = "NRR with reactivation, high", zh = "NRR（含回流）上限" }
--! unit = "share"
--! doc = { en = "Upper end of its 95 % interval", zh = "NRR（含回流）95% 区间上限" }
--! [columns.quick_ratio]
--! title = { en = "Quick ratio", zh = "SaaS 速动比率" }
--! unit = "number"
--! doc = { en = "(new + expansion) / (contraction + churn), all movements; empty when nothing was lost", zh = "（新增 + 扩张）÷（收缩 + 流失），计全部变动；无减少时为空" }
--! [columns.quick_ratio_with_reactivation]
--! title = { en = "Quick ratio with reactivation", zh = "SaaS 速动比率（含回流）" }
--! unit = "number"
--! doc = { en = "The same, customers won back counted as gained", zh = "同上，回流计为获得" }
--! [columns.customers]
--! title = { en = "Customers at start", zh = "期初客户数" }
--! unit = "count"
--! doc = { en = "Customers who paid in this currency when the period began", zh = "期初在该币种付费的客户数" }
--!
--! [labels]
--! movements = { en = "All movements", zh = "全部变动" }
--! start = { en = "Customers at start", zh = "期初客户" }

--- Would we grow if we won nobody new? GRR is a share kept by customers of unequal
--- weight, so its interval is Wilson's of as many as their weights are worth. What
--- is gained has no upper end: there a customer counts by how far they move it, from
--- sums in `queries/parts/mrr_periods.sql` that are exact until the division.

WITH chosen AS (
  SELECT
    *,
    CASE $base WHEN 'start' THEN of_start_expansion ELSE expansion END AS gained,
    CASE $base WHEN 'start' THEN of_start_reactivation ELSE reactivation END AS regained,
    CASE $base WHEN 'start' THEN of_start_contraction + of_start_churn ELSE contraction + churn END AS lost,
    CASE $base WHEN 'start' THEN of_start_expansion_squares ELSE expansion_squares END AS gained_squares,
    CASE $base WHEN 'start' THEN of_start_regained_squares ELSE regained_squares END AS all_squares
  FROM mrr_periods
  WHERE ($from IS NULL OR period >= period_add($period, $from, 0))
    AND ($to IS NULL OR period <= $to)
),
widened AS (
  SELECT
    *,
    CAST(start_mrr AS DECIMAL(76, 4)) AS base,
    CAST(gained AS DECIMAL(76, 4)) AS gain,
    CAST(gained + regained AS DECIMAL(76, 4)) AS all_gain
  FROM chosen
),
-- Each spread is the sum of (what a customer gained × base - what they paid × gain)².
based AS (
  SELECT
    period,
    currency,
    breakdown,
    start_mrr,
    CAST(base AS DOUBLE) AS base,
    CAST(gained AS DOUBLE) AS gained,
    CAST(regained AS DOUBLE) AS regained,
    CAST(lost AS DOUBLE) AS lost,
    CAST(base * base AS DOUBLE) / nullif(CAST(start_squares AS DOUBLE), 0) AS worth,
    CAST(base * base * gained_squares - 2 * base * gain * expansion_base + gain * gain * start_squares AS DOUBLE)
      AS gained_spread,
    CAST(base * base * all_squares - 2 * base * all_gain * regained_base + all_gain * all_gain * start_squares AS DOUBLE)
      AS all_spread,
    CAST(new_mrr + expansion AS DOUBLE) AS all_gained,
    CAST(reactivation AS DOUBLE) AS all_regained,
    CAST(contraction + churn AS DOUBLE) AS all_lost,
    start_customers AS customers,
    complete
  FROM widened
),
ratios AS (
  SELECT
    *,
    CASE WHEN base > 0 THEN (base - lost) / base END AS grr,
    CASE WHEN base > 0 THEN (base + gained - lost) / base END AS nrr,
    CASE WHEN base > 0 THEN (base + gained + regained - lost) / base END AS nrr_with_reactivation,
    CASE WHEN base > 0 AND base >= lost THEN wilson((base - lost) / base * worth, worth) END AS grr_ends,
    1.959963984540054 * sqrt(gained_spread) / nullif(base * base, 0) AS gained_reach,
    1.959963984540054 * sqrt(all_spread) / nullif(base * base, 0) AS all_reach
  FROM based
),
-- Newcombe: the ends of what was kept and of what was gained, each from its value.
judged AS (
  SELECT
    *,
    nrr - sqrt(power(grr - grr_ends['low'], 2) + power(gained_reach, 2)) AS nrr_low,
    nrr + sqrt(power(grr_ends['high'] - grr, 2) + power(gained_reach, 2)) AS nrr_high,
    nrr_with_reactivation - sqrt(power(grr - grr_ends['low'], 2) + power(all_reach, 2)) AS nrr_with_reactivation_low,
    nrr_with_reactivation + sqrt(power(grr_ends['high'] - grr, 2) + power(all_reach, 2)) AS nrr_with_reactivation_high
  FROM ratios
)
SELECT
  period,
  currency,
  breakdown,
  start_mrr,
  grr,
  grr_ends['low'] AS grr_low,
  grr_ends['high'] AS grr_high,
  nrr,
  CASE WHEN nrr_low < 0 THEN 0 ELSE nrr_low END AS nrr_low,
  nrr_high,
  nrr_with_reactivation,
  CASE WHEN nrr_with_reactivation_low < 0 THEN 0 ELSE nrr_with_reactivation_low END AS nrr_with_reactivation_low,
  nrr_with_reactivation_high,
  CASE WHEN all_lost > 0 THEN all_gained / all_lost END AS quick_ratio,
  CASE WHEN all_lost > 0 THEN (all_gained + all_regained) / all_lost END AS quick_ratio_with_reactivation,
  customers,
  complete
FROM judged
ORDER BY period, currency NULLS FIRST, breakdown NULLS FIRST
