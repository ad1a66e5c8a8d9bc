--! title = { en = "Touches", zh = "触达" }
--! description = { en = "How often the customer was touched before the cutoff, and what they did with it. Opened, clicked, responded, redeemed, bounced and unsubscribed are reactions and no touches of ours.", zh = "截止日前对客户的触达次数及客户的反应。打开、点击、回复、核销、退信与退订是反应，不计为触达。" }
--! grain = "one row per customer with any touch or reaction"
--! [themes.touches]
--! title = { en = "Being in touch", zh = "触达频次" }
--! columns = ["touches_recency", "touches_30", "touches_90", "touches_365"]
--! [themes.reactions]
--! title = { en = "Reactions to touches", zh = "触达响应" }
--! columns = [
--!   "touches_answered", "touches_answer_recency", "touches_opens_180", "touches_responses_180",
--! ]
--! [themes.reach]
--! title = { en = "Whether messages arrive", zh = "消息可达性" }
--! fixed = true
--! columns = ["touches_bounces_365", "touches_unsubscribed"]
--! [columns.touches_recency]
--! title = { en = "Days since the last touch", zh = "距上次触达天数" }
--! unit = "days"
--! [columns.touches_30]
--! title = { en = "Touches in 30 days", zh = "近 30 天触达次数" }
--! unit = "count"
--! [columns.touches_90]
--! title = { en = "Touches in 90 days", zh = "近 90 天触达次数" }
--! unit = "count"
--! [columns.touches_365]
--! title = { en = "Touches in 365 days", zh = "近 365 天触达次数" }
--! unit = "count"
--! [columns.touches_answered]
--! title = { en = "Share of touches of 180 days that were answered", zh = "近 180 天触达的响应率" }
--! unit = "share"
--! [columns.touches_answer_recency]
--! title = { en = "Days since the customer last reacted to a touch", zh = "距客户上次对触达作出反应天数" }
--! unit = "days"
--! doc = { en = "An answer, or a reaction other than bounced and unsubscribed", zh = "回应，或退信、退订以外的反应" }
--! [columns.touches_opens_180]
--! title = { en = "Messages opened in 180 days", zh = "近 180 天打开消息次数" }
--! unit = "count"
--! [columns.touches_responses_180]
--! title = { en = "Clicks, responses and redemptions in 180 days", zh = "近 180 天点击、回复与核销次数" }
--! unit = "count"
--! [columns.touches_bounces_365]
--! title = { en = "Messages bounced in 365 days", zh = "近 365 天退信次数" }
--! unit = "count"
--! [columns.touches_unsubscribed]
--! title = { en = "Times unsubscribed", zh = "累计退订次数" }
--! unit = "count"
--- An answer is empty here until it has come. A window of w days is the w × 24
--- hours up to the cutoff.
WITH aged AS (
  SELECT customer_key, customer_id, kind, is_reaction, responded_at,
         (CAST($as_of AS BIGINT) - CAST(occurred_at AS BIGINT)) / 86400000000.0 AS age,
         (CAST($as_of AS BIGINT) - CAST(responded_at AS BIGINT)) / 86400000000.0 AS answered
  FROM marked_touches
  WHERE customer_key IS NOT NULL
),
counted AS (
  SELECT max(customer_id) AS customer_id,
         min(age) FILTER (WHERE NOT is_reaction) AS recency,
         count(*) FILTER (WHERE NOT is_reaction AND age < 30) AS touches_30,
         count(*) FILTER (WHERE NOT is_reaction AND age < 90) AS touches_90,
         count(*) FILTER (WHERE NOT is_reaction AND age < 180) AS touches_180,
         count(*) FILTER (WHERE NOT is_reaction AND age < 365) AS touches_365,
         count(responded_at) FILTER (WHERE NOT is_reaction AND age < 180) AS answered_180,
         min(answered) AS answered,
         min(age) FILTER (WHERE one_of(kind, ['opened', 'clicked', 'responded', 'redeemed'])) AS reacted,
         count(*) FILTER (WHERE kind = 'opened' AND age < 180) AS opens_180,
         count(*) FILTER (WHERE one_of(kind, ['clicked', 'responded', 'redeemed']) AND age < 180) AS responses_180,
         count(*) FILTER (WHERE kind = 'bounced' AND age < 365) AS bounces_365,
         count(*) FILTER (WHERE kind = 'unsubscribed') AS unsubscribed
  FROM aged
  GROUP BY customer_key
)
SELECT t.customer_id,
       t.recency AS touches_recency,
       t.touches_30,
       t.touches_90,
       t.touches_365,
       CAST(t.answered_180 AS DOUBLE) / nullif(t.touches_180, 0) AS touches_answered,
       -- least() passes over a null: whichever is known, or the later of both.
       least(t.answered, t.reacted) AS touches_answer_recency,
       t.opens_180 AS touches_opens_180,
       t.responses_180 AS touches_responses_180,
       t.bounces_365 AS touches_bounces_365,
       t.unsubscribed AS touches_unsubscribed
FROM counted t
ORDER BY t.customer_id
