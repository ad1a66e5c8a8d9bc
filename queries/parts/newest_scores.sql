--! title = { en = "Newest churn scores", zh = "最新流失评分" }
--! description = { en = "The scores of the run that used the latest data, and of several such runs the last: a run for a date further back is history, whenever it was made. A run scores every customer who can still leave; whoever it did not score has none.", zh = "所用数据截止时间最晚的一次评分的结果，截止时间相同时取最后一次；补做的历史评分只作历史记录。每次评分覆盖所有仍可能流失的客户；未被评分的客户没有评分。" }
--! grain = "one row per customer of that run"

SELECT scores.customer_key, scores.probability, scores.band, scores.value_at_risk, scores.currency,
       scores.churn_90, scores.remaining_days
FROM scores
JOIN (SELECT last_value(run_id ORDER BY cutoff, run_id) AS run_id FROM scores) AS newest
  ON newest.run_id = scores.run_id
