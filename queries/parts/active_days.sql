--! title = { en = "Active days", zh = "活跃日" }
--! description = { en = "The local days on which a customer had the activity asked for (any, if none is), each with the customer's first and next one, as ordinals of days.", zh = "客户发生指定行为（未指定则为任意行为）的各个日期，以及其首个与下一个活跃日，均以日序号表示。" }
--! grain = "one row per customer and active day"
--!
--! [params.activity]
--! type = "activities"
--! default = []
--! doc = { en = "Activity that counts; empty means any", zh = "计入的行为名称；留空表示任意行为" }

--- `retention` streams over the customers and hands on a list of days each: far
--- fewer rows than activity has, and in order.

WITH histories AS (
  SELECT customer_key, period_index('day', history['cohort']) AS first_no, history['ages'] AS ages
  FROM (
    SELECT customer_key, retention(occurred_at, 'day', $tz) AS history
    FROM activity
    WHERE customer_key IS NOT NULL
      AND (cardinality($activity) = 0 OR one_of(name, $activity))
    GROUP BY customer_key
  )
)
SELECT customer_key, first_no, first_no + age AS day_no, first_no + next_age AS next_no
FROM (
  SELECT
    customer_key,
    first_no,
    unnest(ages) AS age,
    unnest(array_slice(ages, 2, CAST(cardinality(ages) AS BIGINT))) AS next_age
  FROM histories
)
