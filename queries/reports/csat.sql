--! title = { en = "Customer satisfaction (CSAT)", zh = "客户满意度（CSAT）" }
--! description = { en = "How satisfied customers say they are: the share of answers that count as satisfied. Two sources that must not be mixed: of surveys, one answer per customer and period counts, the latest; of tickets, every rating, in the period of the last close: a ticket that is open, or open again, has no final rating yet and is left out. Sources use different scales (1 to 5, 0 to 10, percent) and do not say which: unless Satisfied from is given, it is 4 if no score of the source is above 5 (the top two of five), 8 if none is above 10, and 80 otherwise; every row says which was used. Only those who answer are seen: compare like with like.", zh = "客户自评的满意程度：达到满意线的回答占比。两类来源不可混用：满意度问卷中，每位客户每周期只计最近一次回答；工单评分逐单计入最后一次关闭所在周期，未关闭或重新打开的工单尚无最终评分，不计。各来源分制不同（1–5、0–10 或百分制）且未必注明：未指定“满意线”时，若来源的评分均不超过 5 则取 4（五分制前两档），均不超过 10 则取 8，否则取 80；每行均列出所用满意线。只反映作答的客户，请在同口径下比较。" }
--! group = "voice"
--! grain = "one row per period and breakdown value, from its first answer to the report's date or `to`"
--! chart = { kind = "line", x = "period", y = ["share"], series = "breakdown", low = "low", high = "high", complete = "complete", count = "answers" }
--!
--! [params.source]
--! title = { en = "Source", zh = "来源" }
--! type = "choice"
--! default = "surveys"
--! choices = ["surveys", "tickets"]
--! doc = { en = "Satisfaction surveys, or ratings of closed tickets (by their opening, if the source gives no closing time for any)", zh = "满意度问卷，或已关闭工单的评分（来源中所有工单均无关闭时间时，按提交时间计）" }
--! [params.satisfied_from]
--! title = { en = "Satisfied from", zh = "满意线" }
--! type = "number"
--! doc = { en = "Lowest score that counts as satisfied; by default 4, 8 or 80 by the scale of the source", zh = "达到该分数即视为满意；默认按来源分制取 4、8 或 80" }
--! [params.period]
--! title = { en = "Period", zh = "周期" }
--! type = "choice"
--! default = "month"
--! choices = ["day", "week", "month", "quarter", "year", "all"]
--! doc = { en = "Calendar period; weeks start on Monday; all of time is one period, which files call 1970-01-01", zh = "日历周期；每周从周一开始；“全部”为一个周期，在文件中记为 1970-01-01" }
--!
--! [columns.answers]
--! title = { en = "Answers", zh = "回答数" }
--! unit = "count"
--! doc = { en = "Customers who answered, or rated tickets", zh = "作答客户数，或已评分工单数" }
--! [columns.score]
--! title = { en = "Mean score", zh = "平均分" }
--! unit = "score"
--! doc = { en = "Mean of the answers, in the source's scale", zh = "回答的平均分，沿用来源分制" }
--! [columns.score_low]
--! title = { en = "Mean score, low", zh = "平均分下限" }
--! unit = "score"
--! doc = { en = "Lower end of its 95 % interval; empty below five answers, or if all are equal", zh = "平均分 95% 区间下限；回答少于五个或全部相同时为空" }
--! [columns.score_high]
--! title = { en = "Mean score, high", zh = "平均分上限" }
--! unit = "score"
--! doc = { en = "Upper end of its 95 % interval (Hall)", zh = "平均分 95% 区间上限（Hall 法）" }
--! [columns.satisfied]
--! title = { en = "Satisfied", zh = "满意" }
--! unit = "count"
--! doc = { en = "Answers of Satisfied from or more", zh = "达到满意线的回答数" }
--! [columns.share]
--! title = { en = "CSAT", zh = "CSAT" }
--! unit = "share"
--! doc = { en = "Satisfied divided by answers", zh = "满意 ÷ 回答数" }
--! [columns.satisfied_from]
--! title = { en = "Satisfied from", zh = "满意线" }
--! unit = "score"
--! doc = { en = "Lowest score that counts as satisfied here", zh = "本行所用的满意线" }
--!
--! [labels]
--! surveys = { en = "Surveys", zh = "满意度问卷" }
--! tickets = { en = "Tickets", zh = "工单评分" }

