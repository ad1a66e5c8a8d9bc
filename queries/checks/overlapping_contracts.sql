--! title = { en = "Contracts that overlap", zh = "重叠的合同" }
--! description = { en = "A customer with two contracts for the same plan at the same time: a renewal entered as a new contract counts recurring revenue twice.", zh = "同一客户同一方案的两份合同时间重叠：续约误录为新合同会重复计算经常性收入。" }
--! severity = "warning"
--! grain = "one row per contract that starts before an earlier one has ended"

WITH runs AS (
  SELECT
    customer_id,
    plan,
    subscription_id,
    started_at,
    max(coalesce(ended_at, ends_at, $as_of)) OVER (
      PARTITION BY customer_key, plan
      ORDER BY started_at, subscription_id
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS earlier_end
  FROM subscriptions
)
SELECT
  'overlapping_contracts' AS finding,
  'subscriptions' AS "table",
  subscription_id AS key,
  concat(
    'customer ', customer_id, ', plan ', coalesce(plan, '(none)'), ': starts ',
    CAST(started_at AS VARCHAR), ', an earlier one ends ', CAST(earlier_end AS VARCHAR)
  ) AS detail,
  1 AS "rows"
FROM runs
WHERE started_at < earlier_end
ORDER BY customer_id, started_at, subscription_id
