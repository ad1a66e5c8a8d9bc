--! title = { en = "Activity", zh = "活跃行为" }
--! description = { en = "The customer's activity that features of activity read; for features of logins, the logins; for silence since the newest contract, the contracts' starts beside it.", zh = "活跃类特征所读取的该客户行为记录；登录类特征仅列登录；自最近合同起算的静默类特征另列合同开始。" }
--! grain = "one row per activity, or start of a contract"
--! [params.customer]
--! type = "text"
--! doc = { en = "The customer.", zh = "客户。" }
--! [params.feature]
--! type = "text"
--! doc = { en = "The feature the rows are behind; all activity if it is none of those named below.", zh = "这些记录所对应的特征；不在下列名称之中时列出全部行为记录。" }
--! [params.limit]
--! type = "integer"
--! doc = { en = "Most rows listed.", zh = "最多列出行数。" }
--! [columns.at]
--! title = { en = "When", zh = "时间" }
--! unit = "date"
--! [columns.name]
--! title = { en = "What happened", zh = "行为" }
--! unit = "text"
--! [columns.feature]
--! title = { en = "With what", zh = "对象" }
--! unit = "text"
--! [columns.quantity]
--! title = { en = "How much", zh = "数量" }
--! unit = "number"
--! [columns.event_id]
--! title = { en = "Event", zh = "事件编号" }
--! unit = "text"
--! [columns.days_before]
--! title = { en = "Days before the cutoff", zh = "距截止日天数" }
--! unit = "number"
WITH behind AS (
  SELECT occurred_at AS at, name, feature, quantity, event_id, load_id, row_no,
         (CAST($as_of AS BIGINT) - CAST(occurred_at AS BIGINT)) / 86400000000.0 AS days_before
  FROM activity
  WHERE customer_id = $customer
    AND CASE
      WHEN $feature IN ('login_recency', 'logins_30', 'logins_trend')
        THEN one_of(name, ['login', 'Login', 'log_in', 'sign_in', '登录'])
      ELSE TRUE
    END
  UNION ALL
  -- Their silence may begin with a contract.
  SELECT started_at, 'contract', plan, NULL, subscription_id, load_id, row_no,
         (CAST($as_of AS BIGINT) - CAST(started_at AS BIGINT)) / 86400000000.0
  FROM subscriptions
  WHERE customer_id = $customer AND $feature IN ('activity_missed', 'activity_silence')
),
ranked AS (
  SELECT *, count(*) OVER () AS total, row_number() OVER (ORDER BY at DESC, load_id DESC, row_no DESC, name) AS place
  FROM behind
)
SELECT at, name, feature, quantity, event_id, days_before, total
FROM ranked
WHERE place <= $limit
ORDER BY place
