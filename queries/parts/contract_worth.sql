--! title = { en = "Worth of contracts", zh = "合同价值" }
--! description = { en = "What a customer's running contracts bring a month. Empty if they are in several currencies and none was chosen, since their sum would have no unit, and without one in the currency.", zh = "客户在用合同的 MRR 合计；存在多个币种且未指定币种，或无该币种合同时为空。" }
--! grain = "one row per customer with any contract"

WITH contracts AS (
  SELECT
    customer_key,
    bool_or(ended_at IS NULL) AS is_running,
    min(coalesce(currency, '')) FILTER (WHERE is_counted) AS currency,
    max(coalesce(currency, '')) FILTER (WHERE is_counted) AS other_currency,
    sum(mrr) FILTER (WHERE is_counted) AS mrr
  FROM (
    SELECT *, ended_at IS NULL AND ($currency IS NULL OR currency = $currency) AS is_counted
    FROM subscriptions
  )
  GROUP BY customer_key
)
SELECT
  customer_key,
  is_running,
  CASE WHEN currency = other_currency THEN mrr END AS mrr,
  CASE WHEN currency = other_currency THEN nullif(currency, '') END AS currency
FROM contracts
