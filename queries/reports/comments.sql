--! title = { en = "Comments by theme", zh = "客户反馈主题" }
--! description = { en = "What customers write in surveys, and how those who write it score. A comment belongs to every theme of which it holds a keyword, in English or Chinese, and to Other if it holds none: themes overlap and do not add up, the total row has every comment once. Keywords say what a comment is about, not whether it is praise; that is what score and NPS beside it are for. Irony and rare words are missed. All comments count, several of one customer too, so the NPS is that of those who write and not the one of the report Net Promoter Score.", zh = "客户在问卷中写了什么，写到该主题的客户打分如何。反馈中出现某主题的中英文关键词即归入该主题，均无则归入“其他”；一条反馈可属多个主题，因此各主题之和不等于合计，合计行中每条只计一次。关键词只表明谈及的内容，不代表褒贬，褒贬请看分数与 NPS。反语与少见说法无法识别。每条反馈都计入，同一客户的多条也计入，因此这里是写了反馈的客户的 NPS，与报表“净推荐值（NPS）”不同。" }
--! group = "voice"
--! grain = "one row per theme with a comment and breakdown value, and per breakdown value a total row with theme null"
--! chart = { kind = "bar", x = "theme", y = ["answers"], series = "breakdown", count = "answers" }
--!
--! [params.kind]
--! title = { en = "Survey", zh = "问卷类型" }
--! type = "choice"
--! default = "nps"
--! choices = ["nps", "csat"]
--! doc = { en = "Comments of NPS or of satisfaction surveys", zh = "NPS 问卷或满意度问卷的客户反馈" }
--! [params.from]
--! title = { en = "From", zh = "起始日期" }
--! type = "date"
--! up_to = "to"
--! doc = { en = "Answers given on or after this day", zh = "在该日（含）之后的回答" }
--! [params.to]
--! title = { en = "To", zh = "截止日期" }
--! type = "date"
--! doc = { en = "Answers given on or before this day", zh = "在该日（含）之前的回答" }
--!
--! [columns.theme]
--! title = { en = "Theme", zh = "主题" }
--! absent = { en = "All comments", zh = "全部反馈" }
--! unit = "code"
--! doc = { en = "What the comment is about; empty in the total row", zh = "客户反馈涉及的主题；合计行留空" }
--! [columns.answers]
--! title = { en = "Comments", zh = "反馈数" }
--! unit = "count"
--! doc = { en = "Answers with a comment on the theme", zh = "反馈涉及该主题的回答数" }
--! [columns.score]
--! title = { en = "Mean score", zh = "平均分" }
--! unit = "score"
--! doc = { en = "Mean score of these answers; of satisfaction surveys, in the source's scale", zh = "这些回答的平均分；满意度问卷沿用来源分制" }
--! [columns.score_low]
--! title = { en = "Mean score, low", zh = "平均分下限" }
--! unit = "score"
--! doc = { en = "Lower end of its 95 % interval; empty below five answers, or if all are equal", zh = "平均分 95% 区间下限；回答少于五个或全部相同时为空" }
--! [columns.score_high]
--! title = { en = "Mean score, high", zh = "平均分上限" }
--! unit = "score"
--! doc = { en = "Upper end of its 95 % interval (Hall)", zh = "平均分 95% 区间上限（Hall 法）" }
--! [columns.nps]
--! title = { en = "NPS", zh = "NPS" }
--! unit = "score"
--! doc = { en = "NPS of these answers; empty for satisfaction surveys", zh = "这些回答的 NPS；满意度问卷时为空" }
--! [columns.nps_low]
--! title = { en = "NPS, low", zh = "NPS 下限" }
--! unit = "score"
--! doc = { en = "Lower end of its 95 % interval (adjusted Wald)", zh = "NPS 95% 区间下限（校正 Wald）" }
--! [columns.nps_high]
--! title = { en = "NPS, high", zh = "NPS 上限" }
--! unit = "score"
--! doc = { en = "Upper end of its 95 % interval (adjusted Wald)", zh = "NPS 95% 区间上限（校正 Wald）" }
--! [columns.detractors]
--! title = { en = "Detractors", zh = "贬损者" }
--! unit = "count"
--! doc = { en = "Of these answers, 0 to 6; empty for satisfaction surveys", zh = "其中评分 0–6 的回答数；满意度问卷时为空" }
--! [columns.share]
--! title = { en = "Detractors, share", zh = "贬损者占比" }
--! unit = "share"
--! doc = { en = "Detractors divided by comments", zh = "贬损者 ÷ 反馈数" }
--! [columns.example]
--! title = { en = "Newest comment", zh = "最新反馈" }
--! unit = "text"
--! doc = { en = "The newest of these comments", zh = "其中最新的一条" }
--!
--! [labels]
--! nps = { en = "NPS", zh = "NPS" }
--! csat = { en = "CSAT", zh = "满意度" }
--! price = { en = "Price", zh = "价格与费用" }
--! support = { en = "Support", zh = "服务与支持" }
--! reliability = { en = "Reliability and speed", zh = "稳定与速度" }
--! usability = { en = "Ease of use", zh = "易用性" }
--! features = { en = "Features", zh = "功能" }
--! onboarding = { en = "Onboarding", zh = "上手与培训" }
--! delivery = { en = "Delivery", zh = "交付与物流" }
--! other = { en = "Other", zh = "其他" }

