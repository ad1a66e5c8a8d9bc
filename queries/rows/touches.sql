--! title = { en = "Touches", zh = "触达" }
--! description = { en = "Touches of the customer, or what they did with them, whichever the feature reads.", zh = "对该客户的触达，或客户的反应，以特征所读取的为准。" }
--! grain = "one row per touch or reaction"
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
--! title = { en = "When", zh = "时间" }
--! unit = "date"
--! [columns.kind]
--! title = { en = "Kind", zh = "类型" }
--! unit = "text"
--! [columns.campaign]
--! title = { en = "Campaign", zh = "营销活动" }
--! unit = "text"
--! [columns.responded_at]
--! title = { en = "Answered", zh = "回应时间" }
--! unit = "date"
--! [columns.days_before]
--! title = { en = "Days before the cutoff", zh = "距截止日天数" }
--! unit = "number"
--- An answer is empty here until it has come. What is a reaction is said by the
--- part `marked_touches`.
WITH behind AS (
  SELECT t.occurred_at AS at, t.kind, coalesce(c.name, t.campaign_id) AS campaign, t.responded_at,
         (CAST($as_of AS BIGINT) - CAST(t.occurred_at AS BIGINT)) / 86400000000.0 AS days_before
  FROM marked_touches t
  LEFT JOIN campaigns c ON c.campaign_id = t.campaign_id
  WHERE t.customer_id = $customer
    AND CASE
      WHEN $feature IN ('touches_recency', 'touches_30', 'touches_90', 'touches_365', 'touches_answered')
        THEN NOT t.is_reaction
      WHEN $feature = 'touches_answer_recency'
        THEN t.responded_at IS NOT NULL OR one_of(t.kind, ['opened', 'clicked', 'responded', 'redeemed'])
      WHEN $feature = 'touches_opens_180' THEN t.kind = 'opened'
      WHEN $feature = 'touches_responses_180' THEN one_of(t.kind, ['clicked', 'responded', 'redeemed'])
      WHEN $feature = 'touches_bounces_365' THEN t.kind = 'bounced'
      WHEN $feature = 'touches_unsubscribed' THEN t.kind = 'unsubscribed'
      ELSE TRUE
    END
),
ranked AS (
  SELECT *, count(*) OVER () AS total, row_number() OVER (ORDER BY at DESC, kind, campaign, responded_at) AS place
  FROM behind
)
SELECT at, kind, campaign, responded_at, days_before, total
FROM ranked
WHERE place <= $limit
ORDER BY place
