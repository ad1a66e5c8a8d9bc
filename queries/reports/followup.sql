--! title = { en = "Follow-up", zh = "跟进时效" }
--! description = { en = "How soon new customers and leads were first contacted, and how many open deals wait for a contact, per owner. First contact: the first one by a person (a call, meeting, visit, demo or task, or a touch that names the seller and no campaign; mass mail is none) at or after the customer was created. The share counts those contacted within the limit among those for whom that is decided: whoever is younger than the limit and not yet contacted is left out. The median waits for those not contacted yet (Kaplan–Meier) and is empty while fewer than half can be expected to have been contacted; the median of contacted ones alone would be too short. Customers whom only other records mention are left out, as nobody knows when they were created; where a customer list gives no date, a customer was created when first seen. The period concerns the creation; deals are those open at the report's date. A deal is overdue if nobody was in contact with its customer for gap_days calendar days, counted from the deal's opening if that is later. Calls that nobody entered look like no calls.", zh = "各负责人对新客户（线索）的首次联系速度，以及等待联系的进行中商机。首次联系：客户创建时或之后的第一次人工联系（电话、会议、拜访、演示、任务，或注明销售且不属于营销活动的触达；群发不计）。达标率仅计已可判定的客户：未满时限且尚未联系的不计入。中位时长将尚未联系者作删失处理（Kaplan–Meier），不足半数可预期获得联系时为空；仅取已联系者的中位数会偏短。仅在其他记录中出现的客户不计，因其创建时间未知；客户名单未给出创建时间的，以首次出现为准。日期范围针对创建时间；商机为报表日期时仍在进行的商机。若连续 gap_days 个日历天无人联系该客户（商机创建更晚时自创建起计），商机即为逾期。未录入的电话等同于没有联系。" }
--! group = "process"
--! grain = "one row per owner with a new customer or an open deal, and a total row with owner null"
--! chart = { kind = "bar", x = "owner", y = ["share"], low = "low", high = "high", count = "decided", total = true }
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
--! doc = { en = "Calendar days without contact after which an open deal is overdue", zh = "进行中商机多少个日历天无联系即为逾期" }
--!
--! [columns.owner]
--! title = { en = "Owner", zh = "负责人" }
--! absent = { en = "Total", zh = "合计" }
--! unit = "text"
--! doc = { en = "Name, or id if the name is not known; empty in the total row; (no owner) where nobody is in charge", zh = "姓名，未知时为编号；合计行为空；无人负责时为 (no owner)" }
--! [columns.new_customers]
--! title = { en = "New customers", zh = "新客户" }
--! unit = "count"
--! doc = { en = "Customers and leads created in the period", zh = "期内创建的客户与线索数" }
--! [columns.contacted]
--! title = { en = "Contacted", zh = "已联系" }
--! unit = "count"
--! doc = { en = "Of these, contacted by now, however late", zh = "其中截至报表日期已联系的（不论早晚）" }
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
--! doc = { en = "In time divided by decided, with the 95 % interval of Wilson", zh = "按时联系 ÷ 可判定，附 Wilson 95% 区间" }
--! [columns.median_hours]
--! title = { en = "Median hours", zh = "首次联系中位时长（小时）" }
--! unit = "hours"
--! absent = { en = "Not known yet", zh = "尚不可知" }
--! doc = { en = "Hours after which half were contacted, those not contacted yet censored", zh = "半数客户完成首次联系所需小时数，尚未联系者作删失处理" }
--! [columns.open_deals]
--! title = { en = "Open deals", zh = "进行中商机" }
--! unit = "count"
--! doc = { en = "Deals of known customers neither won nor lost at the report's date", zh = "报表日期时未赢单、未输单且客户已知的商机数" }
--! [columns.overdue_deals]
--! title = { en = "Overdue deals", zh = "逾期商机" }
--! unit = "count"
--! doc = { en = "Of these, without a contact for gap_days; they are listed in the report `overdue`", zh = "其中已达 gap_days 天无联系的，明细见报表 overdue" }

--- Is whoever comes in called at once, and is nobody forgotten? Leads and deals
--- are stacked before they are counted, so that an owner with only one of them
--- has a row; each counts once for its owner and once for the total.

WITH leads AS (
  SELECT
    customers.customer_key,
    customers.owner_id,
    CAST(customers.created_at AS BIGINT) AS created,
    min(CAST(contacts.occurred_at AS BIGINT)) AS contacted
  FROM customers
  LEFT JOIN contacts
    ON contacts.customer_key = customers.customer_key AND contacts.occurred_at >= customers.created_at
  WHERE NOT coalesce(customers.implied, FALSE)
    AND customers.created_at IS NOT NULL
    AND ($from IS NULL OR period('day', customers.created_at, $tz) >= $from)
    AND ($to IS NULL OR period('day', customers.created_at, $tz) <= $to)
  GROUP BY customers.customer_key, customers.owner_id, customers.created_at
),
items AS (
  SELECT
    owner_id,
    (coalesce(contacted, CAST($as_of AS BIGINT)) - created) / 1000000 AS seconds,
    contacted IS NOT NULL AS is_contacted,
    coalesce(contacted, CAST($as_of AS BIGINT)) - created <= $within_hours * 3600000000.0 AS is_early,
    CAST(NULL AS BOOLEAN) AS is_overdue
  FROM leads
  UNION ALL
  SELECT owner_id, NULL, NULL, NULL, coalesce(days_waiting >= $gap_days, TRUE)
  FROM open_deals
),
counted AS (
  SELECT
    is_total,
    CASE WHEN NOT is_total THEN owner_id END AS owner_id,
    count(seconds) AS new_customers,
    count(*) FILTER (WHERE is_contacted) AS contacted,
    count(*) FILTER (WHERE is_contacted OR NOT is_early) AS decided,
    count(*) FILTER (WHERE is_contacted AND is_early) AS in_time,
    kaplan_meier(seconds, is_contacted) AS curve,
    count(*) FILTER (WHERE seconds IS NULL) AS open_deals,
    count(*) FILTER (WHERE is_overdue) AS overdue_deals
  FROM items
  CROSS JOIN (VALUES (FALSE), (TRUE)) AS totals (is_total)
  GROUP BY 1, 2
)
SELECT
  CASE WHEN NOT counted.is_total THEN coalesce(owners.name, counted.owner_id, '(no owner)') END AS owner,
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
ORDER BY counted.is_total, counted.overdue_deals DESC, counted.new_customers DESC, owner, counted.owner_id
