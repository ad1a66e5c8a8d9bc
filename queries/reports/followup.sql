--! title = { en = "Follow-up", zh = "跟进时效" }
--! description = { en = "How soon new customers and leads were first contacted, and how many open deals wait for a contact, per owner. A contact is by a person: a call, meeting, visit, demo or task, or a seller's own message; mass mail is none, and a call that nobody entered looks like no call. The share in time leaves out whoever is not yet contacted and still within the limit. Customers whom only other records mention are left out, as nobody knows when they were created; where a customer list gives no date, a customer was created when first seen. From and To concern the creation; deals are those open at the report's date. With a breakdown each value has its own rows and total; a deal stands under the value of its customer, by owner under whoever is in charge of the deal.", zh = "各负责人对新客户和线索的首次联系有多快，有多少进行中商机在等待联系。联系指人工联系：电话、会议、拜访、演示、任务，或销售亲自发送的消息；群发不计，未录入的电话等同于没有联系。达标率不计尚未联系且仍在时限内的客户。仅在其他记录中出现的客户不计，因其创建时间未知；客户名单未给出创建时间的，以首次出现为准。起止日期针对创建时间；商机为报表日期时进行中的商机。选择分组时，每个分组值各有其负责人行与合计行；商机按其客户的分组值归组，按负责人分组时归商机负责人。" }
--! group = "process"
--! grain = "one row per owner and breakdown value with a new customer or an open deal, and per breakdown value a total row with owner null"
--! chart = { kind = "bar", x = "owner", y = ["share"], series = "breakdown", low = "low", high = "high", count = "decided", total = true }
--!
--! [params.within_hours]
--! title = { en = "Within hours", zh = "时限（小时）" }
--! type = "number"
--! default = 2.0
--! doc = { en = "How soon a first contact is expected, in hours of the clock", zh = "应完成首次联系的时限（自然小时）" }
--! [params.gap_days]
--! title = { en = "Overdue after days", zh = "逾期天数" }
--! type = "integer"
--! default = 3
--! most = 36500.0
--! doc = { en = "Calendar days without contact after which an open deal is overdue; three days is when sales teams commonly remind. Where deals take months, and most of them would be overdue, set more, such as 14 or 30, or as many as the team has agreed", zh = "进行中商机多少个日历天无联系即为逾期；三天是销售团队通行的提醒时限。若成交周期以月计、多数商机因此逾期，请改用更长的天数（如 14 或 30），或团队约定的天数" }
--!
--! [columns.owner]
--! title = { en = "Owner", zh = "负责人" }
--! absent = { en = "Total", zh = "合计" }
--! unit = "text"
--! doc = { en = "Name, or id if the name is not known; empty in the total row; (no owner) where nobody is in charge", zh = "姓名，未知时为编号；合计行留空；无人负责时为 (no owner)" }
--! [columns.new_customers]
--! title = { en = "New customers", zh = "新客户" }
--! unit = "count"
--! doc = { en = "Customers and leads created in the period", zh = "期内创建的客户与线索数" }
--! [columns.contacted]
--! title = { en = "Contacted", zh = "已联系" }
--! unit = "count"
--! doc = { en = "Of these, contacted by now, at or after the creation, however late", zh = "其中截至报表日期已联系的（创建时或之后，不论早晚）" }
--! [columns.decided]
--! title = { en = "Decided", zh = "可判定" }
--! unit = "count"
--! doc = { en = "Of these, contacted within the limit or older than it", zh = "其中已按时联系或已超过时限的" }
--! [columns.in_time]
--! title = { en = "In time", zh = "按时联系" }
--! unit = "count"
--! doc = { en = "Contacted within the limit", zh = "在时限内完成首次联系的" }
--! [columns.share]
--! title = { en = "In time, share", zh = "达标率" }
--! unit = "share"
--! doc = { en = "In time divided by decided", zh = "按时联系 ÷ 可判定" }
--! [columns.median_hours]
--! title = { en = "Median hours", zh = "首次联系用时中位数（小时）" }
--! unit = "hours"
--! absent = { en = "Not known yet", zh = "尚不可知" }
--! doc = { en = "Hours after which half were contacted, those not contacted yet counting for as long as they have waited (Kaplan–Meier); empty while fewer than half can be expected to have been", zh = "半数客户完成首次联系所需小时数，尚未联系者按已等待时长计入（Kaplan–Meier）；不足半数可预期获得联系时为空" }
--! [columns.open_deals]
--! title = { en = "Open deals", zh = "进行中商机" }
--! unit = "count"
--! doc = { en = "Deals of known customers neither won nor lost at the report's date", zh = "报表日期时未赢单、未输单且客户已知的商机数" }
--! [columns.overdue_deals]
--! title = { en = "Overdue deals", zh = "逾期商机" }
--! unit = "count"
--! doc = { en = "Of these, without a contact for as many calendar days as Overdue after days says, counted from the deal's opening if that is later; listed in the report Overdue follow-ups", zh = "其中无人工联系已达“逾期天数”的（商机创建更晚时自创建起计），明细见报表“逾期未跟进”" }

