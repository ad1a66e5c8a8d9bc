--! title = { en = "Buyers in numbers", zh = "下单客户概况" }
--! description = { en = "Of each customer who bought: repeat purchases, when the last was and how long the customer has been watched, in weeks after the first purchase, the mean amount of repeat purchases, and the net revenue of everything.", zh = "每位下单客户的复购次数、末次购买与观察时长（自首次购买起，以周计）、复购的平均金额，以及全部净营收。" }
--! grain = "one row per customer with a purchase"

SELECT
  customer_key,
  customer_id,
  count(*) FILTER (WHERE is_purchase) - 1 AS repeats,
  max(day) FILTER (WHERE is_purchase) AS last_day,
  CAST(
    period_index('day', max(day) FILTER (WHERE is_purchase))
      - period_index('day', min(day) FILTER (WHERE is_purchase))
    AS DOUBLE
  ) / 7 AS last_week,
  CAST(
    period_index('day', period('day', $as_of, $tz))
      - period_index('day', min(day) FILTER (WHERE is_purchase))
    AS DOUBLE
  ) / 7 AS weeks,
  CASE
    WHEN count(*) FILTER (WHERE is_purchase) > 1
    THEN CAST(
      sum(amount) FILTER (WHERE is_purchase) - first_value(amount ORDER BY day) FILTER (WHERE is_purchase) AS DOUBLE
    ) / (count(*) FILTER (WHERE is_purchase) - 1)
  END AS mean_amount,
  sum(amount) AS revenue
FROM order_days
GROUP BY customer_key, customer_id
HAVING bool_or(is_purchase)
