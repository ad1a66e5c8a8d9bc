--! title = { en = "Score of a customer", zh = "客户评分" }
--! description = { en = "The newest score of one customer.", zh = "某客户的最新评分。" }
--! grain = "one row, or none"
--! [params.customer]
--! type = "text"
--! doc = { en = "The customer.", zh = "客户。" }
WITH history AS (
  SELECT *, row_number() OVER (ORDER BY run_id DESC) AS nth
  FROM scores
  WHERE customer_id = $customer
)
SELECT customer_id, probability, band, logit, base, reasons, value_at_risk, model, cutoff
FROM history
WHERE nth = 1
ORDER BY customer_id
