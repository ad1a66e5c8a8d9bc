--! title = { en = "Customer health", zh = "客户健康度" }
--! description = { en = "A health score from 0 to 100 of every customer who was active within `horizon` or is under contract, lowest first. It is the weighted mean of ten signals from 0 (bad) to 100 (good), with the weights set here or in tenure.toml: recency (0 from 60 days of silence on), usage (full from 12 active days in 30), trend (a half if as many rows a day in the last 30 days as in the 60 before), breadth (full from 5 different things in 90 days), tickets (0 from 5 in 90 days), complaints (0 with one in 60 days), NPS (the last answer), contract (full from 180 days to its agreed end), orders (0 from 180 days after the last), contact (0 from 90 days after the last conversation). What is not known of a customer counts as the average of those of whom it is; without activity, recency, usage and breadth are 0, and so is contact where others were spoken to. Equal scores: most MRR first. The score is a rule set by hand, not a probability: `health_audit` says how well it told leavers apart, `health_weights` which weights point the wrong way, and the churn score is the probability.", zh = "观察期内活跃或在约的每位客户的健康度（0 至 100），从低到高。健康度为十项信号（0 差，100 好）按设定权重（可在此或 tenure.toml 中设置）的加权平均：新近度（静默 60 天及以上为 0）、使用频率（30 天内活跃 12 天及以上为满分）、趋势（近 30 天与此前 60 天日均持平为一半）、广度（90 天内使用 5 种及以上为满分）、工单（90 天内 5 张及以上为 0）、投诉（60 天内有投诉为 0）、NPS（最近评分）、合同（距约定到期 180 天及以上为满分）、订单（最近下单 180 天及以上为 0）、联系（最近人工联系 90 天及以上为 0）。未知的信号取已知客户的平均值；无活动者新近度、使用频率与广度为 0，他人有联系记录而该客户没有者联系为 0。得分相同者按月度经常性收入从高到低。健康度是人为设定的规则，不是概率：其区分流失客户的能力见 health_audit，方向有误的权重见 health_weights，流失概率见流失评分。" }
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
--! doc = { en = "Weighted mean of the signals, 0 to 100", zh = "各信号的加权平均，0 至 100" }
--! [columns.level]
--! title = { en = "Level", zh = "等级" }
--! unit = "code"
--! doc = { en = "Good, fair or poor, by the parameters", zh = "按参数划分的好、中、差" }
--! [columns.weakest]
--! title = { en = "Costs most", zh = "首要扣分项" }
--! unit = "code"
--! doc = { en = "The signal that costs most points; empty at 100", zh = "扣分最多的信号；满分时为空" }
--! [columns.points]
--! title = { en = "Points", zh = "扣分" }
--! unit = "number"
--! doc = { en = "Points that signal costs", zh = "该信号所扣的分数" }
--! [columns.second]
--! title = { en = "Costs second most", zh = "次要扣分项" }
--! unit = "code"
--! doc = { en = "The signal that costs most after it; of equals the first in the list above", zh = "扣分第二多的信号；相同时取上述顺序靠前者" }
--! [columns.days_silent]
--! title = { en = "Days silent", zh = "静默天数" }
--! unit = "days"
--! doc = { en = "Whole days of 24 hours since the last activity; empty if there was none", zh = "距最近一次活动的整天数（24 小时计）；从未活动为空" }
--! [columns.known]
--! title = { en = "Signals known", zh = "已知信号数" }
--! unit = "count"
--! doc = { en = "Of ten; the others count as the average", zh = "十项中已知的项数；其余取平均值" }
--! [columns.band]
--! title = { en = "Churn risk", zh = "流失风险" }
--! unit = "code"
--! absent = { en = "Not scored", zh = "未评分" }
--! doc = { en = "Band of the newest churn score", zh = "最新流失评分的等级" }
--! [columns.mrr]
--! title = { en = "MRR", zh = "月度经常性收入" }
--! unit = "money"
--! doc = { en = "Sum of the running contracts; empty without one, or if they are in several currencies and none was chosen", zh = "在用合同月费合计；无合同，或存在多个币种且未指定币种时为空" }
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
  SELECT health_signals.*, contract_worth.mrr, contract_worth.currency, customers.customer_id, customers.name, customers.owner_id
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
