--! title = { en = "MRR movements", zh = "月度经常性收入变动" }
--! description = { en = "Where monthly recurring revenue came from and went to. In every row, exactly: end = start + new + expansion + reactivation − contraction − churn. A contract counts from the local day it started to the day before it ended. New: the customer's first paying day; reactivation: paying again after at least a day without; churn: nothing is left in any currency; expansion and contraction: every other rise and fall, moving to another currency among them. Changes of one customer on one day are netted; changes on different days of a period are not, so that months add up to quarters. Amounts are kept apart by currency, those without one included; `from` and `to` show the whole periods that hold them.", zh = "月度经常性收入（MRR）的来源与去向。每一行严格满足：期末 = 期初 + 新增 + 扩张 + 回流 − 收缩 − 流失。合同自开始当日计至终止前一日。新增：客户首个付费日；回流：中断至少一天后再次付费；流失：所有币种均不再付费；扩张与收缩：其余增减，包括更换币种。同一客户同一天的变动相抵，同一周期内不同日期的变动不相抵，因此各月之和等于季度。不同币种分开统计，未注明币种者单独列示；from 与 to 按其所在的整个周期显示。" }
--! group = "revenue"
--! grain = "one row per period, currency and breakdown value, from the first paying contract of each to the report's date"
--! chart = { kind = "line", x = "period", y = ["end_mrr"], series = "breakdown", facet = "currency", complete = "complete", count = "customers" }
--!
--! [columns.start_mrr]
--! title = { en = "MRR at start", zh = "期初 MRR" }
--! unit = "money"
--! doc = { en = "Monthly recurring revenue when the period began", zh = "周期开始时的月度经常性收入" }
--! [columns.new_mrr]
--! title = { en = "New", zh = "新增" }
--! unit = "money"
--! doc = { en = "Of customers who never paid before", zh = "首次付费的客户" }
--! [columns.expansion]
--! title = { en = "Expansion", zh = "扩张" }
--! unit = "money"
--! doc = { en = "More from customers who paid already", zh = "既有客户的增加额" }
--! [columns.reactivation]
--! title = { en = "Reactivation", zh = "回流" }
--! unit = "money"
--! doc = { en = "Of customers who had stopped paying and pay again", zh = "曾停止付费后恢复的客户" }
--! [columns.contraction]
--! title = { en = "Contraction", zh = "收缩" }
--! unit = "money"
--! doc = { en = "Less from customers who still pay", zh = "仍在付费客户的减少额" }
--! [columns.churn]
--! title = { en = "Churn", zh = "流失" }
--! unit = "money"
--! doc = { en = "Of customers whose last contract ended", zh = "最后一份合同终止的客户" }
--! [columns.end_mrr]
--! title = { en = "MRR at end", zh = "期末 MRR" }
--! unit = "money"
--! doc = { en = "Monthly recurring revenue when the period ended, or at the report's date", zh = "周期结束时（或报表日期）的月度经常性收入" }
--! [columns.new_customers]
--! title = { en = "New customers", zh = "新客户" }
--! unit = "count"
--! doc = { en = "Customers who paid for the first time", zh = "首次付费的客户数" }
--! [columns.churned_customers]
--! title = { en = "Churned customers", zh = "流失客户" }
--! unit = "count"
--! doc = { en = "Customers whose last contract ended", zh = "最后一份合同终止的客户数" }
--! [columns.customers]
--! title = { en = "Customers", zh = "客户数" }
--! unit = "count"
--! doc = { en = "Customers who paid in this currency at the end", zh = "期末在该币种付费的客户数" }

--- Is recurring revenue growing, and out of what? The changes and their classes
--- are in `queries/parts/mrr_changes.sql`.

SELECT
  period,
  currency,
  breakdown,
  start_mrr,
  new_mrr,
  expansion,
  reactivation,
  contraction,
  churn,
  end_mrr,
  new_customers,
  churned_customers,
  end_customers AS customers,
  complete
FROM mrr_periods
WHERE ($from IS NULL OR period >= period_add($period, $from, 0))
  AND ($to IS NULL OR period <= $to)
ORDER BY period, currency NULLS FIRST, breakdown NULLS FIRST
