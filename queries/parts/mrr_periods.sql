--! title = { en = "MRR movements by period", zh = "按周期的月度经常性收入变动" }
--! description = { en = "Sums of the changes of MRR per period, currency and breakdown value, from the first period with a contract to the report's date. The columns of_start_* hold the part of customers who paid in the currency when the period began.", zh = "按周期、币种与分组汇总月度经常性收入变动，从首个有合同的周期至报表日期。of_start_* 列仅含周期开始时已在该币种付费的客户。" }
--! grain = "one row per period, currency and breakdown value"

WITH moves AS (
  SELECT
    $breakdown AS breakdown,
    changes.currency,
    period_index($period, changes.day) AS period_no,
    changes.movement,
    changes.change,
    abs(changes.change) AS amount,
    CAST(changes.mrr_after = changes.change AS BIGINT)
      - CAST(changes.mrr_after = 0 AS BIGINT) AS n_customers,
    first_value(changes.mrr_after - changes.change) OVER (
      PARTITION BY changes.customer_key, changes.currency, period_index($period, changes.day)
      ORDER BY changes.day
    ) > 0 AS is_of_start
  FROM mrr_changes AS changes
  LEFT JOIN customers ON customers.customer_key = changes.customer_key
  WHERE $currency IS NULL OR changes.currency = $currency
),
sums AS (
  SELECT
    breakdown,
    currency,
    period_no,
    sum(change) AS change,
    sum(amount) FILTER (WHERE movement = 'new') AS new_mrr,
    sum(amount) FILTER (WHERE movement = 'expansion') AS expansion,
    sum(amount) FILTER (WHERE movement = 'reactivation') AS reactivation,
    sum(amount) FILTER (WHERE movement = 'contraction') AS contraction,
    sum(amount) FILTER (WHERE movement = 'churn') AS churn,
    sum(amount) FILTER (WHERE movement = 'expansion' AND is_of_start) AS of_start_expansion,
    sum(amount) FILTER (WHERE movement = 'reactivation' AND is_of_start) AS of_start_reactivation,
    sum(amount) FILTER (WHERE movement = 'contraction' AND is_of_start) AS of_start_contraction,
    sum(amount) FILTER (WHERE movement = 'churn' AND is_of_start) AS of_start_churn,
    sum(n_customers) AS n_customers,
    count(*) FILTER (WHERE movement = 'new') AS new_customers,
    count(*) FILTER (WHERE movement = 'churn') AS churned_customers
  FROM moves
  GROUP BY breakdown, currency, period_no
),
grid AS (
  SELECT
    breakdown,
    currency,
    unnest(range(first_period, period_index($period, period($period, $as_of, $tz)) + 1)) AS period_no
  FROM (
    SELECT breakdown, currency, min(period_no) AS first_period
    FROM sums
    GROUP BY breakdown, currency
  )
),
running AS (
  SELECT
    grid.breakdown,
    grid.currency,
    grid.period_no,
    coalesce(sums.new_mrr, 0) AS new_mrr,
    coalesce(sums.expansion, 0) AS expansion,
    coalesce(sums.reactivation, 0) AS reactivation,
    coalesce(sums.contraction, 0) AS contraction,
    coalesce(sums.churn, 0) AS churn,
    coalesce(sums.of_start_expansion, 0) AS of_start_expansion,
    coalesce(sums.of_start_reactivation, 0) AS of_start_reactivation,
    coalesce(sums.of_start_contraction, 0) AS of_start_contraction,
    coalesce(sums.of_start_churn, 0) AS of_start_churn,
    coalesce(sums.new_customers, 0) AS new_customers,
    coalesce(sums.churned_customers, 0) AS churned_customers,
    coalesce(sums.change, 0) AS change,
    coalesce(sums.n_customers, 0) AS n_customers,
    sum(coalesce(sums.change, 0)) OVER books AS end_mrr,
    sum(coalesce(sums.n_customers, 0)) OVER books AS end_customers
  FROM grid
  LEFT JOIN sums
    ON (sums.breakdown IS NOT DISTINCT FROM grid.breakdown)
    AND (sums.currency IS NOT DISTINCT FROM grid.currency)
    AND sums.period_no = grid.period_no
  WINDOW books AS (PARTITION BY grid.breakdown, grid.currency ORDER BY grid.period_no)
)
SELECT
  period_add($period, DATE '1970-01-01', period_no) AS period,
  currency,
  breakdown,
  end_mrr - change AS start_mrr,
  new_mrr,
  expansion,
  reactivation,
  contraction,
  churn,
  end_mrr,
  end_customers - n_customers AS start_customers,
  new_customers,
  churned_customers,
  end_customers,
  of_start_expansion,
  of_start_reactivation,
  of_start_contraction,
  of_start_churn,
  period_complete($period, period_add($period, DATE '1970-01-01', period_no), $as_of, $tz) AS complete
FROM running
