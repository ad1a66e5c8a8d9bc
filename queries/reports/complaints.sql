--! title = { en = "Complaints and churn", zh = "投诉与流失" }
--! description = { en = "What tickets are about, and whether those who opened them stay. For churn the index date lies one horizon before the report's date: of customers active in the horizon before it, those with a ticket of the category in that time are compared with those without one; gone are those without any activity from then to the report's date. Busy customers open more tickets and leave less often, which alone makes tickets look harmless, so both are compared at the same level of activity. Association, not cause: levels do not take away every difference.", zh = "工单反映什么问题，提交工单的客户是否留存。流失对比以报表日期之前一个观察期为基准日：在此前一个观察期内活跃的客户中，比较该期间提交过该类工单与未提交过的客户，自基准日至报表日期再无任何行为即为流失。活跃客户工单多、流失少，直接对比会使工单显得无害，因此在相同活跃度下比较。结果为相关而非因果，分档不能消除所有差异。" }
--! group = "service"
--! grain = "one row per ticket category and breakdown value, and per breakdown value a total row with category null"
--! chart = { kind = "bar", x = "category", y = ["difference"], series = "breakdown", low = "difference_low", high = "difference_high", count = "exposed", total = true }
--!
--! [params.horizon]
--! title = { en = "Horizon", zh = "观察期" }
--! type = "duration"
--! default = "90d"
--! doc = { en = "How long before the report's date the index date lies, and how long before it tickets and activity count", zh = "基准日距报表日期的时长，以及基准日之前统计工单与行为的时长" }
--!
--! [columns.category]
--! title = { en = "Category", zh = "工单类别" }
--! absent = { en = "Any ticket", zh = "任意工单" }
--! unit = "text"
--! doc = { en = "What tickets are about, (no category) if the source does not say; empty in the total row", zh = "工单类别，未填为 (no category)；合计行留空" }
--! [columns.tickets]
--! title = { en = "Tickets", zh = "工单数" }
--! unit = "count"
--! doc = { en = "Tickets opened in the last horizon", zh = "最近一个观察期提交的工单数" }
--! [columns.customers]
--! title = { en = "Customers", zh = "客户数" }
--! unit = "count"
--! doc = { en = "Customers who opened them", zh = "提交这些工单的客户数" }
--! [columns.share]
--! title = { en = "Share of tickets", zh = "工单占比" }
--! unit = "share"
--! doc = { en = "Tickets divided by all tickets of the last horizon with the same breakdown value", zh = "占同一分组最近一个观察期全部工单的比例" }
--! [columns.tickets_before]
--! title = { en = "Tickets before", zh = "上期工单数" }
--! unit = "count"
--! doc = { en = "Tickets opened in the horizon before", zh = "再前一个观察期提交的工单数" }
--! [columns.exposed]
--! title = { en = "Customers with a ticket", zh = "提交过的客户" }
--! unit = "count"
--! doc = { en = "Customers active in the horizon before the index date who opened such a ticket in it, at levels of activity where others did not", zh = "基准日之前一个观察期内活跃且提交过该类工单的客户数（限有对照客户的活跃度档）" }
--! [columns.gone_share]
--! title = { en = "Gone, with a ticket", zh = "提交过的流失率" }
--! unit = "share"
--! doc = { en = "Share of these without activity since the index date", zh = "其中自基准日起再无行为的比例" }
--! [columns.gone_share_low]
--! title = { en = "Gone, with, low", zh = "提交过的流失率下限" }
--! unit = "share"
--! doc = { en = "Lower end of its 95 % interval (Wilson)", zh = "提交过的流失率 95% 区间下限（Wilson）" }
--! [columns.gone_share_high]
--! title = { en = "Gone, with, high", zh = "提交过的流失率上限" }
--! unit = "share"
--! doc = { en = "Upper end of its 95 % interval (Wilson)", zh = "提交过的流失率 95% 区间上限（Wilson）" }
--! [columns.others]
--! title = { en = "Customers without", zh = "未提交的客户" }
--! unit = "count"
--! doc = { en = "Customers at the same levels of activity without such a ticket", zh = "相同活跃度档中未提交该类工单的客户数" }
--! [columns.others_gone_share]
--! title = { en = "Gone, without", zh = "未提交的流失率" }
--! unit = "share"
--! doc = { en = "Share of these without activity since the index date, if they were as active as those with a ticket: weighted by five levels of rows of activity", zh = "其中自基准日起再无行为的比例，按提交客户的活跃度构成加权（按行为次数分五档）" }
--! [columns.others_gone_share_low]
--! title = { en = "Gone, without, low", zh = "未提交的流失率下限" }
--! unit = "share"
--! doc = { en = "Lower end of its 95 % interval (Wilson, customers counting as many as their weights are worth by Kish)", zh = "未提交的流失率 95% 区间下限（Wilson，客户按 Kish 有效样本量计）" }
--! [columns.others_gone_share_high]
--! title = { en = "Gone, without, high", zh = "未提交的流失率上限" }
--! unit = "share"
--! doc = { en = "Upper end of its 95 % interval (Wilson, customers counting as many as their weights are worth by Kish)", zh = "未提交的流失率 95% 区间上限（Wilson，客户按 Kish 有效样本量计）" }
--! [columns.difference]
--! title = { en = "Difference", zh = "差值" }
--! unit = "points"
--! doc = { en = "Share gone with a ticket minus share gone without", zh = "提交过的流失率减未提交的流失率" }
--! [columns.difference_low]
--! title = { en = "Difference, low", zh = "差值下限" }
--! unit = "points"
--! doc = { en = "Lower end of the difference's 95 % interval (Newcombe, the others counting as many as their weights are worth by Kish); an interval that holds 0 is compatible with no difference", zh = "差值 95% 区间下限（Newcombe，对照组按 Kish 有效样本量计）；区间含 0 即与无差异相容" }
--! [columns.difference_high]
--! title = { en = "Difference, high", zh = "差值上限" }
--! unit = "points"
--! doc = { en = "Upper end of the difference's 95 % interval (Newcombe, the others counting as many as their weights are worth by Kish)", zh = "差值 95% 区间上限（Newcombe，对照组按 Kish 有效样本量计）" }

