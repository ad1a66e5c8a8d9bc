--! title = { en = "Funnel", zh = "转化漏斗" }
--! description = { en = "How far customers get along a path of steps, and how fast. The whole path must fit into the window, measured from the first step; a customer who enters several times counts with the attempt that gets furthest, the earliest of equal ones. Read the estimate while a funnel is young: everyone counts for as long as they could be watched (Kaplan–Meier). Share counts customers still inside their window as not converted; Share, window ended is only of those whose window is over. In any order, row 2 counts who did any two of the steps.", zh = "客户沿步骤走到哪里、用时多久。整条路径须在首步起算的时间窗内完成；多次进入的客户取走得最远的一次，相同则取最早。漏斗较新时请看估计转化率，每位客户按其可观察的时长计入（Kaplan–Meier）。转化率把仍在时间窗内的客户视为未转化；转化率（已结束）只计时间窗已结束的客户。任意顺序时，第 2 行为完成任意两步的客户。" }
--! group = "journeys"
--! grain = "one row per breakdown value and step"
--! chart = { kind = "funnel", x = "name", y = ["estimate"], series = "breakdown", low = "estimate_low", high = "estimate_high", count = "customers" }
--!
--! [params.steps]
--! title = { en = "Steps", zh = "步骤" }
--! type = "steps"
--! default = ["signup", "trial", "quote_opened", "purchase"]
--! doc = { en = "Activity in order; a name may repeat. Conditions: purchase[quantity>=2 & plan=pro]; times since the step before: trial within 7d, renewal after 30d; a step that may be left out: call optional; what must not lie between: !cancel. Where the data does not have the default, its steps that are there, or if that is less than two, the three activities that most customers did, in the order in which they first did them", zh = "按顺序的行为，名称可重复。条件：purchase[quantity>=2 & plan=pro]；距上一步的时间：trial within 7d、renewal after 30d；可跳过的步骤：call optional；两步之间不得出现：!cancel。数据中没有默认步骤时，取其中已有的步骤；不足两步时，取最多客户有过的三种行为，按首次发生的先后排列" }
--!
--! [params.window]
--! title = { en = "Window", zh = "时间窗" }
--! type = "duration"
--! default = "30d"
--! doc = { en = "Longest time from the first step to the last, in days or shorter units", zh = "从首步到末步的最长时间，以天或更小单位表示" }
--!
--! [params.mode]
--! title = { en = "Mode", zh = "模式" }
--! type = "choice"
--! default = "ordered"
--! choices = ["ordered", "strict", "any"]
--! doc = { en = "Whether other activity may lie between steps, and whether their order matters", zh = "步骤之间是否允许其他行为，以及是否区分先后" }
--!
--! [params.hold]
--! title = { en = "Same", zh = "须一致" }
--! type = "property"
--! doc = { en = "All steps must share this: feature, or the name of an attribute of activity, e.g. the deal; rows without it do not count", zh = "各步骤须一致的属性：feature（功能）或行为的自定义属性名（如商机号）；无该属性的记录不计" }
--!
--! [params.from]
--! title = { en = "From", zh = "起始日期" }
--! type = "date"
--! up_to = "to"
--! doc = { en = "Count customers whose first step is on or after this day", zh = "首步在该日（含）之后的客户" }
--!
--! [params.to]
--! title = { en = "To", zh = "截止日期" }
--! type = "date"
--! doc = { en = "Count customers whose first step is on or before this day", zh = "首步在该日（含）之前的客户" }
--!
--! [columns.step]
--! title = { en = "Step", zh = "步骤" }
--! unit = "number"
--! doc = { en = "Number of the step, from 1", zh = "步骤序号，从 1 开始" }
--! [columns.name]
--! title = { en = "Activity", zh = "行为" }
--! unit = "text"
--! doc = { en = "The step as it was asked for; in any order, how many of the steps", zh = "该步骤；任意顺序时为完成的步骤数" }
--! [columns.customers]
--! title = { en = "Customers", zh = "客户数" }
--! unit = "count"
--! doc = { en = "Customers who reached the step", zh = "到达该步骤的客户数" }
--! [columns.share]
--! title = { en = "Share", zh = "转化率" }
--! unit = "share"
--! doc = { en = "Of all customers of the first step, those still inside their window counted as not converted", zh = "占首步全部客户的比例，仍在时间窗内者视为未转化" }
--! [columns.matured]
--! title = { en = "Window ended", zh = "时间窗已结束" }
--! unit = "count"
--! doc = { en = "Customers of the first step whose window has ended", zh = "时间窗已结束的首步客户数" }
--! [columns.matured_share]
--! title = { en = "Share, window ended", zh = "转化率（已结束）" }
--! unit = "share"
--! doc = { en = "Of those whose window has ended, who reached the step", zh = "时间窗已结束者中到达该步骤的比例" }
--! [columns.matured_low]
--! title = { en = "Low", zh = "区间下限" }
--! unit = "share"
--! doc = { en = "Lower end of its 95 % interval (Wilson)", zh = "其 95% 区间下限（Wilson）" }
--! [columns.matured_high]
--! title = { en = "High", zh = "区间上限" }
--! unit = "share"
--! doc = { en = "Upper end of its 95 % interval (Wilson)", zh = "其 95% 区间上限（Wilson）" }
--! [columns.estimate]
--! title = { en = "Estimate", zh = "估计转化率" }
--! unit = "share"
--! doc = { en = "Share that reaches the step within the window (Kaplan–Meier); empty while nobody's window has ended", zh = "时间窗内到达该步骤的比例（Kaplan–Meier）；尚无时间窗结束时为空" }
--! [columns.estimate_low]
--! title = { en = "Low", zh = "区间下限" }
--! unit = "share"
--! doc = { en = "Lower end of its 95 % band", zh = "其 95% 区间下限" }
--! [columns.estimate_high]
--! title = { en = "High", zh = "区间上限" }
--! unit = "share"
--! doc = { en = "Upper end of its 95 % band", zh = "其 95% 区间上限" }
--! [columns.median_days]
--! title = { en = "Median days", zh = "用时中位数（天）" }
--! unit = "days"
--! doc = { en = "From the first step to this one, of those who reached it", zh = "到达者从首步到该步骤的天数中位数" }
--! [columns.p90_days]
--! title = { en = "90 % within days", zh = "90% 用时（天）" }
--! unit = "days"
--! doc = { en = "Nine in ten of those who reached it took no longer", zh = "到达者中九成不超过该天数" }
--!
--! [labels]
--! ordered = { en = "In order", zh = "按顺序" }
--! strict = { en = "In order, nothing between", zh = "严格相邻" }
--! any = { en = "Any order", zh = "任意顺序" }

