--! title = { en = "Whom to call", zh = "本周致电名单" }
--! description = { en = "The customers to call this week when only so many calls can be made: those of whom most is expected to be lost, by value at risk of the newest score. Amounts are never added across currencies: each currency has a ranking of its own, and the calls are shared out in proportion to the customers in each. Left out are customers without value at risk, those whose contracts have all ended or whose status says gone, and those a person of ours was in contact with lately. With a limit per owner, the calls of an owner beyond it go to the next customers of others.", zh = "通话次数有限时本周应优先致电的客户：按最新评分的风险金额，预期损失最大者在前。不同币种的金额不相加：各币种分别排名，通话名额按各币种客户数的比例分配。不列出：没有风险金额的客户；合同已全部终止或状态为流失、终止的客户；近期已由员工联系过的客户。设有每位负责人上限时，超出部分的名额顺延给其他负责人的客户。" }
--! group = "process"
--! grain = "one row per customer to call, at most `capacity`"
--! chart = { kind = "table" }
--!
--! [params.capacity]
--! title = { en = "Calls", zh = "通话次数" }
--! type = "integer"
--! default = 50
--! least = 1.0
--! doc = { en = "How many customers can be called in all", zh = "总共可致电多少位客户" }
--! [params.per_owner]
--! title = { en = "Calls per owner", zh = "每位负责人通话次数" }
--! type = "integer"
--! least = 1.0
--! doc = { en = "How many customers one owner can call; without it, any number. Customers without an owner count as one owner's", zh = "每位负责人最多可致电多少位客户；不填则不限。无负责人的客户合计为一位负责人" }
--! [params.owner]
--! title = { en = "Owner", zh = "负责人" }
--! type = "text"
--! doc = { en = "Only customers of this owner, by id", zh = "仅限该负责人（编号）的客户" }
--! [params.min_band]
--! title = { en = "Risk from", zh = "最低风险等级" }
--! type = "choice"
--! default = "low"
--! choices = ["low", "medium", "high"]
--! doc = { en = "Only customers of this churn risk or a higher one", zh = "仅限流失风险不低于该等级的客户" }
--! [params.rest_days]
--! title = { en = "Days since a contact", zh = "联系间隔天数" }
--! type = "integer"
--! default = 7
--! least = 0.0
--! most = 36500.0
--! doc = { en = "Customers whom a person of ours was in contact with on so many days up to the report's date, that date included, are left out; 0 leaves nobody out", zh = "截至报表日期（含当日）的若干天内已由员工联系过的客户不列出；0 表示不限" }
--! [params.statuses]
--! title = { en = "Statuses that say gone", zh = "表示流失的状态" }
--! type = "list"
--! default = ["churned", "terminated", "lost", "cancelled", "canceled", "流失", "已流失", "终止", "已终止"]
--! doc = { en = "Statuses in the source, in lower case, whose customers are left out", zh = "来源系统中的状态（小写），处于这些状态的客户不列出" }
--!
--! [columns.probability]
--! title = { en = "Churn probability", zh = "流失概率" }
--! unit = "share"
--! doc = { en = "Of the customer's newest score", zh = "该客户最新评分的流失概率" }
--! [columns.band]
--! title = { en = "Churn risk", zh = "流失风险" }
--! unit = "code"
--! doc = { en = "Band of the newest churn score", zh = "最新流失评分的等级" }
--! [columns.churn_90]
--! title = { en = "Left within 90 days", zh = "90 天内流失概率" }
--! unit = "share"
--! absent = { en = "Not known", zh = "未知" }
--! doc = { en = "Probability of having left within 90 days after the score", zh = "评分后 90 天内流失的概率" }
--! [columns.remaining_days]
--! title = { en = "Expected days remaining", zh = "预计剩余天数" }
--! unit = "days"
--! absent = { en = "Not known", zh = "未知" }
--! doc = { en = "Expected days until the customer leaves, none beyond three years counted", zh = "预计距离流失的天数，三年以上不计" }
--! [columns.last_contact]
--! title = { en = "Last contact", zh = "最近联系日" }
--! unit = "date"
--! absent = { en = "Never", zh = "从未联系" }
--! doc = { en = "Last day on which a person of ours was in contact with the customer", zh = "最近一次由员工联系该客户的日期" }
--! [columns.value_at_risk]
--! title = { en = "Value at risk", zh = "风险金额" }
--! unit = "money"
--! doc = { en = "Churn probability times expected value of the customer, in their main currency", zh = "流失概率 × 客户预期价值，按客户主要币种计" }
--! [columns.covered]
--! title = { en = "Covered so far", zh = "累计覆盖" }
--! unit = "share"
--! doc = { en = "Value at risk of this call and those above it in the same currency, divided by that of all customers of the currency who could be called", zh = "同一币种中本次及排在其前的通话所覆盖的风险金额 ÷ 该币种全部可致电客户的风险金额" }

