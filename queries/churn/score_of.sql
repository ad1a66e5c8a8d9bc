--! title = { en = "Score of a customer", zh = "客户评分" }
--! description = { en = "The score that a run gave one customer.", zh = "某次评分中某客户的结果。" }
--! grain = "one row, or none"
--! [params.run]
--! type = "integer"
--! doc = { en = "The run that scored.", zh = "评分批次。" }
--! [params.customer]
--! type = "text"
--! doc = { en = "The customer.", zh = "客户。" }
SELECT customer_id, probability, band, churn_30, churn_60, churn_90, churn_180, remaining_days,
       logit, base, reasons, unsure, what_if, value_at_risk, currency, model, cutoff
FROM scores
WHERE run_id = $run AND customer_id = $customer
ORDER BY customer_id
