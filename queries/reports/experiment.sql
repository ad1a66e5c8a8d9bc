--! title = { en = "Experiment", zh = "对照实验" }
--! description = { en = "Whether a treatment works: each arm against the control. An attribute says in which arm a customer is; all customers of an arm count, whether or not anything reached them (intention to treat). A lift whose interval holds 0 is compatible with no effect. Revenue per customer counts those who bought nothing as 0; the adjusted difference takes out what was there before the start. If the note says that arm sizes do not fit the plan (p < 0.001), customers were not drawn as planned, and nothing here can be trusted. Arms are not corrected for being several. The A/A check compares two halves of the control, which should show no lift; one such check in twenty shows one by chance.", zh = "干预是否有效：各组与对照组的比较。客户属于哪一组由属性决定；组内全部客户都计入，无论是否实际触达（意向性分析）。提升的区间包含 0，即可能没有效果。客均营收将未购买者计为 0；校正差值剔除开始前已有的差异。若备注为“各组客户数与计划比例不符”（p < 0.001），说明并未按计划随机分组，任何结论都不可信。未做多组校正。A/A 自检比较对照组的两半，两半之间不应有提升；但约二十次自检中有一次会因偶然而出现。" }
--! group = "marketing"
--! grain = "one row per arm and breakdown value, the control first; with aa two more, halves of the control"
--! hint = { en = "Name the attribute that holds a customer's arm (parameter Arm, attribute) and the value that is the control (parameter Control, control)", zh = "请指定记录客户组别的属性（参数“组别字段”，attribute）与对照组的取值（参数“对照组”，control）" }
--! chart = { kind = "bar", x = "arm", y = ["rate"], series = "breakdown", low = "low", high = "high", count = "customers" }
--! voids = ["srm_alarm", "no_control"]
--!
--! [params.attribute]
--! title = { en = "Arm", zh = "组别字段" }
--! type = "breakdown"
--! default = "none"
--! doc = { en = "Required. What holds a customer's arm: segment, channel, region, industry, owner, status, or the name of a customer attribute; customers without one are not in the experiment", zh = "必填。记录客户组别的字段：segment、channel、region、industry、owner、status，或客户自定义属性名；没有值的客户不在实验中" }
--! [params.control]
--! title = { en = "Control", zh = "对照组" }
--! type = "text"
--! doc = { en = "Required. The value of the attribute that is the control arm", zh = "必填。对照组在该字段中的取值" }
--! [params.starts]
--! title = { en = "Start", zh = "开始日期" }
--! type = "date"
--! doc = { en = "First day of the experiment; if not given, each customer starts when they were created", zh = "实验首日；不填时以客户创建时间为开始" }
--! [params.window]
--! title = { en = "Window", zh = "观察时间窗" }
--! type = "duration"
--! default = "30d"
--! doc = { en = "How long after the start an outcome counts", zh = "开始后多长时间内的结果计入" }
--! [params.outcome]
--! title = { en = "Outcome", zh = "结果指标" }
--! type = "choice"
--! default = "order"
--! choices = ["order", "activity", "attribute"]
--! doc = { en = "An order line above zero, an activity, or an attribute that is true or above zero", zh = "有金额大于零的订单行、发生某行为，或属性为真或大于零" }
--! [params.activity]
--! title = { en = "Activity", zh = "行为" }
--! type = "activities"
--! default = []
--! doc = { en = "Activity that is the outcome; empty means any", zh = "作为结果的行为名称；留空表示任意行为" }
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
--! [columns.breakdown]
--! title = { en = "Breakdown", zh = "分组" }
--! absent = { en = "All", zh = "全部" }
--! unit = "text"
--! doc = { en = "Each value is an experiment of its own, with its own control, check of sizes and adjustment; p-values are not corrected for their number, and a lift in one value but not in another is no proof that they differ. Break down by what was known before the start", zh = "每个分组值各为一次独立实验，各有对照组、样本比例检验与校正；p 值未按分组个数校正，某组有提升而另一组没有，并不能证明两组效果不同。请按实验开始前已知的字段分组" }
--! [columns.arm]
--! title = { en = "Arm", zh = "组别" }
--! unit = "text"
--! doc = { en = "Value of the attribute; A/A and A/A control are the halves of the control", zh = "组别字段的取值；A/A 与 A/A control 为对照组的两半" }
--! [columns.customers]
--! title = { en = "Customers", zh = "客户数" }
--! unit = "count"
--! doc = { en = "All customers of the arm", zh = "该组全部客户数" }
--! [columns.matured]
--! title = { en = "Matured", zh = "时间窗已结束的客户" }
--! unit = "count"
--! doc = { en = "Customers whose window has ended; rates of arms that are still running are too low, alike in all arms", zh = "时间窗已结束的客户数；时间窗未结束时各组转化率同样偏低" }
--! [columns.size_p_value]
--! title = { en = "Size p-value", zh = "样本比例 p 值" }
--! unit = "number"
--! doc = { en = "Chance of a size at least this far from the planned share if arms were drawn as planned", zh = "若按计划随机分组，客户数偏离计划比例达到此程度的概率" }
--! [columns.converted]
--! title = { en = "Converted", zh = "转化客户" }
--! unit = "count"
--! doc = { en = "Customers with the outcome from the start to the end of the window; an outcome that is an attribute is taken as it stands", zh = "从开始到时间窗结束期间出现结果的客户数；以属性为结果时直接取其值" }
--! [columns.rate]
--! title = { en = "Rate", zh = "转化率" }
--! unit = "share"
--! doc = { en = "Converted divided by customers", zh = "转化客户除以客户数" }
--! [columns.lift]
--! title = { en = "Lift", zh = "提升" }
--! unit = "points"
--! doc = { en = "Rate minus the control's, in points", zh = "转化率减对照组转化率（百分点）" }
--! [columns.lift_low]
--! title = { en = "Lift, low", zh = "提升下限" }
--! unit = "points"
--! doc = { en = "Lower end of the 95 % interval of the lift (Newcombe)", zh = "提升的 95% 区间下限（Newcombe）" }
--! [columns.lift_high]
--! title = { en = "Lift, high", zh = "提升上限" }
--! unit = "points"
--! doc = { en = "Upper end of the 95 % interval of the lift (Newcombe)", zh = "提升的 95% 区间上限（Newcombe）" }
--! [columns.relative_lift]
--! title = { en = "Relative lift", zh = "相对提升" }
--! unit = "share"
--! doc = { en = "Lift divided by the control's rate", zh = "提升除以对照组转化率" }
--! [columns.relative_lift_low]
--! title = { en = "Relative lift, low", zh = "相对提升下限" }
--! unit = "share"
--! doc = { en = "Lower end of its 95 % interval: Newcombe's, carried over to the ratio of the two rates (MOVER, Donner & Zou 2012); it holds 0 whenever that of the lift does", zh = "相对提升 95% 区间下限（由两个转化率的 Wilson 区间推出比值的区间，MOVER 法，Donner 与 Zou 2012）；是否含 0 与提升的区间一致" }
--! [columns.relative_lift_high]
--! title = { en = "Relative lift, high", zh = "相对提升上限" }
--! unit = "share"
--! doc = { en = "Upper end of its 95 % interval", zh = "相对提升 95% 区间上限" }
--! [columns.p_value]
--! title = { en = "p-value", zh = "p 值" }
--! unit = "number"
--! doc = { en = "Chance of a difference at least this large if there were no effect (two-sided z-test of two shares, pooled)", zh = "若没有效果，出现不小于此差异的概率（合并方差的双侧两比例 z 检验）" }
--! [columns.currency]
--! title = { en = "Currency", zh = "币种" }
--! unit = "text"
--! doc = { en = "Currency of the amounts; if orders are in several, choose one: amounts are empty", zh = "金额的币种；订单有多个币种时请指定其一，否则金额为空" }
--! [columns.revenue_per_customer]
--! title = { en = "Revenue per customer", zh = "客均营收" }
--! unit = "money"
--! doc = { en = "Net order lines in the window, divided by customers", zh = "时间窗内订单行净额除以客户数" }
--! [columns.revenue_low]
--! title = { en = "Per customer, low", zh = "客均营收下限" }
--! unit = "money"
--! doc = { en = "Lower end of its 95 % interval (Hall)", zh = "客均营收 95% 区间下限（Hall 法）" }
--! [columns.revenue_high]
--! title = { en = "Per customer, high", zh = "客均营收上限" }
--! unit = "money"
--! doc = { en = "Upper end of its 95 % interval (Hall)", zh = "客均营收 95% 区间上限（Hall 法）" }
--! [columns.difference]
--! title = { en = "Difference", zh = "客均营收差值" }
--! unit = "money"
--! doc = { en = "Revenue per customer minus the control's", zh = "客均营收减对照组客均营收" }
--! [columns.difference_low]
--! title = { en = "Difference, low", zh = "差值下限" }
--! unit = "money"
--! doc = { en = "Lower end of its 95 % interval (from those of both means: Zou and Donner 2008); empty if an arm has fewer than five customers, or all of them spent the same", zh = "差值 95% 区间下限（由两组均值的区间合并，Zou 与 Donner 2008）；任一组不足五位客户或金额全部相同时为空" }
--! [columns.difference_high]
--! title = { en = "Difference, high", zh = "差值上限" }
--! unit = "money"
--! doc = { en = "Upper end of its 95 % interval", zh = "差值 95% 区间上限" }
--! [columns.adjusted_difference]
--! title = { en = "Adjusted difference", zh = "校正差值" }
--! unit = "money"
--! doc = { en = "Difference − θ × (mean before, arm − control), θ = cov(before, revenue) / var(before) over all arms (CUPED, Deng et al. 2013); before is net revenue in the window's length before the start, or the covariate; empty if there was none, or a customer has no covariate", zh = "差值 − θ ×（该组与对照组开始前均值之差），θ = 全部组别上 cov(前, 后) ÷ var(前)（CUPED，Deng 等 2013）；“前”为开始前同等时长内的净营收，或协变量；开始前没有数据或有客户缺少协变量时为空" }
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
--! doc = { en = "What stands in the way of a conclusion, only the gravest: arm sizes do not fit the plan, no such control arm, several currencies, or windows still run", zh = "影响结论的问题，只列最严重的一项：各组客户数与计划比例不符、没有该对照组、存在多个币种、时间窗尚未结束" }
--!
--! [labels]
--! order = { en = "Order", zh = "订单" }
--! activity = { en = "Activity", zh = "行为" }
--! attribute = { en = "Attribute", zh = "属性" }
--! srm_alarm = { en = "arm sizes do not fit the plan", zh = "各组客户数与计划比例不符" }
--! no_control = { en = "no such control arm", zh = "没有该对照组" }
--! several_currencies = { en = "several currencies", zh = "存在多个币种" }
--! window_running = { en = "windows still run", zh = "时间窗尚未结束" }

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
tested AS (
  SELECT
    *,
    p_value((n - all_n * share) / nullif(sqrt(all_n * share * (1 - share)), 0)) AS size_p_value,
    p_value((rate - control_rate) / nullif(sqrt(pooled * (1 - pooled) * (1 / n + 1 / control_n)), 0)) AS p_value,
    newcombe(converted, customers, control_converted, control_customers) AS lift_ends,
    wilson(converted, customers) AS rate_ends,
    wilson(control_converted, control_customers) AS control_ends,
    mean_interval(revenue) AS ends,
    difference_interval(revenue, control_revenue) AS difference_ends,
    -- A billionth of the variance that is left after the adjustment is rounding.
    CASE
      WHEN adjusted['variance'] + control_adjusted['variance']
        > 1e-9 * (revenue['variance'] + control_revenue['variance'])
      THEN difference_interval(adjusted, control_adjusted)
    END AS adjusted_ends
  FROM planned
),
-- The ends of the rates' ratio are those R for which Newcombe's interval of
-- rate - R × control_rate ends at 0: a quadratic equation in R.
compared AS (
  SELECT
    *,
    rate_ends['low'] * (2 * rate - rate_ends['low']) AS low_part,
    rate_ends['high'] * (2 * rate - rate_ends['high']) AS high_part,
    control_ends['low'] * (2 * control_rate - control_ends['low']) AS control_low_part,
    control_ends['high'] * (2 * control_rate - control_ends['high']) AS control_high_part
  FROM tested
)
SELECT
  arm,
  breakdown,
  customers,
  size_p_value,
  matured,
  converted,
  rate,
  rate_ends['low'] AS low,
  rate_ends['high'] AS high,
  CASE WHEN NOT is_control THEN rate - control_rate END AS lift,
  CASE WHEN NOT is_control THEN lift_ends['low'] END AS lift_low,
  CASE WHEN NOT is_control THEN lift_ends['high'] END AS lift_high,
  CASE WHEN NOT is_control THEN (rate - control_rate) / nullif(control_rate, 0) END AS relative_lift,
  -- Where nobody converted, the ratio can not be less than it is: 0.
  CASE WHEN NOT is_control AND control_rate > 0 THEN
    coalesce(
      low_part / nullif(rate * control_rate + sqrt(power(rate * control_rate, 2) - low_part * control_high_part), 0), 0
    ) - 1
  END AS relative_lift_low,
  CASE WHEN NOT is_control AND control_rate > 0 THEN
    (rate * control_rate + sqrt(power(rate * control_rate, 2) - high_part * control_low_part)) / control_low_part - 1
  END AS relative_lift_high,
  CASE WHEN NOT is_control THEN p_value END AS p_value,
  CASE WHEN NOT is_mixed THEN nullif(currency, '') END AS currency,
  CASE WHEN NOT is_mixed THEN revenue['mean'] END AS revenue_per_customer,
  CASE WHEN NOT is_mixed THEN ends['low'] END AS revenue_low,
  CASE WHEN NOT is_mixed THEN ends['high'] END AS revenue_high,
  CASE WHEN NOT is_mixed AND NOT is_control THEN revenue['mean'] - control_revenue['mean'] END AS difference,
  CASE WHEN NOT is_mixed AND NOT is_control THEN difference_ends['low'] END AS difference_low,
  CASE WHEN NOT is_mixed AND NOT is_control THEN difference_ends['high'] END AS difference_high,
  CASE WHEN NOT is_mixed AND NOT is_control THEN adjusted['mean'] - control_adjusted['mean'] END
    AS adjusted_difference,
  CASE WHEN NOT is_mixed AND NOT is_control THEN adjusted_ends['low'] END AS adjusted_low,
  CASE WHEN NOT is_mixed AND NOT is_control THEN adjusted_ends['high'] END AS adjusted_high,
  CASE
    WHEN min(size_p_value) OVER (PARTITION BY breakdown, is_aa) < 0.001 THEN 'srm_alarm'
    WHEN control_customers IS NULL THEN 'no_control'
    WHEN is_mixed THEN 'several_currencies'
    WHEN matured < customers THEN 'window_running'
  END AS note
FROM compared
ORDER BY breakdown NULLS FIRST, is_aa, is_control DESC, arm
