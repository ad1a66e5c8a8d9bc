--! title = { en = "Newest churn scores", zh = "最新流失评分" }
--! description = { en = "The scores of the newest scoring run. A run scores every customer who can still leave; whoever it did not score has none.", zh = "最近一次评分的结果。每次评分覆盖所有仍可能流失的客户；未被评分的客户没有评分。" }
--! grain = "one row per customer of that run"

SELECT scores.customer_key, scores.probability, scores.band
FROM scores
JOIN (SELECT max(run_id) AS run_id FROM scores) AS newest ON newest.run_id = scores.run_id
