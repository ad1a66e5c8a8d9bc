--! title = { en = "Lifetime value", zh = "客户生命周期价值" }
--! description = { en = "What a customer of each cohort has brought so far, by age: cumulative net revenue, times the margin if one is given, divided by the cohort's size, buyers or not. Refunds and cancellations are negative; sales without a customer are left out. The age whose period has not ended is flagged.", zh = "各同期群的客户至今平均带来多少价值，按期数列出：累计净营收（给定毛利率时乘以毛利率）除以同期群规模，无论是否下过单。退款与取消为负；无客户的销售不计。尚未结束的期会标注。" }
--! group = "revenue"
--! grain = "one row per breakdown value, cohort and age"
--! chart = { kind = "line", x = "age", y = ["ltv"], series = "cohort", facet = "breakdown", complete = "complete" }
--!
--! [params.cohort]
--! title = { en = "Cohort by", zh = "同期群依据" }
--! type = "choice"
--! default = "first_order"
--! choices = ["first_order", "created"]
--! doc = { en = "Cohort by the first order, or by when the customer was created (then customers who never ordered count in its size, and orders before creation count at age 0)", zh = "按首单或按客户创建时间划分同期群（后者从未下单的客户也计入规模，创建前的订单计入第 0 期）" }
--!
--! [params.margin]
--! title = { en = "Margin", zh = "毛利率" }
--! type = "number"
--! default = 1.0
--! most = 1.0
--! doc = { en = "Share of revenue that is margin, e.g. 0.6; LTV is then in margin, revenue stays revenue", zh = "毛利占营收的比例，例如 0.6；客均累计价值按毛利计算，营收列不变" }
--!
--! [params.from]
--! title = { en = "From", zh = "起始日期" }
--! type = "date"
--! up_to = "to"
--! doc = { en = "Cohorts from the one that holds this day", zh = "自该日所在的同期群起" }
--!
--! [params.to]
--! title = { en = "To", zh = "截止日期" }
--! type = "date"
--! doc = { en = "Cohorts up to the one that holds this day", zh = "至该日所在的同期群止" }
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
--! title = { en = "LTV", zh = "客均累计价值" }
--! unit = "money"
--! doc = { en = "Cumulative revenue times margin, divided by cohort size", zh = "累计营收乘以毛利率，再除以同期群规模" }
--! [columns.ltv_low]
--! title = { en = "LTV, low", zh = "客均累计价值下限" }
--! unit = "money"
--! doc = { en = "Lower end of its 95 % interval (Hall, over the customers of the cohort); empty below five customers, or if all brought the same", zh = "客均累计价值 95% 区间下限（Hall 法，以同期群客户为单位）；客户少于五位或价值全部相同时为空" }
--! [columns.ltv_high]
--! title = { en = "LTV, high", zh = "客均累计价值上限" }
--! unit = "money"
--! doc = { en = "Upper end of its 95 % interval (Hall, over the customers of the cohort)", zh = "客均累计价值 95% 区间上限（Hall 法，以同期群客户为单位）" }
--! [labels]
--! first_order = { en = "First order", zh = "首单" }
--! created = { en = "Created", zh = "创建时间" }

--- What has a customer of each cohort brought so far? Cohorts and ages are
--- period ordinals until the end, where they become dates. The interval needs the
--- powers of what each customer has brought by an age: every line adds by how much
--- it changes them, so that nobody needs a row for an age without a line.