--- What do they talk about? English keywords are beginnings of words, in lower
--- case: `pric` finds price, pricing and priced, but not enterprise; a word that
--- must end there is followed by `_`. Chinese has no spaces: its keywords are found
--- anywhere. A text is matched once, however many wrote it.

WITH themes AS (
  SELECT theme, '(^|[^a-z])(' || replace(english, '_', '([^a-z]|$)') || ')|' || chinese AS keywords
  FROM (
    VALUES
      (
        'price',
        'pric|cost|expens|cheap|afford|fees?_|pay_|paid|paying|payment|discount|invoic|billing|money|budget',
        '价格|价钱|涨价|降价|收费|费用|太贵|贵了|便宜|优惠|折扣|性价比|付费|付款|预算|花钱|略高|偏高'
      ),
      (
        'support',
        'support|service|call(ed|s)? back|answer|repl(y|ied|ies)|respons|respond|ticket|complain|help ?desk|agents?_',
        '客服|售后|服务|回复|响应|投诉|工单|客户经理|跟进|态度|没人|联系不上|解决'
      ),
      (
        'reliability',
        'slow|fast(er)?_|speed|crash|bugs?_|buggy|error|fail|went down|downtime|outage|stable|unstable|reliab|broken?_',
        '慢|速度|卡顿|卡死|崩溃|报错|故障|宕机|稳定|闪退|出错|丢失|打不开|延迟'
      ),
      (
        'usability',
        'eas(y|ier|ily)_|simple|intuitiv|confus|complicat|difficult|hard to|user.friendly|interface|clumsy',
        '好用|易用|难用|复杂|简单|方便|麻烦|界面|操作|看不懂|直观'
      ),
      (
        'features',
        'featur|function|exports?_|imports?_|reports?_|reporting|dashboard|integrat|api_|mobile|apps?_|i miss|wish',
        '功能|导出|导入|报表|看板|集成|对接|接口|手机端|移动端|小程序|希望增加|缺少'
      ),
      (
        'onboarding',
        'onboard|set.?up_|setting up|install|implement|train(ing|ed)|tutorial|documentation|getting started|migrat',
        '上手|培训|实施|部署|安装|教程|文档|入门|开通|迁移|上线'
      ),
      (
        'delivery',
        'deliver|shipp|shipment|parcel|courier|packaging|arriv|late_|logistic|warehous|out of stock',
        '交付|发货|配送|送货|物流|快递|包装|到货|缺货|延误|交期|运输'
      )
  ) AS words (theme, english, chinese)
),
written AS (
  SELECT
    customer_key,
    occurred_at,
    known_at,
    response_id,
    comment,
    lower(comment) AS text,
    TRY_CAST(score AS DECIMAL(12, 4)) AS score
  FROM surveys
  WHERE coalesce(kind, 'nps') = $kind
    AND trim(comment) <> ''
    AND ($from IS NULL OR period('day', occurred_at, $tz) >= $from)
    AND ($to IS NULL OR period('day', occurred_at, $tz) <= $to)
),
found AS (
  SELECT texts.text, array_agg(themes.theme) AS themes
  FROM (SELECT DISTINCT text FROM written) AS texts
  JOIN themes ON regexp_like(texts.text, themes.keywords)
  GROUP BY texts.text
),
-- Each comment once for all comments, with an empty theme, and once for each of its themes.
sorted AS (
  SELECT
    $breakdown AS breakdown,
    unnest(array_concat([''], coalesce(found.themes, ['other']))) AS theme,
    written.*
  FROM written
  LEFT JOIN found ON found.text = written.text
  LEFT JOIN customers ON customers.customer_key = written.customer_key
),
counted AS (
  SELECT
    breakdown,
    nullif(theme, '') AS theme,
    count(*) AS answers,
    count(DISTINCT customer_key) AS customers,
    moments(score) AS score,
    CASE WHEN $kind = 'nps' THEN count(*) FILTER (WHERE score >= 9) END AS promoters,
    CASE WHEN $kind = 'nps' THEN count(*) FILTER (WHERE score <= 6) END AS detractors,
    first_value(
      comment ORDER BY occurred_at DESC, known_at DESC NULLS LAST, response_id DESC NULLS LAST, comment
    ) AS example
  FROM sorted
  GROUP BY breakdown, theme
),
scale AS (
  SELECT CASE WHEN $kind = 'nps' OR max(score) > 5 AND max(score) <= 10 THEN 10 WHEN max(score) <= 5 THEN 5 ELSE 100 END
    AS best
  FROM surveys
  WHERE coalesce(kind, 'nps') = $kind
)
SELECT
  theme,
  breakdown,
  answers,
  customers,
  score['mean'] AS score,
  mean_interval(score)['low'] AS score_low,
  CASE WHEN mean_interval(score)['high'] > best THEN best ELSE mean_interval(score)['high'] END AS score_high,
  CAST(100 * (promoters - detractors) AS DOUBLE) / answers AS nps,
  nps_interval(promoters, detractors, answers)['low'] AS nps_low,
  nps_interval(promoters, detractors, answers)['high'] AS nps_high,
  detractors,
  CAST(detractors AS DOUBLE) / answers AS share,
  wilson(detractors, answers)['low'] AS low,
  wilson(detractors, answers)['high'] AS high,
  example
FROM scale
CROSS JOIN counted
ORDER BY breakdown NULLS FIRST, theme IS NULL, answers DESC, theme
