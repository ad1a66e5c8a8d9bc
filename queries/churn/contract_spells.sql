--! title = { en = "Times under contract", zh = "合同存续期" }
--! description = { en = "From when to when the customers of `running` (the contracts that ran at the cutoff) were under contract, without a break of more than the grace days. The end is empty if it has not come.", zh = "running（截止日时在用的合同）中各客户的合同存续期：间隔不超过宽限天数即视为连续；尚未终止时终止时间为空。" }
--! grain = "one row per customer and time under contract"
--! [params.grace]
--! type = "integer"
--! default = 30
--! doc = { en = "A contract that begins within so many days after another's end continues it.", zh = "在前一份合同终止后该天数内开始的合同视为续约。" }
--- A contract of `running` counts from the start known then, and ends when its
--- id ends by what is known today, whoever's it has become: a renewal may have
--- written it anew with a later start. Those that ended before they began never ran.
WITH contracts AS (
  SELECT running.customer_id, running.started_at, subscriptions.ended_at
  FROM running
  LEFT JOIN subscriptions ON subscriptions.subscription_id = running.subscription_id
  UNION ALL
  SELECT customer_id, started_at, ended_at
  FROM subscriptions
  WHERE customer_id IN (SELECT customer_id FROM running)
),
-- In microseconds; no end is an end far beyond all dates.
terms AS (
  SELECT
    customer_id, started_at, ended_at,
    CAST(started_at AS BIGINT) AS begins,
    coalesce(CAST(ended_at AS BIGINT), 8000000000000000000) AS ends
  FROM contracts
  WHERE ended_at IS NULL OR ended_at > started_at
),
reached AS (
  SELECT
    customer_id, started_at, ended_at, begins, ends,
    max(ends) OVER (
      PARTITION BY customer_id ORDER BY begins, ends ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS reaches
  FROM terms
),
numbered AS (
  SELECT
    customer_id, started_at, ended_at,
    count(*) FILTER (WHERE reaches IS NULL OR begins - reaches > $grace * 86400000000) OVER (
      PARTITION BY customer_id ORDER BY begins, ends ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS spell
  FROM reached
)
SELECT
  customer_id,
  min(started_at) AS began_at,
  CASE WHEN count(*) = count(ended_at) THEN max(ended_at) END AS over_at
FROM numbered
GROUP BY customer_id, spell
ORDER BY customer_id, began_at
