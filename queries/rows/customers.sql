--! title = { en = "Customer", zh = "客户资料" }
--! description = { en = "The customer's own record as the score saw it, which attributes come from.", zh = "评分所见的客户资料，属性类特征取自该记录。" }
--! grain = "one row, or none"
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
--! title = { en = "Known since", zh = "获知时间" }
--! unit = "date"
--! [columns.value]
--! title = { en = "Value", zh = "取值" }
--! unit = "text"
--! [columns.name]
--! title = { en = "Name", zh = "名称" }
--! unit = "text"
--! [columns.segment]
--! title = { en = "Segment", zh = "客户分层" }
--! unit = "text"
--! [columns.channel]
--! title = { en = "Channel", zh = "来源渠道" }
--! unit = "text"
--! [columns.region]
--! title = { en = "Region", zh = "地区" }
--! unit = "text"
--! [columns.industry]
--! title = { en = "Industry", zh = "行业" }
--! unit = "text"
--! [columns.created_at]
--! title = { en = "Customer since", zh = "成为客户时间" }
--! unit = "date"
--! [columns.days_before]
--! title = { en = "Days before the cutoff", zh = "距截止日天数" }
--! unit = "number"
--! doc = { en = "From when the record was known", zh = "自获知该资料起算" }
--- An attribute that is called like a feature of a group bears attribute_ before
--- its name.
WITH behind AS (
  SELECT known_at AS at,
         coalesce(
           attribute(attributes, $feature),
           CASE $feature
             WHEN 'segment' THEN segment
             WHEN 'channel' THEN channel
             WHEN 'region' THEN region
             WHEN 'industry' THEN industry
           END,
           attribute(attributes, regexp_replace($feature, '^attribute_', ''))
         ) AS value,
         name, segment, channel, region, industry, created_at,
         (CAST($as_of AS BIGINT) - CAST(known_at AS BIGINT)) / 86400000000.0 AS days_before
  FROM customers
  WHERE customer_id = $customer
),
ranked AS (
  SELECT *, count(*) OVER () AS total, row_number() OVER (ORDER BY at DESC) AS place
  FROM behind
)
SELECT at, value, name, segment, channel, region, industry, created_at, days_before, total
FROM ranked
WHERE place <= $limit
ORDER BY place
