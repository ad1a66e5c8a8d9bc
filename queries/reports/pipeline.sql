--! title = { en = "Pipeline", zh = "销售管道" }
--! description = { en = "What is in the pipeline, and how long it has been there: deals open at the report's date, by the furthest stage they had entered then. Stages come from the history, so that any past date can be asked. The win rate of a stage is no forecast, since deals still there are the slow ones: see the report Pipeline forecast. It is over all currencies and customers. Deals without stage history have no stage and no win rate.", zh = "销售管道里有什么、停留了多久：报表日期时的进行中商机，按当时到达过的最靠后阶段列出。阶段依据阶段历史，因此可查任意过去日期。某阶段的赢单率不是预测，因为仍在进行的往往较慢，预测请看报表“商机赢单预测”；赢单率基于全部币种与客户。无阶段历史的商机阶段为空，也无赢单率。" }
--! group = "sales"
--! grain = "one row per stage, currency and breakdown value with an open deal"
--! chart = { kind = "bar", x = "stage", y = ["value"], series = "breakdown", facet = "currency", none = true }
--!
--! [columns.stage]
--! title = { en = "Stage", zh = "阶段" }
--! unit = "text"
--! absent = { en = "No stage known", zh = "阶段未知" }
--! doc = { en = "Furthest stage the deal had entered at the report's date", zh = "商机截至报表日期到达过的最靠后阶段" }
--! [columns.deals]
--! title = { en = "Open deals", zh = "进行中商机" }
--! unit = "count"
--! doc = { en = "Deals neither won nor lost yet", zh = "尚未赢单或输单的商机数" }
--! [columns.value]
--! title = { en = "Open value", zh = "在谈金额" }
--! unit = "money"
--! doc = { en = "Sum of the amounts of open deals; at a past date, of the deals open then, with the amounts they have now: a deal keeps no history of its own amount", zh = "进行中商机金额合计；查询过去日期时，为当时进行中的商机按其当前金额合计（商机不保留金额历史）" }
--! [columns.mean_age_days]
--! title = { en = "Mean age, days", zh = "商机平均时长（天）" }
--! unit = "days"
--! doc = { en = "Mean days of 24 hours since the deals were opened", zh = "商机创建以来的平均天数（每天 24 小时）" }
--! [columns.mean_age_days_low]
--! title = { en = "Mean age, low", zh = "商机平均时长下限" }
--! unit = "days"
--! doc = { en = "Lower end of its 95 % interval (Hall); empty below five deals, or if all are equal", zh = "商机平均时长 95% 区间下限（Hall 法）；商机少于五个或全部相同时为空" }
--! [columns.mean_age_days_high]
--! title = { en = "Mean age, high", zh = "商机平均时长上限" }
--! unit = "days"
--! doc = { en = "Upper end of its 95 % interval (Hall)", zh = "商机平均时长 95% 区间上限（Hall 法）" }
--! [columns.mean_days_in_stage]
--! title = { en = "In stage, days", zh = "阶段停留时长（天）" }
--! unit = "days"
--! doc = { en = "Mean days of 24 hours since the deals first entered the stage", zh = "首次进入该阶段以来的平均天数（每天 24 小时）" }
--! [columns.mean_days_in_stage_low]
--! title = { en = "In stage, low", zh = "阶段停留时长下限" }
--! unit = "days"
--! doc = { en = "Lower end of its 95 % interval (Hall); empty below five deals, or if all are equal", zh = "阶段停留时长 95% 区间下限（Hall 法）；商机少于五个或全部相同时为空" }
--! [columns.mean_days_in_stage_high]
--! title = { en = "In stage, high", zh = "阶段停留时长上限" }
--! unit = "days"
--! doc = { en = "Upper end of its 95 % interval (Hall)", zh = "阶段停留时长 95% 区间上限（Hall 法）" }
--! [columns.win_share]
--! title = { en = "Win rate", zh = "赢单率" }
--! unit = "share"
--! doc = { en = "Of the closed deals that were ever in the stage, the share won", zh = "曾处于该阶段的已关闭商机中赢单的比例" }

--- What is in the pipeline, and how long has it been there?

WITH current_stages AS (
  SELECT *
  FROM (
    SELECT
      opportunity_id,
      stage,
      stage_no,
      entered_at,
      moved_at IS NULL AND lost_at IS NULL AS is_current,
      count(*) FILTER (WHERE status = 'won') OVER (PARTITION BY stage) AS won,
      count(*) FILTER (WHERE status IN ('won', 'lost')) OVER (PARTITION BY stage) AS closed
    FROM stage_entries
  )
  WHERE is_current
),
deals AS (
  SELECT
    current_stages.stage,
    current_stages.stage_no,
    opportunities.currency,
    $breakdown_of_opportunities AS breakdown,
    max(current_stages.won) AS won,
    max(current_stages.closed) AS closed,
    count(*) AS deals,
    coalesce(sum(opportunities.amount), 0) AS value,
    sum(CAST($as_of AS BIGINT) - CAST(opportunities.created_at AS BIGINT)) AS age,
    count(opportunities.created_at) AS n_aged,
    mean_interval(
      moments(CAST(CAST($as_of AS BIGINT) - CAST(opportunities.created_at AS BIGINT) AS DOUBLE) / 86400000000)
    ) AS age_ends,
    sum(CAST($as_of AS BIGINT) - CAST(current_stages.entered_at AS BIGINT)) AS in_stage,
    mean_interval(
      moments(CAST(CAST($as_of AS BIGINT) - CAST(current_stages.entered_at AS BIGINT) AS DOUBLE) / 86400000000)
    ) AS in_stage_ends
  FROM opportunities
  LEFT JOIN current_stages ON current_stages.opportunity_id = opportunities.opportunity_id
  LEFT JOIN customers ON customers.customer_key = opportunities.customer_key
  WHERE coalesce(opportunities.status, 'open') = 'open'
    AND ($currency IS NULL OR opportunities.currency = $currency)
  GROUP BY 1, 2, 3, 4
)
SELECT
  deals.stage,
  deals.currency,
  deals.breakdown,
  deals.deals,
  deals.value,
  CASE WHEN deals.n_aged > 0 THEN CAST(deals.age AS DOUBLE) / deals.n_aged / 86400000000 END AS mean_age_days,
  deals.age_ends['low'] AS mean_age_days_low,
  deals.age_ends['high'] AS mean_age_days_high,
  CAST(deals.in_stage AS DOUBLE) / deals.deals / 86400000000 AS mean_days_in_stage,
  deals.in_stage_ends['low'] AS mean_days_in_stage_low,
  deals.in_stage_ends['high'] AS mean_days_in_stage_high,
  CASE WHEN deals.closed > 0 THEN CAST(deals.won AS DOUBLE) / deals.closed END AS win_share,
  wilson(deals.won, deals.closed)['low'] AS low,
  wilson(deals.won, deals.closed)['high'] AS high
FROM deals
ORDER BY deals.stage_no NULLS LAST, deals.currency NULLS FIRST, deals.breakdown NULLS FIRST
