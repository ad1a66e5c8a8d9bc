--! title = { en = "Overdue follow-ups", zh = "逾期未跟进" }
--! description = { en = "Whom somebody should contact today: customers with an open deal whom no person has contacted for as many calendar days as Overdue after days says, most valuable first. The wait begins with the last contact, or with the opening of the deal if that is later, so that a deal of today is not overdue today. Value, number and days are of the overdue deals only; owner and stage are those of the largest, in a breakdown by owner too. Deals without a customer are not listed.", zh = "今天该联系谁：有进行中商机、且无人工联系已达“逾期天数”（日历天）的客户，按在谈金额从高到低。等待天数自最近一次联系起计，商机创建更晚时自创建起计，因此当天新建的商机不会当天逾期。金额、商机数与天数只计逾期商机；负责人与阶段取金额最大的商机，按负责人分组时亦同。无客户的商机不列出。" }
--! group = "process"
--! grain = "one row per customer with an overdue deal, and currency of these deals"
--! chart = { kind = "table" }
--!
--! [params.gap_days]
--! title = { en = "Overdue after days", zh = "逾期天数" }
--! type = "integer"
--! default = 3
--! most = 36500.0
--! doc = { en = "Calendar days without contact after which an open deal is overdue; three days is when sales teams commonly remind. Where deals take months, and most of them would be overdue, set more, such as 14 or 30, or as many as the team has agreed", zh = "进行中商机多少个日历天无联系即为逾期；三天是销售团队通行的提醒时限。若成交周期以月计、多数商机因此逾期，请改用更长的天数（如 14 或 30），或团队约定的天数" }
--!
--! [columns.rank]
--! title = { en = "Rank", zh = "名次" }
--! unit = "number"
--! doc = { en = "Place by open value among deals of the currency, from 1", zh = "同币种内按在谈金额的名次，从 1 开始" }
--! [columns.days_waiting]
--! title = { en = "Days waiting", zh = "等待天数" }
--! unit = "days"
--! doc = { en = "Calendar days since the last contact, or since the opening of the oldest of the overdue deals if that is later; empty if neither is known", zh = "距最近一次联系的日历天数；最早的逾期商机创建更晚时自其创建起计；两者均未知时为空" }
--! [columns.last_contact]
--! title = { en = "Last contact", zh = "最近联系" }
--! unit = "date"
--! absent = { en = "Never", zh = "从未" }
--! doc = { en = "Day of the last contact by a person (a call, meeting, visit, demo or task, or a seller's own message; mass mail is none); empty if there was none", zh = "最近一次人工联系的日期（电话、会议、拜访、演示、任务，或销售亲自发送的消息；群发不计）；从未联系时为空" }
--! [columns.open_value]
--! title = { en = "Open value", zh = "在谈金额" }
--! unit = "money"
--! doc = { en = "Sum of the amounts of the overdue deals; those without an amount add nothing", zh = "逾期商机金额合计；未填金额的商机不计" }
--! [columns.deals]
--! title = { en = "Deals", zh = "商机数" }
--! unit = "count"
--! doc = { en = "Overdue deals of the customer", zh = "该客户的逾期商机数" }
--! [columns.stage]
--! title = { en = "Stage", zh = "阶段" }
--! unit = "text"
--! doc = { en = "Stage of the largest of these deals: the last one entered by the report's date", zh = "其中金额最大商机所处阶段，即截至报表日期最近进入的阶段" }

--- Whom should somebody call today? At a past date the stage of a deal that
--- closed since is not known from the deal, so it is read from its history.

WITH deals AS (
  SELECT
    customer_key,
    currency,
    opportunity_id,
    owner_id,
    stage,
    last_contact_at,
    row_number() OVER (
      PARTITION BY customer_key, currency ORDER BY amount DESC NULLS LAST, opportunity_id
    ) AS nth,
    coalesce(sum(amount) OVER (PARTITION BY customer_key, currency), 0) AS open_value,
    count(*) OVER (PARTITION BY customer_key, currency) AS deals,
    max(days_waiting) OVER (PARTITION BY customer_key, currency) AS days_waiting
  FROM open_deals
  WHERE coalesce(days_waiting >= $gap_days, TRUE)
    AND ($currency IS NULL OR currency = $currency)
),
staged AS (
  SELECT
    deals.customer_key,
    deals.currency,
    deals.owner_id,
    deals.last_contact_at,
    deals.open_value,
    deals.deals,
    deals.days_waiting,
    coalesce(history.stage, deals.stage) AS stage,
    row_number() OVER (
      PARTITION BY deals.opportunity_id
      ORDER BY history.occurred_at DESC, history.load_id DESC, history.row_no DESC
    ) AS nth
  FROM deals
  LEFT JOIN opportunity_stages AS history ON history.opportunity_id = deals.opportunity_id
  WHERE deals.nth = 1
)
SELECT
  row_number() OVER (
    PARTITION BY staged.currency
    ORDER BY staged.open_value DESC, staged.days_waiting DESC NULLS FIRST, customers.customer_id
  ) AS rank,
  customers.customer_id,
  customers.name AS customer,
  coalesce(owners.name, staged.owner_id, '(no owner)') AS owner,
  $breakdown_of_staged AS breakdown,
  staged.days_waiting,
  period('day', staged.last_contact_at, $tz) AS last_contact,
  staged.open_value,
  staged.currency,
  staged.deals,
  staged.stage
FROM staged
JOIN customers ON customers.customer_key = staged.customer_key
LEFT JOIN owners ON owners.owner_id = staged.owner_id
WHERE staged.nth = 1
ORDER BY staged.currency NULLS FIRST, rank