--- What goes wrong, and does it cost us customers? Everybody is once in a list
--- as `everybody`, with a ticket once as `any` and once for each category, so
--- that activity is read once: the others are everybody but those with it.

WITH volumes AS (
  SELECT
    breakdown,
    category,
    grouping(category) AS is_total,
    count(*) FILTER (WHERE is_recent) AS tickets,
    count(DISTINCT customer_key) FILTER (WHERE is_recent) AS customers,
    count(*) FILTER (WHERE NOT is_recent) AS tickets_before
  FROM (
    SELECT
      $breakdown AS breakdown,
      coalesce(tickets.category, '(no category)') AS category,
      tickets.customer_key,
      tickets.occurred_at > $as_of - $horizon AS is_recent
    FROM tickets
    LEFT JOIN customers ON customers.customer_key = tickets.customer_key
    WHERE tickets.occurred_at > $as_of - $horizon - $horizon
  )
  GROUP BY GROUPING SETS ((breakdown, category), (breakdown))
),
exposures AS (
  SELECT customer_key, array_agg(category) AS categories
  FROM (
    SELECT DISTINCT customer_key, coalesce(category, '(no category)') AS category
    FROM tickets
    WHERE customer_key IS NOT NULL
      AND occurred_at <= $as_of - $horizon
      AND occurred_at > $as_of - $horizon - $horizon
  )
  GROUP BY customer_key
),
-- Equal activity is the equal level, 1 to 5.
leveled AS (
  SELECT
    *,
    1 + 5 * (CAST(rank() OVER (ORDER BY n_active) AS BIGINT) - 1) / count(*) OVER () AS level
  FROM activity_outcomes
),
memberships AS (
  SELECT
    $breakdown AS breakdown,
    leveled.level,
    leveled.is_gone,
    unnest(
      CASE
        WHEN exposures.categories IS NULL THEN ['everybody']
        ELSE array_concat(
          ['everybody', 'any'], array_repeat('one', CAST(cardinality(exposures.categories) AS BIGINT))
        )
      END
    ) AS kind,
    unnest(
      CASE
        WHEN exposures.categories IS NULL THEN [CAST(NULL AS VARCHAR)]
        ELSE array_concat([CAST(NULL AS VARCHAR), NULL], exposures.categories)
      END
    ) AS category
  FROM leveled
  LEFT JOIN exposures ON exposures.customer_key = leveled.customer_key
  LEFT JOIN customers ON customers.customer_key = leveled.customer_key
),
levels AS (
  SELECT
    *,
    sum(n) FILTER (WHERE kind = 'everybody') OVER at_level - n AS others,
    sum(gone) FILTER (WHERE kind = 'everybody') OVER at_level - gone AS others_gone
  FROM (
    SELECT breakdown, level, kind, category, count(*) AS n, count(*) FILTER (WHERE is_gone) AS gone
    FROM memberships
    GROUP BY breakdown, level, kind, category
  )
  WINDOW at_level AS (PARTITION BY breakdown, level)
),
compared AS (
  SELECT
    breakdown,
    category,
    sum(n) AS exposed,
    sum(gone) AS gone,
    sum(others) AS others,
    CAST(sum(CAST(CAST(n * others_gone AS DOUBLE) / others AS DECIMAL(28, 12))) AS DOUBLE) / sum(n)
      AS others_gone_share,
    CAST(sum(n) * sum(n) AS DOUBLE)
      / CAST(sum(CAST(CAST(n * n AS DOUBLE) / others AS DECIMAL(28, 12))) AS DOUBLE) AS others_worth
  FROM levels
  WHERE kind <> 'everybody' AND others > 0
  GROUP BY breakdown, category
)
SELECT
  volumes.category,
  volumes.breakdown,
  volumes.tickets,
  volumes.customers,
  CASE WHEN volumes.all_tickets > 0 THEN CAST(volumes.tickets AS DOUBLE) / volumes.all_tickets END AS share,
  CASE WHEN volumes.is_total = 0 THEN wilson(volumes.tickets, volumes.all_tickets)['low'] END AS low,
  CASE WHEN volumes.is_total = 0 THEN wilson(volumes.tickets, volumes.all_tickets)['high'] END AS high,
  volumes.tickets_before,
  coalesce(compared.exposed, 0) AS exposed,
  CAST(compared.gone AS DOUBLE) / compared.exposed AS gone_share,
  wilson(compared.gone, compared.exposed)['low'] AS gone_share_low,
  wilson(compared.gone, compared.exposed)['high'] AS gone_share_high,
  coalesce(compared.others, 0) AS others,
  compared.others_gone_share,
  wilson(compared.others_gone_share * compared.others_worth, compared.others_worth)['low'] AS others_gone_share_low,
  wilson(compared.others_gone_share * compared.others_worth, compared.others_worth)['high'] AS others_gone_share_high,
  CAST(compared.gone AS DOUBLE) / compared.exposed - compared.others_gone_share AS difference,
  newcombe(
    compared.gone, compared.exposed, compared.others_gone_share * compared.others_worth, compared.others_worth
  )['low'] AS difference_low,
  newcombe(
    compared.gone, compared.exposed, compared.others_gone_share * compared.others_worth, compared.others_worth
  )['high'] AS difference_high
FROM (
  SELECT *, max(tickets) FILTER (WHERE is_total = 1) OVER (PARTITION BY breakdown) AS all_tickets
  FROM volumes
) AS volumes
LEFT JOIN compared
  ON (compared.breakdown IS NOT DISTINCT FROM volumes.breakdown)
  AND (compared.category IS NOT DISTINCT FROM volumes.category)
ORDER BY volumes.breakdown NULLS FIRST, volumes.is_total, volumes.tickets DESC, volumes.category
