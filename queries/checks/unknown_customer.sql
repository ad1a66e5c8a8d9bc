--! title = { en = "Customers only other records mention", zh = "仅在其他记录中出现的客户" }
--! description = { en = "Customer ids on orders, deals, tickets, surveys and so on that the customer list does not have. Not checked while there is no list.", zh = "订单、商机、工单、问卷等中的客户编号不在客户名单内。无名单时不检查。" }
--! severity = "warning"
--! grain = "one row per table"

WITH uses AS (
  SELECT 'activity' AS source, customer_key FROM activity
  UNION ALL
  SELECT 'orders', customer_key FROM orders
  UNION ALL
  SELECT 'subscriptions', customer_key FROM subscriptions
  UNION ALL
  SELECT 'opportunities', customer_key FROM opportunities
  UNION ALL
  SELECT 'tickets', customer_key FROM tickets
  UNION ALL
  SELECT 'surveys', customer_key FROM surveys
)
SELECT
  'unknown_customer' AS finding,
  uses.source AS "table",
  min(customers.customer_id) AS key,
  concat(
    CAST(count(DISTINCT customers.customer_id) AS VARCHAR),
    ' customers are not in the customer list; the first by id is the key'
  ) AS detail,
  count(*) AS "rows"
FROM uses
JOIN customers ON customers.customer_key = uses.customer_key
WHERE customers.implied
  AND EXISTS (SELECT 1 FROM customers WHERE NOT coalesce(implied, FALSE))
GROUP BY uses.source
ORDER BY uses.source
