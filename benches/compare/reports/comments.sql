-- Twin of the report `comments`.
-- case:
-- case: breakdown=segment
-- case: breakdown=language from=2024-05-10 to=2024-09-05 tz=Asia/Shanghai
-- case: as_of=2024-09-30 breakdown=region
-- case: kind=csat
-- The keywords are those of the report: they are its definition. [^a-z] stands for the end of a word.
WITH themes(theme, keywords) AS (VALUES
    ('price', '(^|[^a-z])(pric|cost|expens|cheap|afford|fees?([^a-z]|$)|pay([^a-z]|$)|paid|paying|payment|discount|invoic|billing|money|budget)|价格|价钱|涨价|降价|收费|费用|太贵|贵了|便宜|优惠|折扣|性价比|付费|付款|预算|花钱|略高|偏高'),
    ('support', '(^|[^a-z])(support|service|call(ed|s)? back|answer|repl(y|ied|ies)|respons|respond|ticket|complain|help ?desk|agents?([^a-z]|$))|客服|售后|服务|回复|响应|投诉|工单|客户经理|跟进|态度|没人|联系不上|解决'),
    ('reliability', '(^|[^a-z])(slow|fast(er)?([^a-z]|$)|speed|crash|bugs?([^a-z]|$)|buggy|error|fail|went down|downtime|outage|stable|unstable|reliab|broken?([^a-z]|$))|慢|速度|卡顿|卡死|崩溃|报错|故障|宕机|稳定|闪退|出错|丢失|打不开|延迟'),
    ('usability', '(^|[^a-z])(eas(y|ier|ily)([^a-z]|$)|simple|intuitiv|confus|complicat|difficult|hard to|user.friendly|interface|clumsy)|好用|易用|难用|复杂|简单|方便|麻烦|界面|操作|看不懂|直观'),
    ('features', '(^|[^a-z])(featur|function|exports?([^a-z]|$)|imports?([^a-z]|$)|reports?([^a-z]|$)|reporting|dashboard|integrat|api([^a-z]|$)|mobile|apps?([^a-z]|$)|i miss|wish)|功能|导出|导入|报表|看板|集成|对接|接口|手机端|移动端|小程序|希望增加|缺少'),
    ('onboarding', '(^|[^a-z])(onboard|set.?up([^a-z]|$)|setting up|install|implement|train(ing|ed)|tutorial|documentation|getting started|migrat)|上手|培训|实施|部署|安装|教程|文档|入门|开通|迁移|上线'),
    ('delivery', '(^|[^a-z])(deliver|shipp|shipment|parcel|courier|packaging|arriv|late([^a-z]|$)|logistic|warehous|out of stock)|交付|发货|配送|送货|物流|快递|包装|到货|缺货|延误|交期|运输')),
written AS (
    SELECT breakdown, s.*, row_number() OVER () AS nth, score::DECIMAL(12, 4) AS points
    FROM surveys s LEFT JOIN breakdowns USING (customer_id)
    WHERE coalesce(kind, 'nps') = coalesce(getvariable('kind'), 'nps') AND trim(comment) != ''
        AND (getvariable('from') IS NULL OR local_day(occurred_at) >= getvariable('from')::DATE)
        AND (getvariable('to') IS NULL OR local_day(occurred_at) <= getvariable('to')::DATE)
),
matches AS (SELECT theme, written.* FROM written, themes WHERE regexp_matches(lower(comment), keywords)),
sorted AS (
    FROM matches
    UNION ALL SELECT 'other', * FROM written WHERE nth NOT IN (SELECT nth FROM matches)
    UNION ALL SELECT NULL, * FROM written
),
counted AS (
    SELECT theme, breakdown, count(*) AS n, count(DISTINCT customer_id) AS customers, list(points::DOUBLE) FILTER (points IS NOT NULL) AS scores,
        CASE WHEN coalesce(getvariable('kind'), 'nps') = 'nps' THEN count(*) FILTER (score >= 9) END AS p,
        CASE WHEN coalesce(getvariable('kind'), 'nps') = 'nps' THEN count(*) FILTER (score <= 6) END AS d,
        first(comment ORDER BY occurred_at DESC, known_at DESC NULLS LAST, response_id DESC NULLS LAST, comment) AS example
    FROM sorted GROUP BY ALL
)
SELECT theme, breakdown, n AS answers, customers, list_avg(scores) AS score, mean_interval(scores).low AS score_low,
    CASE WHEN mean_interval(scores) IS NOT NULL THEN least(mean_interval(scores).high, CASE
        WHEN coalesce(getvariable('kind'), 'nps') = 'nps' THEN 10 ELSE (SELECT best_of(max(score)) FROM surveys WHERE coalesce(kind, 'nps') = getvariable('kind')) END) END AS score_high,
    100 * (p - d) / n AS nps, CASE WHEN p IS NOT NULL THEN nps_interval(p, d, n).low END AS nps_low,
    CASE WHEN p IS NOT NULL THEN nps_interval(p, d, n).high END AS nps_high,
    d AS detractors, d / n AS share, wilson(d, n).low AS low, wilson(d, n).high AS high, example
FROM counted
ORDER BY breakdown NULLS FIRST, theme IS NULL, n DESC, theme
