--! title = { en = "Do detractors leave?", zh = "NPS 与客户流失" }
--! description = { en = "What became of promoters, passives and detractors. The index date lies one horizon before the report's date: customers active in the horizon before it are grouped by their latest NPS answer in the window before it, and gone are those without any activity from then to the report's date. Association, not cause: customers may answer low because they are about to leave. Customers without an answer are no fair comparison: whoever answered was certainly still there on that day.", zh = "推荐者、中立者与贬损者后来是否流失。基准日为报表日期之前一个观察期：此前一个观察期内活跃的客户，按基准日之前时间窗内最近一次 NPS 回答分组；自基准日至报表日期再无任何行为即为流失。结果为相关而非因果：客户可能正因打算流失才打低分。未作答客户不宜直接比较：作答者在作答当日必然仍在。" }
--! group = "voice"
--! grain = "four rows per breakdown value: promoters, passives, detractors and those without an answer"
--! chart = { kind = "bar", x = "answer", y = ["share"], series = "breakdown", low = "low", high = "high", count = "customers" }
--!
--! [params.horizon]
--! title = { en = "Horizon", zh = "观察期" }
--! type = "duration"
--! default = "90d"
--! doc = { en = "How long before the report's date the index date lies, and how long before it a customer must have been active", zh = "基准日距报表日期的时长；客户须在基准日之前同样时长内活跃" }
--! [params.window]
--! title = { en = "Window of answers", zh = "回答时间窗" }
--! type = "duration"
--! default = "90d"
--! doc = { en = "How long before the index date answers count", zh = "统计基准日之前多久内的回答" }
--!
--! [columns.answer]
--! title = { en = "Answer", zh = "回答" }
--! unit = "code"
--! doc = { en = "What the customer last answered: 9 or 10 promoter, 7 or 8 passive, 0 to 6 detractor", zh = "客户最近一次回答：9–10 推荐者，7–8 中立者，0–6 贬损者" }
--! [columns.customers]
--! title = { en = "Customers", zh = "客户数" }
--! unit = "count"
--! doc = { en = "Customers active in the horizon before the index date", zh = "基准日之前一个观察期内活跃的客户数" }
--! [columns.gone]
--! title = { en = "Gone", zh = "已流失" }
--! unit = "count"
--! doc = { en = "Of these, without activity since the index date", zh = "其中自基准日起再无行为的客户数" }
--! [columns.share]
--! title = { en = "Gone, share", zh = "流失率" }
--! unit = "share"
--! doc = { en = "Gone divided by customers", zh = "已流失 ÷ 客户数" }
--! [columns.difference]
--! title = { en = "Difference to promoters", zh = "与推荐者之差" }
--! unit = "points"
--! doc = { en = "Share gone minus that of promoters", zh = "流失率减推荐者的流失率" }
--! [columns.difference_low]
--! title = { en = "Difference, low", zh = "差值下限" }
--! unit = "points"
--! doc = { en = "Lower end of the difference's 95 % interval (Newcombe); an interval that holds 0 is compatible with no difference", zh = "差值 95% 区间下限（Newcombe）；区间含 0 即与无差异相容" }
--! [columns.difference_high]
--! title = { en = "Difference, high", zh = "差值上限" }
--! unit = "points"
--! doc = { en = "Upper end of the difference's 95 % interval (Newcombe)", zh = "差值 95% 区间上限（Newcombe）" }
--!
--! [labels]
--! promoter = { en = "Promoter", zh = "推荐者" }
--! passive = { en = "Passive", zh = "中立者" }
--! detractor = { en = "Detractor", zh = "贬损者" }
--! no_answer = { en = "No answer", zh = "未作答" }

--- Is the NPS a warning worth acting on? Each customer is taken once for each of
--- the four rows and counts in one: all rows are then always there.

WITH answers AS (
  SELECT customer_key, latest(score, occurred_at, known_at, response_id) AS score
  FROM surveys
  WHERE coalesce(kind, 'nps') = 'nps'
    AND score IS NOT NULL
    AND occurred_at <= $as_of - $horizon
    AND occurred_at > $as_of - $horizon - $window
  GROUP BY customer_key
),
people AS (
  SELECT
    $breakdown AS breakdown,
    outcomes.is_gone,
    CASE
      WHEN answers.score >= 9 THEN 'promoter'
      WHEN answers.score > 6 THEN 'passive'
      WHEN answers.score <= 6 THEN 'detractor'
      ELSE 'no_answer'
    END AS answer
  FROM activity_outcomes AS outcomes
  LEFT JOIN answers ON answers.customer_key = outcomes.customer_key
  LEFT JOIN customers ON customers.customer_key = outcomes.customer_key
),
counted AS (
  SELECT
    people.breakdown,
    rows.place,
    rows.answer,
    count(*) FILTER (WHERE people.answer = rows.answer) AS customers,
    count(*) FILTER (WHERE people.answer = rows.answer AND people.is_gone) AS gone,
    count(*) FILTER (WHERE people.answer = 'promoter') AS promoters,
    count(*) FILTER (WHERE people.answer = 'promoter' AND people.is_gone) AS promoters_gone
  FROM people
  CROSS JOIN (VALUES (1, 'promoter'), (2, 'passive'), (3, 'detractor'), (4, 'no_answer')) AS rows (place, answer)
  GROUP BY people.breakdown, rows.place, rows.answer
)
SELECT
  answer,
  breakdown,
  customers,
  gone,
  CASE WHEN customers > 0 THEN CAST(gone AS DOUBLE) / customers END AS share,
  wilson(gone, customers)['low'] AS low,
  wilson(gone, customers)['high'] AS high,
  CASE
    WHEN place > 1 AND customers > 0 AND promoters > 0
    THEN CAST(gone AS DOUBLE) / customers - CAST(promoters_gone AS DOUBLE) / promoters
  END AS difference,
  CASE WHEN place > 1 THEN newcombe(gone, customers, promoters_gone, promoters)['low'] END AS difference_low,
  CASE WHEN place > 1 THEN newcombe(gone, customers, promoters_gone, promoters)['high'] END AS difference_high
FROM counted
ORDER BY breakdown NULLS FIRST, place
