--! title = { en = "Contracts whose dates can not be", zh = "合同日期异常" }
--! description = { en = "Contracts that end before they start, are still running long after their agreed end, or are agreed for more than twenty years, which is usually a mistyped year.", zh = "结束早于开始、约定到期已久仍未结束、或约定期限超过二十年（通常是年份录入错误）的合同。" }
--! severity = "warning"
--! grain = "one row per contract and rule"

WITH broken AS (
  SELECT 'contract_ends_before_start' AS finding, subscription_id, started_at, coalesce(ended_at, ends_at) AS end_at
  FROM subscriptions
  WHERE ended_at < started_at OR (ended_at IS NULL AND ends_at < started_at)
  UNION ALL
  SELECT 'contract_overdue', subscription_id, started_at, ends_at
  FROM subscriptions
  WHERE ended_at IS NULL AND ends_at >= started_at AND ends_at < $as_of - INTERVAL '90 days'
  UNION ALL
  SELECT 'contract_too_long', subscription_id, started_at, ends_at
  FROM subscriptions
  WHERE ends_at > started_at + INTERVAL '20 years'
)
SELECT
  finding,
  'subscriptions' AS "table",
  subscription_id AS key,
  concat('starts ', CAST(started_at AS VARCHAR), ', ends ', CAST(end_at AS VARCHAR)) AS detail,
  count(*) AS "rows"
FROM broken
GROUP BY finding, subscription_id, started_at, end_at
ORDER BY finding, subscription_id, started_at, end_at
