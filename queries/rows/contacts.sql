--! title = { en = "Conversations", zh = "人工联系" }
--! description = { en = "Every time a person of ours was in contact with the customer.", zh = "员工与该客户的每一次人工联系。" }
--! grain = "one row per contact"
--! [params.customer]
--! type = "text"
--! doc = { en = "The customer.", zh = "客户。" }
--! [params.limit]
--! type = "integer"
--! doc = { en = "Most rows listed.", zh = "最多列出行数。" }
--! [columns.at]
--! title = { en = "When", zh = "时间" }
--! unit = "date"
--! [columns.kind]
--! title = { en = "How", zh = "方式" }
--! unit = "text"
--! [columns.days_before]
--! title = { en = "Days before the cutoff", zh = "距截止日天数" }
--! unit = "number"
--- What counts as a contact is said by the part `contacts`.
WITH behind AS (
  SELECT occurred_at AS at, kind,
         (CAST($as_of AS BIGINT) - CAST(occurred_at AS BIGINT)) / 86400000000.0 AS days_before
  FROM contacts
  WHERE customer_id = $customer
),
ranked AS (
  SELECT *, count(*) OVER () AS total, row_number() OVER (ORDER BY at DESC, kind) AS place
  FROM behind
)
SELECT at, kind, days_before, total
FROM ranked
WHERE place <= $limit
ORDER BY place
