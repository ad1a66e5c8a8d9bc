--! title = { en = "Data quality by owner", zh = "各负责人客户资料质量" }
--! description = { en = "Whose customer records are kept, worst first. Five fields are looked at: owner, segment, channel, region and industry. Records without an owner lack one of them by definition. Customers whom only other records mention count too: nobody has entered anything about them. Without contact are customers whom no person has contacted for a long time, new ones left out. What a source does not deliver looks like what nobody entered: compare owners, not the level.", zh = "各负责人名下的客户资料是否齐全，最差在前。检查负责人、分层、渠道、地区、行业五个字段；无负责人的客户必然缺一项。仅在其他记录中出现的客户也计入，因为没有人录入过其资料。久未联系为长期无人工联系的客户，新客户除外。来源系统未提供的字段与无人填写的字段看起来相同：应比较负责人之间的差异，而非绝对水平。" }
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
--! [columns.filled_share_low]
--! title = { en = "Filled, low", zh = "填写率下限" }
--! unit = "share"
--! doc = { en = "Lower end of its 95 % interval (Hall, over customers); empty below five, or if all are equal", zh = "填写率 95% 区间下限（Hall 法，以客户为单位）；客户少于五位或全部相同时为空" }
--! [columns.filled_share_high]
--! title = { en = "Filled, high", zh = "填写率上限" }
--! unit = "share"
--! doc = { en = "Upper end of its 95 % interval (Hall, over customers)", zh = "填写率 95% 区间上限（Hall 法，以客户为单位）" }
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
--! doc = { en = "Customers created so many calendar days ago or more, and with no contact by a person in that time: a call, meeting, visit, demo or task, or a seller's own message; mass mail is none", zh = "创建已满该天数、且其间无人工联系的客户数；人工联系指电话、会议、拜访、演示、任务，或销售亲自发送的消息，群发不计" }

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
    mean_interval(moments(n_filled)) AS filled_ends,
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
  counted.filled_ends['low'] / 5 AS filled_share_low,
  CASE WHEN counted.filled_ends['high'] > 5 THEN 1 ELSE counted.filled_ends['high'] / 5 END AS filled_share_high,
  counted.complete,
  CAST(counted.complete AS DOUBLE) / counted.customers AS complete_share,
  wilson(counted.complete, counted.customers)['low'] AS low,
  wilson(counted.complete, counted.customers)['high'] AS high,
  counted.without_contact
FROM counted
LEFT JOIN owners ON owners.owner_id = counted.owner_id
ORDER BY rank