--- Is whoever comes in called at once, and is nobody forgotten? Leads and deals
--- are stacked before they are counted, so that an owner with only one of them
--- has a row; each counts once for its owner and once for the total.

WITH leads AS (
  SELECT
    customers.customer_key,
    customers.owner_id,
    $breakdown AS breakdown,
    CAST(customers.created_at AS BIGINT) AS created,
    min(CAST(contacts.occurred_at AS BIGINT)) AS contacted
  FROM customers
  LEFT JOIN contacts
    ON contacts.customer_key = customers.customer_key AND contacts.occurred_at >= customers.created_at
  WHERE NOT coalesce(customers.implied, FALSE)
    AND customers.created_at IS NOT NULL
    AND ($from IS NULL OR period('day', customers.created_at, $tz) >= $from)
    AND ($to IS NULL OR period('day', customers.created_at, $tz) <= $to)
  GROUP BY 1, 2, 3, customers.created_at
),
items AS (
  SELECT
    owner_id,
    breakdown,
    (coalesce(contacted, CAST($as_of AS BIGINT)) - created) / 1000000 AS seconds,
    contacted IS NOT NULL AS is_contacted,
    coalesce(contacted, CAST($as_of AS BIGINT)) - created <= $within_hours * 3600000000.0 AS is_early,
    CAST(NULL AS BOOLEAN) AS is_overdue
  FROM leads
  UNION ALL
  SELECT
    open_deals.owner_id,
    $breakdown_of_open_deals AS breakdown,
    NULL,
    NULL,
    NULL,
    coalesce(open_deals.days_waiting >= $gap_days, TRUE)
  FROM open_deals
  LEFT JOIN customers ON customers.customer_key = open_deals.customer_key
),
counted AS (
  SELECT
    is_total,
    CASE WHEN NOT is_total THEN owner_id END AS owner_id,
    breakdown,
    count(seconds) AS new_customers,
    count(*) FILTER (WHERE is_contacted) AS contacted,
    count(*) FILTER (WHERE is_contacted OR NOT is_early) AS decided,
    count(*) FILTER (WHERE is_contacted AND is_early) AS in_time,
    kaplan_meier(seconds, is_contacted) AS curve,
    count(*) FILTER (WHERE seconds IS NULL) AS open_deals,
    count(*) FILTER (WHERE is_overdue) AS overdue_deals
  FROM items
  CROSS JOIN (VALUES (FALSE), (TRUE)) AS totals (is_total)
  GROUP BY 1, 2, 3
)
SELECT
  CASE WHEN NOT counted.is_total THEN coalesce(owners.name, counted.owner_id, '(no owner)') END AS owner,
  counted.breakdown,
  counted.new_customers,
  counted.contacted,
  counted.decided,
  counted.in_time,
  CASE WHEN counted.decided > 0 THEN CAST(counted.in_time AS DOUBLE) / counted.decided END AS share,
  wilson(counted.in_time, counted.decided)['low'] AS low,
  wilson(counted.in_time, counted.decided)['high'] AS high,
  survival_time(counted.curve, 0.5) / 3600.0 AS median_hours,
  counted.open_deals,
  counted.overdue_deals
FROM counted
LEFT JOIN owners ON owners.owner_id = counted.owner_id
ORDER BY
  counted.breakdown NULLS FIRST,
  counted.is_total,
  counted.overdue_deals DESC,
  counted.new_customers DESC,
  owner,
  counted.owner_id
