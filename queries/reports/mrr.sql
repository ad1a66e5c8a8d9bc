--! title = { en = "MRR movements", zh = "月度经常性收入变动" }
--! description = { en = "Where monthly recurring revenue (MRR) came from and went to. In every row, exactly: end = start + new + expansion + reactivation − contraction − churn. A contract counts from the local day it started to the day before it ended. A customer who moves to another currency contracts in one and expands in the other, and has not churned. Changes of one customer on one day are netted; changes on different days of a period are not, so that months add up to quarters. Amounts are kept apart by currency, those without one included; From and To show the whole periods that hold them.", zh = "月度经常性收入（MRR）从哪里来、到哪里去。每一行严格满足：期末 = 期初 + 新增 + 扩张 + 回流 − 收缩 − 流失。合同自开始当日计至终止前一日。更换币种的客户在原币种计收缩、在新币种计扩张，不算流失。同一客户同一天的变动相抵，同一周期内不同日期的变动不相抵，因此各月之和等于季度。不同币种分开统计，未注明币种者单独列示；起止日期按其所在的整个周期显示。" }
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
--! doc = { en = "Of customers on their first paying day", zh = "客户首个付费日的金额" }
--! [columns.expansion]
--! title = { en = "Expansion", zh = "扩张" }
--! unit = "money"
--! doc = { en = "More from customers who paid already, moved from another currency included", zh = "已付费客户的增加额，含由其他币种转入" }
--! [columns.reactivation]
--! title = { en = "Reactivation", zh = "回流" }
--! unit = "money"
--! doc = { en = "Of customers who pay again after at least a day without", zh = "中断至少一天后再次付费的客户的金额" }
--! [columns.contraction]
--! title = { en = "Contraction", zh = "收缩" }
--! unit = "money"
--! doc = { en = "Less from customers who still pay, moved to another currency included", zh = "仍在付费客户的减少额，含转为其他币种" }
--! [columns.churn]
--! title = { en = "Churn", zh = "流失" }
--! unit = "money"
--! doc = { en = "Of customers with nothing left in any currency", zh = "所有币种均不再付费的客户的金额" }
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
--! doc = { en = "Customers with nothing left in any currency", zh = "所有币种均不再付费的客户数" }
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
