--! title = { en = "Open deals and their wait for a contact", zh = "进行中商机与等待联系天数" }
--! description = { en = "Deals neither won nor lost whose customer is known, with the calendar days since anybody was in contact with the customer. The wait begins when the deal was opened, if nobody was in contact since. Contacts are those of the part `contacts`. The owner is the deal's, or the customer's if the deal names none.", zh = "客户已知、尚未赢单或输单的商机，以及距最近一次与该客户人工联系的日历天数。商机创建后尚无联系的，自创建时起计。人工联系见部件 contacts。负责人为商机负责人，未填时为客户负责人。" }
--! grain = "one row per open deal of a known customer"

--- Which deals wait, and for how long?

WITH last_contacts AS (
  SELECT customer_key, max(occurred_at) AS last_contact_at
  FROM contacts
  GROUP BY customer_key
)
SELECT
  opportunities.opportunity_id,
  opportunities.customer_key,
  coalesce(opportunities.owner_id, customers.owner_id) AS owner_id,
  opportunities.stage,
  opportunities.amount,
  opportunities.currency,
  last_contacts.last_contact_at,
  period_index('day', period('day', $as_of, $tz)) - period_index(
    'day',
    period(
      'day',
      greatest(
        coalesce(last_contacts.last_contact_at, opportunities.created_at, customers.created_at),
        coalesce(opportunities.created_at, last_contacts.last_contact_at, customers.created_at)
      ),
      $tz
    )
  ) AS days_waiting
FROM opportunities
JOIN customers ON customers.customer_key = opportunities.customer_key
LEFT JOIN last_contacts ON last_contacts.customer_key = opportunities.customer_key
WHERE coalesce(opportunities.status, 'open') = 'open'
