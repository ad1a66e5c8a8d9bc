--! title = { en = "Active before, gone after", zh = "前期活跃客户的后续流失情况" }
--! description = { en = "Customers who were active in the horizon before an index date, which lies one horizon before the report's date, how active they were then, and whether nothing of them was seen from the index date to the report's date. What is known of a customer before the index date can be held against `is_gone` without a look into the future.", zh = "以报表日期之前一个观察期为基准日：基准日之前一个观察期内活跃的客户、当时的行为次数，以及基准日至报表日期之间是否再无行为。用基准日之前已知的信息与 is_gone 对照，不会用到未来信息。" }
--! grain = "one row per customer active in the horizon before the index date"
--!
--! [params.horizon]
--! type = "duration"
--! default = "90d"
--! doc = { en = "How long customers are watched before and after the index date", zh = "基准日前后各观察多久" }
--!
--! [params.activity]
--! type = "activities"
--! default = []
--! doc = { en = "Activity that counts; empty means any", zh = "计入的行为名称；留空表示任意行为" }

--- Who was there, and who was not any more?

SELECT
  customer_key,
  count(*) FILTER (WHERE occurred_at <= $as_of - $horizon) AS n_active,
  NOT bool_or(occurred_at > $as_of - $horizon) AS is_gone
FROM activity
WHERE customer_key IS NOT NULL
  AND occurred_at > $as_of - $horizon - $horizon
  AND (cardinality($activity) = 0 OR one_of(name, $activity))
GROUP BY customer_key
HAVING bool_or(occurred_at <= $as_of - $horizon)
