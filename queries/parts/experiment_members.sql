--! title = { en = "Members of an experiment", zh = "实验成员" }
--! description = { en = "Every customer who has an arm, and what came of them from the experiment's start to the end of the window, the last instant included. The start is local midnight of `starts`, or when the customer was created. Revenue before is that of the window's length before the start.", zh = "每位有实验组别的客户，以及从实验开始到时间窗结束（含末刻）的结果。开始时间为 starts 当日零点，未填时为客户创建时间。revenue_before 为开始前同等时长内的净营收。" }
--! grain = "one row per customer with an arm"
--!
--! [params.attribute]
--! type = "breakdown"
--! doc = { en = "What holds a customer's arm", zh = "记录客户组别的字段" }
--! [params.starts]
--! type = "date"
--! doc = { en = "First day of the experiment; if not given, when the customer was created", zh = "实验首日；不填时为客户创建时间" }
--! [params.window]
--! type = "duration"
--! doc = { en = "How long after the start an outcome counts", zh = "开始后多长时间内的结果计入" }
--! [params.outcome]
--! type = "choice"
--! choices = ["order", "activity", "attribute"]
--! doc = { en = "What counts as the outcome", zh = "结果指标" }
--! [params.activity]
--! type = "activities"
--! doc = { en = "Activity that is the outcome; empty means any", zh = "作为结果的行为名称；留空表示任意行为" }
--! [params.outcome_attribute]
--! type = "breakdown"
--! doc = { en = "Name of the attribute that is the outcome", zh = "作为结果的客户属性名" }

--- Intention to treat: whoever was put into an arm counts there, whether or not
--- anything reached them. Midnight is told from noon, since clocks may skip it.

WITH members AS (
  SELECT *, starts_at - $window AS window_from, starts_at + $window AS window_to
  FROM (
    SELECT
      customers.customer_key,
      $attribute AS arm,
      coalesce(
        noon - INTERVAL '12 hours' - (to_local_time(noon - INTERVAL '12 hours') - CAST($starts AS TIMESTAMP)),
        customers.created_at
      ) AS starts_at,
      $outcome_attribute AS outcome_value
    FROM customers
    CROSS JOIN (SELECT (CAST($starts AS TIMESTAMP) + INTERVAL '12 hours') AT TIME ZONE $tz AS noon)
    WHERE $attribute IS NOT NULL
  )
),
sales AS (
  SELECT
    members.customer_key,
    bool_or(orders.amount > 0) FILTER (WHERE orders.occurred_at >= members.starts_at) AS has_ordered,
    sum(orders.amount) FILTER (WHERE orders.occurred_at >= members.starts_at) AS revenue,
    sum(orders.amount) FILTER (WHERE orders.occurred_at < members.starts_at) AS revenue_before,
    min(coalesce(orders.currency, '')) AS least_currency,
    max(coalesce(orders.currency, '')) AS greatest_currency
  FROM members
  JOIN orders
    ON orders.customer_key = members.customer_key
    AND orders.occurred_at >= members.window_from
    AND orders.occurred_at <= members.window_to
    AND ($currency IS NULL OR orders.currency = $currency)
  GROUP BY members.customer_key
),
deeds AS (
  SELECT members.customer_key
  FROM members
  WHERE $outcome = 'activity'
    AND EXISTS (
      SELECT 1
      FROM activity
      WHERE activity.customer_key = members.customer_key
        AND activity.occurred_at >= members.starts_at
        AND activity.occurred_at <= members.window_to
        AND (cardinality($activity) = 0 OR one_of(activity.name, $activity))
    )
)
SELECT
  members.customer_key,
  members.arm,
  members.starts_at,
  coalesce(members.window_to <= $as_of, false) AS is_matured,
  CASE $outcome
    WHEN 'order' THEN coalesce(sales.has_ordered, false)
    WHEN 'activity' THEN deeds.customer_key IS NOT NULL
    ELSE coalesce(
      lower(members.outcome_value) IN ('true', 'yes', 't', 'y')
        OR TRY_CAST(members.outcome_value AS DOUBLE) > 0,
      false
    )
  END AS has_converted,
  coalesce(sales.revenue, 0) AS revenue,
  coalesce(sales.revenue_before, 0) AS revenue_before,
  sales.least_currency,
  sales.greatest_currency
FROM members
LEFT JOIN sales ON sales.customer_key = members.customer_key
LEFT JOIN deeds ON deeds.customer_key = members.customer_key
