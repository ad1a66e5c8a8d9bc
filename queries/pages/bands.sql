--! title = { en = "Bands", zh = "风险等级" }
--! description = { en = "How many customers a scoring run put into each band, what they are worth together, and how many of them a filter leaves.", zh = "某次评分中各风险等级的客户数、合计风险金额，以及筛选后剩余的客户数。" }
--! grain = "one row per band and currency"
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
SELECT
  band,
  currency,
  count(*) AS customers,
  sum(value_at_risk) AS value_at_risk,
  count(*) FILTER (
    WHERE ($band IS NULL OR band = $band)
      AND ($owner IS NULL OR owner_id = $owner)
      AND probability >= $min_probability
  ) AS matching
FROM scores
WHERE run_id = $run
GROUP BY band, currency
ORDER BY band, currency
