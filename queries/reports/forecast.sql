--! title = { en = "Pipeline forecast", zh = "商机赢单预测" }
--! description = { en = "What the open pipeline will bring, and whether the same rule would have been right before. Each open deal counts with the win rate of deals like it: the closed deals that had stayed in its stage for at least as long as it has by now; a rate of the stage alone would promise too much, since deals that are still there are the slow ones. The back-test repeats this at each of the last twelve month ends with what was known then, and sets beside it what those deals have brought since: a ratio below 1 says that the rule promised too much. Deals without stage history are left out.", zh = "进行中商机预计带来多少，以及同一规则过去是否可靠。每个进行中商机按同类商机的赢单率计入，即在该阶段停留不短于其现有时长的已关闭商机；只按阶段计会高估，因为仍停留的往往是推进较慢的商机。回测在最近十二个月末按当时所知重复该规则，并与这些商机此后的实际赢单对比：“实际 ÷ 预期”低于 1 表示过去预测偏高。无阶段历史的商机不计。" }
--! group = "sales"
--! grain = "one row for the report's date and one per month end before it, each by currency and breakdown value with an open deal"
--! hint = { en = "It needs deals with a stage history (table opportunity_stages) by the report's date", zh = "需要截至报表日期带阶段历史的商机（表 opportunity_stages）" }
--! chart = { kind = "line", x = "date", y = ["expected", "won_since"], series = "breakdown", facet = "currency", low = "low", high = "high", count = "deals", open = "still_open" }
--!
--! [columns.breakdown]
--! title = { en = "Breakdown", zh = "分组" }
--! absent = { en = "All", zh = "全部" }
--! unit = "text"
--! doc = { en = "The value of the customer at the report's date, in back-tests too: one that is given to those who buy makes its back-test look better than it was. Each value is forecast from its own deals alone, stages standing in the order of all, so that rows do not add up to the whole; where few deals have closed, win rates are drawn to one half", zh = "客户在报表日期的分组值，回测亦同：若该值是成交后才赋予的，其回测会显得过好。各组只用本组商机预测（阶段顺序仍按全部商机），因此各组之和不等于整体；关闭商机很少的组，赢单率会偏向二分之一" }
--! [columns.kind]
--! title = { en = "Kind", zh = "类型" }
--! unit = "code"
--! doc = { en = "Forecast from the report's date, or back-test from a month end before", zh = "自报表日期起的预测，或自过去月末起的回测" }
--! [columns.date]
--! title = { en = "Date", zh = "日期" }
--! unit = "date"
--! doc = { en = "Last day of what was known", zh = "所知信息的最后一天" }
--! [columns.deals]
--! title = { en = "Open deals", zh = "进行中商机" }
--! unit = "count"
--! doc = { en = "Deals open at that date, in the furthest stage they had entered", zh = "当时进行中的商机数，取其到达过的最靠后阶段" }
--! [columns.value]
--! title = { en = "Open value", zh = "在谈金额" }
--! unit = "money"
--! doc = { en = "Sum of their amounts: those the stage history gives for the entry into the stage, or, where the source does not keep them, those known at the report's date", zh = "其金额合计：取阶段历史中进入该阶段时的金额，来源未保留时取报表日期所知金额" }
--! [columns.expected]
--! title = { en = "Expected", zh = "预期金额" }
--! unit = "money"
--! doc = { en = "Sum of amount × win rate, (won + 1) / (closed + 2) of the closed deals, in any currency, that stayed in the stage as long (in local days, by spans that begin at 0, 2, 5, 9, 14, 21, 30, 45, 60 and 90)", zh = "金额 × 赢单率之和；赢单率 =（赢单 + 1）÷（关闭 + 2），取在该阶段停留同样久的已关闭商机（不分币种；按本地日，分档起点为 0、2、5、9、14、21、30、45、60、90 天）" }
--! [columns.low]
--! title = { en = "Low", zh = "区间下限" }
--! unit = "money"
--! doc = { en = "Lower end of the 95 % interval, of the chance of each deal and the uncertainty of the win rates, deals taken as independent", zh = "95% 区间下限，计入各商机的偶然性与赢单率的不确定性，商机视为相互独立" }
--! [columns.high]
--! title = { en = "High", zh = "区间上限" }
--! unit = "money"
--! doc = { en = "Upper end of the 95 % interval", zh = "95% 区间上限" }
--! [columns.won_since]
--! title = { en = "Won since", zh = "此后赢单金额" }
--! unit = "money"
--! doc = { en = "What these deals have brought by the report's date", zh = "截至报表日期这些商机的赢单金额" }
--! [columns.still_open]
--! title = { en = "Still open", zh = "仍在进行" }
--! unit = "count"
--! doc = { en = "How many of them are still open", zh = "其中仍在进行的商机数" }
--! [columns.still_open_value]
--! title = { en = "Still open, value", zh = "仍在进行金额" }
--! unit = "money"
--! doc = { en = "Sum of the amounts still open", zh = "仍在进行的金额合计" }
--! [columns.ratio]
--! title = { en = "Won ÷ expected", zh = "实际 ÷ 预期" }
--! unit = "number"
--! doc = { en = "Won since divided by expected, while at most a twentieth of the value is still open; in the forecast's row, of all such back-tests together: below 1, the rule has promised too much. Month ends share deals, so that a run of low ratios may be one bad month; if a source sets lost deals to 0 and keeps no history of amounts, it looks too low", zh = "此后赢单金额 ÷ 预期金额，仅在仍在进行的金额不超过二十分之一时给出；预测行为全部此类回测的合计之比；低于 1 表示过去预测偏高。各月末的商机有重叠，连续偏低可能只源于同一个月；若来源将输单金额置 0 且不保留金额历史，比值会偏低" }
--! [columns.note]
--! title = { en = "Note", zh = "备注" }
--! unit = "code"
--! doc = { en = "Whether the final value, which lies between the value won and that plus what is still open, can be inside the interval", zh = "最终金额（介于已赢单金额与其加上仍在进行金额之间）是否可能落在区间内" }
--!
--! [labels]
--! forecast = { en = "Forecast", zh = "预测" }
--! backtest = { en = "Back-test", zh = "回测" }
--! inside = { en = "inside the interval", zh = "区间内" }
--! outside = { en = "outside the interval", zh = "区间外" }

