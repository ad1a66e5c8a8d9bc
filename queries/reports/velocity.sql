--! title = { en = "Sales velocity", zh = "销售速度" }
--! description = { en = "How fast deals become money, by the period they closed in. Velocity is won value per day of cycle: it rises with more deals, a higher win rate, larger deals or a shorter cycle. Amounts are kept apart by currency; a period that has not ended is flagged.", zh = "商机多快转化为收入，按商机关闭时间所在周期统计。销售速度为每天成交周期对应的赢单金额：商机更多、赢单率更高、金额更大或周期更短都会使其上升。分币种统计；未结束的周期会标注。" }
--! group = "sales"
--! grain = "one row per period of closing, currency and breakdown value with a closed deal"
--! chart = { kind = "line", x = "period", y = ["velocity"], series = "breakdown", facet = "currency", complete = "complete", count = "closed" }
--!
--! [columns.closed]
--! title = { en = "Closed", zh = "关闭商机" }
--! unit = "count"
--! doc = { en = "Deals won or lost in the period", zh = "周期内赢单与输单的商机数" }
--! [columns.won]
--! title = { en = "Won", zh = "赢单" }
--! unit = "count"
--! doc = { en = "Deals won in the period", zh = "周期内赢单数" }
--! [columns.win_rate]
--! title = { en = "Win rate", zh = "赢单率" }
--! unit = "share"
--! doc = { en = "Won divided by closed", zh = "赢单 ÷ 关闭商机" }
--! [columns.won_value]
--! title = { en = "Won value", zh = "赢单金额" }
--! unit = "money"
--! doc = { en = "Sum of the amounts of won deals", zh = "赢单金额合计" }
--! [columns.mean_won]
--! title = { en = "Mean amount", zh = "平均赢单金额" }
--! unit = "money"
--! doc = { en = "Mean amount of won deals that name one", zh = "有金额的赢单的平均金额" }
--! [columns.mean_won_low]
--! title = { en = "Low", zh = "区间下限" }
--! unit = "money"
--! doc = { en = "Lower end of its 95 % interval (Hall)", zh = "其 95% 区间下限（Hall 法）" }
--! [columns.mean_won_high]
--! title = { en = "High", zh = "区间上限" }
--! unit = "money"
--! doc = { en = "Upper end of its 95 % interval (Hall)", zh = "其 95% 区间上限（Hall 法）" }
--! [columns.mean_cycle_days]
--! title = { en = "Cycle, days", zh = "成交周期（天）" }
--! unit = "days"
--! doc = { en = "Mean days of 24 hours from opening to winning", zh = "从创建到赢单的平均天数（每天 24 小时）" }
--! [columns.mean_cycle_days_low]
--! title = { en = "Cycle, low", zh = "平均周期下限" }
--! unit = "days"
--! doc = { en = "Lower end of its 95 % interval; empty below five won deals, or if all are equal", zh = "平均赢单周期 95% 区间下限；赢单少于五个或全部相同时为空" }
--! [columns.mean_cycle_days_high]
--! title = { en = "Cycle, high", zh = "平均周期上限" }
--! unit = "days"
--! doc = { en = "Upper end of its 95 % interval", zh = "平均赢单周期 95% 区间上限" }
--! [columns.velocity]
--! title = { en = "Velocity", zh = "销售速度" }
--! unit = "money"
--! doc = { en = "Closed × win rate × mean amount ÷ cycle: money per day; empty without a won deal", zh = "关闭商机数 × 赢单率 × 平均赢单金额 ÷ 成交周期，即每天金额；无赢单时为空" }

--- How fast does the pipeline bring in money? Cycles are summed in
--- whole microseconds and divided once.

WITH deals AS (
  SELECT
    period($period, opportunities.closed_at, $tz) AS period,
    opportunities.currency,
    $breakdown_of_opportunities AS breakdown,
    opportunities.status = 'won' AS is_won,
    opportunities.amount,
    CAST(opportunities.closed_at AS BIGINT) - CAST(opportunities.created_at AS BIGINT) AS cycle
  FROM opportunities
  LEFT JOIN customers ON customers.customer_key = opportunities.customer_key
  WHERE opportunities.status IN ('won', 'lost')
    AND opportunities.closed_at IS NOT NULL
    AND ($currency IS NULL OR opportunities.currency = $currency)
    AND ($from IS NULL OR period('day', opportunities.closed_at, $tz) >= $from)
    AND ($to IS NULL OR period('day', opportunities.closed_at, $tz) <= $to)
),
counted AS (
  SELECT
    period,
    currency,
    breakdown,
    count(*) AS closed,
    count(*) FILTER (WHERE is_won) AS won,
    coalesce(sum(amount) FILTER (WHERE is_won), 0) AS won_value,
    count(amount) FILTER (WHERE is_won) AS n_amounts,
    moments(amount) FILTER (WHERE is_won) AS amount,
    sum(cycle) FILTER (WHERE is_won) AS won_time,
    count(cycle) FILTER (WHERE is_won) AS n_cycles,
    moments(CAST(cycle AS DOUBLE) / 86400000000) FILTER (WHERE is_won) AS days
  FROM deals
  GROUP BY period, currency, breakdown
),
means AS (
  SELECT
    counted.*,
    CASE WHEN n_amounts > 0 THEN CAST(won_value AS DOUBLE) / n_amounts END AS mean_won,
    CASE WHEN n_cycles > 0 THEN CAST(won_time AS DOUBLE) / n_cycles / 86400000000 END AS mean_cycle_days
  FROM counted
)
SELECT
  period,
  currency,
  breakdown,
  closed,
  won,
  CAST(won AS DOUBLE) / closed AS win_rate,
  wilson(won, closed)['low'] AS low,
  wilson(won, closed)['high'] AS high,
  won_value,
  mean_won,
  mean_interval(amount)['low'] AS mean_won_low,
  mean_interval(amount)['high'] AS mean_won_high,
  mean_cycle_days,
  mean_interval(days)['low'] AS mean_cycle_days_low,
  mean_interval(days)['high'] AS mean_cycle_days_high,
  CASE WHEN mean_cycle_days > 0 THEN won * mean_won / mean_cycle_days END AS velocity,
  period_complete($period, period, $as_of, $tz, $from, $to) AS complete
FROM means
ORDER BY period, currency NULLS FIRST, breakdown NULLS FIRST
