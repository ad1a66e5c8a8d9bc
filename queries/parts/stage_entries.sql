--! title = { en = "Entries of deals into stages", zh = "商机进入阶段的记录" }
--! description = { en = "When each deal first entered each stage, with what came of it. Stages stand in the order in which deals enter them on average; entries at or after the closing of a deal only name its outcome and are no stage. A deal moves on when it first enters a stage of higher order, or is won; it is lost from the furthest stage it had reached, and a deal that was moved back still counts where it had got. Deals without stage history are left out, and so are closed deals that do not say when they closed.", zh = "每个商机首次进入各阶段的时间及其后续。阶段顺序按商机平均进入次序确定；关闭时及之后的记录仅表示结果，不算阶段。商机首次进入更靠后的阶段或赢单即为推进；输单计在其到达过的最靠后阶段；退回的商机仍按到达过的最靠后阶段计。无阶段历史的商机与未注明关闭时间的已关闭商机不计。" }
--! grain = "one row per deal and stage"

--- `moved_at` and `lost_at` exclude each other; both are null while the deal is
--- still in the stage. Windows, not joins, give a stage its number: the history is
--- read once.

WITH firsts AS (
  SELECT
    opportunity_id,
    stage,
    min(occurred_at) AS entered_at,
    first_value(amount ORDER BY occurred_at, amount) FILTER (WHERE amount IS NOT NULL) AS entered_amount
  FROM opportunity_stages
  GROUP BY opportunity_id, stage
),
placed AS (
  SELECT
    opportunities.*,
    firsts.stage AS entered_stage,
    firsts.entered_at,
    firsts.entered_amount,
    row_number() OVER (
      PARTITION BY firsts.opportunity_id ORDER BY firsts.entered_at, firsts.stage
    ) AS place
  FROM firsts
  JOIN opportunities ON opportunities.opportunity_id = firsts.opportunity_id
  WHERE firsts.entered_at < opportunities.closed_at
    OR (opportunities.closed_at IS NULL AND coalesce(opportunities.status, 'open') = 'open')
),
numbered AS (
  SELECT
    *,
    CAST(dense_rank() OVER (ORDER BY mean_place, entered_stage) AS BIGINT) AS stage_no
  FROM (
    SELECT
      *,
      CAST(sum(place) OVER (PARTITION BY entered_stage) AS DOUBLE)
        / count(*) OVER (PARTITION BY entered_stage) AS mean_place
    FROM placed
  )
),
ordered AS (
  SELECT
    *,
    min(entered_at) OVER (
      PARTITION BY opportunity_id ORDER BY stage_no DESC
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS later_at
  FROM numbered
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
  entered_stage AS stage,
  stage_no,
  entered_at,
  entered_amount,
  CASE
    WHEN later_at IS NOT NULL THEN greatest(later_at, entered_at)
    WHEN status = 'won' THEN closed_at
  END AS moved_at,
  CASE WHEN later_at IS NULL AND status = 'lost' THEN closed_at END AS lost_at
FROM ordered
