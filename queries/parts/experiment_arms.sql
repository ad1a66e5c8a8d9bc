--! title = { en = "Arms of an experiment", zh = "实验组别" }
--! description = { en = "Size, outcomes and revenue of each arm, with the control's beside them. Adjusted moments are of revenue − θ × what was there before the start (CUPED), θ = cov(before, revenue) / var(before) over all arms; null if nothing was there, or not for every customer. With aa, the control also stands as an experiment of its own, split in two. Each breakdown value is an experiment of its own.", zh = "各组别的规模、结果与营收，并附对照组数值。adjusted_mean = 均值 − θ × 开始前均值（CUPED），θ = 全部组别上 cov(前, 后) ÷ var(前)；开始前没有数据或并非每位客户都有时为空。aa 为真时，另将对照组一分为二作为单独的实验。每个分组值（breakdown）各为一次独立实验。" }
--! grain = "one row per arm and breakdown value; with aa two more, halves of the control"
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

--- Every member once in the test of its arm and, if in the control, once more in
--- the test of the test. The slope θ is from exact sums over all arms of a test.

WITH members AS (
  SELECT
    members.*,
    $breakdown AS breakdown,
    $covariate AS covariate,
    unnest(CASE WHEN $aa AND members.arm = $control THEN [false, true] ELSE [false] END) AS is_aa,
    (members.customer_key * 48271 + 1) % 2147483647 AS mixed
  FROM experiment_members AS members
  JOIN customers ON customers.customer_key = members.customer_key
),
placed AS (
  SELECT
    *,
    CASE WHEN count(covariate) OVER () = 0 THEN revenue_before ELSE TRY_CAST(covariate AS DECIMAL(18, 4)) END
      AS before,
    CASE WHEN NOT is_aa THEN arm WHEN mixed * mixed % 2147483647 < 1073741824 THEN 'A/A' ELSE 'A/A control' END
      AS side
  FROM members
),
sloped AS (
  SELECT
    *,
    CASE WHEN count(before) OVER test = count(*) OVER test THEN
      (CAST(sum(before * revenue) OVER test AS DOUBLE) - CAST(sum(before) OVER test AS DOUBLE)
        * CAST(sum(revenue) OVER test AS DOUBLE) / count(*) OVER test)
        / nullif(
          CAST(sum(before * before) OVER test AS DOUBLE) - power(CAST(sum(before) OVER test AS DOUBLE), 2)
            / count(*) OVER test,
          0
        )
    END AS theta
  FROM placed
  WINDOW test AS (PARTITION BY breakdown, is_aa)
),
arms AS (
  SELECT
    breakdown,
    is_aa,
    side AS arm,
    coalesce(side = CASE WHEN is_aa THEN 'A/A control' ELSE $control END, false) AS is_control,
    count(*) AS customers,
    count(*) FILTER (WHERE is_matured) AS matured,
    count(*) FILTER (WHERE has_converted) AS converted,
    moments(revenue) AS revenue,
    moments(revenue - theta * before) AS adjusted,
    min(least_currency) AS least_currency,
    max(greatest_currency) AS greatest_currency
  FROM sloped
  GROUP BY breakdown, is_aa, side
)
SELECT
  breakdown,
  is_aa,
  arm,
  is_control,
  customers,
  matured,
  converted,
  revenue,
  adjusted,
  -- An arm that has nobody in a breakdown value was planned there, too.
  max(arm_no) OVER (PARTITION BY is_aa) AS n_arms,
  sum(customers) OVER test AS all_customers,
  max(CASE WHEN is_control THEN customers END) OVER test AS control_customers,
  max(CASE WHEN is_control THEN converted END) OVER test AS control_converted,
  first_value(CASE WHEN is_control THEN revenue END) OVER control_first AS control_revenue,
  first_value(CASE WHEN is_control THEN adjusted END) OVER control_first AS control_adjusted,
  min(least_currency) OVER test AS currency,
  coalesce(min(least_currency) OVER test <> max(greatest_currency) OVER test, false) AS is_mixed
FROM (SELECT *, CAST(dense_rank() OVER (PARTITION BY is_aa ORDER BY arm) AS BIGINT) AS arm_no FROM arms)
WINDOW test AS (PARTITION BY breakdown, is_aa), control_first AS (PARTITION BY breakdown, is_aa ORDER BY is_control DESC)
