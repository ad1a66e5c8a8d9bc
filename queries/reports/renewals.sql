--! title = { en = "Renewals", zh = "续约清单" }
--! description = { en = "Which contracts are to be renewed next, and how their customers do, soonest first. Listed are running contracts whose agreed end comes within the time asked for, and overdue ones, whose agreed end has passed although nobody recorded that they ended: renewed without a new date, or gone unnoticed. Contracts without an agreed end are not listed. The churn probability is of leaving within the model's horizon, for whatever reason, not of refusing this renewal; customers the newest scoring did not score have none.", zh = "接下来要续约哪些合同、客户状况如何，按到期日先后排列。包括约定到期日在指定时间内的在用合同，以及约定到期日已过却无终止记录的逾期合同：已续约但未更新日期，或已流失而无人察觉。无约定到期日的合同不列出。流失概率是在模型预测期内因任何原因流失的概率，并非拒绝本次续约的概率；最近一次评分未覆盖的客户没有该值。" }
--! group = "process"
--! grain = "one row per contract that ends soon or should have ended"
--! chart = { kind = "table" }
--!
--! [params.within]
--! title = { en = "Within", zh = "到期时间" }
--! type = "duration"
--! default = "90d"
--! doc = { en = "Contracts that end within this time after the report's date", zh = "报表日期之后该时长内到期的合同" }
--!
--! [columns.status]
--! title = { en = "Status", zh = "状态" }
--! unit = "code"
--! doc = { en = "Due: ends soon; overdue: the agreed end has passed", zh = "即将到期，或约定到期日已过（已逾期）" }
--! [columns.contract]
--! title = { en = "Contract", zh = "合同" }
--! unit = "text"
--! doc = { en = "The contract's id in the source", zh = "合同在来源系统中的编号" }
--! [columns.plan]
--! title = { en = "Plan", zh = "方案" }
--! unit = "text"
--! doc = { en = "What is subscribed to", zh = "订阅的方案" }
--! [columns.ends_on]
--! title = { en = "Ends on", zh = "到期日" }
--! unit = "date"
--! doc = { en = "Agreed end of the current term", zh = "当前合同期的约定到期日" }
--! [columns.days_left]
--! title = { en = "Days left", zh = "剩余天数" }
--! unit = "days"
--! doc = { en = "Calendar days from the report's date to the end; negative if it has passed", zh = "报表日期至到期日的日历天数；已过期为负" }
--! [columns.mrr]
--! title = { en = "MRR", zh = "月度经常性收入" }
--! unit = "money"
--! doc = { en = "Monthly recurring revenue of the contract", zh = "该合同的月度经常性收入" }
--! [columns.annual_value]
--! title = { en = "Annual value", zh = "年度金额" }
--! unit = "money"
--! doc = { en = "Twelve times MRR", zh = "月度经常性收入 × 12" }
--! [columns.probability]
--! title = { en = "Churn probability", zh = "流失概率" }
--! unit = "share"
--! absent = { en = "Not scored", zh = "未评分" }
--! doc = { en = "Of the customer's newest score", zh = "该客户最新评分的流失概率" }
--! [columns.band]
--! title = { en = "Churn risk", zh = "流失风险" }
--! unit = "code"
--! absent = { en = "Not scored", zh = "未评分" }
--! doc = { en = "Band of the newest churn score", zh = "最新流失评分的等级" }
--! [columns.value_at_risk]
--! title = { en = "Value at risk", zh = "风险金额" }
--! unit = "money"
--! doc = { en = "Annual value times churn probability; those of several contracts of a customer add up", zh = "年度金额 × 流失概率；同一客户的多份合同可以相加" }
--! [columns.days_since_activity]
--! title = { en = "Days since activity", zh = "距最近活跃天数" }
--! unit = "days"
--! absent = { en = "No activity", zh = "无行为记录" }
--! doc = { en = "Calendar days since the customer's last activity", zh = "距该客户最近一次行为的日历天数" }
--! [columns.open_tickets]
--! title = { en = "Open tickets", zh = "未关闭工单" }
--! unit = "count"
--! doc = { en = "Tickets of the customer that are not closed", zh = "该客户尚未关闭的工单数" }
--!
--! [labels]
--! due = { en = "Due", zh = "即将到期" }
--! overdue = { en = "Overdue", zh = "已逾期" }

--- Which contracts are to be renewed next, and how do their customers do?

WITH seen AS (
  SELECT customer_key, max(occurred_at) AS last_at
  FROM activity
  WHERE customer_key IS NOT NULL
  GROUP BY customer_key
),
open_tickets AS (
  SELECT customer_key, count(*) AS n
  FROM tickets
  WHERE customer_key IS NOT NULL AND closed_at IS NULL
  GROUP BY customer_key
)
SELECT
  CASE WHEN subscriptions.ends_at > $as_of THEN 'due' ELSE 'overdue' END AS status,
  subscriptions.customer_id,
  customers.name AS customer,
  coalesce(owners.name, customers.owner_id, '(no owner)') AS owner,
  $breakdown AS breakdown,
  subscriptions.subscription_id AS contract,
  subscriptions.plan,
  period('day', subscriptions.ends_at, $tz) AS ends_on,
  period_index('day', period('day', subscriptions.ends_at, $tz))
    - period_index('day', period('day', $as_of, $tz)) AS days_left,
  subscriptions.mrr,
  subscriptions.mrr * 12 AS annual_value,
  subscriptions.currency,
  newest_scores.probability,
  newest_scores.band,
  CAST(subscriptions.mrr AS DOUBLE) * 12 * newest_scores.probability AS value_at_risk,
  period_index('day', period('day', $as_of, $tz))
    - period_index('day', period('day', seen.last_at, $tz)) AS days_since_activity,
  coalesce(open_tickets.n, 0) AS open_tickets
FROM subscriptions
LEFT JOIN customers ON customers.customer_key = subscriptions.customer_key
LEFT JOIN owners ON owners.owner_id = customers.owner_id
LEFT JOIN newest_scores ON newest_scores.customer_key = subscriptions.customer_key
LEFT JOIN seen ON seen.customer_key = subscriptions.customer_key
LEFT JOIN open_tickets ON open_tickets.customer_key = subscriptions.customer_key
WHERE subscriptions.ended_at IS NULL
  AND subscriptions.ends_at <= $as_of + $within
  AND ($currency IS NULL OR subscriptions.currency = $currency)
ORDER BY subscriptions.ends_at, subscriptions.customer_id, subscriptions.subscription_id
