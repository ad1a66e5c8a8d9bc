--! title = { en = "MRR movements by period", zh = "按周期的月度经常性收入变动" }
--! description = { en = "Sums of the changes of MRR per period, currency and breakdown value, from the first period with a paying contract to the report's date. The columns of_start_* hold the part of customers who paid in the currency when the period began. Sums over customers for intervals: *_squares of the squares of what each paid at the start, or gained by expansion, or by expansion and reactivation (regained); *_base of the products of what each gained with what they paid at the start.", zh = "按周期、币种与分组汇总月度经常性收入变动，从首个有合同的周期至报表日期。of_start_* 列仅含周期开始时已在该币种付费的客户。另有供计算区间用的合计：*_squares 为各客户期初金额、扩张额或扩张与回流之和（regained）的平方和，*_base 为其与期初金额乘积的合计。" }
--! grain = "one row per period, currency and breakdown value"

--- Changes are added up by customer first, so that squares are those of customers.

WITH moves AS (
  SELECT
    $breakdown AS breakdown,
    changes.currency,
    period_index($period, changes.day) AS period_no,
    changes.customer_key,
    first_value(changes.mrr_after - changes.change ORDER BY changes.day) AS base,
    sum(changes.change) AS change,
    sum(abs(changes.change)) FILTER (WHERE changes.movement = 'new') AS new_mrr,
    sum(abs(changes.change)) FILTER (WHERE changes.movement = 'expansion') AS expansion,
    sum(abs(changes.change)) FILTER (WHERE changes.movement = 'reactivation') AS reactivation,
    sum(abs(changes.change)) FILTER (WHERE changes.movement = 'contraction') AS contraction,
    sum(abs(changes.change)) FILTER (WHERE changes.movement = 'churn') AS churn,
    sum(abs(changes.change)) FILTER (WHERE changes.movement IN ('expansion', 'reactivation')) AS regained,
    sum(
      CAST(changes.mrr_after = changes.change AS BIGINT) - CAST(changes.mrr_after = 0 AS BIGINT)
    ) AS n_customers
  FROM mrr_changes AS changes
  LEFT JOIN customers ON customers.customer_key = changes.customer_key
  WHERE $currency IS NULL OR changes.currency = $currency
  GROUP BY 1, 2, 3, 4
),
sums AS (
  SELECT
    breakdown,
    currency,
    period_no,
    sum(change) AS change,
    sum(new_mrr) AS new_mrr,
    sum(expansion) AS expansion,
    sum(reactivation) AS reactivation,
    sum(contraction) AS contraction,
    sum(churn) AS churn,
    sum(expansion) FILTER (WHERE base > 0) AS of_start_expansion,
    sum(reactivation) FILTER (WHERE base > 0) AS of_start_reactivation,
    sum(contraction) FILTER (WHERE base > 0) AS of_start_contraction,
    sum(churn) FILTER (WHERE base > 0) AS of_start_churn,
    sum((base + change) * (base + change) - base * base) AS square_change,
    sum(expansion * expansion) AS expansion_squares,
    sum(expansion * expansion) FILTER (WHERE base > 0) AS of_start_expansion_squares,
    sum(expansion * base) AS expansion_base,
    sum(regained * regained) AS regained_squares,
    sum(regained * regained) FILTER (WHERE base > 0) AS of_start_regained_squares,
    sum(regained * base) AS regained_base,
    sum(n_customers) AS n_customers,
    count(new_mrr) AS new_customers,
    count(churn) AS churned_customers
  FROM moves
  GROUP BY breakdown, currency, period_no
),
running AS (
  SELECT
    sums.*,
    sum(change) OVER books AS end_mrr,
    sum(square_change) OVER books AS end_squares,
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
    end_squares,
    end_customers,
    CASE WHEN shown_no = period_no THEN change END AS change,
    CASE WHEN shown_no = period_no THEN square_change END AS square_change,
    CASE WHEN shown_no = period_no THEN expansion_squares END AS expansion_squares,
    CASE WHEN shown_no = period_no THEN of_start_expansion_squares END AS of_start_expansion_squares,
    CASE WHEN shown_no = period_no THEN expansion_base END AS expansion_base,
    CASE WHEN shown_no = period_no THEN regained_squares END AS regained_squares,
    CASE WHEN shown_no = period_no THEN of_start_regained_squares END AS of_start_regained_squares,
    CASE WHEN shown_no = period_no THEN regained_base END AS regained_base,
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
  end_squares - coalesce(square_change, 0) AS start_squares,
  coalesce(expansion_squares, 0) AS expansion_squares,
  coalesce(of_start_expansion_squares, 0) AS of_start_expansion_squares,
  coalesce(expansion_base, 0) AS expansion_base,
  coalesce(regained_squares, 0) AS regained_squares,
  coalesce(of_start_regained_squares, 0) AS of_start_regained_squares,
  coalesce(regained_base, 0) AS regained_base,
  period_complete($period, period_add($period, DATE '1970-01-01', shown_no), $as_of, $tz) AS complete
FROM moved
