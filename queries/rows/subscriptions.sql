--! title = { en = "Contracts", zh = "合同" }
--! description = { en = "The customer's contracts as the score saw them; for features of running or ended contracts, those.", zh = "评分所见的该客户合同；在用或已结束合同类特征仅列相应合同。" }
--! grain = "one row per contract"
--! [params.customer]
--! type = "text"
--! doc = { en = "The customer.", zh = "客户。" }
--! [params.feature]
--! type = "text"
--! doc = { en = "The feature the rows are behind; all it can read if it is none of those named below.", zh = "这些记录所对应的特征；不在下列名称之中时列出其可读取的全部记录。" }
--! [params.limit]
--! type = "integer"
--! doc = { en = "Most rows listed.", zh = "最多列出行数。" }
--! [columns.at]
--! title = { en = "Started", zh = "开始时间" }
--! unit = "date"
--! [columns.subscription_id]
--! title = { en = "Contract", zh = "合同编号" }
--! unit = "text"
--! [columns.plan]
--! title = { en = "Plan", zh = "套餐" }
--! unit = "text"
--! [columns.mrr]
--! title = { en = "Revenue a month", zh = "月度经常性收入" }
--! unit = "money"
--! [columns.ends_at]
--! title = { en = "Agreed end", zh = "约定到期" }
--! unit = "date"
--! [columns.ended_at]
--! title = { en = "Ended", zh = "实际结束" }
--! unit = "date"
--! [columns.days_before]
--! title = { en = "Days before the cutoff", zh = "距截止日天数" }
--! unit = "number"
--! doc = { en = "From the start of the contract", zh = "自合同开始起算" }
--- An actual end is empty here until it has come.
WITH behind AS (
  SELECT started_at AS at, subscription_id, plan, mrr, currency, ends_at, ended_at, load_id, row_no,
         (CAST($as_of AS BIGINT) - CAST(started_at AS BIGINT)) / 86400000000.0 AS days_before
  FROM subscriptions
  WHERE customer_id = $customer
    AND CASE
      WHEN $feature IN ('contract_days_left', 'contract_term', 'contract_count', 'contract_mrr')
        THEN ended_at IS NULL
      WHEN $feature IN ('contract_ended', 'contract_lapsed') THEN ended_at IS NOT NULL
      ELSE TRUE
    END
),
ranked AS (
  SELECT *, count(*) OVER () AS total, row_number() OVER (ORDER BY at DESC, subscription_id DESC, load_id DESC, row_no DESC) AS place
  FROM behind
)
SELECT at, subscription_id, plan, mrr, currency, ends_at, ended_at, days_before, total
FROM ranked
WHERE place <= $limit
ORDER BY place
