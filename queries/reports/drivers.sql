--! title = { en = "Drivers of conversion", zh = "转化驱动因素" }
--! description = { en = "Which early activities and which attributes go with reaching a goal. Customers are watched from their first `start`; what they did within `early` is the factor, and whether they reached the goal after that and within the window is the outcome, so that nothing that came with or after the goal can look like its cause. The start activity itself is no factor. Left out: who reached the goal early (the start among them, if it is also a goal), and whose window has not ended. The odds ratio says how many times the odds of reaching the goal are those of the others (95 % interval, a half added to each count); q is the p value corrected for the number of factors looked at (Benjamini–Hochberg). This is association: what sets people apart, not what would happen if others did the same.", zh = "哪些早期行为与属性与达成目标相关。自每位客户首次 start 起观察：early 期内的行为为因素，此后至时间窗结束是否达成目标为结果，因此目标之后的事不会被当成原因。起点活动本身不作为因素。early 期内已达成目标者（含起点即目标者）与时间窗尚未结束者不计。优势比表示达成目标的优势是其他客户的多少倍（95% 区间，各计数加 0.5）；q 为按因素个数校正后的 p 值（Benjamini–Hochberg）。结果为相关性，不代表因果。" }
--! group = "journeys"
--! grain = "one row per factor and value, surest first"
--! chart = { kind = "table" }
--!
--! [params.start]
--! title = { en = "Start", zh = "起点" }
--! type = "activities"
--! default = ["signup"]
--! doc = { en = "The activity from which customers are watched", zh = "开始观察的活动" }
--!
--! [params.goal]
--! title = { en = "Goal", zh = "目标" }
--! type = "activities"
--! default = ["purchase"]
--! doc = { en = "The activity that counts as converting", zh = "视为转化的活动" }
--!
--! [params.early]
--! title = { en = "Early", zh = "早期" }
--! type = "duration"
--! default = "7d"
--! up_to = "window"
--! doc = { en = "How long after the start activity is a factor", zh = "起点之后多久内的行为作为因素" }
--!
--! [params.window]
--! title = { en = "Window", zh = "时间窗" }
--! type = "duration"
--! default = "60d"
--! doc = { en = "How long after the start the goal counts", zh = "起点之后多久内达成目标有效" }
--!
--! [params.least]
--! title = { en = "Least customers", zh = "最少客户数" }
--! type = "integer"
--! default = 20
--! least = 1.0
--! doc = { en = "Leave out factors that fewer have, or fewer lack", zh = "具备或不具备的客户数低于该值的因素不列" }
--!
--! [columns.factor]
--! title = { en = "Factor", zh = "因素" }
--! unit = "code"
--! doc = { en = "activity, or the attribute of the customer", zh = "activity 或客户属性" }
--! [columns.value]
--! title = { en = "Value", zh = "取值" }
--! unit = "text"
--! doc = { en = "Which activity, or which value of the attribute", zh = "具体活动或属性取值" }
--! [columns.customers]
--! title = { en = "Customers with it", zh = "具备的客户数" }
--! unit = "count"
--! doc = { en = "Customers who have the factor", zh = "具备该因素的客户数" }
--! [columns.share]
--! title = { en = "Reached the goal", zh = "达成率" }
--! unit = "share"
--! doc = { en = "Of those with the factor, who reached the goal", zh = "具备者中达成目标的比例" }
--! [columns.share_without]
--! title = { en = "Without it", zh = "不具备者达成率" }
--! unit = "share"
--! doc = { en = "Of those without the factor, who reached the goal", zh = "不具备者中达成目标的比例" }
--! [columns.odds_ratio]
--! title = { en = "Odds ratio", zh = "优势比" }
--! unit = "number"
--! doc = { en = "Odds of the goal with the factor, divided by those without", zh = "具备与不具备者达成目标的优势之比" }
--! [columns.low]
--! title = { en = "Low", zh = "区间下限" }
--! unit = "number"
--! doc = { en = "Lower end of the 95 % interval of the odds ratio", zh = "优势比 95% 区间下限" }
--! [columns.high]
--! title = { en = "High", zh = "区间上限" }
--! unit = "number"
--! doc = { en = "Upper end of the 95 % interval of the odds ratio", zh = "优势比 95% 区间上限" }
--! [columns.q]
--! title = { en = "q", zh = "q 值" }
--! unit = "number"
--! doc = { en = "Share of false finds among factors at least as sure as this one", zh = "不逊于该因素的发现中预期的误报比例" }
--! [columns.note]
--! title = { en = "Note", zh = "备注" }
--! unit = "code"
--! doc = { en = "Whether q is below 0.05: beyond chance", zh = "q 低于 0.05 时注明超出正常波动" }
--!
--! [labels]
--! activity = { en = "Did early", zh = "早期行为" }
--! segment = { en = "Segment", zh = "分层" }
--! channel = { en = "Channel", zh = "渠道" }
--! region = { en = "Region", zh = "地区" }
--! industry = { en = "Industry", zh = "行业" }

