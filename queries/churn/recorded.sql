--! title = { en = "Recorded scores", zh = "已记录的评分" }
--! description = { en = "The rows of a run as they were written, of the customers from one id to another.", zh = "某次评分写入的原始记录，按客户编号区间。" }
--! grain = "one row per row of scores"
--! [params.run]
--! type = "integer"
--! doc = { en = "The run that scored.", zh = "评分批次。" }
--! [params.first]
--! type = "text"
--! doc = { en = "The first customer.", zh = "起始客户。" }
--! [params.last]
--! type = "text"
--! doc = { en = "The last customer.", zh = "末尾客户。" }
SELECT *
FROM scores
WHERE run_id = $run AND customer_id >= $first AND customer_id <= $last
ORDER BY customer_id
