--! title = { en = "Uplift by score", zh = "按评分的增量效果（Uplift）" }
--! description = { en = "Whether a score finds the customers whom a treatment moves. Customers of an experiment are ranked by the score, highest first, and cut into tenths; equal scores stay together. Qini says how many conversions are gained if the best tenths so far are treated, Random how many if as many were treated at random; a Qini coefficient above 0 says that the score is better than chance. The score is a numeric attribute known before the experiment, or the newest churn score made up to its start: a later one would know the outcome. Customers without a score are left out. Arms, outcome and window are as in the report Experiment.", zh = "某个评分能否找出真正被干预打动的客户。将实验中的客户按评分从高到低排序并分为十组；评分相同者不拆开。Qini 为只干预排在前面的各组可多得的转化数，随机为随机干预同样多客户的结果；Qini 系数大于 0 表示评分优于随机。评分取实验前已知的数值属性，或不晚于实验开始的最新流失评分：更晚的评分已知晓结果。没有评分的客户不计。组别、结果与时间窗同报表“对照实验”。" }
--! group = "marketing"
--! grain = "one row per tenth of the score, the highest first, and a total row"
--! hint = { en = "Name the attribute that holds a customer's arm (parameter Arm, attribute) and the value that is the control (parameter Control, control)", zh = "请指定记录客户组别的属性（参数“组别字段”，attribute）与对照组的取值（参数“对照组”，control）" }
--! chart = { kind = "line", x = "targeted_share", y = ["qini", "random"], count = "customers" }
--!
--! [params.attribute]
--! title = { en = "Arm", zh = "组别字段" }
--! type = "breakdown"
--! default = "none"
--! doc = { en = "What holds a customer's arm: segment, channel, region, industry, owner, status, or the name of a customer attribute", zh = "记录客户组别的字段：segment（分层）、channel（渠道）、region（地区）、industry（行业）、owner（负责人）、status（状态），或客户自定义属性名" }
--! [params.control]
--! title = { en = "Control", zh = "对照组" }
--! type = "text"
--! doc = { en = "Name of the control arm", zh = "对照组的取值" }
--! [params.treated]
--! title = { en = "Treated", zh = "实验组" }
--! type = "text"
--! doc = { en = "Name of the treated arm; all arms but the control if not given", zh = "实验组的取值；不填表示对照组以外的全部组别" }
--! [params.score_attribute]
--! title = { en = "Score", zh = "评分属性" }
--! type = "breakdown"
--! default = "none"
--! doc = { en = "Name of the numeric attribute to rank by; if not given, the churn score", zh = "用于排序的数值属性名；不填时用流失评分" }
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
--!
--! [columns.decile]
--! title = { en = "Tenth", zh = "十分位" }
--! absent = { en = "Total", zh = "合计" }
--! unit = "number"
--! doc = { en = "1 has the highest scores; equal scores stay together, so tenths may be uneven or missing; empty in the total row", zh = "1 为评分最高的一组；评分相同者不拆开，因此各组客户数可能不等或缺组；合计行留空" }
--! [columns.score_from]
--! title = { en = "Score from", zh = "最低评分" }
--! unit = "number"
--! doc = { en = "Lowest score of the tenth", zh = "该组最低评分" }
--! [columns.score_to]
--! title = { en = "Score to", zh = "最高评分" }
--! unit = "number"
--! doc = { en = "Highest score of the tenth", zh = "该组最高评分" }
--! [columns.treated]
--! title = { en = "Treated", zh = "实验组客户" }
--! unit = "count"
--! doc = { en = "Customers of the treated arms", zh = "实验组客户数" }
--! [columns.control]
--! title = { en = "Control", zh = "对照组客户" }
--! unit = "count"
--! doc = { en = "Customers of the control", zh = "对照组客户数" }
--! [columns.treated_rate]
--! title = { en = "Rate, treated", zh = "实验组转化率" }
--! unit = "share"
--! doc = { en = "Share of the treated with the outcome", zh = "实验组中出现结果的占比" }
--! [columns.treated_rate_low]
--! title = { en = "Rate, treated, low", zh = "实验组转化率下限" }
--! unit = "share"
--! doc = { en = "Lower end of its 95 % interval (Wilson)", zh = "实验组转化率 95% 区间下限（Wilson）" }
--! [columns.treated_rate_high]
--! title = { en = "Rate, treated, high", zh = "实验组转化率上限" }
--! unit = "share"
--! doc = { en = "Upper end of its 95 % interval (Wilson)", zh = "实验组转化率 95% 区间上限（Wilson）" }
--! [columns.control_rate]
--! title = { en = "Rate, control", zh = "对照组转化率" }
--! unit = "share"
--! doc = { en = "Share of the control with the outcome", zh = "对照组中出现结果的占比" }
--! [columns.control_rate_low]
--! title = { en = "Rate, control, low", zh = "对照组转化率下限" }
--! unit = "share"
--! doc = { en = "Lower end of its 95 % interval (Wilson)", zh = "对照组转化率 95% 区间下限（Wilson）" }
--! [columns.control_rate_high]
--! title = { en = "Rate, control, high", zh = "对照组转化率上限" }
--! unit = "share"
--! doc = { en = "Upper end of its 95 % interval (Wilson)", zh = "对照组转化率 95% 区间上限（Wilson）" }
--! [columns.uplift]
--! title = { en = "Uplift", zh = "增量" }
--! unit = "points"
--! doc = { en = "The treated's rate minus the control's, in points", zh = "实验组转化率减对照组转化率（百分点）" }
--! [columns.low]
--! title = { en = "Uplift, low", zh = "增量下限" }
--! unit = "points"
--! doc = { en = "Lower end of the 95 % interval of the uplift (Newcombe)", zh = "增量的 95% 区间下限（Newcombe）" }
--! [columns.high]
--! title = { en = "Uplift, high", zh = "增量上限" }
--! unit = "points"
--! doc = { en = "Upper end of the 95 % interval of the uplift (Newcombe)", zh = "增量的 95% 区间上限（Newcombe）" }
--! [columns.targeted_share]
--! title = { en = "Customers so far", zh = "累计客户占比" }
--! unit = "share"
--! doc = { en = "Share of customers in this and better tenths", zh = "该组及更高各组的客户占比" }
--! [columns.qini]
--! title = { en = "Qini", zh = "Qini" }
--! unit = "number"
--! doc = { en = "Incremental conversions among the treated of this and better tenths: treated conversions − control conversions × treated / control, all cumulative (Radcliffe 2007)", zh = "该组及更高各组的实验组客户中的增量转化数 = 实验组转化 − 对照组转化 × 实验组客户数 ÷ 对照组客户数，均为累计值（Radcliffe 2007）" }
--! [columns.random]
--! title = { en = "Random", zh = "随机" }
--! unit = "number"
--! doc = { en = "Incremental conversions if as many were chosen at random", zh = "随机选择同样多客户时的增量转化数" }
--! [columns.qini_coefficient]
--! title = { en = "Qini coefficient", zh = "Qini 系数" }
--! unit = "share"
--! doc = { en = "Area between the two curves by the trapezoid rule, the share of customers along and incremental conversions per treated customer up; in the total row only", zh = "两条曲线之间的面积（梯形法），横轴为客户占比，纵轴为每位实验组客户的增量转化数；仅合计行" }
--! [columns.qini_low]
--! title = { en = "Qini coefficient, low", zh = "Qini 系数下限" }
--! unit = "share"
--! doc = { en = "Lower end of its 95 % interval: bootstrap of 400 samples, customers drawn anew in their tenths", zh = "其 95% 区间下限：400 次自助抽样（bootstrap），客户保持所在组" }
--! [columns.qini_high]
--! title = { en = "Qini coefficient, high", zh = "Qini 系数上限" }
--! unit = "share"
--! doc = { en = "Upper end of its 95 % interval", zh = "其 95% 区间上限" }
--! [columns.currency]
--! title = { en = "Currency", zh = "币种" }
--! absent = { en = "All", zh = "全部" }
--! unit = "text"
--! doc = { en = "The currency whose orders count, if one was chosen", zh = "仅统计该币种的订单；未指定时为全部" }
--!
--! [labels]
--! order = { en = "Order", zh = "订单" }
--! activity = { en = "Activity", zh = "行为" }
--! attribute = { en = "Attribute", zh = "属性" }