--- Where do customers fall out? Every step has a row, reached or not.
--- With `hold`, the chain of the value that gets furthest counts, then the one
--- that begins first, then the one that ends first.

WITH held AS (
  SELECT
    customer_key,
    CASE WHEN $hold = 'feature' THEN feature ELSE attribute(attributes, $hold) END AS value,
    $steps_mask AS mask,
    occurred_at
  FROM activity
  WHERE $hold IS NOT NULL AND customer_key IS NOT NULL AND ($mode = 'strict' OR $steps_mask > 0)
),
journeys AS (
  SELECT customer_key, funnel($steps_mask, occurred_at, $steps, $window, $mode) AS chain
  FROM activity
  WHERE $hold IS NULL AND customer_key IS NOT NULL AND ($mode = 'strict' OR $steps_mask > 0)
  GROUP BY customer_key
  UNION ALL
  SELECT customer_key, chain
  FROM (
    SELECT
      customer_key,
      chain,
      row_number() OVER (
        PARTITION BY customer_key
        ORDER BY cardinality(chain) DESC, array_element(chain, 1), array_element(chain, -1), value
      ) AS place
    FROM (
      SELECT customer_key, value, funnel(mask, occurred_at, $steps, $window, $mode) AS chain
      FROM held
      WHERE value IS NOT NULL
      GROUP BY customer_key, value
    )
  )
  WHERE place = 1
),
names AS (
  SELECT CAST(row_number() OVER (ORDER BY place) AS BIGINT) AS step, name, count(*) OVER () AS n_steps
  FROM (
    SELECT place, array_element($steps, place) AS name
    FROM (SELECT unnest(range(1, CAST(cardinality($steps) AS BIGINT) + 1)) AS place)
  )
  WHERE NOT starts_with(name, '!')
),
reached AS (
  SELECT
    $breakdown AS breakdown,
    conversion(journeys.chain, CAST(cardinality($steps) AS BIGINT), $window, $as_of) AS steps
  FROM journeys
  LEFT JOIN customers ON customers.customer_key = journeys.customer_key
  WHERE cardinality(journeys.chain) > 0
    AND ($from IS NULL OR period('day', array_element(journeys.chain, 1), $tz) >= $from)
    AND ($to IS NULL OR period('day', array_element(journeys.chain, 1), $tz) <= $to)
  GROUP BY $breakdown
),
counted AS (
  SELECT reached.breakdown, names.step, names.name, names.n_steps, reached.steps[names.step] AS at
  FROM reached
  CROSS JOIN names
)
SELECT
  breakdown,
  step,
  CASE $mode WHEN 'any' THEN concat(step, ' / ', n_steps) ELSE name END AS name,
  at['customers'] AS customers,
  CAST(at['customers'] AS DOUBLE) / at['entrants'] AS share,
  wilson(at['customers'], at['entrants'])['low'] AS low,
  wilson(at['customers'], at['entrants'])['high'] AS high,
  at['matured'] AS matured,
  CASE WHEN at['matured'] > 0 THEN CAST(at['matured_customers'] AS DOUBLE) / at['matured'] END AS matured_share,
  wilson(at['matured_customers'], at['matured'])['low'] AS matured_low,
  wilson(at['matured_customers'], at['matured'])['high'] AS matured_high,
  at['share'] AS estimate,
  at['low'] AS estimate_low,
  at['high'] AS estimate_high,
  at['median'] / 86400000000 AS median_days,
  at['p90'] / 86400000000 AS p90_days
FROM counted
ORDER BY breakdown NULLS FIRST, step
