--! title = { en = "Touches and reactions", zh = "触达与客户反应" }
--! description = { en = "Every touch, with whether it is a reaction: what the customer or the mail server did with something we sent (opened, clicked, responded, redeemed, bounced, unsubscribed), as a row of its own.", zh = "每条触达记录，并标明是否为反应：客户或邮件服务器对我方触达的反应（打开、点击、回复、核销、退信、退订），作为单独一条记录。" }
--! grain = "one row per touch"

--- Which touches did we send? `kind` is in lower case.

SELECT
  customer_key,
  customer_id,
  campaign_id,
  owner_id,
  lower(kind) AS kind,
  occurred_at,
  responded_at,
  coalesce(
    one_of(lower(kind), ['opened', 'clicked', 'responded', 'redeemed', 'bounced', 'unsubscribed']), FALSE
  ) AS is_reaction
FROM touches
