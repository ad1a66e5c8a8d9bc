--! title = { en = "Conversations", zh = "人工联系" }
--! description = { en = "When and how often a person of ours was in contact with the customer before the cutoff: calls, meetings, visits, demos, tasks, and letters of their own. Mass mail is none.", zh = "截止日前员工与客户人工联系的时间与次数：电话、会议、拜访、演示、任务及亲自发送的邮件；群发消息不计。" }
--! grain = "one row per customer with any contact by a person"
--! [themes.contacts]
--! title = { en = "Conversations", zh = "人工联系情况" }
--! columns = ["contacts_recency", "contacts_90", "contacts_365"]
--! [columns.contacts_recency]
--! title = { en = "Days since a person was last in contact", zh = "距上次人工联系天数" }
--! unit = "days"
--! [columns.contacts_90]
--! title = { en = "Contacts by a person in 90 days", zh = "近 90 天人工联系次数" }
--! unit = "count"
--! [columns.contacts_365]
--! title = { en = "Contacts by a person in 365 days", zh = "近 365 天人工联系次数" }
--! unit = "count"
--- What counts as a contact is said by the part `contacts`.
WITH aged AS (
  SELECT customer_key, customer_id, (CAST($as_of AS BIGINT) - CAST(occurred_at AS BIGINT)) / 86400000000.0 AS age
  FROM contacts
  WHERE customer_key IS NOT NULL
),
counted AS (
  SELECT max(customer_id) AS customer_id,
         min(age) AS recency,
         count(*) FILTER (WHERE age < 90) AS contacts_90,
         count(*) FILTER (WHERE age < 365) AS contacts_365
  FROM aged
  GROUP BY customer_key
)
SELECT t.customer_id,
       t.recency AS contacts_recency,
       t.contacts_90,
       t.contacts_365
FROM counted t
ORDER BY t.customer_id
