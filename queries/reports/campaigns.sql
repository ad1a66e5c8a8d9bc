--! title = { en = "Campaigns", zh = "营销活动效果" }
--! description = { en = "What came of each campaign: whom it reached, who responded, who bought, and what it earned for its cost. A customer converts with an order line above zero between the first touch and the end of the conversion window. Read the conversion rate, which counts only customers whose window has ended (matured); the naive rate is too low while windows run. Who was touched was chosen, not drawn, so orders that would have come anyway are in it: for the effect see the report Experiment. The total row counts each customer and each order once. With a breakdown, costs are left out, as they are not known per customer. Touches without a campaign are not counted.", zh = "每个营销活动带来了什么：触达了谁、谁有响应、谁下单，与费用相比是否划算。自首次触达至转化时间窗结束，有金额大于零的订单行即为转化。请看转化率，它只计时间窗已结束的客户；时间窗未结束时，粗转化率偏低。触达对象是挑选的而非随机的，其中包含本来就会有的订单；要看真实效果请用报表“对照实验”。合计行中每位客户、每笔订单只计一次。费用无法分摊到客户，选择分组时不显示。未归属营销活动的触达不计。" }
--! group = "marketing"
--! grain = "one row per campaign, breakdown value and currency of its amounts, and a total row per currency; counts do not depend on the currency, and are repeated if a campaign has several"
--! chart = { kind = "bar", x = "campaign", y = ["conversion_rate"], low = "low", high = "high", count = "matured" }
--!
--! [params.window]
--! title = { en = "Conversion window", zh = "转化时间窗" }
--! type = "duration"
--! default = "14d"
--! doc = { en = "How long after the first touch an order counts", zh = "首次触达后多长时间内的订单计入" }
--!
--! [params.responses]
--! title = { en = "Responses", zh = "响应类型" }
--! type = "list"
--! default = ["opened", "clicked", "responded", "redeemed"]
--! doc = { en = "Kinds of touches that are the customer's response; a touch that was answered is one whatever its kind", zh = "视为客户响应的触达类型；得到回应的触达无论类型均计为响应" }
--!
--! [params.attribution]
--! title = { en = "Attribution", zh = "归因方式" }
--! type = "choice"
--! default = "every"
--! choices = ["every", "last"]
--! doc = { en = "Whether an order, with its conversion and revenue, counts in every campaign whose window holds it, or in the one, of those in the span, that first touched the customer last; in the total it counts once in any case", zh = "订单（转化与营收）计入时间窗覆盖它的每个营销活动，或只计入统计期内最晚首次触达该客户的营销活动；合计行始终只计一次" }
--!
--! [params.from]
--! title = { en = "From", zh = "起始日期" }
--! type = "date"
--! up_to = "to"
--! doc = { en = "Campaigns that started on or after this day, with all their touches and costs; one that does not say its start began with its first touch", zh = "该日（含）之后开始的营销活动，计其全部触达与费用；开始日期未知时以首次触达为准" }
--!
--! [params.to]
--! title = { en = "To", zh = "截止日期" }
--! type = "date"
--! doc = { en = "Campaigns that started on or before this day; one that does not say its start began with its first touch", zh = "该日（含）之前开始的营销活动；开始日期未知时以首次触达为准" }
--!
--! [columns.campaign_id]
--! title = { en = "Campaign id", zh = "营销活动编号" }
--! absent = { en = "Total", zh = "合计" }
--! unit = "text"
--! doc = { en = "The campaign's id in the source; empty in total rows", zh = "营销活动在来源系统中的编号；合计行留空" }
--! [columns.campaign]
--! title = { en = "Campaign", zh = "营销活动" }
--! absent = { en = "Total", zh = "合计" }
--! unit = "text"
--! doc = { en = "Name, or id if the name is not known; empty in total rows", zh = "营销活动名称，未知时为编号；合计行留空" }
--! [columns.channel]
--! title = { en = "Channel", zh = "渠道" }
--! unit = "text"
--! doc = { en = "Channel of the campaign", zh = "营销活动渠道" }
--! [columns.started_on]
--! title = { en = "Started", zh = "开始日期" }
--! unit = "date"
--! doc = { en = "First day of the campaign", zh = "营销活动首日" }
--! [columns.touches]
--! title = { en = "Touches", zh = "触达次数" }
--! unit = "count"
--! doc = { en = "Touches we sent, at least one per customer: neither responses nor other reactions (opened, clicked, responded, redeemed, bounced, unsubscribed)", zh = "我方发出的触达次数，不含响应类型与其他反应（打开、点击、回复、核销、退信、退订）；每位客户至少计一次" }
--! [columns.reach]
--! title = { en = "Reach", zh = "触达客户" }
--! unit = "count"
--! doc = { en = "Distinct customers touched", zh = "被触达的客户数（去重）" }
--! [columns.responded]
--! title = { en = "Responded", zh = "响应客户" }
--! unit = "count"
--! doc = { en = "Distinct customers with an answered touch, or one of a kind that is a response", zh = "有响应的客户数（去重）：触达得到回应，或触达类型属于“响应类型”" }
--! [columns.response_rate]
--! title = { en = "Response rate", zh = "响应率" }
--! unit = "share"
--! doc = { en = "Responded divided by reach", zh = "响应客户除以触达客户" }
--! [columns.response_low]
--! title = { en = "Response, low", zh = "响应率下限" }
--! unit = "share"
--! doc = { en = "Lower end of the 95 % interval of the response rate (Wilson)", zh = "响应率 95% 区间下限（Wilson）" }
--! [columns.response_high]
--! title = { en = "Response, high", zh = "响应率上限" }
--! unit = "share"
--! doc = { en = "Upper end of the 95 % interval of the response rate (Wilson)", zh = "响应率 95% 区间上限（Wilson）" }
--! [columns.converted]
--! title = { en = "Converted", zh = "转化客户" }
--! unit = "count"
--! doc = { en = "Customers with an order line above zero in their window so far", zh = "截至目前在时间窗内有金额大于零的订单行的客户数" }
--! [columns.naive_rate]
--! title = { en = "Naive conversion rate", zh = "粗转化率" }
--! unit = "share"
--! doc = { en = "Converted divided by reach: too low while windows run", zh = "转化客户除以触达客户；时间窗未结束时偏低" }
--! [columns.naive_rate_low]
--! title = { en = "Naive conversion, low", zh = "粗转化率下限" }
--! unit = "share"
--! doc = { en = "Lower end of its 95 % interval (Wilson)", zh = "粗转化率 95% 区间下限（Wilson）" }
--! [columns.naive_rate_high]
--! title = { en = "Naive conversion, high", zh = "粗转化率上限" }
--! unit = "share"
--! doc = { en = "Upper end of its 95 % interval (Wilson)", zh = "粗转化率 95% 区间上限（Wilson）" }
--! [columns.matured]
--! title = { en = "Matured", zh = "时间窗已结束的客户" }
--! unit = "count"
--! doc = { en = "Customers whose window has ended; in total rows, all of whose windows have", zh = "时间窗已结束的客户数；合计行中为全部时间窗均已结束的客户数" }
--! [columns.conversion_rate]
--! title = { en = "Conversion rate", zh = "转化率" }
--! unit = "share"
--! doc = { en = "Of matured customers, the share that converted", zh = "时间窗已结束的客户中转化的占比" }
--! [columns.revenue]
--! title = { en = "Revenue", zh = "营收" }
--! unit = "money"
--! doc = { en = "Net order lines in the windows, by the attribution chosen", zh = "时间窗内订单行净额，按所选归因方式计入" }
--! [columns.cost]
--! title = { en = "Cost", zh = "费用" }
--! unit = "money"
--! doc = { en = "What the campaign cost; empty if not known, or with a breakdown", zh = "营销活动费用；未知或选择分组时为空" }
--! [columns.roi]
--! title = { en = "ROI", zh = "投资回报率（ROI）" }
--! unit = "share"
--! doc = { en = "Revenue minus cost, divided by cost; in total rows, of campaigns with and without a known cost together", zh = "（营收 − 费用）÷ 费用；合计行包含费用未知的营销活动" }
--!
--! [labels]
--! every = { en = "Every campaign", zh = "每个营销活动" }
--! last = { en = "Last touched", zh = "最后触达" }

