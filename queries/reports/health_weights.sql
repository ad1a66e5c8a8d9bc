--! title = { en = "Weights of the health score, audited", zh = "健康度权重检验" }
--! description = { en = "Whether each signal of the health score points the right way, and how much it should count. In the past months looked at, customers active within the horizon before the month are taken as they were known then; left are those without any activity within the horizon after. A concordance of a half is chance; below it the signal points the wrong way. Proposed are the weights that together tell leavers apart best. A signal that points the wrong way alone may still get one: busy customers open more tickets and stay, but of two equally busy ones the one with fewer stays rather. Association, not effect: raising a signal need not keep a customer.", zh = "健康度的每项信号方向是否正确，应占多少权重。在所回测的各月，取月初之前观察期内活跃的客户（按当时所知），其后观察期内无任何行为即为流失。一致性 0.5 等同于随机，低于 0.5 说明方向相反。建议权重为共同区分流失能力最强的权重。单独看方向相反的信号仍可能有建议权重：活跃客户工单更多且更常留存，但同样活跃的两位中，工单更少者更可能留存。结果为相关而非因果，提升某项信号未必能留住客户。" }
--! group = "segments"
--! grain = "one row per signal"
--! chart = { kind = "bar", x = "signal", y = ["weight", "proposed"] }
--!
--! [columns.signal]
--! title = { en = "Signal", zh = "信号" }
--! unit = "code"
--! doc = { en = "What is looked at; see the report Customer health", zh = "信号，含义见报表“客户健康度”" }
--! [columns.weight]
--! title = { en = "Weight", zh = "权重" }
--! unit = "number"
--! doc = { en = "Share of 100 that was set", zh = "设定的权重（合计 100）" }
--! [columns.proposed]
--! title = { en = "Proposed", zh = "建议权重" }
--! unit = "number"
--! doc = { en = "Share of 100 that tells leavers apart best, none negative; 0 if the signal adds nothing to the others; empty if there is nothing to learn from, or no signal helps", zh = "区分能力最强的权重（均不为负，合计 100）；对其他信号无补充者为 0；无可学习的数据或信号均无帮助时为空" }
--! [columns.concordance]
--! title = { en = "Concordance", zh = "一致性" }
--! unit = "share"
--! doc = { en = "Of two customers, one who stayed and one who left, how often the one who stayed had the better signal; equal signals count half", zh = "留存与流失客户各取一位，留存者信号更好的比例；相同计一半" }
--! [columns.verdict]
--! title = { en = "Direction", zh = "方向" }
--! unit = "code"
--! doc = { en = "right or wrong if the interval lies on one side of a half, else unclear", zh = "区间完全在 0.5 一侧时为方向正确或相反，否则为不明确" }
--! [columns.judged]
--! title = { en = "Judged", zh = "评估数" }
--! unit = "count"
--! doc = { en = "Customers times months", zh = "客户 × 月份数" }
--! [columns.left]
--! title = { en = "Left", zh = "流失数" }
--! unit = "count"
--! doc = { en = "Of these, how many left", zh = "其中流失的数量" }
--! [columns.low]
--! title = { en = "Low", zh = "区间下限" }
--! unit = "share"
--! doc = { en = "Lower end of the concordance's 95 % interval, a customer seen in several months counting as one", zh = "一致性 95% 区间下限，多个月出现的同一客户视为一个整体" }
--! [columns.high]
--! title = { en = "High", zh = "区间上限" }
--! unit = "share"
--! doc = { en = "Upper end of the concordance's 95 % interval, a customer seen in several months counting as one", zh = "一致性 95% 区间上限，多个月出现的同一客户视为一个整体" }
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
--! right = { en = "Right way", zh = "正确" }
--! wrong = { en = "Wrong way", zh = "相反" }
--! unclear = { en = "Unclear", zh = "不明确" }

--- Which weights of the health score point the wrong way?

WITH fits AS (
  SELECT nonnegative_logistic(NOT has_left, signals)['weights'] AS weights FROM health_rows
),
proposals AS (
  SELECT unnest(range(1, 11)) AS place, unnest(weights) AS weight, array_sum(weights) AS total FROM fits
),
configured AS (
  SELECT unnest(names) AS signal, unnest(range(1, 11)) AS place, unnest(weights) AS weight
  FROM health_weights_set
),
long AS (
  SELECT customer_key, has_left, unnest(range(1, 11)) AS place, unnest(signals) AS value
  FROM health_rows
),
told AS (
  SELECT
    place,
    count(*) AS judged,
    count(*) FILTER (WHERE has_left) AS left,
    concordance(value, NOT has_left, customer_key) AS concordance
  FROM long
  GROUP BY place
)
SELECT
  configured.signal,
  100 * configured.weight AS weight,
  CASE WHEN proposals.total > 0 THEN 100 * proposals.weight / proposals.total END AS proposed,
  told.concordance['value'] AS concordance,
  told.concordance['low'] AS low,
  told.concordance['high'] AS high,
  CASE
    WHEN told.concordance['low'] > 0.5 THEN 'right'
    WHEN told.concordance['high'] < 0.5 THEN 'wrong'
    ELSE 'unclear'
  END AS verdict,
  told.judged,
  told.left
FROM configured
JOIN told ON told.place = configured.place
LEFT JOIN proposals ON proposals.place = configured.place
ORDER BY configured.place
