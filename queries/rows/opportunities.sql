--! title = { en = "Deals", zh = "商机" }
--! description = { en = "The customer's deals as they stood at the cutoff; for features of open, won or lost deals, those.", zh = "截止时刻该客户的商机；进行中、赢单或输单类特征仅列相应商机。" }
--! grain = "one row per deal"
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
--! title = { en = "Opened", zh = "创建时间" }
--! unit = "date"
--! [columns.opportunity_id]
--! title = { en = "Deal", zh = "商机编号" }
--! unit = "text"
--! [columns.deal]
--! title = { en = "Name", zh = "商机名称" }
--! unit = "text"
--! [columns.product]
--! title = { en = "Product", zh = "产品" }
--! unit = "text"
--! [columns.status]
--! title = { en = "Status", zh = "状态" }
--! unit = "code"
--! [columns.closed_at]
--! title = { en = "Closed", zh = "关闭时间" }
--! unit = "date"
--! [columns.days_before]
--! title = { en = "Days before the cutoff", zh = "距截止日天数" }
--! unit = "number"
--! doc = { en = "From the opening of the deal", zh = "自商机创建起算" }
--! [labels]
--! open = { en = "open", zh = "进行中" }
--! won = { en = "won", zh = "赢单" }
--! lost = { en = "lost", zh = "输单" }
--- Amounts are left out, as from the features: those of open deals are overwritten
--- when they close.
WITH behind AS (
  SELECT created_at AS at, opportunity_id, name AS deal, product, coalesce(status, 'open') AS status,
         closed_at, load_id, row_no,
         (CAST($as_of AS BIGINT) - CAST(created_at AS BIGINT)) / 86400000000.0 AS days_before
  FROM opportunities
  WHERE customer_id = $customer
    AND CASE
      WHEN $feature = 'deals_open' THEN coalesce(status, 'open') = 'open'
      WHEN $feature IN ('deals_won_recency', 'deals_won_365') THEN status = 'won' AND closed_at IS NOT NULL
      WHEN $feature = 'deals_lost_365' THEN status = 'lost' AND closed_at IS NOT NULL
      ELSE TRUE
    END
),
ranked AS (
  SELECT *, count(*) OVER () AS total, row_number() OVER (ORDER BY at DESC NULLS LAST, opportunity_id DESC, load_id DESC, row_no DESC) AS place
  FROM behind
)
SELECT at, opportunity_id, deal, product, status, closed_at, days_before, total
FROM ranked
WHERE place <= $limit
ORDER BY place
