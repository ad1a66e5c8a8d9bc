--! title = { en = "Do not mail", zh = "营销免打扰名单" }
--! description = { en = "Customers whom marketing must leave alone, and every reason why. no_consent: the customer attribute `consent` says no. contract_ended: the customer had contracts and all have ended; left alone for half a year, then to be reconsidered. status_ended: the status in the source says churned, terminated, lost or the like. complaint_open: a ticket of the category complaint is not closed. touched_often: more than max_touches touches went out in the last seven days, whether by campaign or by hand; what the customer did with them (opened, clicked, responded) is none. quiet: no activity for half a year, then to be reconsidered. Since and until are days; rows whose day has come stay until somebody has reconsidered, so that nobody is mailed by the mere passing of time; for touched_often it is the day on which the limit allows a touch again. The list names who must not be mailed by these rules; a customer who is not on it may still have objected elsewhere.", zh = "营销活动不得打扰的客户及其全部原因。no_consent：客户属性 consent 为“否”。contract_ended：曾有合同且已全部终止，静默半年后再评估。status_ended：来源系统中的状态为流失、终止等。complaint_open：有未关闭的投诉类工单。touched_often：最近七天内发出的触达超过 max_touches 次，不论来自营销活动还是人工；客户的反应（打开、点击、回复）不计。quiet：半年无活动，之后再评估。生效日与复核日均为日期；过了复核日的行仍会保留，直至有人重新评估，避免仅因时间流逝就恢复打扰；touched_often 的复核日为可再次触达之日。名单仅按上述规则给出；不在名单中的客户也可能在其他渠道表示过拒绝。" }
--! group = "process"
--! grain = "one row per customer and reason"
--! chart = { kind = "table" }
--!
--! [params.max_touches]
--! title = { en = "Most touches in 7 days", zh = "七天内最多触达次数" }
--! type = "integer"
--! default = 3
--! doc = { en = "Customers touched more often than this in the last seven days are left alone", zh = "最近七天内触达次数超过该值的客户不再打扰" }
--! [params.statuses]
--! title = { en = "Statuses that stop marketing", zh = "停止营销的状态" }
--! type = "list"
--! default = ["churned", "terminated", "lost", "cancelled", "canceled", "unsubscribed", "流失", "已流失", "终止", "已终止", "退订", "已退订"]
--! doc = { en = "Statuses in the source, in lower case, whose customers are left alone", zh = "来源系统中的状态（小写），处于这些状态的客户不再打扰" }
--!
--! [columns.reason]
--! title = { en = "Reason", zh = "原因" }
--! unit = "code"
--! doc = { en = "Why the customer must not be mailed", zh = "不得打扰该客户的原因" }
--! [columns.since]
--! title = { en = "Since", zh = "生效日" }
--! unit = "date"
--! doc = { en = "Day from which the reason holds: last contract ended, oldest open complaint opened, limit of touches passed, last activity (or creation, without any); empty where the source does not say", zh = "原因成立之日：最后一份合同终止、最早未关闭投诉创建、触达超限、最近一次活动（无活动时为创建日）；来源未说明时为空" }
--! [columns.until]
--! title = { en = "Reconsider on", zh = "复核日" }
--! unit = "date"
--! doc = { en = "Day from which the customer may be touched again (touched_often) or is to be reconsidered (contract_ended, quiet: 180 days later); empty while the reason has no such day", zh = "可再次触达之日（touched_often），或应重新评估之日（contract_ended、quiet：180 天后）；无此日期时为空" }
--!
--! [labels]
--! no_consent = { en = "No consent", zh = "未同意接收营销" }
--! contract_ended = { en = "All contracts ended", zh = "合同已全部终止" }
--! status_ended = { en = "Status says gone", zh = "状态为流失或终止" }
--! complaint_open = { en = "Open complaint", zh = "投诉未结" }
--! touched_often = { en = "Touched too often", zh = "触达过于频繁" }
--! quiet = { en = "Quiet for half a year", zh = "半年未活跃" }

--- Whom must a campaign leave out?

WITH sent AS (
  SELECT
    customer_key,
    occurred_at,
    row_number() OVER (PARTITION BY customer_key ORDER BY occurred_at) AS nth_oldest,
    row_number() OVER (PARTITION BY customer_key ORDER BY occurred_at DESC) AS nth_newest
  FROM touches
  WHERE customer_key IS NOT NULL
    AND occurred_at > $as_of - INTERVAL '7 days'
    AND NOT coalesce(one_of(lower(kind), ['opened', 'clicked', 'responded', 'bounced', 'unsubscribed']), FALSE)
),
seen AS (
  SELECT customer_key, max(occurred_at) AS last_at
  FROM activity
  WHERE customer_key IS NOT NULL
  GROUP BY customer_key
),
reasons AS (
  SELECT customer_key, 'no_consent' AS reason, CAST(NULL AS DATE) AS since, CAST(NULL AS DATE) AS until
  FROM customers
  WHERE lower(trim(attribute(attributes, 'consent'))) IN ('no', 'false', '0', 'n', '否')
  UNION ALL
  SELECT customer_key, 'status_ended', NULL, NULL
  FROM customers
  WHERE one_of(lower(trim(status)), $statuses)
  UNION ALL
  SELECT
    customer_key, 'contract_ended', period('day', max(ended_at), $tz),
    period_add('day', period('day', max(ended_at), $tz), 180)
  FROM subscriptions
  WHERE customer_key IS NOT NULL
  GROUP BY customer_key
  HAVING bool_and(ended_at IS NOT NULL)
  UNION ALL
  SELECT customer_key, 'complaint_open', period('day', min(occurred_at), $tz), NULL
  FROM tickets
  WHERE customer_key IS NOT NULL AND closed_at IS NULL AND lower(category) = 'complaint'
  GROUP BY customer_key
  UNION ALL
  -- In the touch after the last allowed one, counted from either end.
  SELECT
    customer_key,
    'touched_often',
    period('day', min(occurred_at) FILTER (WHERE nth_oldest = $max_touches + 1), $tz),
    period_add('day', period('day', min(occurred_at) FILTER (WHERE nth_newest = $max_touches + 1), $tz), 7)
  FROM sent
  GROUP BY customer_key
  HAVING count(*) > $max_touches
  UNION ALL
  SELECT
    customers.customer_key,
    'quiet',
    period('day', coalesce(seen.last_at, customers.created_at), $tz),
    period_add('day', period('day', coalesce(seen.last_at, customers.created_at), $tz), 180)
  FROM customers
  LEFT JOIN seen ON seen.customer_key = customers.customer_key
  CROSS JOIN (SELECT count(*) AS n FROM activity) AS loaded
  WHERE loaded.n > 0
    AND period_add('day', period('day', coalesce(seen.last_at, customers.created_at), $tz), 180)
      <= period('day', $as_of, $tz)
)
SELECT
  customers.customer_id,
  customers.name AS customer,
  coalesce(owners.name, customers.owner_id, '(no owner)') AS owner,
  reasons.reason,
  reasons.since,
  reasons.until
FROM reasons
JOIN customers ON customers.customer_key = reasons.customer_key
LEFT JOIN owners ON owners.owner_id = customers.owner_id
ORDER BY customers.customer_id, reasons.reason