--- Are customers satisfied, and is the mean more than chance?

WITH given AS (
  SELECT customer_key, CAST(NULL AS VARCHAR) AS owner_id, occurred_at, known_at, response_id AS id, score
  FROM surveys
  WHERE $source = 'surveys' AND kind = 'csat' AND score IS NOT NULL
  UNION ALL
  SELECT customer_key, owner_id, coalesce(closed_at, occurred_at), known_at, ticket_id, satisfaction
  FROM tickets
  CROSS JOIN (SELECT count(closed_at) AS n_closed FROM tickets) AS closing
  WHERE $source = 'tickets' AND satisfaction IS NOT NULL AND (closed_at IS NOT NULL OR n_closed = 0)
),
scale AS (
  SELECT
    best,
    coalesce($satisfied_from, CASE best WHEN 5 THEN 4.0 WHEN 10 THEN 8.0 ELSE 80.0 END) AS satisfied_from
  FROM (
    SELECT CASE WHEN max(score) <= 5 THEN 5 WHEN max(score) <= 10 THEN 10 ELSE 100 END AS best
    FROM given
  )
),
answers AS (
  SELECT
    customer_key,
    max(owner_id) AS owner_id,
    period_index($period, period($period, occurred_at, $tz)) AS period_no,
    TRY_CAST(latest(score, occurred_at, known_at, id) AS DECIMAL(12, 4)) AS score
  FROM given
  WHERE ($from IS NULL OR period('day', occurred_at, $tz) >= $from)
    AND ($to IS NULL OR period('day', occurred_at, $tz) <= $to)
  -- A ticket is an answer of its own, whoever gave it.
  GROUP BY 1, 3, CASE WHEN $source = 'tickets' THEN id END
),
scored AS (
  SELECT
    -- By owner, a ticket is that of who is in charge of it.
    coalesce($breakdown_of_answers, CASE WHEN $source = 'surveys' THEN $breakdown END) AS breakdown,
    answers.period_no,
    answers.score,
    answers.score >= scale.satisfied_from AS is_satisfied,
    scale.best,
    scale.satisfied_from
  FROM scale
  CROSS JOIN answers
  LEFT JOIN customers ON customers.customer_key = answers.customer_key
),
counted AS (
  SELECT
    breakdown,
    period_no,
    count(score) AS answers,
    moments(score) AS score,
    count(*) FILTER (WHERE is_satisfied) AS satisfied
  FROM scored
  GROUP BY breakdown, period_no
),
grid AS (
  SELECT breakdown, best, satisfied_from, unnest(range(first_no, last_no + 1)) AS period_no
  FROM (
    SELECT
      breakdown,
      max(best) AS best,
      max(satisfied_from) AS satisfied_from,
      min(period_no) AS first_no,
      least(period_index($period, period($period, $as_of, $tz)), period_index($period, $to)) AS last_no
    FROM scored
    GROUP BY breakdown
  )
)
SELECT
  period_add($period, DATE '1970-01-01', grid.period_no) AS period,
  grid.breakdown,
  coalesce(counted.answers, 0) AS answers,
  counted.score['mean'] AS score,
  mean_interval(counted.score)['low'] AS score_low,
  CASE WHEN mean_interval(counted.score)['high'] > grid.best THEN grid.best ELSE mean_interval(counted.score)['high'] END
    AS score_high,
  coalesce(counted.satisfied, 0) AS satisfied,
  CASE WHEN counted.answers > 0 THEN CAST(counted.satisfied AS DOUBLE) / counted.answers END AS share,
  wilson(counted.satisfied, counted.answers)['low'] AS low,
  wilson(counted.satisfied, counted.answers)['high'] AS high,
  grid.satisfied_from,
  period_complete($period, period_add($period, DATE '1970-01-01', grid.period_no), $as_of, $tz, $from, $to) AS complete
FROM grid
LEFT JOIN counted
  ON (counted.breakdown IS NOT DISTINCT FROM grid.breakdown)
  AND counted.period_no = grid.period_no
ORDER BY period, grid.breakdown NULLS FIRST
