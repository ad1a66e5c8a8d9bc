--! title = { en = "Entries of deals into stages", zh = "商机进入阶段的记录" }
--! description = { en = "When each deal first entered each stage, with what came of it. Stages stand in the order in which deals enter them on average; entries at or after the closing of a deal only name its outcome and are no stage. A deal moves on when it first enters a stage of higher order, or is won; it is lost from the furthest stage it had reached, and a deal that was moved back still counts where it had got. Deals without stage history are left out, and so are closed deals that do not say when they closed.", zh = "每个商机首次进入各阶段的时间及其后续。阶段顺序按商机平均进入次序确定；关闭时及之后的记录仅表示结果，不算阶段。商机首次进入更靠后的阶段或赢单即为推进；输单计在其到达过的最靠后阶段；退回的商机仍按到达过的最靠后阶段计。无阶段历史的商机与未注明关闭时间的已关闭商机不计。" }
--! grain = "one row per deal and stage"

--- `moved_at` and `lost_at` exclude each other; both are null while the deal is
--- still in the stage.

WITH histories AS (
  SELECT
    opportunities.opportunity_id,
    stage_history(
      opportunity_stages.stage, opportunity_stages.occurred_at, opportunity_stages.amount
    ) AS entries
  FROM opportunity_stages
  JOIN opportunities ON opportunities.opportunity_id = opportunity_stages.opportunity_id
  WHERE opportunity_stages.occurred_at < opportunities.closed_at
    OR (opportunities.closed_at IS NULL AND coalesce(opportunities.status, 'open') = 'open')
  GROUP BY opportunities.opportunity_id
),
stages_in_order AS (
  SELECT array_agg(stage ORDER BY mean_place, stage) AS stages
  FROM (
    SELECT entry['stage'] AS stage, avg(entry['place']) AS mean_place
    FROM (SELECT unnest(entries) AS entry FROM histories)
    GROUP BY 1
  )
),
moves AS (
  SELECT
    opportunities.*,
    unnest(stage_moves(histories.entries, stages_in_order.stages)) AS move
  FROM stages_in_order
  CROSS JOIN histories
  JOIN opportunities ON opportunities.opportunity_id = histories.opportunity_id
)
SELECT
  opportunity_id,
  customer_key,
  customer_id,
  owner_id,
  amount,
  currency,
  status,
  created_at,
  closed_at,
  expected_close_at,
  move['stage'] AS stage,
  move['stage_no'] AS stage_no,
  move['entered_at'] AS entered_at,
  move['amount'] AS entered_amount,
  CASE
    WHEN move['later_at'] IS NOT NULL THEN greatest(move['later_at'], move['entered_at'])
    WHEN status = 'won' THEN closed_at
  END AS moved_at,
  CASE WHEN move['later_at'] IS NULL AND status = 'lost' THEN closed_at END AS lost_at
FROM moves
