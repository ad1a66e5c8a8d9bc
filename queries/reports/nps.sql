--! title = { en = "Net Promoter Score", zh = "净推荐值（NPS）" }
--! description = { en = "Whether customers would recommend us. Promoters answer 9 or 10, detractors 0 to 6; NPS is 100 (promoters − detractors) / responses, from −100 to 100. One answer per customer and period counts: the latest. A change within the 95 % interval (adjusted Wald) is compatible with chance.", zh = "客户是否愿意推荐我们。推荐者评分 9–10，贬损者 0–6；NPS = 100 ×（推荐者 − 贬损者）÷ 回答数，范围 −100 至 100。每位客户每周期只计最近一次回答。95% 区间（校正 Wald）内的变化可能只是偶然。" }
--! group = "voice"
--! grain = "one row per period and breakdown value with an answer"
--! chart = { kind = "line", x = "period", y = ["nps"], series = "breakdown", low = "low", high = "high", complete = "complete", count = "responses" }
--!
--! [params.period]
--! title = { en = "Period", zh = "周期" }
--! type = "choice"
--! default = "month"
--! choices = ["day", "week", "month", "quarter", "year", "all"]
--! doc = { en = "Calendar period; weeks start on Monday; all of time is one period, which files call 1970-01-01", zh = "日历周期；每周从周一开始；“全部”为一个周期，在文件中记为 1970-01-01" }
--!
--! [columns.responses]
--! title = { en = "Responses", zh = "回答数" }
--! unit = "count"
--! doc = { en = "Customers who answered", zh = "作答客户数" }
--! [columns.promoters]
--! title = { en = "Promoters", zh = "推荐者" }
--! unit = "count"
--! doc = { en = "Answers of 9 or 10", zh = "评分 9–10" }
--! [columns.passives]
--! title = { en = "Passives", zh = "中立者" }
--! unit = "count"
--! doc = { en = "Answers of 7 or 8", zh = "评分 7–8" }
--! [columns.detractors]
--! title = { en = "Detractors", zh = "贬损者" }
--! unit = "count"
--! doc = { en = "Answers of 0 to 6", zh = "评分 0–6" }
--! [columns.nps]
--! title = { en = "NPS", zh = "NPS" }
--! unit = "score"
--! doc = { en = "Points from −100 to 100", zh = "−100 至 100 分" }
--! [columns.low]
--! title = { en = "Low", zh = "区间下限" }
--! unit = "score"
--! doc = { en = "Lower end of the 95 % interval (adjusted Wald)", zh = "95% 区间下限（校正 Wald）" }
--! [columns.high]
--! title = { en = "High", zh = "区间上限" }
--! unit = "score"
--! doc = { en = "Upper end of the 95 % interval (adjusted Wald)", zh = "95% 区间上限（校正 Wald）" }

--- Would customers recommend us?

WITH answers AS (
  SELECT
    customer_key,
    period($period, occurred_at, $tz) AS period,
    latest(score, occurred_at, known_at, response_id) AS score
  FROM surveys
  WHERE coalesce(kind, 'nps') = 'nps' AND score IS NOT NULL
    AND ($from IS NULL OR period('day', occurred_at, $tz) >= $from)
    AND ($to IS NULL OR period('day', occurred_at, $tz) <= $to)
  GROUP BY customer_key, period($period, occurred_at, $tz)
),
broken_down AS (
  SELECT answers.period, $breakdown AS breakdown, answers.score
  FROM answers
  LEFT JOIN customers ON customers.customer_key = answers.customer_key
),
counted AS (
  SELECT
    period,
    breakdown,
    count(*) AS responses,
    count(*) FILTER (WHERE score >= 9) AS promoters,
    count(*) FILTER (WHERE score > 6 AND score < 9) AS passives,
    count(*) FILTER (WHERE score <= 6) AS detractors
  FROM broken_down
  GROUP BY period, breakdown
)
SELECT
  period,
  breakdown,
  responses,
  promoters,
  passives,
  detractors,
  CAST(100 * (promoters - detractors) AS DOUBLE) / responses AS nps,
  nps_interval(promoters, detractors, responses)['low'] AS low,
  nps_interval(promoters, detractors, responses)['high'] AS high,
  period_complete($period, period, $as_of, $tz, $from, $to) AS complete
FROM counted
ORDER BY period, breakdown NULLS FIRST
