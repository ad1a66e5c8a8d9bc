--! title = { en = "Pipeline forecast", zh = "商机赢单预测" }
--! description = { en = "What the open pipeline will bring, and whether the same rule would have been right before. Each open deal counts with the win share of deals like it: of the closed deals that had stayed in its stage for at least as long as it has by now (in local days, by spans that begin at 0, 2, 5, 9, 14, 21, 30, 45, 60 and 90), (won + 1) / (closed + 2). A share of the stage alone would promise too much: deals that are still there are the slow ones. The expected value is the sum of amount × share; the 95 % interval adds the chance of each deal and the uncertainty of the shares, deals taken as independent. The back-test repeats this at each of the last twelve month ends with the stages, outcomes and shares known then, and sets beside it what those deals have brought since; where some are still open, the final value lies between the value won and that plus what is open, and the note says whether this can be inside the interval. A stage is the furthest a deal had entered; an open deal counts with the amount its stage history gives for the entry into that stage, or, where the source does not keep it, with the one known at the report's date: a source that sets lost deals to 0 and keeps no history then makes the back-test look too low. Shares are of deals in all currencies. Deals without stage history are left out.", zh = "进行中管道预计带来多少，以及同一规则过去是否可靠。每个进行中商机按同类商机的赢单占比计入：在该阶段停留不短于其现有时长（按本地日，分档起点为 0、2、5、9、14、21、30、45、60、90 天）的已关闭商机中（赢单 + 1）÷（关闭 + 2）。若仅按阶段计会高估，因为仍停留的往往是推进较慢的商机。预期金额为金额 × 占比之和；95% 区间计入各商机的偶然性与占比的不确定性，商机视为相互独立。回测在最近十二个月末以当时所知的阶段、结果与占比重复该规则，并与这些商机此后的实际赢单对比；若仍有进行中商机，最终金额介于已赢单金额与其加上进行中金额之间，备注说明其是否可能落在区间内。阶段指商机到达过的最靠后阶段；进行中商机按阶段历史中进入该阶段时的金额计，来源未保留时按报表日期所知金额计：若来源将输单金额置 0 且无历史，回测会偏低；占比基于全部币种的商机。无阶段历史的商机不计。" }
--! group = "sales"
--! grain = "one row for the report's date and one per month end before it, each by currency"
--! chart = { kind = "line", x = "date", y = ["expected", "won_since"], facet = "currency", low = "low", high = "high", count = "deals" }
--!
--! [columns.kind]
--! title = { en = "Kind", zh = "类型" }
--! unit = "code"
--! doc = { en = "forecast: from the report's date; backtest: from a month end before", zh = "forecast：自报表日期预测；backtest：自过去月末回测" }
--! [columns.date]
--! title = { en = "Date", zh = "日期" }
--! unit = "date"
--! doc = { en = "Last day of what was known", zh = "所知信息的最后一天" }
--! [columns.deals]
--! title = { en = "Open deals", zh = "进行中商机" }
--! unit = "count"
--! doc = { en = "Deals open at that date", zh = "当时进行中的商机数" }
--! [columns.value]
--! title = { en = "Value", zh = "金额" }
--! unit = "money"
--! doc = { en = "Sum of their amounts", zh = "其金额合计" }
--! [columns.expected]
--! title = { en = "Expected", zh = "预期金额" }
--! unit = "money"
--! doc = { en = "Sum of amount times win share", zh = "金额 × 赢单占比之和" }
--! [columns.low]
--! title = { en = "Low", zh = "区间下限" }
--! unit = "money"
--! doc = { en = "Lower end of the 95 % interval", zh = "95% 区间下限" }
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
--! [columns.note]
--! title = { en = "Note", zh = "备注" }
--! unit = "code"
--! doc = { en = "inside or outside: whether the final value can lie in the interval", zh = "inside / outside：最终金额是否可能落在区间内" }
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
    opportunity_id,
    stage_no,
    currency,
    coalesce(amount, 0) AS amount,
    coalesce(entered_amount, amount, 0) AS amount_then,
    coalesce(status, 'open') AS status,
    period_index('day', period('day', entered_at, $tz)) AS entered,
    period_index('day', period('day', greatest(entered_at, created_at), $tz)) AS known,
    period_index('day', period('day', closed_at, $tz)) AS closed,
    period_index('day', period('day', coalesce(moved_at, lost_at), $tz))
      - period_index('day', period('day', entered_at, $tz)) AS stayed
  FROM stage_entries
),
-- Of the closed deals that stayed in a stage for so long or longer.
shares AS (
  SELECT
    cuts.cut,
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
  GROUP BY cuts.cut, entries.stage_no
),
deals AS (
  SELECT
    cuts.kind,
    cuts.cut,
    entries.opportunity_id,
    entries.currency,
    entries.amount,
    entries.status,
    max(entries.stage_no) AS stage_no,
    last_value(entries.amount_then ORDER BY entries.stage_no) AS amount_then,
    cuts.cut - 1 - last_value(entries.entered ORDER BY entries.stage_no) AS age
  FROM cuts
  JOIN entries ON entries.known < cuts.cut AND coalesce(entries.closed, cuts.cut) >= cuts.cut
  WHERE $currency IS NULL OR entries.currency = $currency
  GROUP BY 1, 2, 3, 4, 5, 6
),
by_stage AS (
  SELECT
    kind,
    cut,
    currency,
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
  GROUP BY 1, 2, 3, 4, 5
),
liked AS (
  SELECT
    by_stage.*,
    coalesce(shares.closed[age_no], 0) AS closed,
    CAST(coalesce(shares.won[age_no], 0) + 1 AS DOUBLE) / (coalesce(shares.closed[age_no], 0) + 2) AS share
  FROM by_stage
  LEFT JOIN shares ON shares.cut = by_stage.cut AND shares.stage_no = by_stage.stage_no
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
    sum(deals) AS deals,
    sum(value) AS value,
    sum(expected) AS expected,
    1.959963984540054 * sqrt(CAST(sum(variance) AS DOUBLE)) AS half,
    sum(won_since) AS won_since,
    sum(still_open) AS still_open,
    sum(still_open_value) AS still_open_value
  FROM weighed
  GROUP BY kind, cut, currency
)
SELECT
  kind,
  period_add('day', DATE '1970-01-01', cut - 1) AS date,
  currency,
  deals,
  value,
  expected,
  greatest(CAST(expected AS DOUBLE) - half, 0) AS low,
  CAST(expected AS DOUBLE) + half AS high,
  CASE WHEN kind = 'backtest' THEN won_since END AS won_since,
  still_open,
  still_open_value,
  CASE
    WHEN kind = 'forecast' THEN NULL
    WHEN CAST(won_since AS DOUBLE) <= CAST(expected AS DOUBLE) + half
      AND CAST(won_since + still_open_value AS DOUBLE) >= CAST(expected AS DOUBLE) - half THEN 'inside'
    ELSE 'outside'
  END AS note
FROM totals
ORDER BY date DESC, kind DESC, currency NULLS FIRST
