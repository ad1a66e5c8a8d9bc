--! title = { en = "Customer health", zh = "客户健康度" }
--! description = { en = "How well each customer does, from 0 to 100, lowest first: all customers who were active within the horizon or are under contract. The score is the weighted mean of ten signals from 0 (bad) to 100 (good); each weight says what its signal looks at, and can be set here or in the settings. The score is a rule set by hand, not a probability, which is the churn score. The report Health score, audited, says how well it told leavers apart; Weights of the health score, audited, which weights point the wrong way.", zh = "每位客户的健康度（0 至 100），从低到高：包括观察期内活跃或有在用合同的全部客户。健康度为十项信号（0 差，100 好）的加权平均；各信号看什么见对应的权重参数，权重可在此或设置文件中调整。健康度是人为设定的规则，不是概率，流失概率请看流失评分；健康度能否区分流失客户见报表“健康度有效性检验”，方向有误的权重见报表“健康度权重检验”。" }
--! group = "segments"
--! grain = "one row per customer, at most `limit`"
--! chart = { kind = "table" }
--!
--! [params.poor]
--! title = { en = "Poor below", zh = "差（低于）" }
--! type = "number"
--! default = 40.0
--! most = 100.0
--! up_to = "good"
--! doc = { en = "A health below this is poor", zh = "健康度低于该值为差" }
--! [params.good]
--! title = { en = "Good from", zh = "好（不低于）" }
--! type = "number"
--! default = 70.0
--! most = 100.0
--! doc = { en = "A health of this or more is good", zh = "健康度不低于该值为好" }
--! [params.limit]
--! title = { en = "Rows", zh = "行数" }
--! type = "integer"
--! default = 100
--! least = 1.0
--! doc = { en = "Most customers listed", zh = "最多列出的客户数" }
--!
--! [columns.health]
--! title = { en = "Health", zh = "健康度" }
--! unit = "number"
--! doc = { en = "Weighted mean of the signals, 0 to 100; of equal ones, most MRR first", zh = "各信号的加权平均，0 至 100；得分相同者按月度经常性收入从高到低" }
--! [columns.level]
--! title = { en = "Level", zh = "等级" }
--! unit = "code"
--! doc = { en = "Good, fair or poor, by the parameters", zh = "按参数划分的好、中、差" }
--! [columns.weakest]
--! title = { en = "Costs most", zh = "首要扣分项" }
--! unit = "code"
--! doc = { en = "The signal that costs most points; of equals the first in the order recency, usage, trend, breadth, tickets, complaints, NPS, contract, orders, contact; empty at 100", zh = "扣分最多的信号；相同时按新近度、使用频率、使用趋势、使用广度、工单、投诉、NPS、合同、订单、联系的顺序取靠前者；满分时为空" }
--! [columns.points]
--! title = { en = "Points", zh = "扣分" }
--! unit = "number"
--! doc = { en = "Points that signal costs", zh = "该信号所扣的分数" }
--! [columns.second]
--! title = { en = "Costs second most", zh = "次要扣分项" }
--! unit = "code"
--! doc = { en = "The signal that costs most after it, by the same order", zh = "扣分第二多的信号，相同时顺序同上" }
--! [columns.days_silent]
--! title = { en = "Days silent", zh = "静默天数" }
--! unit = "days"
--! doc = { en = "Whole days of 24 hours since the last activity; empty if there was none", zh = "距最近一次行为的整天数（24 小时计）；从未有行为记录时为空" }
--! [columns.known]
--! title = { en = "Signals known", zh = "已知信号数" }
--! unit = "count"
--! doc = { en = "Of ten; the others count as the average of the customers of whom they are known. Without activity, recency, usage and breadth are 0, and so is contact where others were spoken to", zh = "十项中已知的项数；其余取已知客户的平均值。无行为记录者新近度、使用频率与广度为 0；其他客户有人工联系记录而该客户没有的，联系为 0" }
--! [columns.band]
--! title = { en = "Churn risk", zh = "流失风险" }
--! unit = "code"
--! absent = { en = "Not scored", zh = "未评分" }
--! doc = { en = "Band of the newest churn score", zh = "最新流失评分的等级" }
--! [columns.mrr]
--! title = { en = "MRR", zh = "月度经常性收入" }
--! unit = "money"
--! doc = { en = "Sum of the running contracts; empty without one, or if they are in several currencies and none was chosen", zh = "在用合同 MRR 合计；无合同，或存在多个币种且未指定币种时为空" }
--!
--! [labels]
--! recency = { en = "Recency", zh = "新近度" }
--! usage = { en = "Usage", zh = "使用频率" }
--! trend = { en = "Trend", zh = "使用趋势" }
--! breadth = { en = "Breadth", zh = "使用广度" }
--! tickets = { en = "Tickets", zh = "工单" }
--! complaints = { en = "Complaints", zh = "投诉" }
--! nps = { en = "NPS", zh = "NPS" }
--! renewal = { en = "Contract", zh = "合同" }
--! orders = { en = "Orders", zh = "订单" }
--! contact = { en = "Contact", zh = "联系" }
--! good = { en = "Good", zh = "好" }
--! fair = { en = "Fair", zh = "中" }
--! poor = { en = "Poor", zh = "差" }

--- How well are customers, by a rule we set? See `queries/parts/health_signals.sql`.

WITH listed AS (
  SELECT
    health_signals.*,
    contract_worth.mrr,
    contract_worth.currency,
    customers.customer_id,
    customers.name,
    customers.owner_id,
    $breakdown AS breakdown
  FROM health_signals
  JOIN customers ON customers.customer_key = health_signals.customer_key
  LEFT JOIN contract_worth ON contract_worth.customer_key = health_signals.customer_key
  ORDER BY health NULLS LAST, contract_worth.mrr DESC NULLS LAST, customers.customer_id
  LIMIT $limit
),
lost AS (
  SELECT customer_key, signal, 100 * weight * (1 - value) AS points, place
  FROM (
    SELECT
      customer_key,
      unnest(names) AS signal,
      unnest(range(1, 11)) AS place,
      unnest(weights) AS weight,
      unnest(signals) AS value
    FROM health_weights_set
    CROSS JOIN listed
  )
),
ranked AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY customer_key ORDER BY round(points, 9) DESC, place) AS nth
  FROM lost
  WHERE points > 0
),
costs AS (
  SELECT
    customer_key,
    max(signal) FILTER (WHERE nth = 1) AS weakest,
    max(points) FILTER (WHERE nth = 1) AS points,
    max(signal) FILTER (WHERE nth = 2) AS second
  FROM ranked
  GROUP BY customer_key
)
SELECT
  listed.customer_id,
  listed.name AS customer,
  coalesce(owners.name, listed.owner_id, '(no owner)') AS owner,
  listed.breakdown,
  listed.health,
  CASE
    WHEN listed.health >= $good THEN 'good'
    WHEN listed.health >= $poor THEN 'fair'
    WHEN listed.health < $poor THEN 'poor'
  END AS level,
  costs.weakest,
  costs.points,
  costs.second,
  CAST(floor(listed.days_silent) AS BIGINT) AS days_silent,
  listed.known,
  newest_scores.band,
  listed.mrr,
  listed.currency
FROM listed
LEFT JOIN costs ON costs.customer_key = listed.customer_key
LEFT JOIN owners ON owners.owner_id = listed.owner_id
LEFT JOIN newest_scores ON newest_scores.customer_key = listed.customer_key
ORDER BY listed.health NULLS LAST, listed.mrr DESC NULLS LAST, listed.customer_id