--- Who answered, who bought, was it worth it? All windows have one length, so an
--- order in some window of a customer lies before the next campaign's first touch
--- in exactly one of them, the last: that is the attribution to the last touch,
--- and how the total counts an order once.

WITH all_touched AS (
  SELECT
    campaign_id,
    customer_key,
    min(occurred_at) AS first_at,
    greatest(count(*) FILTER (WHERE NOT is_response AND NOT is_reaction), 1) AS touches,
    bool_or(responded_at IS NOT NULL OR is_response) AS has_responded
  FROM (SELECT *, coalesce(one_of(kind, $responses), false) AS is_response FROM marked_touches)
  WHERE campaign_id IS NOT NULL
  GROUP BY campaign_id, customer_key
),
-- A campaign is counted whole or not at all, or its cost would not be that of its
-- touches.
touched AS (
  SELECT campaign_id, customer_key, first_at, touches, has_responded
  FROM (
    SELECT
      all_touched.*,
      coalesce(campaigns.started_at, min(all_touched.first_at) OVER (PARTITION BY all_touched.campaign_id)) AS began
    FROM all_touched
    LEFT JOIN campaigns ON campaigns.campaign_id = all_touched.campaign_id
  )
  WHERE ($from IS NULL OR period('day', began, $tz) >= $from)
    AND ($to IS NULL OR period('day', began, $tz) <= $to)
),
-- The first touch of the next campaign; one sort for all is faster than a
-- partition per customer. The window's end is in microseconds: adding an interval
-- goes through the calendar.
timed AS (
  SELECT
    *,
    CAST(first_at AS BIGINT) + (CAST($as_of AS BIGINT) - CAST($as_of - $window AS BIGINT)) AS last_micros,
    CASE WHEN lead(customer_key) OVER in_turn = customer_key THEN lead(first_at) OVER in_turn END AS next_at
  FROM touched
  WINDOW in_turn AS (ORDER BY customer_key, first_at, campaign_id)
),
held AS (
  SELECT
    $breakdown AS breakdown,
    timed.campaign_id,
    timed.customer_key,
    timed.touches,
    timed.has_responded,
    timed.last_micros <= CAST($as_of AS BIGINT) AS is_matured,
    orders.currency,
    orders.amount,
    CASE WHEN $currency IS NULL OR orders.currency = $currency THEN orders.amount END AS money,
    timed.next_at IS NULL OR orders.occurred_at < timed.next_at AS is_last,
    $attribution = 'every' OR timed.next_at IS NULL OR orders.occurred_at < timed.next_at AS is_credited
  FROM timed
  LEFT JOIN customers ON customers.customer_key = timed.customer_key
  LEFT JOIN orders
    ON orders.customer_key = timed.customer_key
    AND orders.occurred_at >= timed.first_at
    AND CAST(orders.occurred_at AS BIGINT) <= timed.last_micros
),
-- Customers of a campaign, customers, and the money of each: all from one pass.
folded AS (
  SELECT
    grouping(campaign_id) AS is_total,
    grouping(currency) AS is_of_all,
    campaign_id,
    breakdown,
    currency,
    customer_key,
    max(touches) AS touches,
    bool_or(has_responded) AS has_responded,
    coalesce(bool_or(amount > 0 AND is_credited), false) AS has_converted,
    bool_and(is_matured) AS is_matured,
    CASE WHEN grouping(campaign_id) = 1 THEN sum(money) FILTER (WHERE is_last)
      ELSE sum(money) FILTER (WHERE is_credited) END AS revenue
  FROM held
  GROUP BY GROUPING SETS (
    (campaign_id, breakdown, customer_key), (customer_key), (campaign_id, breakdown, currency), (currency)
  )
),
-- A campaign has its rows even if it touched nobody; costs count in the total, too.
facts AS (
  SELECT *, CAST(NULL AS DECIMAL(18, 4)) AS cost FROM folded
  UNION ALL
  SELECT
    spots.is_total,
    spots.is_of_all,
    CASE spots.is_total WHEN 0 THEN campaigns.campaign_id END,
    NULL,
    CASE spots.is_of_all WHEN 0 THEN currency END,
    NULL, NULL, NULL, NULL, NULL, NULL,
    CASE spots.is_of_all WHEN 0 THEN cost END
  FROM campaigns
  LEFT JOIN (
    SELECT campaign_id, min(occurred_at) AS first_at
    FROM touches
    WHERE $from IS NOT NULL OR $to IS NOT NULL
    GROUP BY campaign_id
  ) AS begun ON begun.campaign_id = campaigns.campaign_id
  CROSS JOIN (VALUES (0, 0), (0, 1), (1, 0), (1, 1)) AS spots (is_total, is_of_all)
  WHERE ($from IS NULL OR period('day', coalesce(campaigns.started_at, begun.first_at), $tz) >= $from)
    AND ($to IS NULL OR period('day', coalesce(campaigns.started_at, begun.first_at), $tz) <= $to)
    AND ($currency IS NULL OR currency = $currency)
),
counted AS (
  SELECT
    is_total,
    is_of_all,
    campaign_id,
    breakdown,
    currency,
    coalesce(sum(touches), 0) AS touches,
    count(customer_key) AS reach,
    count(customer_key) FILTER (WHERE has_responded) AS responded,
    count(customer_key) FILTER (WHERE has_converted) AS converted,
    count(customer_key) FILTER (WHERE is_matured) AS matured,
    count(customer_key) FILTER (WHERE is_matured AND has_converted) AS matured_converted,
    CASE is_of_all WHEN 0 THEN sum(revenue) END AS revenue,
    sum(cost) AS cost,
    max(max(breakdown)) OVER () IS NOT NULL AS is_broken_down
  FROM facts
  GROUP BY is_total, is_of_all, campaign_id, breakdown, currency
),
-- The row of all currencies has the counts, the others the money.
spread AS (
  SELECT
    is_total,
    is_of_all,
    campaign_id,
    breakdown,
    currency,
    CASE is_total
      WHEN 1 THEN sum(CASE WHEN is_of_all = 1 AND is_total = 0 THEN touches ELSE 0 END) OVER ()
      ELSE max(CASE is_of_all WHEN 1 THEN touches END) OVER same
    END AS touches,
    max(reach) OVER same AS reach,
    max(responded) OVER same AS responded,
    max(converted) OVER same AS converted,
    max(matured) OVER same AS matured,
    max(matured_converted) OVER same AS matured_converted,
    coalesce(revenue, 0) AS revenue,
    CASE WHEN NOT is_broken_down THEN cost END AS cost,
    coalesce(revenue, CASE WHEN NOT is_broken_down THEN cost END) IS NOT NULL AS has_money,
    bool_or(coalesce(revenue, CASE WHEN NOT is_broken_down THEN cost END) IS NOT NULL) OVER same AS some_money,
    is_broken_down
  FROM counted
  WINDOW same AS (PARTITION BY is_total, campaign_id, breakdown)
)
SELECT
  spread.campaign_id,
  coalesce(campaigns.name, spread.campaign_id) AS campaign,
  campaigns.channel,
  period('day', campaigns.started_at, $tz) AS started_on,
  spread.breakdown,
  spread.touches,
  spread.reach,
  spread.responded,
  CAST(spread.responded AS DOUBLE) / nullif(spread.reach, 0) AS response_rate,
  wilson(spread.responded, spread.reach)['low'] AS response_low,
  wilson(spread.responded, spread.reach)['high'] AS response_high,
  spread.converted,
  CAST(spread.converted AS DOUBLE) / nullif(spread.reach, 0) AS naive_rate,
  wilson(spread.converted, spread.reach)['low'] AS naive_rate_low,
  wilson(spread.converted, spread.reach)['high'] AS naive_rate_high,
  spread.matured,
  CAST(spread.matured_converted AS DOUBLE) / nullif(spread.matured, 0) AS conversion_rate,
  wilson(spread.matured_converted, spread.matured)['low'] AS low,
  wilson(spread.matured_converted, spread.matured)['high'] AS high,
  CASE WHEN spread.some_money THEN spread.currency ELSE coalesce(campaigns.currency, $currency) END AS currency,
  spread.revenue,
  spread.cost,
  CAST(spread.revenue - spread.cost AS DOUBLE) / nullif(CAST(spread.cost AS DOUBLE), 0) AS roi
FROM spread
LEFT JOIN campaigns ON campaigns.campaign_id = spread.campaign_id
WHERE (spread.touches > 0 OR NOT spread.is_broken_down)
  AND CASE WHEN spread.some_money THEN spread.is_of_all = 0 AND spread.has_money ELSE spread.is_of_all = 1 END
ORDER BY
  spread.is_total, started_on NULLS LAST, spread.campaign_id, spread.breakdown NULLS FIRST, currency NULLS FIRST
