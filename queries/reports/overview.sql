--! title = { en = "Overview", zh = "总览" }
--! description = { en = "How the month is going, beside the one before. While a month runs, its counts and sums are compared with last month up to the same day and time, its win rate and NPS with all of last month; what stands at an instant (MRR, open tickets, risk) is compared with the end of last month. Each change has a 95 % interval: how far it would move had chance sent us other customers. A change whose interval holds 0 is within chance. Every number is that of a report of its own; risk is by the churn scores of the latest cutoff.", zh = "本月概况及与上月的对比。月份未结束时，数量与金额与上月同日同时刻为止的数值对比，赢单率与 NPS 与上月全月对比；时点数值（MRR、未关闭工单、风险）与上月末对比。每项变化附 95% 区间：若换一批客户，变化可能落在的范围；区间包含 0 即属正常波动。各项数值与对应报表一致；风险取截止日最新的流失评分。" }
--! group = "overview"
--! grain = "one row per metric, and per rank for the top lists; a metric without any data has no row"
--! chart = { kind = "table", y = ["value"], low = "low", high = "high" }
--!
--! [columns.metric]
--! title = { en = "Metric", zh = "指标" }
--! unit = "code"
--! doc = { en = "What is measured: customers created in the month; won / (won + lost) of the deals closed; revenue net of refunds; NPS of the latest answer per customer; NRR and MRR as in their reports; sellers by won value; customers by open value", zh = "指标：新客户为本月创建；赢单率 = 赢单 ÷（赢单 + 输单），取本月关闭的商机；营收扣除退款；NPS 取每位客户最近一次回答；NRR 与 MRR 同各自报表；销售按赢单金额、潜力客户按在谈金额排名" }
--! [columns.name]
--! title = { en = "Name", zh = "名称" }
--! unit = "text"
--! doc = { en = "Whom a row of a top list is about", zh = "榜单对应的人或客户" }
--! [columns.value]
--! title = { en = "Value", zh = "数值" }
--! unit = "by_row"
--! doc = { en = "This month so far, or the state at the report's date, in the row's unit", zh = "本月至今，或报表日期时的状态，单位见该行" }
--! [columns.previous]
--! title = { en = "Last month", zh = "上月" }
--! unit = "by_row"
--! doc = { en = "Last month up to the same day and time (win rate and NPS: all of it), or the state at its end", zh = "上月截至同日同时刻的数值（赢单率与 NPS 为全月），或上月末的状态" }
--! [columns.change]
--! title = { en = "Change", zh = "变化" }
--! unit = "change_by_row"
--! doc = { en = "Value minus last month's", zh = "本月减上月" }
--! [columns.change_low]
--! title = { en = "Change, low", zh = "变化下限" }
--! unit = "change_by_row"
--! doc = { en = "Lower end of the 95 % interval of the change: of a rate or NPS by Newcombe, else as if each customer (deal, in a ranking) had been drawn anew: change ± 1.96 × √(sum of the squares of their changes)", zh = "变化的 95% 区间下限：赢单率与 NPS 采用 Newcombe 法，其余视每位客户（排行榜为每个商机）为随机抽取：变化 ± 1.96 × √（各客户变化的平方和）" }
--! [columns.change_high]
--! title = { en = "Change, high", zh = "变化上限" }
--! unit = "change_by_row"
--! doc = { en = "Upper end of the 95 % interval of the change", zh = "变化的 95% 区间上限" }
--! [columns.low]
--! title = { en = "Low", zh = "区间下限" }
--! unit = "by_row"
--! doc = { en = "Lower end of the 95 % interval of the win rate (Wilson) or NPS (adjusted Wald)", zh = "赢单率（Wilson）或 NPS（校正 Wald）的 95% 区间下限" }
--! [columns.high]
--! title = { en = "High", zh = "区间上限" }
--! unit = "by_row"
--! doc = { en = "Upper end of that interval", zh = "上述区间的上限" }
--! [columns.unit]
--! title = { en = "Unit", zh = "单位" }
--! unit = "code"
--! doc = { en = "What the row is measured in", zh = "该行数值的计量方式" }
--! [columns.note]
--! title = { en = "Note", zh = "备注" }
--! unit = "code"
--! doc = { en = "beyond_chance or within_chance: what the change is", zh = "beyond_chance / within_chance：变化是否超出正常波动" }
--!
--! [labels]
--! new_customers = { en = "New customers", zh = "新客户" }
--! win_rate = { en = "Win rate", zh = "赢单率" }
--! revenue = { en = "Revenue", zh = "营收" }
--! nps = { en = "NPS", zh = "NPS" }
--! nrr = { en = "NRR of the month", zh = "当月净收入留存率（NRR）" }
--! nrr_year = { en = "NRR of 12 months", zh = "近 12 个月净收入留存率（NRR）" }
--! mrr = { en = "MRR", zh = "月度经常性收入" }
--! active_customers = { en = "Active customers", zh = "活跃客户" }
--! open_tickets = { en = "Open tickets", zh = "未关闭工单" }
--! revenue_at_risk = { en = "Value at risk, all customers", zh = "风险金额（全部客户）" }
--! customers_at_risk = { en = "Customers at high risk", zh = "高流失风险客户" }
--! top_seller = { en = "Top sellers", zh = "销售排行" }
--! top_potential = { en = "Top potential customers", zh = "最具潜力客户" }
--! count = { en = "Number", zh = "数量" }
--! share = { en = "Share", zh = "比例" }
--! money = { en = "Money", zh = "金额" }
--! score = { en = "Points", zh = "分" }

