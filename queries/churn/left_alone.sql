--! title = { en = "Customers to be left alone", zh = "暂不联系的客户" }
--! description = { en = "Of whom nobody is to be told now, and why: they have ended (by contract or status), or a person of ours was in contact with them in the last days, or answered a ticket of theirs. Of several reasons the first in this order. Mass mail is no contact.", zh = "当前不必通知负责人的客户及原因：已终止（按合同或状态），或最近若干天内有员工与其联系或回复其工单。有多个原因时取排在最前者。群发消息不算联系。" }
--! grain = "one row per customer"
--! [params.days]
--! type = "integer"
--! default = 7
--! doc = { en = "Days after a contact in which nobody is told; 0 for none.", zh = "联系后不再通知的天数；0 表示不抑制。" }
--! [params.statuses]
--! type = "list"
--! default = []
--! doc = { en = "Statuses in the source, in lower case, that say that a customer has ended.", zh = "来源系统中表示客户已终止的状态（小写）。" }
--- Instants as microseconds: an interval added to each row is slow.
WITH met AS (
  SELECT customer_key, max(CAST(occurred_at AS BIGINT)) AS last_at
  FROM (
    SELECT customer_key, occurred_at FROM contacts
    UNION ALL
    SELECT customer_key, first_response_at FROM tickets
    WHERE customer_key IS NOT NULL AND first_response_at IS NOT NULL
  ) AS meetings
  GROUP BY customer_key
),
reasons AS (
  SELECT customer_key, CASE WHEN reason = 'contract_ended' THEN 1 ELSE 2 END AS place, reason,
         CAST(NULL AS BIGINT) AS until
  FROM ended
  UNION ALL
  SELECT customer_key, 3, 'contacted', last_at + $days * 86400000000
  FROM met
  WHERE last_at + $days * 86400000000 > CAST($as_of AS BIGINT)
),
ranked AS (
  SELECT reasons.*, row_number() OVER (PARTITION BY customer_key ORDER BY place) AS nth
  FROM reasons
)
SELECT customers.customer_id, ranked.reason, ranked.until
FROM ranked
JOIN customers ON customers.customer_key = ranked.customer_key
WHERE ranked.nth = 1
ORDER BY customers.customer_id
