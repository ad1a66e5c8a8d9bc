--! title = { en = "Paths", zh = "行为路径" }
--! description = { en = "What customers do right after, or right before, an activity. The first time each customer did it is the anchor; then come the next different activities within the window. Activity of the very same instant as the anchor is neither before nor after it. Shares are of all customers with an anchor; for what comes after, customers whose window has not ended are left out, since more may follow. With a breakdown, shares and the limit are those of each value's own customers.", zh = "客户在某个行为之后（或之前）做了什么。以每位客户首次发生该行为为锚点，列出时间窗内接下来的不同行为。与锚点同一时刻的行为不计入。占比以有锚点的客户为分母；看“之后”时，时间窗尚未结束的客户不计，因为后续行为可能尚未发生。选择分组时，占比与行数上限均在各分组值内计算。" }
--! group = "journeys"
--! grain = "one row per path and breakdown value, most travelled first, up to the limit for each value"
--! chart = { kind = "bar", x = "path", y = ["customers"], series = "breakdown" }
--!
--! [params.anchor]
--! title = { en = "Anchor", zh = "锚点行为" }
--! type = "activities"
--! default = ["signup"]
--! doc = { en = "The activity to look around; of several, whichever came first. Where the data does not have the default, the one that comes first among the three that most customers did", zh = "围绕的行为；多个时取最先发生者。数据中没有默认行为时，取最多客户有过的三种行为中最先发生者" }
--!
--! [params.direction]
--! title = { en = "Direction", zh = "方向" }
--! type = "choice"
--! default = "after"
--! choices = ["after", "before"]
--! doc = { en = "What follows, or what came before", zh = "之后或之前" }
--!
--! [params.length]
--! title = { en = "Length", zh = "步数" }
--! type = "integer"
--! default = 3
--! least = 1.0
--! most = 20.0
--! doc = { en = "How many activities a path has beside the anchor", zh = "锚点之外的行为数" }
--!
--! [params.window]
--! title = { en = "Window", zh = "时间窗" }
--! type = "duration"
--! default = "30d"
--! doc = { en = "How far from the anchor", zh = "距锚点的最长时间" }
--!
--! [params.ignore]
--! title = { en = "Ignore", zh = "忽略" }
--! type = "activities"
--! default = []
--! doc = { en = "Activity that is no step of a path", zh = "不作为路径步骤的行为" }
--!
--! [params.limit]
--! title = { en = "Limit", zh = "行数上限" }
--! type = "integer"
--! default = 50
--! least = 1.0
--! doc = { en = "Show so many paths, of each breakdown value", zh = "每个分组值显示的路径数" }
--!
--! [columns.path]
--! title = { en = "Path", zh = "路径" }
--! unit = "text"
--! doc = { en = "Activity in order of time, the anchor in brackets; repeats in a row count once (the anchor itself may come again), steps of one instant are ordered by name", zh = "按时间先后的行为，方括号内为锚点；连续重复只计一次（锚点行为可再次出现），同一时刻的步骤按名称排序" }
--! [columns.customers]
--! title = { en = "Customers", zh = "客户数" }
--! unit = "count"
--! doc = { en = "Customers who went this way", zh = "走过该路径的客户数" }
--! [columns.share]
--! title = { en = "Share", zh = "占比" }
--! unit = "share"
--! doc = { en = "Of all customers with an anchor, of the same breakdown value", zh = "占同一分组值内有锚点客户的比例" }
--! [columns.median_hours]
--! title = { en = "Median hours", zh = "用时中位数（小时）" }
--! unit = "hours"
--! doc = { en = "Between the anchor and the far end of the path", zh = "锚点与路径另一端之间的小时数中位数" }
--!
--! [labels]
--! after = { en = "After", zh = "之后" }
--! before = { en = "Before", zh = "之前" }

--- Where do customers go from here, and where did they come from?
--- Activity of one instant has no order of its own; names decide. Where the
--- window ends is computed per customer: the calendar is slow, per row it was most
--- of the time.

WITH anchors AS (
  SELECT
    customer_key,
    min(occurred_at) AS anchor_at,
    min(occurred_at) - $window AS window_from,
    min(occurred_at) + $window AS window_to
  FROM activity
  WHERE customer_key IS NOT NULL AND one_of(name, $anchor)
  GROUP BY customer_key
  HAVING $direction = 'before' OR min(occurred_at) + $window <= $as_of
),
around AS (
  SELECT
    anchors.customer_key,
    CAST(activity.name AS VARCHAR) AS name,
    abs(CAST(activity.occurred_at AS BIGINT) - CAST(anchors.anchor_at AS BIGINT)) AS away
  FROM activity
  JOIN anchors ON anchors.customer_key = activity.customer_key
  WHERE NOT one_of(activity.name, $ignore)
    AND (
      $direction = 'after'
      AND activity.occurred_at > anchors.anchor_at
      AND activity.occurred_at <= anchors.window_to
      OR $direction = 'before'
      AND activity.occurred_at < anchors.anchor_at
      AND activity.occurred_at >= anchors.window_from
    )
),
turns AS (
  SELECT customer_key, name, away, row_number() OVER (PARTITION BY customer_key ORDER BY away, name) AS place
  FROM (
    SELECT
      customer_key,
      name,
      away,
      lag(name) OVER (PARTITION BY customer_key ORDER BY away, name) AS nearer
    FROM around
  )
  WHERE nearer IS DISTINCT FROM name
),
walked AS (
  SELECT
    customer_key,
    string_agg(name, ' → ' ORDER BY place) AS onwards,
    string_agg(name, ' → ' ORDER BY place DESC) AS backwards,
    max(away) AS away
  FROM turns
  WHERE place <= $length
  GROUP BY customer_key
),
counted AS (
  SELECT
    $breakdown AS breakdown,
    CASE
      WHEN walked.onwards IS NULL THEN concat('[', array_to_string($anchor, ', '), ']')
      WHEN $direction = 'after' THEN concat('[', array_to_string($anchor, ', '), '] → ', walked.onwards)
      ELSE concat(walked.backwards, ' → [', array_to_string($anchor, ', '), ']')
    END AS path,
    count(*) AS customers,
    quantile(CAST(walked.away AS DOUBLE), 0.5) AS away
  FROM anchors
  LEFT JOIN walked ON walked.customer_key = anchors.customer_key
  LEFT JOIN customers ON customers.customer_key = anchors.customer_key
  GROUP BY 1, 2
),
shared AS (
  SELECT
    breakdown,
    path,
    customers,
    away,
    sum(customers) OVER (PARTITION BY breakdown) AS everybody,
    row_number() OVER (PARTITION BY breakdown ORDER BY customers DESC, path) AS rank
  FROM counted
)
SELECT
  CAST(path AS VARCHAR) AS path,
  breakdown,
  customers,
  CAST(customers AS DOUBLE) / everybody AS share,
  wilson(customers, everybody)['low'] AS low,
  wilson(customers, everybody)['high'] AS high,
  away / 3600000000 AS median_hours
FROM shared
WHERE rank <= $limit
ORDER BY breakdown NULLS FIRST, customers DESC, path