--- Which calls of this week save most?

WITH spoken AS (
  SELECT customer_key, max(occurred_at) AS last_at
  FROM contacts
  GROUP BY customer_key
),
ended AS (
  SELECT customer_key
  FROM subscriptions
  WHERE customer_key IS NOT NULL
  GROUP BY customer_key
  HAVING bool_and(ended_at IS NOT NULL)
),
candidates AS (
  SELECT
    customers.customer_id,
    customers.customer_key,
    customers.name AS customer,
    customers.owner_id,
    $breakdown AS breakdown,
    newest_scores.probability,
    newest_scores.band,
    newest_scores.churn_90,
    newest_scores.remaining_days,
    period('day', spoken.last_at, $tz) AS last_contact,
    newest_scores.value_at_risk,
    newest_scores.currency,
    coalesce(newest_scores.currency, '') AS money_of
  FROM newest_scores
  JOIN customers ON customers.customer_key = newest_scores.customer_key
  LEFT JOIN spoken ON spoken.customer_key = newest_scores.customer_key
  LEFT JOIN ended ON ended.customer_key = newest_scores.customer_key
  WHERE newest_scores.value_at_risk > 0
    AND ended.customer_key IS NULL
    AND NOT coalesce(one_of(lower(trim(customers.status)), $statuses), false)
    AND ($rest_days = 0 OR spoken.last_at IS NULL
      OR period('day', spoken.last_at, $tz) <= period_add('day', period('day', $as_of, $tz), -$rest_days))
    AND ($currency IS NULL OR newest_scores.currency = $currency)
    AND ($owner IS NULL OR customers.owner_id = $owner)
    AND ($min_band = 'low' OR newest_scores.band = 'high' OR newest_scores.band = $min_band)
),
ranked AS (
  SELECT
    *,
    row_number() OVER (PARTITION BY money_of ORDER BY value_at_risk DESC, customer_id) AS place,
    count(*) OVER (PARTITION BY money_of) AS n,
    sum(value_at_risk) OVER (PARTITION BY money_of) AS total
  FROM candidates
),
-- The middle of a place in its currency's ranking: who comes first over all
-- currencies is then in proportion to their customers (Webster's method).
shared AS (
  SELECT *, (place - 0.5) / n AS turn
  FROM ranked
),
limited AS (
  SELECT *, row_number() OVER (PARTITION BY coalesce(owner_id, '') ORDER BY turn, n DESC, money_of, place) AS of_owner
  FROM shared
),
called AS (
  SELECT *, row_number() OVER (ORDER BY turn, n DESC, money_of, place) AS rank
  FROM limited
  WHERE $per_owner IS NULL OR of_owner <= $per_owner
)
SELECT
  called.rank,
  called.customer_id,
  called.customer,
  coalesce(owners.name, called.owner_id, '(no owner)') AS owner,
  called.breakdown,
  called.probability,
  called.band,
  called.churn_90,
  called.remaining_days,
  called.last_contact,
  called.value_at_risk,
  called.currency,
  CAST(sum(called.value_at_risk) OVER (PARTITION BY called.money_of ORDER BY called.rank) AS DOUBLE)
    / CAST(called.total AS DOUBLE) AS covered
FROM called
LEFT JOIN owners ON owners.owner_id = called.owner_id
WHERE called.rank <= $capacity
ORDER BY called.rank
