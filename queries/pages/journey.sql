--! title = { en = "Journey of most customers", zh = "多数客户的历程" }
--! description = { en = "The three activities that most customers did, in the order in which a customer typically did each for the first time (median time since the customer's first activity).", zh = "最多客户有过的三种行为，按典型的首次发生先后排列（距客户首次行为的时间，取中位数）。" }
--! grain = "one row per activity"

SELECT name
FROM (
  SELECT
    name,
    count(*) AS customers,
    quantile(CAST(CAST(first_at AS BIGINT) - start AS DOUBLE), 0.5) AS after,
    row_number() OVER (ORDER BY count(*) DESC, name) AS place
  FROM (
    SELECT
      name,
      first_at,
      min(CAST(first_at AS BIGINT)) OVER (PARTITION BY customer_key) AS start
    FROM (
      SELECT customer_key, CAST(name AS VARCHAR) AS name, min(occurred_at) AS first_at
      FROM activity
      WHERE customer_key IS NOT NULL
      GROUP BY 1, 2
    )
  )
  GROUP BY name
)
WHERE place <= 3
ORDER BY after, customers DESC, name
