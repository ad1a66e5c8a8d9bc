--! title = { en = "Sellers", zh = "销售排行" }
--! description = { en = "Who wins, how often, and how fast: deals won, lost and open per seller, by won value. A deal counts for the seller it names, also after they have left. Open deals are not in the win rate. Only won value is of one currency; deals are counted in all. The last row is the total. With a breakdown, sellers are ranked within each value, and each value has a total.", zh = "谁赢单多、赢单率高、成交快：各销售的赢单、输单与进行中商机，按赢单金额排名。商机计入其注明的销售，离职者亦然。赢单率不含进行中商机。仅赢单金额限单一币种，商机数不分币种。最后一行为合计。选择分组时，各组内分别排名，每组各有合计。" }
--! group = "sales"
--! grain = "one row per breakdown value and seller with a deal, and per breakdown value a total row with owner null"
--! chart = { kind = "bar", x = "owner", y = ["won_value"], series = "breakdown" }
--!
--! [params.from]
--! title = { en = "From", zh = "起始日期" }
--! type = "date"
--! up_to = "to"
--! doc = { en = "Count deals closed on or after this day; open deals always count", zh = "统计该日（含）之后关闭的商机；进行中商机始终计入" }
--!
--! [params.to]
--! title = { en = "To", zh = "截止日期" }
--! type = "date"
--! doc = { en = "Count deals closed on or before this day; open deals always count", zh = "统计该日（含）之前关闭的商机；进行中商机始终计入" }
--!
--! [columns.team]
--! title = { en = "Team", zh = "团队" }
--! unit = "text"
--! doc = { en = "Team of the seller", zh = "销售所属团队" }
--! [columns.rank]
--! title = { en = "Rank", zh = "名次" }
--! unit = "number"
--! doc = { en = "Place by won value, the same for equal values; empty in the total row", zh = "按赢单金额的名次，相同金额同名次；合计行留空" }
--! [columns.owner]
--! title = { en = "Seller", zh = "销售" }
--! absent = { en = "Total", zh = "合计" }
--! unit = "text"
--! doc = { en = "Name, or id if the name is not known; empty in the total row; (no owner) for deals nobody owns", zh = "姓名，未知时为编号；合计行留空；无人负责的商机显示为 (no owner)" }
--! [columns.won]
--! title = { en = "Won", zh = "赢单" }
--! unit = "count"
--! doc = { en = "Deals won", zh = "赢单数" }
--! [columns.lost]
--! title = { en = "Lost", zh = "输单" }
--! unit = "count"
--! doc = { en = "Deals lost", zh = "输单数" }
--! [columns.open]
--! title = { en = "Open", zh = "进行中" }
--! unit = "count"
--! doc = { en = "Deals neither won nor lost yet", zh = "尚未赢单或输单的商机数" }
--! [columns.win_rate]
--! title = { en = "Win rate", zh = "赢单率" }
--! unit = "share"
--! doc = { en = "Won divided by won and lost; empty if none closed", zh = "赢单 ÷（赢单 + 输单）；无已关闭商机时为空" }
--! [columns.won_value]
--! title = { en = "Won value", zh = "赢单金额" }
--! unit = "money"
--! doc = { en = "Sum of the amounts of won deals", zh = "赢单金额合计" }
--! [columns.mean_cycle_won_days]
--! title = { en = "Cycle, won", zh = "赢单周期" }
--! unit = "days"
--! doc = { en = "Mean days of 24 hours from opening to winning", zh = "从创建到赢单的平均天数（每天 24 小时）" }
--! [columns.mean_cycle_won_days_low]
--! title = { en = "Cycle, won, low", zh = "赢单周期下限" }
--! unit = "days"
--! doc = { en = "Lower end of its 95 % interval; empty below five won deals, or if all are equal", zh = "赢单周期均值 95% 区间下限；赢单少于五个或全部相同时为空" }
--! [columns.mean_cycle_won_days_high]
--! title = { en = "Cycle, won, high", zh = "赢单周期上限" }
--! unit = "days"
--! doc = { en = "Upper end of its 95 % interval", zh = "赢单周期均值 95% 区间上限" }
--! [columns.mean_cycle_lost_days]
--! title = { en = "Cycle, lost", zh = "输单周期" }
--! unit = "days"
--! doc = { en = "Mean days of 24 hours from opening to losing", zh = "从创建到输单的平均天数（每天 24 小时）" }
--! [columns.mean_cycle_lost_days_low]
--! title = { en = "Cycle, lost, low", zh = "输单周期下限" }
--! unit = "days"
--! doc = { en = "Lower end of its 95 % interval; empty below five lost deals, or if all are equal", zh = "输单周期均值 95% 区间下限；输单少于五个或全部相同时为空" }
--! [columns.mean_cycle_lost_days_high]
--! title = { en = "Cycle, lost, high", zh = "输单周期上限" }
--! unit = "days"
--! doc = { en = "Upper end of its 95 % interval", zh = "输单周期均值 95% 区间上限" }

