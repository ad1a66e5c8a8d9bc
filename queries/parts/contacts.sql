--! title = { en = "Contacts by a person", zh = "人工联系" }
--! description = { en = "Every time a person of ours was in contact with a customer: a call, meeting, visit, demo or task, or a touch that names the seller and belongs to no campaign, such as a letter of their own; and activity called call, meeting, visit or demo. Mass mail is none, nor is what a customer did with it (opened, clicked, responded, redeemed).", zh = "员工与客户的每一次人工联系：电话、会议、拜访、演示或任务类触达，或注明销售且不属于任何营销活动的触达（如亲自发送的邮件）；以及名为 call、meeting、visit、demo 的行为。群发消息及客户对其的反应（打开、点击、回复、核销）不计。" }
--! grain = "one row per contact"

--- Who was spoken to, and when? `kind` is in lower case.

SELECT customer_key, customer_id, occurred_at, coalesce(kind, '') AS kind
FROM marked_touches
WHERE customer_key IS NOT NULL
  AND NOT is_reaction
  AND (
    one_of(kind, ['call', 'meeting', 'visit', 'demo', 'task'])
    OR (owner_id IS NOT NULL AND campaign_id IS NULL)
  )
UNION ALL
SELECT customer_key, customer_id, occurred_at, CAST(name AS VARCHAR)
FROM activity
WHERE one_of(name, ['call', 'meeting', 'visit', 'demo'])
