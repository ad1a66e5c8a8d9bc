--! title = { en = "Scores of later data", zh = "更晚数据的评分" }
--! description = { en = "The earlier run that used later data than this one, if there is one: this one is then history, not news.", zh = "数据截止时间比本次更晚的历史批次（如有）；若存在，本次结果只是补做的历史评分。" }
--! grain = "one row, or none"
--! [params.run]
--! type = "integer"
--! doc = { en = "The run that scored.", zh = "评分批次。" }
WITH ends AS (
  SELECT run_id, max(cutoff) AS cutoff FROM scores WHERE run_id <= $run GROUP BY run_id
)
SELECT e.run_id, e.cutoff, n.cutoff AS own_cutoff
FROM ends e
JOIN ends n ON n.run_id = $run
WHERE e.cutoff > n.cutoff
ORDER BY e.cutoff DESC, e.run_id DESC
LIMIT 1