--- What will the pipeline bring? A cut is the ordinal of the first day that was
--- not yet known. What a deal was for then is told by its history, if the source
--- keeps it; what it brought is its amount.

WITH cuts AS (
  SELECT 'forecast' AS kind, period_index('day', period('day', $as_of, $tz)) + 1 AS cut
  UNION ALL
  SELECT 'backtest', period_index('day', period_add('month', period('month', $as_of, $tz), -month))
  FROM (SELECT unnest(range(0, 12)) AS month)
),
entries AS (
  SELECT
    stage_entries.opportunity_id,
    stage_entries.stage_no,
    stage_entries.currency,
    $breakdown_of_stage_entries AS breakdown,
    coalesce(stage_entries.amount, 0) AS amount,
    coalesce(stage_entries.entered_amount, stage_entries.amount, 0) AS amount_then,
    coalesce(stage_entries.status, 'open') AS status,
    period_index('day', period('day', stage_entries.entered_at, $tz)) AS entered,
    period_index('day', period('day', greatest(stage_entries.entered_at, stage_entries.created_at), $tz)) AS known,
    period_index('day', period('day', stage_entries.closed_at, $tz)) AS closed,
    period_index('day', period('day', coalesce(stage_entries.moved_at, stage_entries.lost_at), $tz))
      - period_index('day', period('day', stage_entries.entered_at, $tz)) AS stayed
  FROM stage_entries
  LEFT JOIN customers ON customers.customer_key = stage_entries.customer_key
),
-- Of the closed deals that stayed in a stage for so long or longer.
shares AS (
  SELECT
    cuts.cut,
    entries.breakdown,
    entries.stage_no,
    [
      count(*) FILTER (WHERE entries.stayed >= 0),
      count(*) FILTER (WHERE entries.stayed >= 2),
      count(*) FILTER (WHERE entries.stayed >= 5),
      count(*) FILTER (WHERE entries.stayed >= 9),
      count(*) FILTER (WHERE entries.stayed >= 14),
      count(*) FILTER (WHERE entries.stayed >= 21),
      count(*) FILTER (WHERE entries.stayed >= 30),
      count(*) FILTER (WHERE entries.stayed >= 45),
      count(*) FILTER (WHERE entries.stayed >= 60),
      count(*) FILTER (WHERE entries.stayed >= 90)
    ] AS closed,
    [
      count(*) FILTER (WHERE entries.stayed >= 0 AND entries.status = 'won'),
      count(*) FILTER (WHERE entries.stayed >= 2 AND entries.status = 'won'),
      count(*) FILTER (WHERE entries.stayed >= 5 AND entries.status = 'won'),
      count(*) FILTER (WHERE entries.stayed >= 9 AND entries.status = 'won'),
      count(*) FILTER (WHERE entries.stayed >= 14 AND entries.status = 'won'),
      count(*) FILTER (WHERE entries.stayed >= 21 AND entries.status = 'won'),
      count(*) FILTER (WHERE entries.stayed >= 30 AND entries.status = 'won'),
      count(*) FILTER (WHERE entries.stayed >= 45 AND entries.status = 'won'),
      count(*) FILTER (WHERE entries.stayed >= 60 AND entries.status = 'won'),
      count(*) FILTER (WHERE entries.stayed >= 90 AND entries.status = 'won')
    ] AS won
  FROM cuts
  JOIN entries ON entries.closed < cuts.cut
  GROUP BY cuts.cut, entries.breakdown, entries.stage_no
),
deals AS (
  SELECT
    cuts.kind,
    cuts.cut,
    entries.opportunity_id,
    entries.currency,
    entries.breakdown,
    entries.amount,
    entries.status,
    max(entries.stage_no) AS stage_no,
    last_value(entries.amount_then ORDER BY entries.stage_no) AS amount_then,
    cuts.cut - 1 - last_value(entries.entered ORDER BY entries.stage_no) AS age
  FROM cuts
  JOIN entries ON entries.known < cuts.cut AND coalesce(entries.closed, cuts.cut) >= cuts.cut
  WHERE $currency IS NULL OR entries.currency = $currency
  GROUP BY 1, 2, 3, 4, 5, 6, 7
),
by_stage AS (
  SELECT
    kind,
    cut,
    currency,
    breakdown,
    stage_no,
    CASE
      WHEN age < 2 THEN 1
      WHEN age < 5 THEN 2
      WHEN age < 9 THEN 3
      WHEN age < 14 THEN 4
      WHEN age < 21 THEN 5
      WHEN age < 30 THEN 6
      WHEN age < 45 THEN 7
      WHEN age < 60 THEN 8
      WHEN age < 90 THEN 9
      ELSE 10
    END AS age_no,
    count(*) AS deals,
    sum(amount_then) AS value,
    CAST(
      sum(CAST(amount_then * 100 AS DECIMAL(38, 0)) * CAST(amount_then * 100 AS DECIMAL(38, 0))) AS DOUBLE
    ) / 10000 AS squares,
    coalesce(sum(amount) FILTER (WHERE status = 'won'), 0) AS won_since,
    count(*) FILTER (WHERE status = 'open') AS still_open,
    coalesce(sum(amount) FILTER (WHERE status = 'open'), 0) AS still_open_value
  FROM deals
  GROUP BY 1, 2, 3, 4, 5, 6
),
liked AS (
  SELECT
    by_stage.*,
    coalesce(shares.closed[age_no], 0) AS closed,
    CAST(coalesce(shares.won[age_no], 0) + 1 AS DOUBLE) / (coalesce(shares.closed[age_no], 0) + 2) AS share
  FROM by_stage
  LEFT JOIN shares
    ON shares.cut = by_stage.cut
    AND (shares.breakdown IS NOT DISTINCT FROM by_stage.breakdown)
    AND shares.stage_no = by_stage.stage_no
),
-- Rounded to a hundredth of a cent before they are added up, so that the sum does
-- not depend on the order of the rows.
weighed AS (
  SELECT
    liked.*,
    CAST(CAST(value AS DOUBLE) * share AS DECIMAL(30, 4)) AS expected,
    CAST(
      share * (1 - share) * (squares + CAST(value AS DOUBLE) * CAST(value AS DOUBLE) / (closed + 3))
      AS DECIMAL(38, 4)
    ) AS variance
  FROM liked
),
totals AS (
  SELECT
    kind,
    cut,
    currency,
    breakdown,
    sum(deals) AS deals,
    sum(value) AS value,
    sum(expected) AS expected,
    1.959963984540054 * sqrt(CAST(sum(variance) AS DOUBLE)) AS half,
    sum(won_since) AS won_since,
    sum(still_open) AS still_open,
    sum(still_open_value) AS still_open_value,
    kind = 'backtest' AND 20 * sum(still_open_value) <= sum(value) AS is_settled
  FROM weighed
  GROUP BY kind, cut, currency, breakdown
)
SELECT
  kind,
  period_add('day', DATE '1970-01-01', cut - 1) AS date,
  currency,
  breakdown,
  deals,
  value,
  expected,
  -- To the last digit an amount has: what is left of two large ones has no more.
  round(greatest(CAST(expected AS DOUBLE) - half, 0), 4) AS low,
  round(least(CAST(expected AS DOUBLE) + half, CAST(value AS DOUBLE)), 4) AS high,
  CASE WHEN kind = 'backtest' THEN won_since END AS won_since,
  still_open,
  still_open_value,
  CASE
    WHEN kind = 'forecast'
      THEN CAST(sum(won_since) FILTER (WHERE is_settled) OVER alike AS DOUBLE)
        / nullif(CAST(sum(expected) FILTER (WHERE is_settled) OVER alike AS DOUBLE), 0)
    WHEN is_settled THEN CAST(won_since AS DOUBLE) / nullif(CAST(expected AS DOUBLE), 0)
  END AS ratio,
  CASE
    WHEN kind = 'forecast' THEN NULL
    WHEN CAST(won_since AS DOUBLE) <= CAST(expected AS DOUBLE) + half
      AND CAST(won_since + still_open_value AS DOUBLE) >= CAST(expected AS DOUBLE) - half THEN 'inside'
    ELSE 'outside'
  END AS note
FROM totals
WINDOW alike AS (PARTITION BY currency, breakdown)
ORDER BY date DESC, kind DESC, currency NULLS FIRST, breakdown NULLS FIRST