WITH lines AS (
  SELECT
    customer_key,
    occurred_at,
    amount,
    CAST(sum(amount) OVER in_turn AS DECIMAL(76, 4)) AS total,
    CAST(sum(amount) OVER in_turn - amount AS DECIMAL(76, 4)) AS before
  FROM orders
  WHERE customer_key IS NOT NULL
    AND ($currency IS NULL OR currency = $currency)
  WINDOW in_turn AS (
    PARTITION BY customer_key ORDER BY occurred_at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  )
),
members AS (
  SELECT
    starts.customer_key,
    $breakdown AS breakdown,
    period($period, starts.starts_at, $tz) AS first_period
  FROM (
    SELECT customer_key, min(occurred_at) AS starts_at
    FROM lines
    WHERE $cohort = 'first_order'
    GROUP BY customer_key
    UNION ALL
    SELECT customer_key, created_at AS starts_at
    FROM customers
    WHERE $cohort = 'created' AND created_at IS NOT NULL
  ) AS starts
  LEFT JOIN customers ON customers.customer_key = starts.customer_key
  WHERE ($from IS NULL OR period($period, starts.starts_at, $tz) >= period_add($period, $from, 0))
    AND ($to IS NULL OR period($period, starts.starts_at, $tz) <= $to)
),
-- The cohort is computed from the key, not the key itself: DataFusion 55 takes
-- GROUP BY keys for unique even after an unnest beside them, and then drops `age`
-- from ORDER BY.
cohorts AS (
  SELECT breakdown, period_index($period, first_period) AS cohort, count(*) AS cohort_size
  FROM members
  GROUP BY breakdown, first_period
),
earned AS (
  SELECT
    breakdown,
    cohort,
    age,
    sum(amount) AS revenue,
    sum(total * total - before * before) AS squares,
    sum(total * total * total - before * before * before) AS cubes,
    sum(CAST(total < 0 AS BIGINT) - CAST(before < 0 AS BIGINT)) AS n_below,
    sum(CAST(total > 0 AS BIGINT) - CAST(before > 0 AS BIGINT)) AS n_above
  FROM (
    SELECT
      members.breakdown,
      period_index($period, members.first_period) AS cohort,
      greatest(
        period_index($period, period($period, lines.occurred_at, $tz))
          - period_index($period, members.first_period),
        0
      ) AS age,
      lines.amount,
      lines.total,
      lines.before
    FROM lines
    JOIN members ON members.customer_key = lines.customer_key
  )
  GROUP BY breakdown, cohort, age
),
cells AS (
  SELECT
    breakdown,
    cohort,
    cohort_size,
    unnest(range(0, period_index($period, period($period, $as_of, $tz)) - cohort + 1)) AS age
  FROM cohorts
),
cumulated AS (
  SELECT
    period_add($period, DATE '1970-01-01', cells.cohort) AS cohort,
    cells.breakdown,
    cells.age,
    coalesce(earned.revenue, 0) AS revenue,
    coalesce(sum(earned.revenue) OVER so_far, 0) AS cumulative_revenue,
    sum(earned.squares) OVER so_far AS squares,
    sum(earned.cubes) OVER so_far AS cubes,
    sum(earned.n_below) OVER so_far AS n_below,
    sum(earned.n_above) OVER so_far AS n_above,
    cells.cohort_size
  FROM cells
  LEFT JOIN earned
    ON (earned.breakdown IS NOT DISTINCT FROM cells.breakdown)
    AND earned.cohort = cells.cohort
    AND earned.age = cells.age
  WINDOW so_far AS (
    PARTITION BY cells.breakdown, cells.cohort ORDER BY cells.age ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
  )
),
-- Exact until the division: n² and n³ times the second and third central moments.
spread AS (
  SELECT
    *,
    CAST(cohort_size * squares - total * total AS DOUBLE) AS second,
    CAST(cohort_size * cohort_size * cubes - 3 * cohort_size * total * squares + 2 * total * total * total AS DOUBLE)
      AS third
  FROM (SELECT *, CAST(cumulative_revenue AS DECIMAL(76, 4)) AS total FROM cumulated)
),
judged AS (
  SELECT
    *,
    mean_interval(
      named_struct(
        'n', CAST(cohort_size AS DOUBLE),
        'mean', CAST(cumulative_revenue AS DOUBLE) / cohort_size,
        'variance', second / cohort_size / nullif(cohort_size - 1, 0),
        'skewness', third / nullif(power(second, 1.5), 0),
        'least', CASE WHEN n_below > 0 THEN -1.0 ELSE 0.0 END,
        'greatest', CASE WHEN n_above > 0 THEN 1.0 ELSE 0.0 END
      )
    ) AS ends
  FROM spread
)
SELECT
  cohort,
  breakdown,
  age,
  revenue,
  cumulative_revenue,
  cohort_size,
  CAST(cumulative_revenue AS DOUBLE) * $margin / cohort_size AS ltv,
  ends['low'] * $margin AS ltv_low,
  ends['high'] * $margin AS ltv_high,
  period_complete($period, period_add($period, cohort, age), $as_of, $tz) AS complete
FROM judged
ORDER BY breakdown NULLS FIRST, cohort, age
