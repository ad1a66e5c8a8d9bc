--! title = { en = "Entries of deals into stages", zh = "商机进入阶段的记录" }
--! description = { en = "When each deal first entered each stage, with what came of it. Stages stand in the order in which deals enter them on average; entries at or after the closing of a deal only name its outcome and are no stage. A deal moves on when it first enters a stage of higher order, or is won; it is lost from the last stage it was in. Deals without stage history are left out.", zh = "每个商机首次进入各阶段的时间及其后续。阶段顺序按商机平均进入次序确定；关闭时及之后的记录仅表示结果，不算阶段。商机首次进入更靠后的阶段或赢单即为推进；输单计在其所处的最后阶段。无阶段历史的商机不计。" }
--! grain = "one row per deal and stage"

--- `moved_at` and `lost_at` exclude each other; both are null while the deal is
--- still in the stage.

WITH firsts AS (
  SELECT
    history.opportunity_id,
    history.stage,
    min(history.occurred_at) AS entered_at
  FROM opportunity_stages AS history
  JOIN opportunities ON opportunities.opportunity_id = history.opportunity_id
  WHERE opportunities.closed_at IS NULL OR history.occurred_at < opportunities.closed_at
  GROUP BY history.opportunity_id, history.stage
),
stages AS (
  SELECT
    stage,
    row_number() OVER (ORDER BY CAST(sum(place) AS DOUBLE) / count(*), stage) AS stage_no
  FROM (
    SELECT stage, row_number() OVER (PARTITION BY opportunity_id ORDER BY entered_at, stage) AS place
    FROM firsts
  )
  GROUP BY stage
),
ordered AS (
  SELECT
    firsts.opportunity_id,
    firsts.stage,
    CAST(stages.stage_no AS BIGINT) AS stage_no,
    firsts.entered_at,
    min(firsts.entered_at) OVER (
      PARTITION BY firsts.opportunity_id ORDER BY stages.stage_no DESC
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS later_at
  FROM firsts
  JOIN stages ON stages.stage = firsts.stage
)
SELECT
  ordered.opportunity_id,
  opportunities.customer_key,
  opportunities.customer_id,
  opportunities.owner_id,
  opportunities.amount,
  opportunities.currency,
  opportunities.status,
  opportunities.created_at,
  opportunities.closed_at,
  opportunities.expected_close_at,
  ordered.stage,
  ordered.stage_no,
  ordered.entered_at,
  CASE
    WHEN ordered.later_at IS NOT NULL THEN greatest(ordered.later_at, ordered.entered_at)
    WHEN opportunities.status = 'won' THEN opportunities.closed_at
  END AS moved_at,
  CASE WHEN ordered.later_at IS NULL AND opportunities.status = 'lost' THEN opportunities.closed_at END AS lost_at
FROM ordered
JOIN opportunities ON opportunities.opportunity_id = ordered.opportunity_id
