--! title = { en = "Customers of a scoring", zh = "某次评分的客户" }
--! description = { en = "Whom a run scored, and the moments it recorded.", zh = "某次评分涉及的客户及其记录的时点。" }
--! grain = "one row per row of scores"
--! [params.run]
--! type = "integer"
--! doc = { en = "The run that scored.", zh = "评分批次。" }
SELECT customer_id, cutoff, known_at
FROM scores
WHERE run_id = $run
ORDER BY customer_id
