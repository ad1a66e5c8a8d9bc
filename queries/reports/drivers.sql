--! title = { en = "Drivers of conversion", zh = "转化驱动因素" }
--! description = { en = "Which early activities and which attributes go with reaching a goal. Customers are watched from their first start activity: what they did early is a factor, and whether they reached the goal after that and within the window is the outcome, so that nothing done with or after the goal can look like its cause. Attributes are as known at the report's date. Left out are customers who reached the goal early, and those whose window has not ended. An odds ratio of 2 says that the odds of reaching the goal are twice those of customers without the factor. This is association: what sets customers apart, not what would happen if others did the same. With a breakdown each value is looked at by itself, and q is corrected for the factors of that value only: over many values some finds are chance.", zh = "哪些早期行为和客户属性与达成目标相关。自每位客户首次出现起点行为起观察：早期做过的行为为因素，此后至时间窗结束是否达成目标为结果，因此与目标同时或之后的行为不会被当成原因。属性取报表日期时的值。早期已达成目标的客户与时间窗尚未结束的客户不计。优势比为 2，表示达成目标的优势是不具备该因素者的两倍。结果为相关而非因果：它说明客户之间有何不同，不代表其他客户照做也会有同样效果。选择分组时，各分组值单独分析，q 值只按该组内的因素个数校正：分组越多，偶然出现的发现越多。" }
--! group = "journeys"
--! grain = "one row per factor, value and breakdown value, surest first within a breakdown value"
--! chart = { kind = "table" }
--!
--! [params.start]
--! title = { en = "Start", zh = "起点" }
--! type = "activities"
--! default = ["signup"]
--! doc = { en = "The activity from which customers are watched. Where the data does not have the default, the one that comes first among the three that most customers did", zh = "开始观察的行为。数据中没有默认行为时，取最多客户有过的三种行为中最先发生者" }
--!
--! [params.goal]
--! title = { en = "Goal", zh = "目标" }
--! type = "activities"
--! default = ["purchase"]
--! doc = { en = "The activity that counts as converting. Where the data does not have the default, the one that comes last among the three that most customers did", zh = "视为转化的行为。数据中没有默认行为时，取最多客户有过的三种行为中最后发生者" }
--!
--! [params.early]
--! title = { en = "Early", zh = "早期" }
--! type = "duration"
--! default = "7d"
--! up_to = "window"
--! doc = { en = "How long after the start activity is a factor; the start activity itself is none", zh = "起点之后多久内的行为作为因素；起点行为本身不算" }
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
--! doc = { en = "What was done early, or the attribute of the customer", zh = "早期行为，或客户属性" }
--! [columns.value]
--! title = { en = "Value", zh = "取值" }
--! unit = "text"
--! doc = { en = "Which activity, or which value of the attribute", zh = "具体行为或属性取值" }
--! [columns.customers]
--! title = { en = "Customers with it", zh = "具备的客户数" }
--! unit = "count"
--! doc = { en = "Customers who have the factor", zh = "具备该因素的客户数" }
--! [columns.share]
--! title = { en = "Reached the goal", zh = "达成率" }
--! unit = "share"
--! doc = { en = "Of those with the factor, who reached the goal", zh = "具备者中达成目标的比例" }
--! [columns.share_low]
--! title = { en = "Reached, low", zh = "达成率下限" }
--! unit = "share"
--! doc = { en = "Lower end of its 95 % interval (Wilson)", zh = "达成率 95% 区间下限（Wilson）" }
--! [columns.share_high]
--! title = { en = "Reached, high", zh = "达成率上限" }
--! unit = "share"
--! doc = { en = "Upper end of its 95 % interval (Wilson)", zh = "达成率 95% 区间上限（Wilson）" }
--! [columns.share_without]
--! title = { en = "Without it", zh = "不具备者达成率" }
--! unit = "share"
--! doc = { en = "Of those without the factor, who reached the goal", zh = "不具备者中达成目标的比例" }
--! [columns.share_without_low]
--! title = { en = "Without it, low", zh = "不具备者达成率下限" }
--! unit = "share"
--! doc = { en = "Lower end of its 95 % interval (Wilson)", zh = "不具备者达成率 95% 区间下限（Wilson）" }
--! [columns.share_without_high]
--! title = { en = "Without it, high", zh = "不具备者达成率上限" }
--! unit = "share"
--! doc = { en = "Upper end of its 95 % interval (Wilson)", zh = "不具备者达成率 95% 区间上限（Wilson）" }
--! [columns.odds_ratio]
--! title = { en = "Odds ratio", zh = "优势比" }
--! unit = "number"
--! doc = { en = "Odds of the goal with the factor, divided by those without; a half is added to each count", zh = "具备与不具备者达成目标的优势之比；各计数加 0.5" }
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
--! doc = { en = "Share of false finds among factors at least as sure as this one (p value corrected for the number of factors, Benjamini–Hochberg)", zh = "不逊于该因素的发现中预期的误报比例（按因素个数校正的 p 值，Benjamini–Hochberg）" }
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
    $breakdown AS breakdown,
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
    breakdown,
    factor,
    value,
    n,
    converted,
    sum(n) FILTER (WHERE factor = 'everybody') OVER alike - n AS n_without,
    sum(converted) FILTER (WHERE factor = 'everybody') OVER alike - converted AS converted_without
  FROM (
    SELECT breakdown, factor, value, count(*) AS n, count(*) FILTER (WHERE has_converted) AS converted
    FROM factors
    WHERE value IS NOT NULL
    GROUP BY breakdown, factor, value
  )
  WINDOW alike AS (PARTITION BY breakdown)
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
-- Two values that are each other's opposite are equally sure, but for the last
-- digits: z puts rows in order.
ranked AS (
  SELECT
    logs.*,
    round(abs(log_odds / error), 9) AS z,
    p_value(log_odds / error) AS p,
    count(*) OVER (
      PARTITION BY breakdown
      ORDER BY p_value(log_odds / error)
      RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS place,
    count(*) OVER (PARTITION BY breakdown) AS n_factors
  FROM logs
),
corrected AS (
  SELECT
    ranked.*,
    least(
      min(p * n_factors / place) OVER (
        PARTITION BY breakdown ORDER BY p DESC RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
      ),
      1
    ) AS q
  FROM ranked
)
SELECT
  factor,
  value,
  breakdown,
  n AS customers,
  CAST(converted AS DOUBLE) / n AS share,
  wilson(converted, n)['low'] AS share_low,
  wilson(converted, n)['high'] AS share_high,
  CAST(converted_without AS DOUBLE) / n_without AS share_without,
  wilson(converted_without, n_without)['low'] AS share_without_low,
  wilson(converted_without, n_without)['high'] AS share_without_high,
  exp(log_odds) AS odds_ratio,
  exp(log_odds - 1.959963984540054 * error) AS low,
  exp(log_odds + 1.959963984540054 * error) AS high,
  q,
  CASE WHEN q < 0.05 THEN 'beyond_chance' END AS note
FROM corrected
ORDER BY breakdown NULLS FIRST, z DESC, factor, value
