--! title = { en = "Lead sources", zh = "线索来源" }
--! description = { en = "Which lead sources bring the money: deals opened in the span, and what has come of them by the report's date. Young spans have many open deals: compare win rates of spans that are over.", zh = "哪些线索来源带来赢单金额：统计期内创建的商机，以及截至报表日期的结果。较新的统计期仍有大量进行中商机，赢单率请只在已结束的时段之间比较。" }
--! group = "sales"
--! grain = "one row per source, currency and breakdown value"
--! chart = { kind = "bar", x = "source", y = ["won_value"], series = "breakdown", facet = "currency", none = true }
--!
--! [params.from]
--! title = { en = "From", zh = "起始日期" }
--! type = "date"
--! up_to = "to"
--! doc = { en = "Count deals opened on or after this day", zh = "统计该日（含）之后创建的商机" }
--!
--! [params.to]
--! title = { en = "To", zh = "截止日期" }
--! type = "date"
--! doc = { en = "Count deals opened on or before this day", zh = "统计该日（含）之前创建的商机" }
--!
--! [columns.source]
--! title = { en = "Source", zh = "来源" }
--! unit = "text"
--! absent = { en = "Not known", zh = "未知" }
--! doc = { en = "Lead source of the deal", zh = "商机的线索来源" }
--! [columns.deals]
--! title = { en = "Deals", zh = "商机" }
--! unit = "count"
--! doc = { en = "Deals opened in the span", zh = "统计期内创建的商机数" }
--! [columns.won]
--! title = { en = "Won", zh = "赢单" }
--! unit = "count"
--! doc = { en = "Of them, won", zh = "其中赢单" }
--! [columns.lost]
--! title = { en = "Lost", zh = "输单" }
--! unit = "count"
--! doc = { en = "Of them, lost", zh = "其中输单" }
--! [columns.open]
--! title = { en = "Open", zh = "进行中" }
--! unit = "count"
--! doc = { en = "Of them, still open", zh = "其中进行中" }
--! [columns.win_rate]
--! title = { en = "Win rate", zh = "赢单率" }
--! unit = "share"
--! doc = { en = "Won divided by won and lost; empty if none closed", zh = "赢单 ÷（赢单 + 输单）；无已关闭商机时为空" }
--! [columns.won_value]
--! title = { en = "Won value", zh = "赢单金额" }
--! unit = "money"
--! doc = { en = "Sum of the amounts of won deals", zh = "赢单金额合计" }
--! [columns.share_of_value]
--! title = { en = "Share of won value", zh = "赢单金额占比" }
--! unit = "share"
--! doc = { en = "Of the won value of all sources in the currency", zh = "占该币种全部来源赢单金额的比例" }
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
--! [columns.median_cycle_days]
--! title = { en = "Median cycle, days", zh = "成交周期中位数（天）" }
--! unit = "days"
--! doc = { en = "Median days from opening to winning", zh = "从创建到赢单的天数中位数" }

--- Which sources bring the money?

WITH counted AS (
  SELECT
    opportunities.source,
    opportunities.currency,
    $breakdown_of_opportunities AS breakdown,
    count(*) AS deals,
    count(*) FILTER (WHERE opportunities.status = 'won') AS won,
    count(*) FILTER (WHERE opportunities.status = 'lost') AS lost,
    coalesce(sum(opportunities.amount) FILTER (WHERE opportunities.status = 'won'), 0) AS won_value,
    count(opportunities.amount) FILTER (WHERE opportunities.status = 'won') AS n_amounts,
    moments(opportunities.amount) FILTER (WHERE opportunities.status = 'won') AS amount,
    quantile(
      CAST(CAST(opportunities.closed_at AS BIGINT) - CAST(opportunities.created_at AS BIGINT) AS DOUBLE), 0.5
    ) FILTER (WHERE opportunities.status = 'won') AS cycle
  FROM opportunities
  LEFT JOIN customers ON customers.customer_key = opportunities.customer_key
  WHERE ($currency IS NULL OR opportunities.currency = $currency)
    AND ($from IS NULL OR period('day', opportunities.created_at, $tz) >= $from)
    AND ($to IS NULL OR period('day', opportunities.created_at, $tz) <= $to)
  GROUP BY 1, 2, 3
),
means AS (
  SELECT
    counted.*,
    sum(won_value) OVER (PARTITION BY currency) AS all_value,
    CASE WHEN n_amounts > 0 THEN CAST(won_value AS DOUBLE) / n_amounts END AS mean_won
  FROM counted
)
SELECT
  source,
  currency,
  breakdown,
  deals,
  won,
  lost,
  deals - won - lost AS open,
  CASE WHEN won + lost > 0 THEN CAST(won AS DOUBLE) / (won + lost) END AS win_rate,
  wilson(won, won + lost)['low'] AS low,
  wilson(won, won + lost)['high'] AS high,
  won_value,
  CASE WHEN all_value > 0 THEN CAST(won_value AS DOUBLE) / CAST(all_value AS DOUBLE) END AS share_of_value,
  mean_won,
  mean_interval(amount)['low'] AS mean_won_low,
  mean_interval(amount)['high'] AS mean_won_high,
  cycle / 86400000000 AS median_cycle_days
FROM means
ORDER BY currency NULLS FIRST, won_value DESC, source NULLS LAST, breakdown NULLS FIRST
