--! title = { en = "Scores to export", zh = "待导出的评分" }
--! description = { en = "The scores of one run, riskiest first, with the reasons to act on in words; only those that say something else than an earlier run, if there is one to compare with.", zh = "某次评分的结果，按风险从高到低，附可据以行动的原因；若给出对照批次，则只含与其不同的评分。" }
--! grain = "one row per customer"
--! [params.run]
--! type = "integer"
--! doc = { en = "The run that scored.", zh = "评分批次。" }
--! [params.shown]
--! type = "integer"
--! default = 0
--! doc = { en = "The scoring run that the target shows; 0 if none.", zh = "目标系统当前展示的评分批次；0 表示没有。" }
--! [params.band]
--! type = "text"
--! doc = { en = "Only this band.", zh = "仅限该风险等级。" }
--- Reasons are shortened before anything is joined or sorted, and what comes first
--- in a join is what is held in memory. What is shown has names of its own, since
--- DataFusion 55 takes a condition on one of two columns of a name to either side of
--- a join.
WITH told AS (
  SELECT customer_id, probability, band, churn_30, churn_60, churn_90, churn_180, remaining_days, logit, base, value_at_risk, currency, owner_id, model, cutoff,
         reason_words(reasons, 'en', 1) AS top_reason_en,
         reason_words(reasons, 'zh', 1) AS top_reason_zh,
         reason_words(reasons, 'en', 3) AS reasons_en,
         reason_words(reasons, 'zh', 3) AS reasons_zh
  FROM scores
  WHERE run_id = $run AND ($band IS NULL OR band = $band)
),
shown AS (
  SELECT customer_id AS shown_id, probability AS shown_probability, model AS shown_model,
         value_at_risk AS shown_at_risk, currency AS shown_currency, owner_id AS shown_owner
  FROM scores
  WHERE run_id = $shown
),
news AS (
  SELECT told.*
  FROM shown
  RIGHT JOIN told ON told.customer_id = shown_id
  WHERE shown_id IS NULL
     OR shown_probability <> probability
     OR shown_model <> model
     OR (shown_at_risk IS DISTINCT FROM value_at_risk)
     OR (shown_currency IS DISTINCT FROM currency)
     OR (shown_owner IS DISTINCT FROM owner_id)
)
SELECT news.customer_id, customers.name, probability, band, churn_30, churn_60, churn_90,
       churn_180, remaining_days, logit, base, value_at_risk, currency,
       news.owner_id, model, cutoff, top_reason_en, top_reason_zh, reasons_en, reasons_zh
FROM customers
RIGHT JOIN news ON news.customer_id = customers.customer_id
ORDER BY news.probability DESC, news.customer_id
