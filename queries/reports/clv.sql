--! title = { en = "Predicted lifetime value", zh = "客户未来价值预测" }
--! description = { en = "What each customer is expected to bring within the horizon. BG/NBD says how often they will buy and whether they have left, Gamma-Gamma how much a purchase brings; both are fitted here to all buyers (report `clv_model` shows the laws, `clv_backtest` how well they would have done). A purchase is a local day with an order. Value = expected purchases × expected mean amount, later ones discounted. The interval is that of the expectation; what a single customer does varies more. Who bought only once had no chance to leave by this law: no probability is shown, and none is meant. Without enough repeat buyers nothing can be fitted and values stay empty.", zh = "预测期内每位客户预计带来的价值。BG/NBD 估计购买频次与是否已流失，Gamma-Gamma 估计单次金额；两者均以全部买家在此拟合（clv_model 显示模型，clv_backtest 显示回测）。购买指有订单的本地日期。价值 = 预计购买次数 × 预计单次金额，远期打折。区间为期望值的区间，单个客户的实际波动更大。仅购买一次的客户在该模型下没有流失机会，因此不显示活跃概率。复购客户不足时无法拟合，数值为空。" }
--! group = "revenue"
--! grain = "one row per customer with a purchase, most valuable first, up to the limit"
--! chart = { kind = "table" }
--!
--! [params.horizon]
--! title = { en = "Horizon, days", zh = "预测期（天）" }
--! type = "integer"
--! default = 365
--! least = 1.0
--! most = 36500.0
--! doc = { en = "How many days ahead", zh = "向前预测的天数" }
--!
--! [params.discount]
--! title = { en = "Discount", zh = "折现率" }
--! type = "number"
--! default = 0.1
--! most = 10.0
--! doc = { en = "How much less a purchase is worth a year later, 0.1 for ten in a hundred", zh = "一年后购买的折现率，0.1 即 10%" }
--!
--! [params.limit]
--! title = { en = "Limit", zh = "行数上限" }
--! type = "integer"
--! default = 100
--! least = 1.0
--! doc = { en = "Show so many customers", zh = "显示的客户数" }
--!
--! [columns.purchases]
--! title = { en = "Purchases", zh = "购买次数" }
--! unit = "count"
--! doc = { en = "Days with an order so far", zh = "迄今有订单的天数" }
--! [columns.last_purchase]
--! title = { en = "Last purchase", zh = "末次购买" }
--! unit = "date"
--! doc = { en = "Day of the last order", zh = "末次下单日期" }
--! [columns.revenue]
--! title = { en = "Revenue so far", zh = "迄今营收" }
--! unit = "money"
--! doc = { en = "Net revenue so far, refunds negative", zh = "迄今净营收，退款为负" }
--! [columns.p_alive]
--! title = { en = "Still a customer", zh = "仍为客户的概率" }
--! unit = "share"
--! doc = { en = "Probability of not having left for good; empty after a single purchase", zh = "尚未永久流失的概率；仅购买一次者为空" }
--! [columns.expected_purchases]
--! title = { en = "Expected purchases", zh = "预计购买次数" }
--! unit = "number"
--! doc = { en = "Purchases to expect within the horizon", zh = "预测期内预计购买次数" }
--! [columns.expected_amount]
--! title = { en = "Expected amount", zh = "预计单次金额" }
--! unit = "money"
--! doc = { en = "Mean amount to expect of a purchase", zh = "预计单次购买的平均金额" }
--! [columns.value]
--! title = { en = "Predicted value", zh = "预测价值" }
--! unit = "money"
--! doc = { en = "Purchases to expect times their amount, discounted", zh = "预计购买次数 × 金额，折现后" }
--! [columns.low]
--! title = { en = "Low", zh = "区间下限" }
--! unit = "money"
--! doc = { en = "Lower end of the 95 % interval of the expectation", zh = "期望值 95% 区间下限" }
--! [columns.high]
--! title = { en = "High", zh = "区间上限" }
--! unit = "money"
--! doc = { en = "Upper end of the 95 % interval of the expectation", zh = "期望值 95% 区间上限" }
--! [columns.note]
--! title = { en = "Note", zh = "备注" }
--! unit = "code"
--! doc = { en = "bought_once: a single purchase so far; the law knows nothing of whether the customer is still there. not_fitted: too few buyers came back for a law", zh = "bought_once：迄今仅购买一次，模型无法判断其是否仍在；not_fitted：复购客户太少，无法拟合" }
--!
--! [labels]
--! bought_once = { en = "bought once", zh = "仅购买一次" }
--! not_fitted = { en = "too few repeat buyers", zh = "复购客户太少" }

--- Who is worth keeping from now on?

WITH laws AS (
  SELECT bg_nbd(repeats, last_week, weeks)['law'] AS buying, gamma_gamma(repeats, mean_amount)['law'] AS spending
  FROM buyers
),
valued AS (
  SELECT
    buyers.*,
    clv(
      laws.buying, laws.spending, repeats, last_week, weeks, mean_amount,
      CAST($horizon AS DOUBLE) / 7, power(1 + $discount, 7 / 365.25) - 1
    ) AS expected
  FROM buyers
  CROSS JOIN laws
),
ranked AS (
  SELECT valued.*, row_number() OVER (ORDER BY expected['value'] DESC NULLS LAST, revenue DESC, customer_id) AS rank
  FROM valued
),
draws AS (
  SELECT
    bg_nbd(repeats, last_week, weeks)['draws'] AS buying,
    gamma_gamma(repeats, mean_amount)['draws'] AS spending
  FROM buyers
),
shown AS (
  SELECT
    ranked.*,
    clv_interval(
      draws.buying, draws.spending, repeats, last_week, weeks, mean_amount,
      CAST($horizon AS DOUBLE) / 7, power(1 + $discount, 7 / 365.25) - 1
    ) AS ends
  FROM ranked
  CROSS JOIN draws
  WHERE rank <= $limit
)
SELECT
  CAST(shown.rank AS BIGINT) AS rank,
  shown.customer_id,
  customers.name AS customer,
  coalesce(owners.name, customers.owner_id, '(no owner)') AS owner,
  shown.repeats + 1 AS purchases,
  shown.last_day AS last_purchase,
  shown.revenue,
  shown.expected['alive'] AS p_alive,
  shown.expected['purchases'] AS expected_purchases,
  shown.expected['mean'] AS expected_amount,
  shown.expected['value'] AS value,
  shown.ends['low'] AS low,
  shown.ends['high'] AS high,
  CASE
    WHEN shown.expected['value'] IS NULL THEN 'not_fitted'
    WHEN shown.repeats = 0 THEN 'bought_once'
  END AS note
FROM shown
LEFT JOIN customers ON customers.customer_key = shown.customer_key
LEFT JOIN owners ON owners.owner_id = customers.owner_id
ORDER BY rank
