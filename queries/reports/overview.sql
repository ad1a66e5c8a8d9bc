--! title = { en = "Overview", zh = "总览" }
--! description = { en = "How the month is going, beside the one before. It shows new customers (created in the month), win rate (won / (won + lost) of the deals closed, Wilson 95 % interval), revenue (net of refunds), NPS (latest answer per customer, adjusted-Wald 95 % interval), active customers, NRR and MRR (as in the reports `nrr` and `mrr`), open tickets, the top sellers by value won, the customers with most in open deals, and the revenue at risk by the churn scores of the latest cutoff. Whether a rate or NPS changed beyond chance is judged by the 95 % interval of the difference (Newcombe). Of two whole months, numbers of new customers differ beyond chance where Poisson counts at one rate would do so in fewer than one case in twenty. Counts and sums of a month still running are not compared.", zh = "本月概况及与上月的对比。包括：新客户（本月创建）、赢单率（已关闭商机中赢单占比，Wilson 95% 区间）、营收（扣除退款）、NPS（每位客户最近一次回答，校正 Wald 95% 区间）、活跃客户、NRR 与 MRR（同报表 nrr、mrr）、未关闭工单、赢单金额最高的销售、在谈金额最高的客户，以及截止时点最新的流失评分下的风险营收。赢单率与 NPS 的变化是否超出正常波动，由差值的 95% 区间（Newcombe）判断。两个完整月份的新客户数差异，以泊松计数检验是否超出正常波动。尚未结束的月份，其数量与金额不做对比。" }
--! group = "overview"
--! grain = "one row per metric, and per rank for the top lists; a metric without any data has no row"
--! chart = { kind = "table" }
--!
--! [columns.metric]
--! title = { en = "Metric", zh = "指标" }
--! unit = "code"
--! doc = { en = "What is measured", zh = "指标名称" }
--! [columns.name]
--! title = { en = "Name", zh = "名称" }
--! unit = "text"
--! doc = { en = "Whom a row of a top list is about", zh = "榜单对应的人或客户" }
--! [columns.value]
--! title = { en = "Value", zh = "数值" }
--! unit = "by_row"
--! doc = { en = "This month so far, in the row's unit", zh = "本月至今，单位见该行" }
--! [columns.previous]
--! title = { en = "Last month", zh = "上月" }
--! unit = "by_row"
--! doc = { en = "The whole of last month, or the state at its end", zh = "上月全月，或上月末的状态" }
--! [columns.change]
--! title = { en = "Change", zh = "变化" }
--! unit = "by_row"
--! doc = { en = "Value minus previous; empty for counts and sums of a month still running", zh = "本月减上月；月份未结束时数量与金额不计算" }
--! [columns.low]
--! title = { en = "Low", zh = "区间下限" }
--! unit = "by_row"
--! doc = { en = "Lower end of the 95 % interval of the value", zh = "数值的 95% 区间下限" }
--! [columns.high]
--! title = { en = "High", zh = "区间上限" }
--! unit = "by_row"
--! doc = { en = "Upper end of the 95 % interval of the value", zh = "数值的 95% 区间上限" }
--! [columns.unit]
--! title = { en = "Unit", zh = "单位" }
--! unit = "code"
--! doc = { en = "What the row is measured in", zh = "该行数值的计量方式" }
--! [columns.note]
--! title = { en = "Note", zh = "备注" }
--! unit = "code"
--! doc = { en = "month_to_date: the month is still running; beyond_chance or within_chance: what the change is", zh = "month_to_date：月份未结束；beyond_chance / within_chance：变化是否超出正常波动" }
--!
--! [labels]
--! new_customers = { en = "New customers", zh = "新客户" }
--! win_rate = { en = "Win rate", zh = "赢单率" }
--! revenue = { en = "Revenue", zh = "营收" }
--! nps = { en = "NPS", zh = "NPS" }
--! nrr = { en = "NRR of the month", zh = "净收入留存率（NRR）" }
--! mrr = { en = "MRR", zh = "月度经常性收入" }
--! active_customers = { en = "Active customers", zh = "活跃客户" }
--! open_tickets = { en = "Open tickets", zh = "未关闭工单" }
--! revenue_at_risk = { en = "Revenue at risk, all customers", zh = "风险金额（全部客户）" }
--! customers_at_risk = { en = "Customers at high risk", zh = "高流失风险客户" }
--! top_seller = { en = "Top sellers", zh = "销售排行" }
--! top_potential = { en = "Top potential customers", zh = "最具潜力客户" }
--! count = { en = "Number", zh = "数量" }
--! share = { en = "Share", zh = "比例" }
--! money = { en = "Money", zh = "金额" }
--! score = { en = "Points", zh = "分" }
--! month_to_date = { en = "month to date", zh = "本月至今" }

