--! title = { en = "Scores of a run", zh = "某批次的评分" }
--! description = { en = "Probability and band of every customer whom a run scored.", zh = "某次评分中每位客户的概率与风险等级。" }
--! grain = "one row per customer"
--! [params.run]
--! type = "integer"
--! doc = { en = "The run that scored.", zh = "评分批次。" }
SELECT customer_id, probability, band
FROM scores
WHERE run_id = $run
ORDER BY customer_id
