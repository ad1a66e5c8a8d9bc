--! title = { en = "Silent by their own rhythm", zh = "超出自身节奏的静默客户" }
--! description = { en = "Customers who have been silent for longer than they usually are, furthest beyond their own limit first. A weekly customer is thus missed after days, a quarterly one after months, where one limit for all would be wrong for both. A customer's gaps are the days between two following days with any activity; the limit is a quantile of these gaps, and at least 2 days. Left out are customers with too few active days to have a rhythm, those whose contracts have all ended, and those who never had one and have been silent beyond Gone after days. Whatever is loaded as activity counts, also what the source writes itself, unless activity is named.", zh = "静默时间超出自身惯常间隔的客户，按为上限的倍数从高到低。因此每周活跃的客户几天不见即提示，每季活跃的客户则需数月，统一的阈值对两者都不合适。间隔为相邻两个活跃日之间的天数；上限为该客户间隔的分位数，且不少于 2 天。不列出：活跃天数太少、尚无节奏的客户；全部合同已终止的客户；从未有合同且静默超过“视为流失天数”的客户。未指定行为时，所有已导入的行为都计入，包括来源系统自动生成的记录。" }
--! group = "process"
--! grain = "one row per silent customer, at most `limit`"
--! chart = { kind = "table" }
--!
--! [params.quantile]
--! title = { en = "Quantile", zh = "分位数" }
--! type = "number"
--! default = 0.95
--! most = 1.0
--! doc = { en = "Which share of a customer's own gaps the limit is not below, from 0 to 1", zh = "上限取客户自身间隔的哪个分位数，0 至 1" }
--! [params.min_days]
--! title = { en = "Active days needed", zh = "最少活跃天数" }
--! type = "integer"
--! default = 4
--! least = 2.0
--! doc = { en = "Customers with fewer active days are left out", zh = "活跃天数少于该值的客户不列出" }
--! [params.gone_days]
--! title = { en = "Gone after days", zh = "视为流失天数" }
--! type = "integer"
--! default = 180
--! most = 36500.0
--! doc = { en = "Customers who never had a contract and have been silent for longer are left out; those with a running one are always listed", zh = "从未有合同且静默超过该天数的客户不列出；有在用合同的客户始终列出" }
--! [params.limit]
--! title = { en = "Rows", zh = "行数" }
--! type = "integer"
--! default = 100
--! least = 1.0
--! doc = { en = "Most customers listed", zh = "最多列出的客户数" }
--!
--! [columns.last_active]
--! title = { en = "Last active", zh = "最近活跃日" }
--! unit = "date"
--! doc = { en = "Last day with activity", zh = "最近一次有行为的日期" }
--! [columns.days_silent]
--! title = { en = "Days silent", zh = "静默天数" }
--! unit = "days"
--! doc = { en = "Calendar days from that day to the report's date", zh = "该日至报表日期的日历天数" }
--! [columns.usual_gap]
--! title = { en = "Usual gap", zh = "惯常间隔（天）" }
--! unit = "days"
--! doc = { en = "Median of the customer's own gaps", zh = "该客户自身间隔的中位数" }
--! [columns.gap_limit]
--! title = { en = "Limit", zh = "上限（天）" }
--! unit = "days"
--! doc = { en = "Quantile of the customer's own gaps, interpolated, at least 2", zh = "该客户自身间隔的分位数（线性插值），至少为 2" }
--! [columns.times_beyond]
--! title = { en = "Times the limit", zh = "为上限的倍数" }
--! unit = "number"
--! doc = { en = "Days silent divided by the limit", zh = "静默天数 ÷ 上限" }
--! [columns.band]
--! title = { en = "Churn risk", zh = "流失风险" }
--! unit = "code"
--! absent = { en = "Not scored", zh = "未评分" }
--! doc = { en = "Band of the newest churn score", zh = "最新流失评分的等级" }
--! [columns.mrr]
--! title = { en = "MRR", zh = "月度经常性收入" }
--! unit = "money"
--! doc = { en = "Sum of the running contracts; empty without one, or if they are in several currencies and none was chosen", zh = "在用合同 MRR 合计；无合同，或存在多个币种且未指定币种时为空" }

--- Who is quieter than is usual for them? Days are in `queries/parts/active_days.sql`.

WITH rhythms AS (
  SELECT
    customer_key,
    max(day_no) AS last_no,
    array_sort(array_agg(next_no - day_no) FILTER (WHERE next_no IS NOT NULL)) AS gaps,
    count(next_no) AS n,
    $quantile * (count(next_no) - 1) AS place
  FROM active_days
  GROUP BY customer_key
  HAVING count(*) >= $min_days
),
-- Rounded, so that a silence of exactly the limit is not beyond it by the
-- rounding of a product.
limits AS (
  SELECT
    *,
    (gaps[(n + 1) / 2] + gaps[n / 2 + 1]) / 2.0 AS usual_gap,
    greatest(
      round(
        gaps[CAST(floor(place) AS BIGINT) + 1]
          + (gaps[CAST(ceil(place) AS BIGINT) + 1] - gaps[CAST(floor(place) AS BIGINT) + 1])
            * (place - floor(place)),
        6
      ),
      2.0
    ) AS gap_limit
  FROM rhythms
),
silences AS (
  SELECT
    customer_key,
    usual_gap,
    gap_limit,
    period_add('day', DATE '1970-01-01', last_no) AS last_active,
    period_index('day', period('day', $as_of, $tz)) - last_no AS days_silent
  FROM limits
)
SELECT
  customers.customer_id,
  customers.name AS customer,
  coalesce(owners.name, customers.owner_id, '(no owner)') AS owner,
  $breakdown AS breakdown,
  silences.last_active,
  silences.days_silent,
  silences.usual_gap,
  silences.gap_limit,
  silences.days_silent / silences.gap_limit AS times_beyond,
  newest_scores.band,
  contract_worth.mrr,
  contract_worth.currency
FROM silences
JOIN customers ON customers.customer_key = silences.customer_key
LEFT JOIN owners ON owners.owner_id = customers.owner_id
LEFT JOIN contract_worth ON contract_worth.customer_key = silences.customer_key
LEFT JOIN newest_scores ON newest_scores.customer_key = silences.customer_key
WHERE silences.days_silent > silences.gap_limit
  AND coalesce(contract_worth.is_running, silences.days_silent <= $gone_days)
ORDER BY times_beyond DESC, contract_worth.mrr DESC NULLS LAST, customers.customer_id
LIMIT $limit