--- How is the month going? Every number of this page is a report of its own in
--- more detail; here each is one row.

WITH months AS (
  SELECT
    period('month', $as_of, $tz) AS this,
    period_add('month', period('month', $as_of, $tz), -1) AS last,
    period_complete('month', period('month', $as_of, $tz), $as_of, $tz) AS complete
),
-- Changes of MRR before and within both months.
recurring AS (
  SELECT
    sum(change) AS mrr,
    sum(change) FILTER (WHERE month < this) AS base,
    sum(change) FILTER (WHERE month < this OR month = this AND is_kept) AS kept,
    sum(change) FILTER (WHERE month < last) AS base_before,
    sum(change) FILTER (WHERE month < last OR month = last AND is_kept) AS kept_before
  FROM (
    SELECT
      period_add('month', day, 0) AS month,
      change,
      movement IN ('expansion', 'contraction', 'churn') AS is_kept
    FROM mrr_changes
    WHERE $currency IS NULL OR currency = $currency
  )
  CROSS JOIN months
  HAVING count(*) > 0
),
-- What adds up over a month.
flows AS (
  SELECT
    1 AS place,
    'new_customers' AS metric,
    'count' AS unit,
    CAST(count(*) FILTER (WHERE month = this) AS DOUBLE) AS value,
    CAST(count(*) FILTER (WHERE month = last) AS DOUBLE) AS previous
  FROM (SELECT period('month', created_at, $tz) AS month FROM customers)
  CROSS JOIN months
  HAVING count(*) > 0
  UNION ALL
  SELECT
    3,
    'revenue',
    'money',
    CAST(coalesce(sum(amount) FILTER (WHERE month = this), 0) AS DOUBLE),
    CAST(coalesce(sum(amount) FILTER (WHERE month = last), 0) AS DOUBLE)
  FROM (
    SELECT period('month', occurred_at, $tz) AS month, amount
    FROM orders
    WHERE $currency IS NULL OR currency = $currency
  )
  CROSS JOIN months
  HAVING count(*) > 0
  UNION ALL
  SELECT
    5,
    'active_customers',
    'count',
    CAST(count(*) FILTER (WHERE month = this) AS DOUBLE),
    CAST(count(*) FILTER (WHERE month = last) AS DOUBLE)
  FROM (
    SELECT DISTINCT period('month', occurred_at, $tz) AS month, customer_key
    FROM activity
    WHERE customer_key IS NOT NULL
  )
  CROSS JOIN months
  HAVING count(*) > 0
  UNION ALL
  SELECT
    6,
    'nrr',
    'share',
    CAST(kept AS DOUBLE) / nullif(CAST(base AS DOUBLE), 0),
    CAST(kept_before AS DOUBLE) / nullif(CAST(base_before AS DOUBLE), 0)
  FROM recurring
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
monthly AS (
  SELECT
    2 AS place,
    'win_rate' AS metric,
    'share' AS unit,
    month,
    CAST(won AS DOUBLE) / n AS value,
    wilson(won, n) AS ends
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
  FROM monthly
  CROSS JOIN months
  GROUP BY place, metric, unit
),
-- A run scores every customer who can still leave; older runs are history.
-- The newest is the one that used the latest data, not the one run last.
score_runs AS (
  SELECT
    last_value(run_id ORDER BY cutoff, run_id) AS newest,
    last_value(run_id ORDER BY cutoff, run_id) FILTER (WHERE month = last) AS before
  FROM (
    SELECT run_id, cutoff, period('month', cutoff, $tz) AS month
    FROM scores
    GROUP BY run_id, cutoff
  )
  CROSS JOIN months
),
-- What stands at an instant: now, and at the end of last month.
states AS (
  SELECT
    7 AS place,
    'mrr' AS metric,
    'money' AS unit,
    CAST(mrr AS DOUBLE) AS value,
    CAST(base AS DOUBLE) AS previous
  FROM recurring
  UNION ALL
  SELECT
    8,
    'open_tickets',
    'count',
    CAST(count(*) FILTER (WHERE closed IS NULL) AS DOUBLE),
    CAST(count(*) FILTER (WHERE opened < this AND (closed IS NULL OR closed >= this)) AS DOUBLE)
  FROM (
    SELECT period('month', occurred_at, $tz) AS opened, period('month', closed_at, $tz) AS closed
    FROM tickets
  )
  CROSS JOIN months
  HAVING count(*) > 0
  UNION ALL
  SELECT
    9,
    'revenue_at_risk',
    'money',
    CAST(sum(value_at_risk) FILTER (WHERE run_id = newest) AS DOUBLE),
    CAST(sum(value_at_risk) FILTER (WHERE run_id = before) AS DOUBLE)
  FROM scores
  CROSS JOIN score_runs
  HAVING count(*) > 0
  UNION ALL
  SELECT
    10,
    'customers_at_risk',
    'count',
    CAST(count(*) FILTER (WHERE run_id = newest AND band = 'high') AS DOUBLE),
    CASE WHEN max(before) IS NOT NULL
      THEN CAST(count(*) FILTER (WHERE run_id = before AND band = 'high') AS DOUBLE)
    END
  FROM scores
  CROSS JOIN score_runs
  HAVING count(*) > 0
),
sellers AS (
  SELECT
    'top_seller' AS metric,
    owner_id AS id,
    max(name) AS name,
    sum(amount) FILTER (WHERE month = this) AS value,
    sum(amount) FILTER (WHERE month = last) AS previous
  FROM (
    SELECT
      opportunities.owner_id,
      coalesce(owners.name, opportunities.owner_id) AS name,
      opportunities.amount,
      period('month', opportunities.closed_at, $tz) AS month
    FROM opportunities
    LEFT JOIN owners ON owners.owner_id = opportunities.owner_id
    WHERE opportunities.status = 'won'
      AND opportunities.owner_id IS NOT NULL
      AND ($currency IS NULL OR opportunities.currency = $currency)
  )
  CROSS JOIN months
  GROUP BY owner_id
),
potentials AS (
  SELECT
    'top_potential' AS metric,
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
  SELECT
    metric, name, value, previous,
    row_number() OVER (PARTITION BY metric ORDER BY value DESC, id) AS rank
  FROM (
    SELECT metric, id, name, value, previous FROM sellers WHERE value > 0
    UNION ALL
    SELECT metric, id, name, value, NULL FROM potentials WHERE value > 0
  )
),
page AS (
  SELECT
    place, metric, CAST(NULL AS BIGINT) AS rank, CAST(NULL AS VARCHAR) AS name, value, previous,
    CASE WHEN complete THEN value - previous END AS change,
    CAST(NULL AS DOUBLE) AS low, CAST(NULL AS DOUBLE) AS high, unit,
    CASE
      WHEN NOT complete THEN 'month_to_date'
      -- Two counts that come by chance at one rate differ by less than this.
      WHEN metric = 'new_customers' AND value + previous > 0 THEN
        CASE WHEN p_value((value - previous) / sqrt(value + previous)) < 0.05 THEN 'beyond_chance' ELSE 'within_chance' END
    END AS note
  FROM flows
  CROSS JOIN months
  UNION ALL
  -- Newcombe: the two intervals, each away from the other, give that of the difference.
  SELECT
    place, metric, NULL, NULL, value, previous, value - previous, low, high, unit,
    CASE
      WHEN value - previous > sqrt(power(value - low, 2) + power(previous_high - previous, 2)) THEN 'beyond_chance'
      WHEN previous - value > sqrt(power(high - value, 2) + power(previous - previous_low, 2)) THEN 'beyond_chance'
      WHEN value IS NOT NULL AND previous IS NOT NULL THEN 'within_chance'
    END
  FROM rates
  UNION ALL
  SELECT place, metric, NULL, NULL, value, previous, value - previous, NULL, NULL, unit, NULL
  FROM states
  UNION ALL
  SELECT
    CASE metric WHEN 'top_seller' THEN 11 ELSE 12 END,
    metric, CAST(rank AS BIGINT), name, CAST(value AS DOUBLE), CAST(previous AS DOUBLE),
    CASE WHEN complete THEN CAST(value - previous AS DOUBLE) END,
    NULL, NULL, 'money',
    CASE WHEN metric = 'top_seller' AND NOT complete THEN 'month_to_date' END
  FROM tops
  CROSS JOIN months
  WHERE rank <= CASE metric WHEN 'top_seller' THEN 3 ELSE 5 END
)
SELECT metric, rank, name, value, previous, change, low, high, unit, note
FROM page
ORDER BY place, rank
