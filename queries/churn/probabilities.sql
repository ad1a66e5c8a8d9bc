--! title = { en = "Probabilities of a scoring", zh = "某次评分的概率" }
--! description = { en = "What a run said of every customer it scored.", zh = "某次评分给出的每位客户的流失概率。" }
--! grain = "one row per customer"
--! [params.run]
--! type = "integer"
--! doc = { en = "The run that scored.", zh = "评分批次。" }
SELECT customer_id, probability
FROM scores
WHERE run_id = $run
ORDER BY customer_id
