--! title = { en = "Churn features of the comparison", zh = "对比用流失特征" }
--! description = { en = "The 25 columns that the peers compute: rows in windows of days, rows by name, first and last instant, distinct names and active days.", zh = "与其他引擎对比的 25 列特征。" }
--! group = "customers"
--! grain = "one row per customer with activity up to the cutoff"

--- Stand at the last microsecond before the peers' cutoff: they count rows
--- before it, from whole days before it on.
WITH used AS (
  SELECT
    customer_key,
    usage(
      name,
      NULL,
      occurred_at,
      $as_of,
      [7, 14, 30, 60, 90],
      ['login', 'view_page', 'use_feature_a', 'use_feature_b', 'use_feature_c', 'export', 'invite', 'complaint']
    ) AS u
  FROM activity
  WHERE customer_key IS NOT NULL
  GROUP BY customer_key
),
-- Elements are picked before the join, which then moves numbers and not lists.
counted AS (
  SELECT
    customer_key,
    nth(u['counts'], 1) AS ev_7,
    nth(u['counts'], 2) AS ev_14,
    nth(u['counts'], 3) AS ev_30,
    nth(u['counts'], 4) AS ev_60,
    nth(u['counts'], 5) AS ev_90,
    nth(u['by_name'], 3) AS login_30,
    nth(u['by_name'], 5) AS login_90,
    nth(u['by_name'], 9) AS view_page_30,
    nth(u['by_name'], 11) AS view_page_90,
    nth(u['by_name'], 15) AS use_feature_a_30,
    nth(u['by_name'], 17) AS use_feature_a_90,
    nth(u['by_name'], 21) AS use_feature_b_30,
    nth(u['by_name'], 23) AS use_feature_b_90,
    nth(u['by_name'], 27) AS use_feature_c_30,
    nth(u['by_name'], 29) AS use_feature_c_90,
    nth(u['by_name'], 33) AS export_30,
    nth(u['by_name'], 35) AS export_90,
    nth(u['by_name'], 39) AS invite_30,
    nth(u['by_name'], 41) AS invite_90,
    nth(u['by_name'], 45) AS complaint_30,
    nth(u['by_name'], 47) AS complaint_90,
    u['last_at'] AS last_at,
    u['first_at'] AS first_at,
    nth(u['breadth'], 6) AS breadth,
    nth(u['days'], 5) AS active_days_90
  FROM used
)
SELECT
  customers.customer_id,
  counted.ev_7,
  counted.ev_14,
  counted.ev_30,
  counted.ev_60,
  counted.ev_90,
  counted.login_30,
  counted.login_90,
  counted.view_page_30,
  counted.view_page_90,
  counted.use_feature_a_30,
  counted.use_feature_a_90,
  counted.use_feature_b_30,
  counted.use_feature_b_90,
  counted.use_feature_c_30,
  counted.use_feature_c_90,
  counted.export_30,
  counted.export_90,
  counted.invite_30,
  counted.invite_90,
  counted.complaint_30,
  counted.complaint_90,
  counted.last_at,
  counted.first_at,
  counted.breadth,
  counted.active_days_90
FROM counted
JOIN customers ON customers.customer_key = counted.customer_key
