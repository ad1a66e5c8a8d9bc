--! title = { en = "Findings of data quality", zh = "数据质量检查结果" }
--! description = { en = "How many rows were looked at for each finding, and how many are in order, apart for rows that could first be known within `recent` before the report's date and for those before. What is judged is described in the report `data_quality`. For the newest row and for refused rows nothing is judged: good is empty.", zh = "每项检查所检查的行数与合格行数，按是否在报表日期前 recent 时长内才可知分别统计。检查内容见报表 data_quality。最新一行与被拒收的行不作判断，good 为空。" }
--! grain = "one row per finding, table and column, for recent rows and for those before"
--! [params.recent]
--! title = { en = "Recent", zh = "近期" }
--! type = "duration"
--! default = "30d"
--! doc = { en = "Rows that arrived within this time before the report's date are compared with those before", zh = "报表日期前该时长内到达的行与此前的行对比" }

--- Lists of equal length, one element per finding, are unnested side by side, so
--- that a table is read once for all that is asked of it.

WITH implied AS (
  SELECT customer_key FROM customers WHERE implied
),
counted AS (
  SELECT
    'customers' AS source, known_at > $as_of - $recent AS is_recent, max(created_at) AS newest,
    ['newest_row', 'not_filled', 'not_filled', 'not_filled', 'not_filled', 'not_filled',
      'same_name_and_region'] AS finding,
    [NULL, 'owner_id', 'segment', 'channel', 'region', 'industry', 'name'] AS "column",
    [count(*), count(*), count(*), count(*), count(*), count(*), count(name)] AS n,
    [NULL, count(owner_id), count(segment), count(channel), count(region), count(industry),
      count(name) FILTER (WHERE n_equal = 1)] AS good
  FROM (SELECT *, count(*) OVER (PARTITION BY lower(trim(name)), region) AS n_equal FROM customers)
  GROUP BY 2
  UNION ALL
  SELECT
    'activity', known_at > $as_of - $recent, max(occurred_at),
    ['newest_row', 'unknown_customer'],
    [NULL, 'customer_id'],
    [count(*), count(activity.customer_key)],
    [NULL, count(activity.customer_key) - count(implied.customer_key)]
  FROM activity
  LEFT JOIN implied ON implied.customer_key = activity.customer_key
  GROUP BY 2
  UNION ALL
  SELECT
    'orders', known_at > $as_of - $recent, max(occurred_at),
    ['newest_row', 'not_filled', 'not_filled', 'not_filled', 'unknown_customer'],
    [NULL, 'customer_id', 'currency', 'product', 'customer_id'],
    [count(*), count(*), count(*), count(*), count(orders.customer_key)],
    [NULL, count(customer_id), count(currency), count(product),
      count(orders.customer_key) - count(implied.customer_key)]
  FROM orders
  LEFT JOIN implied ON implied.customer_key = orders.customer_key
  GROUP BY 2
  UNION ALL
  SELECT
    'subscriptions', known_at > $as_of - $recent, max(started_at),
    ['newest_row', 'not_filled', 'unknown_customer', 'contract_ends_before_start'],
    [NULL, 'ends_at', 'customer_id', 'ended_at'],
    [count(*), count(*), count(subscriptions.customer_key), count(coalesce(ended_at, ends_at))],
    [NULL, count(ends_at), count(subscriptions.customer_key) - count(implied.customer_key),
      count(*) FILTER (WHERE coalesce(ended_at, ends_at) >= started_at)]
  FROM subscriptions
  LEFT JOIN implied ON implied.customer_key = subscriptions.customer_key
  GROUP BY 2
  UNION ALL
  SELECT
    'opportunities', known_at > $as_of - $recent, max(created_at),
    ['newest_row', 'not_filled', 'not_filled', 'not_filled', 'not_filled', 'unknown_customer',
      'closed_before_created'],
    [NULL, 'owner_id', 'amount', 'source', 'expected_close_at', 'customer_id', 'closed_at'],
    [count(*), count(*), count(*), count(*), count(*), count(opportunities.customer_key),
      count(*) FILTER (WHERE closed_at IS NOT NULL AND created_at IS NOT NULL)],
    [NULL, count(owner_id), count(amount), count(source), count(expected_close_at),
      count(opportunities.customer_key) - count(implied.customer_key),
      count(*) FILTER (WHERE closed_at >= created_at)]
  FROM opportunities
  LEFT JOIN implied ON implied.customer_key = opportunities.customer_key
  GROUP BY 2
  UNION ALL
  SELECT
    'tickets', known_at > $as_of - $recent, max(occurred_at),
    ['newest_row', 'not_filled', 'not_filled', 'not_filled', 'unknown_customer', 'closed_before_created'],
    [NULL, 'category', 'owner_id', 'first_response_at', 'customer_id', 'closed_at'],
    [count(*), count(*), count(*), count(closed_at), count(tickets.customer_key), count(closed_at)],
    [NULL, count(category), count(owner_id), count(first_response_at) FILTER (WHERE closed_at IS NOT NULL),
      count(tickets.customer_key) - count(implied.customer_key),
      count(*) FILTER (WHERE closed_at >= occurred_at)]
  FROM tickets
  LEFT JOIN implied ON implied.customer_key = tickets.customer_key
  GROUP BY 2
  UNION ALL
  SELECT
    'surveys', known_at > $as_of - $recent, max(occurred_at),
    ['newest_row', 'not_filled', 'unknown_customer'],
    [NULL, 'comment', 'customer_id'],
    [count(*), count(*), count(surveys.customer_key)],
    [NULL, count(comment), count(surveys.customer_key) - count(implied.customer_key)]
  FROM surveys
  LEFT JOIN implied ON implied.customer_key = surveys.customer_key
  GROUP BY 2
  UNION ALL
  SELECT
    'touches', known_at > $as_of - $recent, max(occurred_at),
    ['newest_row', 'not_filled'], [NULL, 'customer_id'], [count(*), count(*)], [NULL, count(customer_id)]
  FROM touches
  GROUP BY 2
  UNION ALL
  SELECT source, known_at > $as_of - $recent, max(stamp), ['newest_row'], [NULL], [count(*)], [NULL]
  FROM (
    SELECT 'opportunity_stages' AS source, known_at, occurred_at AS stamp FROM opportunity_stages
    UNION ALL
    SELECT 'campaigns', known_at, started_at FROM campaigns
    UNION ALL
    SELECT 'scores', known_at, cutoff FROM scores
  )
  GROUP BY 1, 2
)
SELECT
  source, is_recent, newest,
  unnest(finding) AS finding, unnest("column") AS "column", unnest(n) AS n, unnest(good) AS good
FROM counted
UNION ALL
SELECT 'orders', is_recent, NULL, 'duplicate_order_lines', NULL, n, n - coalesce(n_repeated, 0)
FROM (
  SELECT
    unnest([TRUE, FALSE]) AS is_recent,
    unnest([sum(n_recent), sum(n - n_recent)]) AS n,
    unnest([
      sum(n_recent) FILTER (WHERE n_loads > 1), sum(n - n_recent) FILTER (WHERE n_loads > 1)
    ]) AS n_repeated
  FROM (
    SELECT
      count(*) AS n,
      count(*) FILTER (WHERE known_at > $as_of - $recent) AS n_recent,
      count(DISTINCT load_id) AS n_loads
    FROM orders
    WHERE line_id IS NULL
    GROUP BY order_id, customer_id, product, quantity, amount, currency, occurred_at
  )
)
UNION ALL
SELECT 'quarantine', known_at > $as_of - $recent, NULL, reason, NULL, count(*), NULL
FROM quarantine
GROUP BY reason, 2
