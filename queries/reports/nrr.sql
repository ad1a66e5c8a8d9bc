--! title = { en = "Net revenue retention", zh = "净收入留存率（NRR）" }
--! description = { en = "How much of the recurring revenue a period began with is still there at its end. Gross retention (GRR) counts only what was lost, net retention (NRR) what was gained by expansion, too; customers won back are in columns of their own. Movements are those of the report MRR movements. As base, All movements takes those of the period, as most dashboards do; Customers at start takes only those of customers who paid when the period began, which is what happened to that revenue: choose it for quarters and years.", zh = "期初经常性收入在期末还剩多少。总收入留存率（GRR）只计减少，净收入留存率（NRR）另计扩张；回流的客户单独成列。变动与报表“月度经常性收入变动”一致。口径选“全部变动”为周期内全部变动（多数看板的口径）；选“期初客户”则仅计期初已付费客户的变动，反映该笔收入的真实去向，季度与年度建议使用。" }
--! group = "revenue"
--! grain = "one row per period, currency and breakdown value"
--! chart = { kind = "line", x = "period", y = ["nrr"], series = "breakdown", facet = "currency", complete = "complete", count = "customers" }
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
--! [columns.nrr]
--! title = { en = "NRR", zh = "NRR" }
--! unit = "share"
--! doc = { en = "Net revenue retention, (start + expansion − contraction − churn) / start, without customers won back", zh = "净收入留存率 =（期初 + 扩张 − 收缩 − 流失）÷ 期初，不含回流" }
--! [columns.nrr_with_reactivation]
--! title = { en = "NRR with reactivation", zh = "NRR（含回流）" }
--! unit = "share"
--! doc = { en = "Net revenue retention, customers won back included", zh = "净收入留存率，含回流" }
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

--- Would we grow if we won nobody new?

WITH based AS (
  SELECT
    period,
    currency,
    breakdown,
    start_mrr,
    CAST(start_mrr AS DOUBLE) AS base,
    CAST(CASE $base WHEN 'start' THEN of_start_expansion ELSE expansion END AS DOUBLE) AS gained,
    CAST(CASE $base WHEN 'start' THEN of_start_reactivation ELSE reactivation END AS DOUBLE) AS regained,
    CAST(
      CASE $base WHEN 'start' THEN of_start_contraction + of_start_churn ELSE contraction + churn END AS DOUBLE
    ) AS lost,
    CAST(new_mrr + expansion AS DOUBLE) AS all_gained,
    CAST(reactivation AS DOUBLE) AS all_regained,
    CAST(contraction + churn AS DOUBLE) AS all_lost,
    start_customers AS customers,
    complete
  FROM mrr_periods
  WHERE ($from IS NULL OR period >= period_add($period, $from, 0))
    AND ($to IS NULL OR period <= $to)
)
SELECT
  period,
  currency,
  breakdown,
  start_mrr,
  CASE WHEN base > 0 THEN (base - lost) / base END AS grr,
  CASE WHEN base > 0 THEN (base + gained - lost) / base END AS nrr,
  CASE WHEN base > 0 THEN (base + gained + regained - lost) / base END AS nrr_with_reactivation,
  CASE WHEN all_lost > 0 THEN all_gained / all_lost END AS quick_ratio,
  CASE WHEN all_lost > 0 THEN (all_gained + all_regained) / all_lost END AS quick_ratio_with_reactivation,
  customers,
  complete
FROM based
ORDER BY period, currency NULLS FIRST, breakdown NULLS FIRST
