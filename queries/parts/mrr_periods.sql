--! title = { en = "MRR movements by period", zh = "按周期的月度经常性收入变动" }
--! description = { en = "Sums of the changes of MRR per period, currency and breakdown value, from the first period with a paying contract to the report's date. The columns of_start_* hold the part of customers who paid in the currency when the period began.", zh = "按周期、币种与分组汇总月度经常性收入变动，从首个有合同的周期至报表日期。of_start_* 列仅含周期开始时已在该币种付费的客户。" }
--! grain = "one row per period, currency and breakdown value"

WITH moves AS (
  SELECT
    $breakdown AS breakdown,
    changes.currency,
    period_index($period, changes.day) AS period_no,
    changes.customer_key,
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
    count(DISTINCT customer_key) FILTER (WHERE movement = 'churn') AS churned_customers
  FROM moves
  GROUP BY breakdown, currency, period_no
),
running AS (
  SELECT
    sums.*,
    sum(change) OVER books AS end_mrr,
    sum(n_customers) OVER books AS end_customers,
    lead(period_no) OVER books AS next_no
  FROM sums
  WINDOW books AS (PARTITION BY breakdown, currency ORDER BY period_no)
),
-- A period without a change goes on with what the one before ended with.
filled AS (
  SELECT
    running.*,
    unnest(
      range(period_no, coalesce(next_no, period_index($period, period($period, $as_of, $tz)) + 1))
    ) AS shown_no
  FROM running
),
moved AS (
  SELECT
    shown_no,
    currency,
    breakdown,
    end_mrr,
    end_customers,
    CASE WHEN shown_no = period_no THEN change END AS change,
    CASE WHEN shown_no = period_no THEN new_mrr END AS new_mrr,
    CASE WHEN shown_no = period_no THEN expansion END AS expansion,
    CASE WHEN shown_no = period_no THEN reactivation END AS reactivation,
    CASE WHEN shown_no = period_no THEN contraction END AS contraction,
    CASE WHEN shown_no = period_no THEN churn END AS churn,
    CASE WHEN shown_no = period_no THEN of_start_expansion END AS of_start_expansion,
    CASE WHEN shown_no = period_no THEN of_start_reactivation END AS of_start_reactivation,
    CASE WHEN shown_no = period_no THEN of_start_contraction END AS of_start_contraction,
    CASE WHEN shown_no = period_no THEN of_start_churn END AS of_start_churn,
    CASE WHEN shown_no = period_no THEN n_customers END AS n_customers,
    CASE WHEN shown_no = period_no THEN new_customers END AS new_customers,
    CASE WHEN shown_no = period_no THEN churned_customers END AS churned_customers
  FROM filled
)
SELECT
  period_add($period, DATE '1970-01-01', shown_no) AS period,
  currency,
  breakdown,
  end_mrr - coalesce(change, 0) AS start_mrr,
  coalesce(new_mrr, 0) AS new_mrr,
  coalesce(expansion, 0) AS expansion,
  coalesce(reactivation, 0) AS reactivation,
  coalesce(contraction, 0) AS contraction,
  coalesce(churn, 0) AS churn,
  end_mrr,
  end_customers - coalesce(n_customers, 0) AS start_customers,
  coalesce(new_customers, 0) AS new_customers,
  coalesce(churned_customers, 0) AS churned_customers,
  end_customers,
  coalesce(of_start_expansion, 0) AS of_start_expansion,
  coalesce(of_start_reactivation, 0) AS of_start_reactivation,
  coalesce(of_start_contraction, 0) AS of_start_contraction,
  coalesce(of_start_churn, 0) AS of_start_churn,
  period_complete($period, period_add($period, DATE '1970-01-01', shown_no), $as_of, $tz) AS complete
FROM moved
