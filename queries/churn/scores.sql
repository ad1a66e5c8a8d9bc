--! title = { en = "Scores", zh = "评分" }
--! description = { en = "The scores of one run, riskiest first, a page at a time: a page begins after the probability and customer the page before ended with.", zh = "某次评分的结果，按风险从高到低分页。" }
--! grain = "one row per customer"
--! [params.run]
--! type = "integer"
--! doc = { en = "The run that scored.", zh = "评分批次。" }
--! [params.band]
--! type = "text"
--! doc = { en = "Only this band.", zh = "仅限该风险等级。" }
--! [params.min_probability]
--! type = "number"
--! default = 0.0
--! doc = { en = "Only this risky or riskier.", zh = "最低流失概率。" }
--! [params.owner]
--! type = "text"
--! doc = { en = "Only customers of this owner.", zh = "仅限该负责人的客户。" }
--! [params.shown]
--! type = "integer"
--! doc = { en = "Only customers of whom this run said something else; 0 if none was shown.", zh = "仅限与该批次结果不同的客户；0 表示此前没有。" }
--! [params.after_probability]
--! type = "number"
--! default = 2.0
--! doc = { en = "Where the page before ended.", zh = "上一页末行的概率。" }
--! [params.after_customer]
--! type = "text"
--! default = ""
--! doc = { en = "Where the page before ended.", zh = "上一页末行的客户。" }
--! [params.limit]
--! type = "integer"
--! default = 100
--! doc = { en = "Most rows.", zh = "最多行数。" }
WITH before AS (
  SELECT customer_id, probability, model, value_at_risk, currency, owner_id
  FROM scores
  WHERE run_id = $shown
),
ranked AS (
  SELECT s.customer_id, c.name, s.probability, s.band, s.churn_30, s.churn_60, s.churn_90,
         s.churn_180, s.remaining_days, s.logit, s.base, s.reasons, s.unsure, s.what_if,
         s.value_at_risk, s.currency, s.owner_id, s.model, s.cutoff,
         row_number() OVER (ORDER BY s.probability DESC, s.customer_id) AS place
  FROM scores s
  LEFT JOIN customers c ON c.customer_id = s.customer_id
  WHERE s.run_id = $run
    AND ($band IS NULL OR s.band = $band)
    AND ($owner IS NULL OR s.owner_id = $owner)
    AND s.probability >= $min_probability
    AND (s.probability < $after_probability
         OR (s.probability = $after_probability AND s.customer_id > $after_customer))
    AND ($shown IS NULL OR NOT EXISTS (
      SELECT 1 FROM before b
      WHERE b.customer_id = s.customer_id
        AND b.probability = s.probability AND b.model = s.model
        AND (b.value_at_risk IS NOT DISTINCT FROM s.value_at_risk)
        AND (b.currency IS NOT DISTINCT FROM s.currency)
        AND (b.owner_id IS NOT DISTINCT FROM s.owner_id)))
)
SELECT customer_id, name, probability, band, churn_30, churn_60, churn_90, churn_180, remaining_days,
       logit, base, reasons, unsure, what_if, value_at_risk, currency, owner_id, model, cutoff
FROM ranked
WHERE place <= $limit
ORDER BY probability DESC, customer_id