--- Who wins, how often, how fast? Cycles are summed in whole microseconds and
--- divided once, so that the mean does not depend on the order of the rows.

WITH deals AS (
  SELECT
    $breakdown_of_opportunities AS breakdown,
    opportunities.owner_id,
    opportunities.status = 'won' AS is_won,
    opportunities.status = 'lost' AS is_lost,
    coalesce(opportunities.status, 'open') = 'open' AS is_open,
    CASE WHEN $currency IS NULL OR opportunities.currency = $currency THEN opportunities.amount END AS amount,
    CAST(opportunities.closed_at AS BIGINT) - CAST(opportunities.created_at AS BIGINT) AS cycle
  FROM opportunities
  LEFT JOIN customers ON customers.customer_key = opportunities.customer_key
  WHERE coalesce(opportunities.status, 'open') = 'open'
    OR (
      ($from IS NULL OR period('day', opportunities.closed_at, $tz) >= $from)
      AND ($to IS NULL OR period('day', opportunities.closed_at, $tz) <= $to)
    )
),
counted AS (
  SELECT
    grouping(owner_id) AS is_total,
    breakdown,
    owner_id,
    count(*) FILTER (WHERE is_won) AS won,
    count(*) FILTER (WHERE is_lost) AS lost,
    count(*) FILTER (WHERE is_open) AS open,
    coalesce(sum(amount) FILTER (WHERE is_won), 0) AS won_value,
    sum(cycle) FILTER (WHERE is_won) AS won_time,
    count(cycle) FILTER (WHERE is_won) AS won_cycles,
    mean_interval(moments(CAST(cycle AS DOUBLE) / 86400000000) FILTER (WHERE is_won)) AS won_days,
    sum(cycle) FILTER (WHERE is_lost) AS lost_time,
    count(cycle) FILTER (WHERE is_lost) AS lost_cycles,
    mean_interval(moments(CAST(cycle AS DOUBLE) / 86400000000) FILTER (WHERE is_lost)) AS lost_days
  FROM deals
  GROUP BY GROUPING SETS ((breakdown, owner_id), (breakdown))
),
rows_and_total AS (
  SELECT
    counted.*,
    CASE WHEN is_total = 0 THEN coalesce(owners.name, counted.owner_id, '(no owner)') END AS owner,
    owners.team,
    CASE WHEN is_total = 0 THEN rank() OVER (PARTITION BY is_total, breakdown ORDER BY won_value DESC) END AS rank
  FROM counted
  LEFT JOIN owners ON owners.owner_id = counted.owner_id
)
SELECT
  CAST(rank AS BIGINT) AS rank,
  owner,
  team,
  breakdown,
  won,
  lost,
  open,
  CASE WHEN won + lost > 0 THEN CAST(won AS DOUBLE) / (won + lost) END AS win_rate,
  wilson(won, won + lost)['low'] AS low,
  wilson(won, won + lost)['high'] AS high,
  won_value,
  CASE WHEN won_cycles > 0 THEN CAST(won_time AS DOUBLE) / won_cycles / 86400000000 END AS mean_cycle_won_days,
  won_days['low'] AS mean_cycle_won_days_low,
  won_days['high'] AS mean_cycle_won_days_high,
  CASE WHEN lost_cycles > 0 THEN CAST(lost_time AS DOUBLE) / lost_cycles / 86400000000 END AS mean_cycle_lost_days,
  lost_days['low'] AS mean_cycle_lost_days_low,
  lost_days['high'] AS mean_cycle_lost_days_high
FROM rows_and_total
ORDER BY breakdown NULLS FIRST, is_total, won_value DESC, owner, owner_id
