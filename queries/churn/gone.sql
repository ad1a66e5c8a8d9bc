--! title = { en = "Customers without a score any more", zh = "不再有评分的客户" }
--! description = { en = "Customers whom an earlier run scored and this one did not: they left, or are no longer eligible. A score that another system still shows for them is out of date.", zh = "此前评过分、本次未评分的客户：已流失或不再符合条件。其他系统中仍显示的旧评分已失效。" }
--! grain = "one row per customer"
--! [params.run]
--! type = "integer"
--! doc = { en = "The run that scored.", zh = "评分批次。" }
--! [params.shown]
--! type = "integer"
--! default = 0
--! doc = { en = "The scoring run that the target shows: who had left before was written then. 0 looks at all runs.", zh = "目标系统当前展示的评分批次，更早失去评分的客户当时已写出；0 表示查看全部批次。" }
WITH earlier AS (
  SELECT customer_id FROM scores WHERE run_id >= $shown AND run_id < $run GROUP BY customer_id
)
SELECT e.customer_id, c.name, c.owner_id
FROM earlier e
LEFT JOIN customers c ON c.customer_id = e.customer_id
WHERE NOT EXISTS (
  SELECT 1 FROM scores s WHERE s.run_id = $run AND s.customer_id = e.customer_id)
ORDER BY e.customer_id
