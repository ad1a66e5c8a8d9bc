--! title = { en = "Arms of an experiment", zh = "实验分组" }
--! description = { en = "Size, outcomes and revenue of each arm, with the control's beside them. Adjusted means are means − θ × what was there before the start (CUPED), θ = cov(before, revenue) / var(before) over all arms; null if nothing was there, or not for every customer. With aa, the control also stands as an experiment of its own, split in two.", zh = "各分组的规模、结果与营收，并附对照组数值。adjusted_mean = 均值 − θ × 开始前均值（CUPED），θ = 全部分组上 cov(前, 后) ÷ var(前)；开始前没有数据或并非每位客户都有时为空。aa 为真时，另将对照组一分为二作为单独的实验。" }
--! grain = "one row per arm; with aa two more, halves of the control"
--!
--! [params.control]
--! type = "text"
--! doc = { en = "Name of the control arm", zh = "对照组的取值" }
--! [params.covariate]
--! type = "breakdown"
--! doc = { en = "A numeric attribute known before the start; if none, revenue before the start", zh = "开始前已知的数值属性；none 表示开始前的营收" }
--! [params.aa]
--! type = "flag"
--! doc = { en = "Also compare the control with itself", zh = "另将对照组与自身比较" }

--- Sums are exact; moments are computed from them once. Pairs are folded into one
--- row and unfolded again, not joined to themselves: a query that is named twice
--- is computed twice. An arm's error is the squared standard error of its mean.

WITH covered AS (
  SELECT
    members.*,
    $covariate AS covariate,
    (members.customer_key * 48271 + 1) % 2147483647 AS mixed
  FROM experiment_members AS members
  JOIN customers ON customers.customer_key = members.customer_key
),
sums AS (
  SELECT
    grouping(half) = 0 AS is_aa,
    CASE WHEN grouping(half) = 0 THEN half ELSE arm END AS arm,
    CASE WHEN grouping(half) = 0 THEN half = 'A/A control' ELSE coalesce(arm = $control, false) END AS is_control,
    count(*) AS customers,
    count(*) FILTER (WHERE is_matured) AS matured,
    count(*) FILTER (WHERE has_converted) AS converted,
    sum(revenue) AS y,
    sum(revenue * revenue) AS yy,
    count(before) AS n_before,
    sum(before) AS x,
    sum(before * before) AS xx,
    sum(before * revenue) AS xy,
    min(least_currency) AS least_currency,
    max(greatest_currency) AS greatest_currency
  FROM (
    SELECT
      *,
      CASE WHEN count(covariate) OVER () = 0 THEN revenue_before ELSE TRY_CAST(covariate AS DECIMAL(18, 4)) END
        AS before,
      CASE WHEN mixed * mixed % 2147483647 < 1073741824 THEN 'A/A' ELSE 'A/A control' END AS half
    FROM covered
  )
  GROUP BY GROUPING SETS ((arm), (arm, half))
  HAVING grouping(half) = 1 OR ($aa AND arm = $control)
),
moments AS (
  SELECT
    *,
    CAST(y AS DOUBLE) / n AS mean,
    CAST(x AS DOUBLE) / n AS mean_before,
    (CAST(yy AS DOUBLE) - CAST(y AS DOUBLE) * CAST(y AS DOUBLE) / n) / nullif(n - 1, 0) AS variance,
    (CAST(xx AS DOUBLE) - CAST(x AS DOUBLE) * CAST(x AS DOUBLE) / n) / nullif(n - 1, 0) AS variance_before,
    (CAST(xy AS DOUBLE) - CAST(x AS DOUBLE) * CAST(y AS DOUBLE) / n) / nullif(n - 1, 0) AS covariance
  FROM (SELECT *, CAST(customers AS DOUBLE) AS n FROM sums)
),
pairs AS (
  SELECT
    is_aa,
    array_agg(
      named_struct(
        'is_aa', is_aa, 'is_control', is_control, 'arm', arm, 'customers', customers, 'matured', matured,
        'converted', converted, 'n', n, 'mean', mean, 'mean_before', mean_before, 'variance', variance,
        'variance_before', variance_before, 'covariance', covariance
      )
    ) AS arms,
    count(*) AS n_arms,
    sum(customers) AS all_customers,
    CAST(sum(customers) AS DOUBLE) AS n,
    sum(n_before) = sum(customers) AS is_covered,
    CAST(sum(x) AS DOUBLE) AS x,
    CAST(sum(y) AS DOUBLE) AS y,
    CAST(sum(xx) AS DOUBLE) AS xx,
    CAST(sum(xy) AS DOUBLE) AS xy,
    min(least_currency) AS currency,
    coalesce(min(least_currency) <> max(greatest_currency), false) AS is_mixed,
    max(customers) FILTER (WHERE is_control) AS control_customers,
    max(converted) FILTER (WHERE is_control) AS control_converted,
    max(mean) FILTER (WHERE is_control) AS control_mean,
    max(mean_before) FILTER (WHERE is_control) AS control_before,
    max(variance) FILTER (WHERE is_control) AS control_variance,
    max(variance_before) FILTER (WHERE is_control) AS control_variance_before,
    max(covariance) FILTER (WHERE is_control) AS control_covariance
  FROM moments
  GROUP BY is_aa
),
unfolded AS (
  SELECT
    *,
    unnest(arms) AS one,
    CASE WHEN is_covered THEN (xy - x * y / n) / nullif(xx - x * x / n, 0) END AS theta
  FROM pairs
)
-- The key is read from the arm: DataFusion 55 takes a GROUP BY key for unique even
-- beside an unnest, and then drops what comes after it from ORDER BY.
SELECT
  one['is_aa'] AS is_aa,
  one['is_control'] AS is_control,
  one['arm'] AS arm,
  one['customers'] AS customers,
  one['matured'] AS matured,
  one['converted'] AS converted,
  one['mean'] AS mean,
  greatest(one['variance'], 0) / one['n'] AS error,
  one['mean'] - theta * one['mean_before'] AS adjusted_mean,
  greatest(
    one['variance'] - 2 * theta * one['covariance'] + theta * theta * one['variance_before'], 0
  ) / one['n'] AS adjusted_error,
  n_arms,
  all_customers,
  control_customers,
  control_converted,
  control_mean,
  greatest(control_variance, 0) / control_customers AS control_error,
  control_mean - theta * control_before AS control_adjusted_mean,
  greatest(
    control_variance - 2 * theta * control_covariance + theta * theta * control_variance_before, 0
  ) / control_customers AS control_adjusted_error,
  currency,
  is_mixed
FROM unfolded