--- How is the month going, and does it differ from the last by more than chance?
--- Every number of this page is a report of its own in more detail; here each is
--- one row. What moves a number are customers, and another month might have sent
--- others: a change is judged by how much of it hangs on few of them. The squares
--- of their changes add up to its variance, for new customers as Poisson has it,
--- for active ones as McNemar, for amounts with their size. Sums are of decimals,
--- so that they do not depend on the order of the rows.

WITH days AS (
  SELECT
    period('month', $as_of, $tz) AS this,
    period_add('month', period('month', $as_of, $tz), -1) AS last,
    period_complete('month', period('month', $as_of, $tz), $as_of, $tz) AS complete,
    period_index('day', period('day', $as_of, $tz)) AS today_no,
    period_index('day', period('month', $as_of, $tz)) AS this_no,
    period_index('day', period_add('month', period('month', $as_of, $tz), -1)) AS last_no
),
-- The same day of last month; where it has no such day it is over.
same AS (
  SELECT
    *,
    complete OR last_no + today_no - this_no >= this_no AS is_all,
    CASE WHEN complete OR last_no + today_no - this_no >= this_no THEN this_no - 1 ELSE last_no + today_no - this_no END
      AS same_no
  FROM days
),
earlier AS (
  SELECT
    *,
    arrow_cast(CAST($as_of AS BIGINT) - (today_no - same_no) * 86400000000, 'Timestamp(Microsecond, Some("UTC"))')
      AS at_24_hours
  FROM same
),
months AS (
  SELECT
    this,
    last,
    complete,
    period_add('day', DATE '1970-01-01', today_no) AS today,
    period_add('day', DATE '1970-01-01', same_no) AS same_day,
    -- When the clock showed what it shows now, though it was changed in between; local
    -- time is in nanoseconds.
    CASE WHEN is_all THEN $as_of ELSE
      arrow_cast(
        CAST(to_local_time($as_of AT TIME ZONE $tz) AS BIGINT) / 1000 - (today_no - same_no) * 86400000000
          - (CAST(to_local_time(at_24_hours AT TIME ZONE $tz) AS BIGINT) / 1000 - CAST(at_24_hours AS BIGINT)),
        'Timestamp(Microsecond, Some("UTC"))'
      )
    END AS until,
    -- A year ends with this day, another with last month.
    CAST(period_add('day', DATE '1970-01-01', today_no + 1) - INTERVAL '12 months' AS DATE) AS year_began,
    period_add('month', this, -12) AS last_year_began
  FROM earlier
),
-- A run scores every customer who can still leave; older runs are history.
-- The newest is the one that used the latest data, not the one run last.
score_runs AS (
  SELECT
    last_value(run_id ORDER BY cutoff, run_id) AS newest,
    last_value(run_id ORDER BY cutoff, run_id) FILTER (WHERE month < this) AS before
  FROM (
    SELECT run_id, cutoff, period('month', cutoff, $tz) AS month
    FROM scores
    GROUP BY run_id, cutoff
  )
  CROSS JOIN months
),
-- What a customer adds to a number, and added to that of last month. Who is not
-- known by name is somebody else in each order and ticket.
parts AS (
  SELECT
    1 AS place,
    'new_customers' AS metric,
    'count' AS unit,
    CAST(count(*) FILTER (WHERE month = this) AS DECIMAL(20, 4)) AS value,
    CAST(count(*) FILTER (WHERE month = last AND created_at <= until) AS DECIMAL(20, 4)) AS previous
  FROM months
  CROSS JOIN (SELECT customer_key, created_at, period('month', created_at, $tz) AS month FROM customers)
  GROUP BY customer_key
  UNION ALL
  SELECT
    3,
    'revenue',
    'money',
    coalesce(sum(amount) FILTER (WHERE month = this), 0),
    coalesce(sum(amount) FILTER (WHERE month = last AND occurred_at <= until), 0)
  FROM months
  CROSS JOIN (
    SELECT customer_key, order_id, occurred_at, period('month', occurred_at, $tz) AS month, amount
    FROM orders
    WHERE $currency IS NULL OR currency = $currency
  )
  GROUP BY customer_key, CASE WHEN customer_key IS NULL THEN order_id END
  UNION ALL
  SELECT
    5,
    'active_customers',
    'count',
    CASE WHEN bool_or(month = this) THEN 1 ELSE 0 END,
    CASE WHEN bool_or(month = last AND occurred_at <= until) THEN 1 ELSE 0 END
  FROM months
  CROSS JOIN (SELECT customer_key, occurred_at, period('month', occurred_at, $tz) AS month FROM activity)
  WHERE customer_key IS NOT NULL
  GROUP BY customer_key
  UNION ALL
  SELECT 8, 'mrr', 'money', sum(change), coalesce(sum(change) FILTER (WHERE day < this), 0)
  FROM months
  CROSS JOIN mrr_changes
  WHERE $currency IS NULL OR currency = $currency
  GROUP BY customer_key
  UNION ALL
  SELECT
    9,
    'open_tickets',
    'count',
    count(*) FILTER (WHERE closed IS NULL),
    count(*) FILTER (WHERE opened < this AND (closed IS NULL OR closed >= this))
  FROM months
  CROSS JOIN (
    SELECT
      customer_key,
      ticket_id,
      period('month', occurred_at, $tz) AS opened,
      period('month', closed_at, $tz) AS closed
    FROM tickets
  )
  GROUP BY customer_key, CASE WHEN customer_key IS NULL THEN ticket_id END
  UNION ALL
  SELECT
    10,
    'revenue_at_risk',
    'money',
    coalesce(sum(money) FILTER (WHERE run_id = newest), 0),
    CASE WHEN max(before) IS NOT NULL THEN coalesce(sum(money) FILTER (WHERE run_id = before), 0) END
  FROM score_runs
  CROSS JOIN (
    SELECT customer_key, run_id, CASE WHEN $currency IS NULL OR currency = $currency THEN value_at_risk END AS money
    FROM scores
  )
  GROUP BY customer_key
  UNION ALL
  SELECT
    11,
    'customers_at_risk',
    'count',
    count(*) FILTER (WHERE run_id = newest AND band = 'high'),
    CASE WHEN max(before) IS NOT NULL THEN count(*) FILTER (WHERE run_id = before AND band = 'high') END
  FROM score_runs
  CROSS JOIN scores
  GROUP BY customer_key
),
sums AS (
  SELECT
    place,
    metric,
    unit,
    CAST(sum(value) AS DOUBLE) AS value,
    CAST(sum(previous) AS DOUBLE) AS previous,
    -- Where nothing moved at all there is nothing to judge by.
    nullif(sqrt(CAST(sum((value - previous) * (value - previous)) AS DOUBLE)), 0) AS error
  FROM parts
  GROUP BY place, metric, unit
),
-- What each customer paid when a span began, and what is left of it at its end.
books AS (
  SELECT
    sum(change) FILTER (WHERE day < this) AS base,
    sum(change) FILTER (WHERE day < this OR is_kept) AS kept,
    sum(change) FILTER (WHERE day < last) AS base_before,
    sum(change) FILTER (WHERE day < last OR day < this AND day <= same_day AND is_kept) AS kept_before,
    sum(change) FILTER (WHERE day < year_began) AS paid_a_year_ago,
    sum(change) FILTER (WHERE day < year_began OR is_kept) AS kept_for_a_year,
    sum(change) FILTER (WHERE day < last_year_began) AS paid_a_year_before,
    sum(change) FILTER (WHERE day < last_year_began OR day < this AND is_kept) AS kept_for_last_year
  FROM months
  CROSS JOIN (
    SELECT customer_key, day, change, movement IN ('expansion', 'contraction', 'churn') AS is_kept
    FROM mrr_changes
    WHERE $currency IS NULL OR currency = $currency
  )
  GROUP BY customer_key
),
kept AS (
  SELECT
    metric,
    place,
    coalesce(base, 0) AS base,
    coalesce(kept, 0) AS kept,
    coalesce(base_before, 0) AS base_before,
    coalesce(kept_before, 0) AS kept_before
  FROM (
    SELECT 'nrr' AS metric, 6 AS place, base, kept, base_before, kept_before FROM books
    UNION ALL
    SELECT
      'nrr_year',
      7,
      paid_a_year_ago,
      CASE WHEN paid_a_year_ago > 0 THEN kept_for_a_year END,
      paid_a_year_before,
      CASE WHEN paid_a_year_before > 0 THEN kept_for_last_year END
    FROM books
  )
),
-- How far a customer moves the ratio of two sums: what they keep beyond it.
moved AS (
  SELECT
    metric,
    place,
    ratio,
    ratio_before,
    CAST((CAST(kept AS DOUBLE) - ratio * CAST(base AS DOUBLE)) / all_base AS DECIMAL(20, 12)) AS by,
    CAST((CAST(kept_before AS DOUBLE) - ratio_before * CAST(base_before AS DOUBLE)) / all_base_before AS DECIMAL(20, 12))
      AS by_before
  FROM (
    SELECT
      *,
      CAST(sum(kept) OVER spans AS DOUBLE) / nullif(CAST(sum(base) OVER spans AS DOUBLE), 0) AS ratio,
      CAST(sum(kept_before) OVER spans AS DOUBLE) / nullif(CAST(sum(base_before) OVER spans AS DOUBLE), 0)
        AS ratio_before,
      CAST(sum(base) OVER spans AS DOUBLE) AS all_base,
      CAST(sum(base_before) OVER spans AS DOUBLE) AS all_base_before
    FROM kept
    WINDOW spans AS (PARTITION BY metric)
  )
),
ratios AS (
  SELECT
    place,
    metric,
    max(ratio) AS value,
    max(ratio_before) AS previous,
    nullif(sqrt(CAST(sum((by - by_before) * (by - by_before)) AS DOUBLE)), 0) AS error
  FROM moved
  GROUP BY place, metric
  HAVING max(ratio) IS NOT NULL OR max(ratio_before) IS NOT NULL
),
-- What is a rate or a score, with its interval in both months.
closed AS (
  SELECT month, count(*) FILTER (WHERE status = 'won') AS won, count(*) AS n
  FROM (SELECT period('month', closed_at, $tz) AS month, status FROM opportunities)
  WHERE status IN ('won', 'lost')
  GROUP BY month
),
answers AS (
  SELECT
    period('month', occurred_at, $tz) AS month,
    latest(score, occurred_at, known_at, response_id) AS score
  FROM surveys
  WHERE coalesce(kind, 'nps') = 'nps' AND score IS NOT NULL
  GROUP BY customer_key, period('month', occurred_at, $tz)
),
voiced AS (
  SELECT
    month,
    count(*) FILTER (WHERE score >= 9) AS promoters,
    count(*) FILTER (WHERE score <= 6) AS detractors,
    count(*) AS n
  FROM answers
  GROUP BY month
),
rates AS (
  SELECT
    place,
    metric,
    unit,
    max(value) FILTER (WHERE month = this) AS value,
    max(ends['low']) FILTER (WHERE month = this) AS low,
    max(ends['high']) FILTER (WHERE month = this) AS high,
    max(value) FILTER (WHERE month = last) AS previous,
    max(ends['low']) FILTER (WHERE month = last) AS previous_low,
    max(ends['high']) FILTER (WHERE month = last) AS previous_high
  FROM (
    SELECT 2 AS place, 'win_rate' AS metric, 'share' AS unit, month, CAST(won AS DOUBLE) / n AS value, wilson(won, n) AS ends
    FROM closed
    UNION ALL
    SELECT
      4,
      'nps',
      'score',
      month,
      CAST(100 * (promoters - detractors) AS DOUBLE) / n,
      nps_interval(promoters, detractors, n)
    FROM voiced
  )
  CROSS JOIN months
  GROUP BY place, metric, unit
),
sellers AS (
  SELECT
    owner_id AS id,
    max(name) AS name,
    sum(amount) FILTER (WHERE month = this) AS value,
    coalesce(sum(amount) FILTER (WHERE is_previous), 0) AS previous,
    sqrt(CAST(sum(amount * amount) FILTER (WHERE month = this OR is_previous) AS DOUBLE)) AS error
  FROM (
    SELECT
      opportunities.owner_id,
      coalesce(owners.name, opportunities.owner_id) AS name,
      opportunities.amount,
      months.this,
      period('month', opportunities.closed_at, $tz) AS month,
      period('month', opportunities.closed_at, $tz) = months.last AND opportunities.closed_at <= months.until
        AS is_previous
    FROM months
    CROSS JOIN opportunities
    LEFT JOIN owners ON owners.owner_id = opportunities.owner_id
    WHERE opportunities.status = 'won'
      AND opportunities.owner_id IS NOT NULL
      AND ($currency IS NULL OR opportunities.currency = $currency)
  )
  GROUP BY owner_id
),
potentials AS (
  SELECT
    opportunities.customer_id AS id,
    max(coalesce(customers.name, opportunities.customer_id)) AS name,
    sum(opportunities.amount) AS value
  FROM opportunities
  LEFT JOIN customers ON customers.customer_id = opportunities.customer_id
  WHERE coalesce(opportunities.status, 'open') = 'open'
    AND opportunities.customer_id IS NOT NULL
    AND ($currency IS NULL OR opportunities.currency = $currency)
  GROUP BY opportunities.customer_id
),
tops AS (
  SELECT *, row_number() OVER (PARTITION BY metric ORDER BY value DESC, id) AS rank
  FROM (
    SELECT 12 AS place, 'top_seller' AS metric, 3 AS n_best, id, name, value, previous, error
    FROM sellers
    WHERE value > 0
    UNION ALL
    SELECT 13, 'top_potential', 5, id, name, value, NULL, NULL
    FROM potentials
    WHERE value > 0
  )
),
page AS (
  SELECT
    place, metric, unit, CAST(NULL AS BIGINT) AS rank, CAST(NULL AS VARCHAR) AS name, value, previous,
    CAST(NULL AS DOUBLE) AS low, CAST(NULL AS DOUBLE) AS high,
    1.959963984540054 * error AS below, 1.959963984540054 * error AS above
  FROM sums
  UNION ALL
  SELECT
    place, metric, 'share', NULL, NULL, value, previous,
    NULL, NULL,
    1.959963984540054 * error, 1.959963984540054 * error
  FROM ratios
  UNION ALL
  -- Newcombe: the two intervals, each away from the other, give that of the difference.
  SELECT
    place, metric, unit, NULL, NULL, value, previous, low, high,
    sqrt(power(value - low, 2) + power(previous_high - previous, 2)),
    sqrt(power(high - value, 2) + power(previous - previous_low, 2))
  FROM rates
  UNION ALL
  SELECT
    place, metric, 'money', CAST(rank AS BIGINT), name, CAST(value AS DOUBLE), CAST(previous AS DOUBLE), NULL, NULL,
    1.959963984540054 * error, 1.959963984540054 * error
  FROM tops
  WHERE rank <= n_best
)
SELECT
  metric,
  rank,
  name,
  value,
  previous,
  value - previous AS change,
  value - previous - below AS change_low,
  value - previous + above AS change_high,
  low,
  high,
  unit,
  CASE
    WHEN value - previous > below OR previous - value > above THEN 'beyond_chance'
    WHEN value - previous + above IS NOT NULL THEN 'within_chance'
  END AS note,
  complete
FROM months
CROSS JOIN page
ORDER BY place, rank
