--! title = { en = "Scores of both models", zh = "两个模型的评分" }
--! description = { en = "Customers whom both the served model and the one on trial scored in a run.", zh = "某次评分中正式模型与试用模型都评过分的客户。" }
--! grain = "one row per customer"
--! [params.run]
--! type = "integer"
--! doc = { en = "The run that scored.", zh = "评分批次。" }
SELECT scores.customer_id, scores.probability, scores.band,
       shadow_scores.probability AS shadow_probability, shadow_scores.band AS shadow_band
FROM scores
JOIN shadow_scores
  ON shadow_scores.customer_id = scores.customer_id AND shadow_scores.run_id = $run
WHERE scores.run_id = $run
ORDER BY scores.customer_id
