--! title = { en = "Lifetime value", zh = "客户生命周期价值" }
--! description = { en = "Historical lifetime value: cumulative net revenue of a cohort by age, divided by the cohort's size, buyers or not. Refunds and cancellations are negative; anonymous sales are left out. The age whose period has not ended is flagged.", zh = "历史生命周期价值：同期群按期数累计的净营收除以同期群规模（无论是否再次购买）。退款与取消为负；匿名销售不计。尚未结束的期会标注。" }
--! group = "revenue"
--! grain = "one row per cohort and age"
--! chart = { kind = "line", x = "age", y = ["ltv"], series = "cohort", complete = "complete" }
--!
--! [params.cohort]
--! title = { en = "Cohort by", zh = "同期群依据" }
--! type = "choice"
--! default = "first_order"
--! choices = ["first_order", "created"]
--! doc = { en = "Cohort by the first order, or by when the customer was created (then customers who never ordered count in its size, and orders before creation count at age 0)", zh = "按首单或按客户创建时间划分同期群（后者从未下单的客户也计入规模，创建前的订单计入第 0 期）" }
--!
--! [columns.revenue]
--! title = { en = "Revenue", zh = "营收" }
--! unit = "money"
--! doc = { en = "Net revenue at that age", zh = "该期净营收" }
--! [columns.cumulative_revenue]
--! title = { en = "Cumulative revenue", zh = "累计营收" }
--! unit = "money"
--! doc = { en = "Net revenue up to and including that age", zh = "截至该期的累计净营收" }
--! [columns.ltv]
--! title = { en = "LTV", zh = "人均累计价值" }
--! unit = "money"
--! doc = { en = "Cumulative revenue divided by cohort size", zh = "累计营收除以同期群规模" }
--! [labels]
--! first_order = { en = "First order", zh = "首单" }
--! created = { en = "Created", zh = "创建时间" }

--- What has a customer of each cohort brought so far? Cohorts and ages are
--- period ordinals until the end, where they become dates.

WITH lines AS (
  SELECT customer_key, occurred_at, amount
  FROM orders
  WHERE customer_key IS NOT NULL
    AND ($currency IS NULL OR currency = $currency)
),
members AS (
  SELECT customer_key, period($period, starts_at, $tz) AS first_period
  FROM (
    SELECT customer_key, min(occurred_at) AS starts_at
    FROM lines
    WHERE $cohort = 'first_order'
    GROUP BY customer_key
    UNION ALL
    SELECT customer_key, created_at AS starts_at
    FROM customers
    WHERE $cohort = 'created' AND created_at IS NOT NULL
  )
),
-- The cohort is computed from the key, not the key itself: DataFusion 55 takes
-- a GROUP BY key for unique even after an unnest beside it, and then drops `age`
-- from ORDER BY.
cohorts AS (
  SELECT period_index($period, first_period) AS cohort, count(*) AS cohort_size
  FROM members
  GROUP BY first_period
),
earned AS (
  SELECT cohort, age, sum(amount) AS revenue
  FROM (
    SELECT
      period_index($period, members.first_period) AS cohort,
      greatest(
        period_index($period, period($period, lines.occurred_at, $tz))
          - period_index($period, members.first_period),
        0
      ) AS age,
      lines.amount
    FROM lines
    JOIN members ON members.customer_key = lines.customer_key
  )
  GROUP BY cohort, age
),
cells AS (
  SELECT
    cohort,
    cohort_size,
    unnest(range(0, period_index($period, period($period, $as_of, $tz)) - cohort + 1)) AS age
  FROM cohorts
),
cumulated AS (
  SELECT
    period_add($period, DATE '1970-01-01', cells.cohort) AS cohort,
    cells.age,
    coalesce(earned.revenue, 0) AS revenue,
    sum(coalesce(earned.revenue, 0)) OVER (
      PARTITION BY cells.cohort ORDER BY cells.age
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS cumulative_revenue,
    cells.cohort_size
  FROM cells
  LEFT JOIN earned ON earned.cohort = cells.cohort AND earned.age = cells.age
)
SELECT
  cohort,
  age,
  revenue,
  cumulative_revenue,
  cohort_size,
  CAST(cumulative_revenue AS DOUBLE) / cohort_size AS ltv,
  period_complete($period, period_add($period, cohort, age), $as_of, $tz) AS complete
FROM cumulated
ORDER BY cohort, age
