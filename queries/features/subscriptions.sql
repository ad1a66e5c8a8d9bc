--! title = { en = "Contracts", zh = "合同" }
--! description = { en = "Recurring revenue and the end of the current term, as agreed before the cutoff.", zh = "截止日前的经常性收入与当前合同到期情况。" }
--! grain = "one row per customer with any contract"
--! [columns.contract_days_left]
--! title = { en = "Days until the contract ends", zh = "距合同到期天数" }
--! unit = "days"
--! [columns.contract_mrr]
--! title = { en = "Monthly recurring revenue", zh = "月度经常性收入" }
--! unit = "money"
--! [columns.contract_count]
--! title = { en = "Contracts running", zh = "在用合同数" }
--! unit = "count"
--! [columns.contract_tenure]
--! title = { en = "Days since the first contract began", zh = "距首份合同天数" }
--! unit = "days"
--- An agreed end is known in advance; an actual end only once it has come.
SELECT customer_id,
       max((CAST(ends_at AS BIGINT) - CAST($as_of AS BIGINT)) / 86400000000.0)
         FILTER (WHERE ended_at IS NULL) AS contract_days_left,
       coalesce(CAST(sum(mrr) FILTER (WHERE ended_at IS NULL) AS DOUBLE), 0) AS contract_mrr,
       count(*) FILTER (WHERE ended_at IS NULL) AS contract_count,
       max((CAST($as_of AS BIGINT) - CAST(started_at AS BIGINT)) / 86400000000.0) AS contract_tenure
FROM subscriptions
GROUP BY customer_id
ORDER BY customer_id
