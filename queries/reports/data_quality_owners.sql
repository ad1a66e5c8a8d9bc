--! title = { en = "Data quality by owner", zh = "各负责人客户资料质量" }
--! description = { en = "Whose customer records are kept, worst first. Filled is the share of the five fields owner, segment, channel, region and industry that have a value, over all customers of the owner; complete are records with all five, with Wilson's 95 % interval, so that three customers are not compared like three hundred. Records of nobody lack their owner by definition. Without contact: customers created at least contact_days calendar days ago with whom no person was in contact since (a call, meeting, visit, demo or task, or a touch that names the seller and no campaign). Customers whom only other records mention are counted too: nobody has entered anything about them. What a source does not deliver looks like what nobody entered: compare owners, not the level.", zh = "各负责人的客户资料完整情况，最差在前。填写率为其名下客户的负责人、分层、渠道、地区、行业五个字段中已填的占比；完整指五项齐全的客户，附 Wilson 95% 区间，避免把三个客户与三百个客户等同比较。无负责人的客户必然缺负责人一项。久未联系：创建已满 contact_days 个日历天、且此期间无人工联系（电话、会议、拜访、演示、任务，或注明销售且不属于营销活动的触达）的客户。仅在其他记录中出现的客户也计入，因为没有人录入过其资料。来源系统未提供的字段与无人填写的字段看起来相同：应比较负责人之间的差异，而非绝对水平。" }
--! group = "process"
--! grain = "one row per owner with a customer"
--! chart = { kind = "bar", x = "owner", y = ["complete_share"], low = "low", high = "high", count = "customers" }
--!
--! [params.contact_days]
--! title = { en = "Without contact after days", zh = "久未联系天数" }
--! type = "integer"
--! default = 180
--! most = 36500.0
--! doc = { en = "Calendar days without contact after which a customer counts as without contact", zh = "多少个日历天无联系计为久未联系" }
--!
--! [columns.rank]
--! title = { en = "Rank", zh = "名次" }
--! unit = "number"
--! doc = { en = "Place from the worst, 1: by share filled, then by number of customers", zh = "从最差起的名次：先按填写率，再按客户数" }
--! [columns.customers]
--! title = { en = "Customers", zh = "客户数" }
--! unit = "count"
--! doc = { en = "Customers of the owner", zh = "该负责人名下客户数" }
--! [columns.filled_share]
--! title = { en = "Filled", zh = "填写率" }
--! unit = "share"
--! doc = { en = "Filled fields divided by five times the customers", zh = "已填字段数 ÷（客户数 × 5）" }
--! [columns.complete]
--! title = { en = "Complete records", zh = "完整客户数" }
--! unit = "count"
--! doc = { en = "Customers with all five fields", zh = "五个字段齐全的客户数" }
--! [columns.complete_share]
--! title = { en = "Complete, share", zh = "完整率" }
--! unit = "share"
--! doc = { en = "Complete records divided by customers", zh = "完整客户数 ÷ 客户数" }
--! [columns.without_contact]
--! title = { en = "Without contact", zh = "久未联系客户" }
--! unit = "count"
--! doc = { en = "Customers with whom nobody was in contact for contact_days", zh = "contact_days 天内无人联系的客户数" }

--- Who keeps their customers' records, and who has lost sight of them?

WITH last_contacts AS (
  SELECT customer_key, max(occurred_at) AS last_contact_at
  FROM contacts
  GROUP BY customer_key
),
records AS (
  SELECT
    customers.owner_id,
    CAST(customers.owner_id IS NOT NULL AS BIGINT)
      + CAST(customers.segment IS NOT NULL AS BIGINT)
      + CAST(customers.channel IS NOT NULL AS BIGINT)
      + CAST(customers.region IS NOT NULL AS BIGINT)
      + CAST(customers.industry IS NOT NULL AS BIGINT) AS n_filled,
    -- The later of the last contact and the creation; neither known: as long as can be.
    period_index('day', period('day', $as_of, $tz)) - period_index(
      'day', period('day', greatest(last_contacts.last_contact_at, customers.created_at), $tz)
    ) AS days_alone
  FROM customers
  LEFT JOIN last_contacts ON last_contacts.customer_key = customers.customer_key
),
counted AS (
  SELECT
    owner_id,
    count(*) AS customers,
    sum(n_filled) AS filled,
    count(*) FILTER (WHERE n_filled = 5) AS complete,
    count(*) FILTER (WHERE coalesce(days_alone >= $contact_days, TRUE)) AS without_contact
  FROM records
  GROUP BY owner_id
)
SELECT
  row_number() OVER (
    ORDER BY CAST(counted.filled AS DOUBLE) / counted.customers, counted.customers DESC, counted.owner_id
  ) AS rank,
  coalesce(owners.name, counted.owner_id, '(no owner)') AS owner,
  counted.customers,
  CAST(counted.filled AS DOUBLE) / (counted.customers * 5) AS filled_share,
  counted.complete,
  CAST(counted.complete AS DOUBLE) / counted.customers AS complete_share,
  wilson(counted.complete, counted.customers)['low'] AS low,
  wilson(counted.complete, counted.customers)['high'] AS high,
  counted.without_contact
FROM counted
LEFT JOIN owners ON owners.owner_id = counted.owner_id
ORDER BY rank