--- What do customers who convert have in common, before they do?

WITH starts AS (
  SELECT
    customer_key,
    min(occurred_at) AS start_at,
    min(occurred_at) + $early AS early_to,
    min(occurred_at) + $window AS window_to
  FROM activity
  WHERE customer_key IS NOT NULL AND one_of(name, $start)
  GROUP BY customer_key
  HAVING min(occurred_at) + $window <= $as_of
),
seen AS (
  SELECT
    starts.customer_key,
    activity.name,
    bool_or(activity.occurred_at <= starts.early_to) AS is_early
  FROM activity
  JOIN starts ON starts.customer_key = activity.customer_key
  WHERE activity.occurred_at >= starts.start_at AND activity.occurred_at <= starts.window_to
  GROUP BY starts.customer_key, activity.name
),
people AS (
  SELECT
    customer_key,
    bool_or(one_of(name, $goal)) AS has_converted,
    array_agg(CAST(name AS VARCHAR)) FILTER (WHERE is_early AND NOT one_of(name, $start)) AS did
  FROM seen
  GROUP BY customer_key
  HAVING NOT bool_or(is_early AND one_of(name, $goal))
),
-- Two lists of equal length, unnested side by side: everybody is read once.
factors AS (
  SELECT
    people.has_converted,
    unnest(
      array_concat(
        ['everybody', 'segment', 'channel', 'region', 'industry'],
        array_repeat('activity', CAST(coalesce(array_length(people.did), 0) AS BIGINT))
      )
    ) AS factor,
    unnest(
      array_concat(
        ['', customers.segment, customers.channel, customers.region, customers.industry],
        people.did
      )
    ) AS value
  FROM people
  LEFT JOIN customers ON customers.customer_key = people.customer_key
),
totals AS (
  SELECT
    factor,
    value,
    n,
    converted,
    sum(n) FILTER (WHERE factor = 'everybody') OVER () - n AS n_without,
    sum(converted) FILTER (WHERE factor = 'everybody') OVER () - converted AS converted_without
  FROM (
    SELECT factor, value, count(*) AS n, count(*) FILTER (WHERE has_converted) AS converted
    FROM factors
    WHERE value IS NOT NULL
    GROUP BY factor, value
  )
),
counted AS (
  SELECT * FROM totals WHERE factor <> 'everybody' AND n >= $least AND n_without >= $least
),
logs AS (
  SELECT
    counted.*,
    ln((converted + 0.5) / (n - converted + 0.5))
      - ln((converted_without + 0.5) / (n_without - converted_without + 0.5)) AS log_odds,
    sqrt(
      1 / (converted + 0.5) + 1 / (n - converted + 0.5)
        + 1 / (converted_without + 0.5) + 1 / (n_without - converted_without + 0.5)
    ) AS error
  FROM counted
),
ranked AS (
  SELECT
    logs.*,
    p_value(log_odds / error) AS p,
    count(*) OVER (ORDER BY p_value(log_odds / error) RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS place,
    count(*) OVER () AS n_factors
  FROM logs
),
corrected AS (
  SELECT
    ranked.*,
    least(min(p * n_factors / place) OVER (ORDER BY p DESC RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW), 1) AS q
  FROM ranked
)
SELECT
  factor,
  value,
  n AS customers,
  CAST(converted AS DOUBLE) / n AS share,
  CAST(converted_without AS DOUBLE) / n_without AS share_without,
  exp(log_odds) AS odds_ratio,
  exp(log_odds - 1.959963984540054 * error) AS low,
  exp(log_odds + 1.959963984540054 * error) AS high,
  q,
  CASE WHEN q < 0.05 THEN 'beyond_chance' END AS note
FROM corrected
ORDER BY p, factor, value
