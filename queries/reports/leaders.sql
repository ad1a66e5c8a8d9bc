--! title = { en = "Sellers", zh = "销售排行" }
--! description = { en = "Deals won, lost and open per seller. Win rate is won / (won + lost), with a Wilson 95 % interval; open deals are not in it. Won value is what deals were won for; only it is of one currency, deals are counted in all. Cycle is the mean time from opening to closing, in days of 24 hours. A deal counts for the seller it names, also after they have left. Ranked by won value; the last row is the total.", zh = "各销售的赢单、输单与进行中商机。赢单率 = 赢单 ÷（赢单 + 输单），附 Wilson 95% 区间，不含进行中商机。赢单金额为成交金额，仅此列限单一币种，商机数不分币种。周期为从创建到关闭的平均天数（每天 24 小时）。商机计入其注明的销售，离职者亦然。按赢单金额排名，最后一行为合计。" }
--! group = "sales"
--! grain = "one row per seller with a deal, and a total row with owner null"
--! chart = { kind = "bar", x = "owner", y = ["won_value"] }
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
--! doc = { en = "Place by won value, the same for equal values; empty in the total row", zh = "按赢单金额的名次，相同金额同名次；合计行为空" }
--! [columns.owner]
--! title = { en = "Seller", zh = "销售" }
--! absent = { en = "Total", zh = "合计" }
--! unit = "text"
--! doc = { en = "Name, or id if the name is not known; empty in the total row; (no owner) for deals nobody owns", zh = "姓名，未知时为编号；合计行为空；无人负责的商机显示为 (no owner)" }
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
--! doc = { en = "Won divided by won and lost; empty if none closed", zh = "赢单除以赢单与输单之和；无关闭商机时为空" }
--! [columns.won_value]
--! title = { en = "Won value", zh = "赢单金额" }
--! unit = "money"
--! doc = { en = "Sum of the amounts of won deals", zh = "赢单金额合计" }
--! [columns.mean_cycle_won_days]
--! title = { en = "Cycle, won", zh = "赢单周期" }
--! unit = "days"
--! doc = { en = "Mean days from opening to winning", zh = "从创建到赢单的平均天数" }
--! [columns.mean_cycle_lost_days]
--! title = { en = "Cycle, lost", zh = "输单周期" }
--! unit = "days"
--! doc = { en = "Mean days from opening to losing", zh = "从创建到输单的平均天数" }

--- Who wins, how often, how fast? Cycles are summed in whole microseconds and
--- divided once, so that the mean does not depend on the order of the rows.

WITH deals AS (
  SELECT
    owner_id,
    status = 'won' AS is_won,
    status = 'lost' AS is_lost,
    coalesce(status, 'open') = 'open' AS is_open,
    CASE WHEN $currency IS NULL OR currency = $currency THEN amount END AS amount,
    CAST(closed_at AS BIGINT) - CAST(created_at AS BIGINT) AS cycle
  FROM opportunities
  WHERE coalesce(status, 'open') = 'open'
    OR (
      ($from IS NULL OR period('day', closed_at, $tz) >= $from)
      AND ($to IS NULL OR period('day', closed_at, $tz) <= $to)
    )
),
counted AS (
  SELECT
    grouping(owner_id) AS is_total,
    owner_id,
    count(*) FILTER (WHERE is_won) AS won,
    count(*) FILTER (WHERE is_lost) AS lost,
    count(*) FILTER (WHERE is_open) AS open,
    coalesce(sum(amount) FILTER (WHERE is_won), 0) AS won_value,
    sum(cycle) FILTER (WHERE is_won) AS won_time,
    count(cycle) FILTER (WHERE is_won) AS won_cycles,
    sum(cycle) FILTER (WHERE is_lost) AS lost_time,
    count(cycle) FILTER (WHERE is_lost) AS lost_cycles
  FROM deals
  GROUP BY GROUPING SETS ((owner_id), ())
  HAVING count(*) > 0
),
rows_and_total AS (
  SELECT
    counted.*,
    CASE WHEN is_total = 0 THEN coalesce(owners.name, counted.owner_id, '(no owner)') END AS owner,
    owners.team,
    CASE WHEN is_total = 0 THEN rank() OVER (PARTITION BY is_total ORDER BY won_value DESC) END AS rank
  FROM counted
  LEFT JOIN owners ON owners.owner_id = counted.owner_id
)
SELECT
  CAST(rank AS BIGINT) AS rank,
  owner,
  team,
  won,
  lost,
  open,
  CASE WHEN won + lost > 0 THEN CAST(won AS DOUBLE) / (won + lost) END AS win_rate,
  wilson(won, won + lost)['low'] AS low,
  wilson(won, won + lost)['high'] AS high,
  won_value,
  CASE WHEN won_cycles > 0 THEN CAST(won_time AS DOUBLE) / won_cycles / 86400000000 END AS mean_cycle_won_days,
  CASE WHEN lost_cycles > 0 THEN CAST(lost_time AS DOUBLE) / lost_cycles / 86400000000 END AS mean_cycle_lost_days
FROM rows_and_total
ORDER BY is_total, won_value DESC, owner, owner_id
