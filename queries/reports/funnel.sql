--! title = { en = "Funnel", zh = "转化漏斗" }
--! description = { en = "How far customers get along ordered steps. Other activity may lie between steps; the whole chain must fit into the window, measured from the first step; a customer who enters several times counts with the chain that gets furthest. Shares are of the first step, with a Wilson 95 % interval. `entrants = all` is the naive share, which counts customers still inside their window as lost; `entrants = matured` counts only those whose window has ended.", zh = "客户按顺序步骤的转化情况。步骤之间允许其他活动；整条路径须在首步起算的时间窗内完成；多次进入的客户按走得最远的一次计。占比以首步为分母，附 Wilson 95% 区间。entrants = all 为朴素口径，会把仍在时间窗内的客户计为流失；entrants = matured 仅统计时间窗已结束的客户。" }
--! group = "customers"
--! grain = "one row per breakdown value and step"
--! chart = { kind = "funnel", x = "name", y = ["share"], series = "breakdown", low = "low", high = "high", count = "customers" }
--!
--! [params.steps]
--! title = { en = "Steps", zh = "步骤" }
--! type = "list"
--! default = ["signup", "trial", "quote_opened", "purchase"]
--! doc = { en = "Names of the activity of each step, in order; a name may repeat", zh = "各步骤的活动名称，按顺序；名称可重复" }
--!
--! [params.window]
--! title = { en = "Window", zh = "时间窗" }
--! type = "duration"
--! default = "30d"
--! doc = { en = "Longest time from the first step to the last, in days or shorter units", zh = "从首步到末步的最长时间，以天或更小单位表示" }
--!
--! [params.breakdown]
--! title = { en = "Breakdown", zh = "分组" }
--! type = "breakdown"
--! default = "none"
--! doc = { en = "none, segment, channel, region, industry, owner, status, or the name of a customer attribute", zh = "none、segment、channel、region、industry、owner、status，或客户自定义属性名" }
--!
--! [params.entrants]
--! title = { en = "Entrants", zh = "进入者" }
--! type = "choice"
--! default = "all"
--! choices = ["all", "matured"]
--! doc = { en = "All entrants, or only those whose window has ended", zh = "全部进入者，或仅时间窗已结束者" }
--!
--! [columns.breakdown]
--! title = { en = "Breakdown", zh = "分组" }
--! absent = { en = "All", zh = "全部" }
--! unit = "text"
--! doc = { en = "Value of the breakdown; empty without one", zh = "分组值；无分组时为空" }
--! [columns.step]
--! title = { en = "Step", zh = "步骤" }
--! unit = "number"
--! doc = { en = "Number of the step, from 1", zh = "步骤序号，从 1 开始" }
--! [columns.name]
--! title = { en = "Activity", zh = "活动" }
--! unit = "text"
--! doc = { en = "Name of the step's activity", zh = "该步骤的活动名称" }
--! [columns.customers]
--! title = { en = "Customers", zh = "客户数" }
--! unit = "count"
--! doc = { en = "Customers who reached the step", zh = "到达该步骤的客户数" }
--! [columns.share]
--! title = { en = "Share", zh = "转化率" }
--! unit = "share"
--! doc = { en = "Share of the customers of the first step", zh = "占首步客户的比例" }
--! [columns.low]
--! title = { en = "Low", zh = "区间下限" }
--! unit = "share"
--! doc = { en = "Lower end of the 95 % interval", zh = "95% 区间下限" }
--! [columns.high]
--! title = { en = "High", zh = "区间上限" }
--! unit = "share"
--! doc = { en = "Upper end of the 95 % interval", zh = "95% 区间上限" }
--!
--! [labels]
--! all = { en = "All", zh = "全部" }
--! matured = { en = "Window ended", zh = "时间窗已结束" }

--- Where do customers fall out? Every step has a row, reached or not.

WITH journeys AS (
  SELECT
    customer_key,
    CAST(cardinality(chain) AS BIGINT) AS n_steps,
    array_element(chain, 1) + $window AS matures_at
  FROM (
    SELECT customer_key, funnel(name, occurred_at, $steps, $window) AS chain
    FROM activity
    WHERE customer_key IS NOT NULL AND one_of(name, $steps)
    GROUP BY customer_key
  )
),
reached AS (
  SELECT $breakdown AS breakdown, journeys.n_steps
  FROM journeys
  LEFT JOIN customers ON customers.customer_key = journeys.customer_key
  WHERE $entrants = 'all' OR journeys.matures_at <= $as_of
),
steps AS (
  SELECT unnest(range(1, CAST(cardinality($steps) AS BIGINT) + 1)) AS step
),
counted AS (
  SELECT breakdown, step, sum(CASE WHEN n_steps >= step THEN n_customers ELSE 0 END) AS customers
  FROM (SELECT breakdown, n_steps, count(*) AS n_customers FROM reached GROUP BY breakdown, n_steps)
  CROSS JOIN steps
  GROUP BY breakdown, step
),
shared AS (
  SELECT
    breakdown,
    step,
    customers,
    first_value(customers) OVER (PARTITION BY breakdown ORDER BY step) AS entrants
  FROM counted
)
SELECT
  breakdown,
  step,
  array_element($steps, step) AS name,
  customers,
  CASE WHEN entrants > 0 THEN CAST(customers AS DOUBLE) / entrants END AS share,
  wilson(customers, entrants)['low'] AS low,
  wilson(customers, entrants)['high'] AS high
FROM shared
ORDER BY breakdown NULLS FIRST, step
