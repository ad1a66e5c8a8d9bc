--! title = { en = "Predicted lifetime value", zh = "客户未来价值预测" }
--! description = { en = "What each customer is expected to bring within the horizon. Two models, fitted to all buyers, say how often a customer will buy and whether they have left (BG/NBD), and how much a purchase brings (Gamma-Gamma): see the report Models of buying and spending, and Back-test of predicted purchases for how well they would have done. The interval is that of the expectation; what a single customer does varies more. By this model nobody leaves before a second purchase, so customers who bought once have no probability. With too few repeat buyers nothing can be fitted, and values are empty. A breakdown stands beside each customer; models and ranking stay those of all buyers.", zh = "预测期内每位客户预计带来多少价值。两个模型均以全部下单客户拟合：BG/NBD 估计购买频次与是否已流失，Gamma-Gamma 估计单次金额；参数见报表“购买与消费模型参数”，准确度见报表“购买预测回测”。区间是期望值的区间，单个客户的实际波动更大。按该模型，客户在第二次购买之前不会流失，因此仅购买一次者不显示概率。复购客户不足时无法拟合，数值为空。选择分组时在客户旁列出分组值，模型与名次仍以全部下单客户为准。" }
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
--! doc = { en = "Yearly rate by which later purchases are discounted: at 0.1, one in a year is worth 1 / 1.1 of one today", zh = "未来购买的年折现率：0.1 即一年后的购买按今天的 1 ÷ 1.1 计" }
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
--! doc = { en = "Local days with a purchase so far; a day with nothing but refunds is none", zh = "迄今有购买的天数；仅有退款的日期不计" }
--! [columns.last_purchase]
--! title = { en = "Last purchase", zh = "末次购买" }
--! unit = "date"
--! doc = { en = "Day of the last purchase", zh = "最近一次购买的日期" }
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
--! doc = { en = "Bought once: the model knows nothing of whether the customer is still there. Too few repeat buyers: no model could be fitted", zh = "仅购买一次：模型无法判断客户是否仍在；复购客户太少：无法拟合模型" }
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
  $breakdown AS breakdown,
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