--- Whom does it move?

WITH scored AS (
  SELECT
    members.arm <> $control AS is_treated,
    members.has_converted,
    $score_attribute AS attribute_score,
    latest(scores.probability, scores.cutoff, scores.known_at, scores.model) AS churn_score
  FROM experiment_members AS members
  JOIN customers ON customers.customer_key = members.customer_key
  LEFT JOIN scores ON scores.customer_key = members.customer_key AND scores.cutoff <= members.starts_at
  WHERE members.arm = $control OR (members.arm <> $control AND ($treated IS NULL OR members.arm = $treated))
  GROUP BY members.customer_key, members.arm, members.has_converted, $score_attribute
),
chosen AS (
  SELECT
    is_treated,
    has_converted,
    CASE WHEN count(attribute_score) OVER () = 0 THEN churn_score ELSE TRY_CAST(attribute_score AS DOUBLE) END
      AS score
  FROM scored
),
ranked AS (
  SELECT
    *,
    1 + 10 * (CAST(rank() OVER (ORDER BY score DESC) AS BIGINT) - 1) / count(*) OVER () AS decile
  FROM chosen
  WHERE score IS NOT NULL AND NOT isnan(score)
),
counted AS (
  SELECT
    grouping(decile) AS is_total,
    decile,
    min(score) AS score_from,
    max(score) AS score_to,
    count(*) AS customers,
    count(*) FILTER (WHERE is_treated) AS treated,
    count(*) FILTER (WHERE NOT is_treated) AS control,
    count(*) FILTER (WHERE is_treated AND has_converted) AS treated_converted,
    count(*) FILTER (WHERE NOT is_treated AND has_converted) AS control_converted,
    qini(tenth, is_treated, has_converted) AS coefficient
  FROM (SELECT *, decile AS tenth FROM ranked)
  GROUP BY GROUPING SETS ((decile), ())
  HAVING count(*) > 0
),
curve AS (
  SELECT
    *,
    CAST(sum(customers) OVER so_far AS DOUBLE) / max(customers) OVER () AS targeted_share,
    sum(treated_converted) OVER so_far
      - CAST(sum(control_converted) OVER so_far * sum(treated) OVER so_far AS DOUBLE)
        / nullif(sum(control) OVER so_far, 0) AS qini
  FROM counted
  WINDOW so_far AS (PARTITION BY is_total ORDER BY decile ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
)
SELECT
  decile,
  score_from,
  score_to,
  customers,
  treated,
  control,
  CAST(treated_converted AS DOUBLE) / nullif(treated, 0) AS treated_rate,
  wilson(treated_converted, treated)['low'] AS treated_rate_low,
  wilson(treated_converted, treated)['high'] AS treated_rate_high,
  CAST(control_converted AS DOUBLE) / nullif(control, 0) AS control_rate,
  wilson(control_converted, control)['low'] AS control_rate_low,
  wilson(control_converted, control)['high'] AS control_rate_high,
  CAST(treated_converted AS DOUBLE) / nullif(treated, 0) - CAST(control_converted AS DOUBLE) / nullif(control, 0)
    AS uplift,
  newcombe(treated_converted, treated, control_converted, control)['low'] AS low,
  newcombe(treated_converted, treated, control_converted, control)['high'] AS high,
  targeted_share,
  qini,
  targeted_share * max(CASE is_total WHEN 1 THEN qini END) OVER () AS random,
  CASE is_total WHEN 1 THEN coefficient['value'] END AS qini_coefficient,
  CASE is_total WHEN 1 THEN coefficient['low'] END AS qini_low,
  CASE is_total WHEN 1 THEN coefficient['high'] END AS qini_high,
  $currency AS currency
FROM curve
ORDER BY is_total, decile
