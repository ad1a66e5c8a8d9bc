--! title = { en = "Experiment", zh = "对照实验" }
--! description = { en = "Treated against control. The arm of a customer is an attribute; all customers of an arm count, whether or not anything reached them (intention to treat). Converted: the outcome came about from the start to the end of the window; an outcome that is an attribute is taken as it stands. Lift is the arm's rate minus the control's, in points, with Newcombe's 95 % interval; an interval that holds 0 is compatible with no effect. p-value: two-sided z-test of two shares, pooled; arms are not corrected for being several. Revenue per customer counts those who bought nothing as 0; the difference to control has Welch's interval. The adjusted difference (CUPED, Deng et al. 2013) takes out what was there before the start: difference − θ × (mean before, arm − control), θ = cov(before, revenue) / var(before) over all arms; before is net revenue in the window's length before the start, or the attribute `covariate`. Arms whose sizes do not fit the planned shares (p < 0.001) were not drawn as planned, and nothing in the report can then be trusted: note srm_alarm. `aa = true` adds a test of the test: the control split in two by a hash of the customer's key, which should show no lift; one such check in twenty shows one by chance.", zh = "实验组与对照组的比较。客户的分组取自属性；分组内全部客户都计入，无论是否实际触达（意向性分析）。转化：从开始到窗口结束期间出现结果；以属性为结果时直接取其值。提升为该组转化率减对照组转化率，附 Newcombe 95% 区间；区间包含 0 表示可能没有效果。p 值为合并方差的双侧两比例 z 检验，未做多组校正。人均营收将未购买者计为 0，与对照组之差附 Welch 区间。校正差值（CUPED，Deng 等 2013）剔除开始前已有的差异：差值 − θ ×（该组与对照组开始前均值之差），θ = 全部分组上 cov(前, 后) ÷ var(前)；“前”为开始前同等时长内的净营收，或 covariate 指定的属性。若各组人数与计划比例不符（p < 0.001），说明分组并未按计划随机，报表中的任何结论都不可信：备注 srm_alarm。aa = true 增加一次自检：按客户键哈希将对照组一分为二，两半之间不应有提升；但二十次自检中约有一次会因偶然而超出区间。" }
--! group = "marketing"
--! grain = "one row per arm, the control first; with aa two more, halves of the control"
--! chart = { kind = "bar", x = "arm", y = ["rate"], low = "low", high = "high", count = "customers" }
--!
--! [params.attribute]
--! title = { en = "Arm", zh = "分组属性" }
--! type = "breakdown"
--! default = "none"
--! doc = { en = "What holds a customer's arm: segment, channel, region, industry, owner, status, or the name of a customer attribute; customers without one are not in the experiment", zh = "记录客户分组的字段：segment、channel、region、industry、owner、status，或客户自定义属性名；没有值的客户不在实验中" }
--! [params.control]
--! title = { en = "Control", zh = "对照组" }
--! type = "text"
--! doc = { en = "Name of the control arm", zh = "对照组的取值" }
--! [params.starts]
--! title = { en = "Start", zh = "开始日期" }
--! type = "date"
--! doc = { en = "First day of the experiment; if not given, each customer starts when they were created", zh = "实验首日；不填时以客户创建时间为开始" }
--! [params.window]
--! title = { en = "Window", zh = "观察窗口" }
--! type = "duration"
--! default = "30d"
--! doc = { en = "How long after the start an outcome counts", zh = "开始后多长时间内的结果计入" }
--! [params.outcome]
--! title = { en = "Outcome", zh = "结果指标" }
--! type = "choice"
--! default = "order"
--! choices = ["order", "activity", "attribute"]
--! doc = { en = "An order line above zero, an activity, or an attribute that is true or above zero", zh = "有金额大于零的订单行、发生活动，或属性为真或大于零" }
--! [params.activity]
--! title = { en = "Activity", zh = "活动" }
--! type = "activities"
--! default = []
--! doc = { en = "Activity that is the outcome; empty means any", zh = "作为结果的活动名称；留空表示任意活动" }
--! [params.outcome_attribute]
--! title = { en = "Outcome attribute", zh = "结果属性" }
--! type = "breakdown"
--! default = "none"
--! doc = { en = "Name of the attribute that is the outcome", zh = "作为结果的客户属性名" }
--! [params.covariate]
--! title = { en = "Covariate", zh = "协变量" }
--! type = "breakdown"
--! default = "none"
--! doc = { en = "Name of a numeric attribute known before the start, to adjust the revenue by; if not given, revenue before the start", zh = "开始前已知的数值属性名，用于校正营收；不填时用开始前的营收" }
--! [params.expected_share]
--! title = { en = "Planned share of the control", zh = "对照组计划占比" }
--! type = "number"
--! least = 0.001
--! most = 0.999
--! doc = { en = "Share of customers the control was meant to get, the other arms sharing the rest equally; equal arms if not given", zh = "对照组计划占全部客户的比例，其余各组平分；不填表示各组等量" }
--! [params.aa]
--! title = { en = "A/A check", zh = "A/A 自检" }
--! type = "flag"
--! default = false
--! doc = { en = "Also compare the control with itself, split in two", zh = "另将对照组一分为二进行自我比较" }
--!
--! [columns.arm]
--! title = { en = "Arm", zh = "分组" }
--! unit = "text"
--! doc = { en = "Value of the attribute; A/A and A/A control are the halves of the control", zh = "分组属性的取值；A/A 与 A/A control 为对照组的两半" }
--! [columns.customers]
--! title = { en = "Customers", zh = "客户数" }
--! unit = "count"
--! doc = { en = "All customers of the arm", zh = "该组全部客户数" }
--! [columns.matured]
--! title = { en = "Matured", zh = "时间窗已结束的客户" }
--! unit = "count"
--! doc = { en = "Customers whose window has ended; rates of arms that are still running are too low, alike in all arms", zh = "窗口已结束的客户数；窗口未结束时各组转化率同样偏低" }
--! [columns.size_p_value]
--! title = { en = "Size p-value", zh = "样本比例 p 值" }
--! unit = "number"
--! doc = { en = "Chance of a size at least this far from the planned share if arms were drawn as planned", zh = "若按计划随机分组，人数偏离计划比例达到此程度的概率" }
--! [columns.converted]
--! title = { en = "Converted", zh = "转化客户" }
--! unit = "count"
--! doc = { en = "Customers with the outcome", zh = "出现结果的客户数" }
--! [columns.rate]
--! title = { en = "Rate", zh = "转化率" }
--! unit = "share"
--! doc = { en = "Converted divided by customers", zh = "转化客户除以客户数" }
--! [columns.lift]
--! title = { en = "Lift", zh = "提升" }
--! unit = "share"
--! doc = { en = "Rate minus the control's, in points", zh = "转化率减对照组转化率（百分点）" }
--! [columns.lift_low]
--! title = { en = "Lift, low", zh = "提升下限" }
--! unit = "share"
--! doc = { en = "Lower end of the 95 % interval of the lift", zh = "提升的 95% 区间下限" }
--! [columns.lift_high]
--! title = { en = "Lift, high", zh = "提升上限" }
--! unit = "share"
--! doc = { en = "Upper end of the 95 % interval of the lift", zh = "提升的 95% 区间上限" }
--! [columns.relative_lift]
--! title = { en = "Relative lift", zh = "相对提升" }
--! unit = "share"
--! doc = { en = "Lift divided by the control's rate", zh = "提升除以对照组转化率" }
--! [columns.p_value]
--! title = { en = "p-value", zh = "p 值" }
--! unit = "number"
--! doc = { en = "Chance of a difference at least this large if there were no effect", zh = "若没有效果，出现不小于此差异的概率" }
--! [columns.currency]
--! title = { en = "Currency", zh = "币种" }
--! unit = "text"
--! doc = { en = "Currency of the amounts; if orders are in several, choose one: amounts are empty", zh = "金额的币种；订单有多个币种时请指定其一，否则金额为空" }
--! [columns.revenue_per_customer]
--! title = { en = "Revenue per customer", zh = "人均营收" }
--! unit = "money"
--! doc = { en = "Net order lines in the window, divided by customers", zh = "窗口内订单行净额除以客户数" }
--! [columns.revenue_low]
--! title = { en = "Per customer, low", zh = "人均营收下限" }
--! unit = "money"
--! doc = { en = "Lower end of its 95 % interval", zh = "人均营收 95% 区间下限" }
--! [columns.revenue_high]
--! title = { en = "Per customer, high", zh = "人均营收上限" }
--! unit = "money"
--! doc = { en = "Upper end of its 95 % interval", zh = "人均营收 95% 区间上限" }
--! [columns.difference]
--! title = { en = "Difference", zh = "人均营收差值" }
--! unit = "money"
--! doc = { en = "Revenue per customer minus the control's", zh = "人均营收减对照组人均营收" }
--! [columns.difference_low]
--! title = { en = "Difference, low", zh = "差值下限" }
--! unit = "money"
--! doc = { en = "Lower end of its 95 % interval (Welch)", zh = "差值 95% 区间下限（Welch）" }
--! [columns.difference_high]
--! title = { en = "Difference, high", zh = "差值上限" }
--! unit = "money"
--! doc = { en = "Upper end of its 95 % interval (Welch)", zh = "差值 95% 区间上限（Welch）" }
--! [columns.adjusted_difference]
--! title = { en = "Adjusted difference", zh = "校正差值" }
--! unit = "money"
--! doc = { en = "The same, adjusted by what was there before (CUPED); empty if nothing was, or a customer has no covariate", zh = "按开始前情况校正后的差值（CUPED）；开始前没有数据或有客户缺少协变量时为空" }
--! [columns.adjusted_low]
--! title = { en = "Adjusted, low", zh = "校正差值下限" }
--! unit = "money"
--! doc = { en = "Lower end of its 95 % interval", zh = "校正差值 95% 区间下限" }
--! [columns.adjusted_high]
--! title = { en = "Adjusted, high", zh = "校正差值上限" }
--! unit = "money"
--! doc = { en = "Upper end of its 95 % interval", zh = "校正差值 95% 区间上限" }
--! [columns.note]
--! title = { en = "Note", zh = "备注" }
--! unit = "code"
--! doc = { en = "What stands in the way of a conclusion: srm_alarm, no_control, several_currencies or window_running, the gravest first", zh = "影响结论的问题：srm_alarm、no_control、several_currencies、window_running，只列最严重的一项" }
--!
--! [labels]
--! order = { en = "Order", zh = "订单" }
--! activity = { en = "Activity", zh = "活动" }
--! attribute = { en = "Attribute", zh = "属性" }
--! srm_alarm = { en = "arm sizes do not fit the plan", zh = "各组人数与计划比例不符" }
--! no_control = { en = "no such control arm", zh = "没有该对照组" }
--! several_currencies = { en = "several currencies", zh = "存在多个币种" }
--! window_running = { en = "windows still run", zh = "窗口尚未结束" }

