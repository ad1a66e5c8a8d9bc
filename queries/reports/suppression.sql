--! title = { en = "Do not mail", zh = "营销免打扰名单" }
--! description = { en = "Whom marketing must leave alone, and every reason why. Since and Reconsider on are days; rows whose day has come stay until somebody has reconsidered, so that nobody is mailed by the mere passing of time. The list goes by these reasons only: a customer who is not on it may still have objected elsewhere.", zh = "营销不得打扰哪些客户，以及全部原因。生效日与复核日均为日期；过了复核日的行仍会保留，直至有人重新评估，避免仅因时间流逝就恢复打扰。名单仅按所列原因给出；不在名单中的客户也可能在其他渠道表示过拒绝。" }
--! group = "process"
--! grain = "one row per customer and reason"
--! chart = { kind = "table" }
--!
--! [params.max_touches]
--! title = { en = "Most touches in 7 days", zh = "七天内最多触达次数" }
--! type = "integer"
--! default = 3
--! doc = { en = "Customers touched more often than this in the last seven days are left alone", zh = "最近七天内触达次数超过该值的客户不再打扰" }
--!
--! [columns.reason]
--! title = { en = "Reason", zh = "原因" }
--! unit = "code"
--! doc = { en = "Why the customer must not be mailed. No consent: the attribute consent says no. All contracts ended: there were contracts, and none runs any more. Status says gone: it is one of Statuses that stop marketing. Open complaint: a ticket of the category complaint is not closed. Touched too often: more touches than allowed went out in the last seven days, by campaign or by hand; what the customer did with them (opened, clicked, responded, redeemed) is none. Quiet for half a year: no activity for 180 days, or since the creation", zh = "不得打扰该客户的原因。未同意接收营销：客户属性 consent 为“否”。合同已全部终止：曾有合同且已无在用合同。状态为流失或终止：属于“停止营销的状态”。投诉未结：有未关闭的投诉类工单。触达过于频繁：最近七天内发出的触达超过上限，不论来自营销活动还是人工；客户的反应（打开、点击、回复、核销）不计。半年未活跃：180 天内（从未活跃者自创建起）无行为记录" }
--! [columns.since]
--! title = { en = "Since", zh = "生效日" }
--! unit = "date"
--! doc = { en = "Day from which the reason holds: last contract ended, oldest open complaint opened, limit of touches passed, last activity (or creation, without any); empty where the source does not say", zh = "原因成立之日：最后一份合同终止、最早未关闭投诉提交、触达超限、最近一次行为（无行为记录时为创建日）；来源未说明时为空" }
--! [columns.until]
--! title = { en = "Reconsider on", zh = "复核日" }
--! unit = "date"
--! doc = { en = "Day from which the customer may be touched again (touched too often) or is to be reconsidered (all contracts ended, quiet for half a year: 180 days later); empty while the reason has no such day", zh = "可再次触达之日（触达过于频繁），或应重新评估之日（合同已全部终止、半年未活跃：180 天后）；无此日期时为空" }
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
  FROM marked_touches
  WHERE customer_key IS NOT NULL
    AND occurred_at > $as_of - INTERVAL '7 days'
    AND NOT is_reaction
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
  SELECT
    customer_key, reason, period('day', ended_at, $tz),
    period_add('day', period('day', ended_at, $tz), 180)
  FROM ended
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
  $breakdown AS breakdown,
  reasons.reason,
  reasons.since,
  reasons.until
FROM reasons
JOIN customers ON customers.customer_key = reasons.customer_key
LEFT JOIN owners ON owners.owner_id = customers.owner_id
ORDER BY customers.customer_id, reasons.reason