--- Did it work? Who counts is in `queries/parts/experiment_members.sql`, the sums
--- of the arms in `queries/parts/experiment_arms.sql`; here they are tested.

WITH planned AS (
  SELECT
    *,
    CAST(customers AS DOUBLE) AS n,
    CAST(all_customers AS DOUBLE) AS all_n,
    CAST(control_customers AS DOUBLE) AS control_n,
    CAST(converted AS DOUBLE) / customers AS rate,
    CAST(control_converted AS DOUBLE) / control_customers AS control_rate,
    CAST(converted + control_converted AS DOUBLE) / (customers + control_customers) AS pooled,
    CASE
      WHEN is_aa THEN 0.5
      WHEN $expected_share IS NULL THEN 1.0 / n_arms
      WHEN is_control THEN $expected_share
      ELSE (1 - $expected_share) / nullif(n_arms - 1, 0)
    END AS share
  FROM experiment_arms
),
-- Welch: the degrees of freedom of a difference of two means.
tested AS (
  SELECT
    *,
    p_value((n - all_n * share) / nullif(sqrt(all_n * share * (1 - share)), 0)) AS size_p_value,
    p_value((rate - control_rate) / nullif(sqrt(pooled * (1 - pooled) * (1 / n + 1 / control_n)), 0)) AS p_value,
    power(error + control_error, 2)
      / nullif(power(error, 2) / (n - 1) + power(control_error, 2) / (control_n - 1), 0) AS freedom,
    power(adjusted_error + control_adjusted_error, 2)
      / nullif(power(adjusted_error, 2) / (n - 1) + power(control_adjusted_error, 2) / (control_n - 1), 0)
      AS adjusted_freedom
  FROM planned
),
-- Student's interval at f degrees of freedom is that of a mean of f + 1 values.
bounded AS (
  SELECT
    *,
    mean_interval(mean, sqrt(error * n), n) AS ends,
    newcombe(converted, customers, control_converted, control_customers) AS lift_ends,
    mean_interval(
      mean - control_mean, sqrt((error + control_error) * (freedom + 1)), freedom + 1
    ) AS difference_ends,
    mean_interval(
      adjusted_mean - control_adjusted_mean,
      sqrt((adjusted_error + control_adjusted_error) * (adjusted_freedom + 1)),
      adjusted_freedom + 1
    ) AS adjusted_ends
  FROM tested
)
SELECT
  arm,
  customers,
  size_p_value,
  matured,
  converted,
  rate,
  wilson(converted, customers)['low'] AS low,
  wilson(converted, customers)['high'] AS high,
  CASE WHEN NOT is_control THEN rate - control_rate END AS lift,
  CASE WHEN NOT is_control THEN lift_ends['low'] END AS lift_low,
  CASE WHEN NOT is_control THEN lift_ends['high'] END AS lift_high,
  CASE WHEN NOT is_control THEN (rate - control_rate) / nullif(control_rate, 0) END AS relative_lift,
  CASE WHEN NOT is_control THEN p_value END AS p_value,
  CASE WHEN NOT is_mixed THEN nullif(currency, '') END AS currency,
  CASE WHEN NOT is_mixed THEN mean END AS revenue_per_customer,
  CASE WHEN NOT is_mixed THEN ends['low'] END AS revenue_low,
  CASE WHEN NOT is_mixed THEN ends['high'] END AS revenue_high,
  CASE WHEN NOT is_mixed AND NOT is_control THEN mean - control_mean END AS difference,
  CASE WHEN NOT is_mixed AND NOT is_control THEN difference_ends['low'] END AS difference_low,
  CASE WHEN NOT is_mixed AND NOT is_control THEN difference_ends['high'] END AS difference_high,
  CASE WHEN NOT is_mixed AND NOT is_control THEN adjusted_mean - control_adjusted_mean END AS adjusted_difference,
  CASE WHEN NOT is_mixed AND NOT is_control THEN adjusted_ends['low'] END AS adjusted_low,
  CASE WHEN NOT is_mixed AND NOT is_control THEN adjusted_ends['high'] END AS adjusted_high,
  CASE
    WHEN min(size_p_value) OVER (PARTITION BY is_aa) < 0.001 THEN 'srm_alarm'
    WHEN control_customers IS NULL THEN 'no_control'
    WHEN is_mixed THEN 'several_currencies'
    WHEN matured < customers THEN 'window_running'
  END AS note
FROM bounded
ORDER BY is_aa, is_control DESC, arm
