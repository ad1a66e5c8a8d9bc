--! title = { en = "Models of buying and spending", zh = "购买与消费模型参数" }
--! description = { en = "The models behind the report Predicted lifetime value, fitted to all buyers up to the report's date by maximum likelihood. BG/NBD: each customer buys at a rate of their own (gamma: shape r, rate alpha, in weeks) and after each purchase may leave for good (beta: a, b). Gamma-Gamma: amounts vary around each customer's mean (shape p), means over customers (shape q, scale v). Intervals are 95 %, by bootstrap over customers. With a breakdown, each value has models of its own, fitted to its buyers alone; a value with too few repeat buyers is left out. Predictions are always made with the models of all buyers.", zh = "报表“客户未来价值预测”所用的模型，以截至报表日期的全部下单客户按最大似然拟合。BG/NBD：客户各有购买速率（伽马分布：形状 r、速率 alpha，以周计），每次购买后可能永久流失（贝塔分布：a、b）。Gamma-Gamma：单次金额围绕客户均值波动（形状 p），客户均值之间服从形状 q、尺度 v。区间为对客户自助抽样的 95% 区间。选择分组时，各组仅以本组下单客户单独拟合；复购客户太少、无法拟合的组不列出。预测始终使用全部下单客户拟合的模型。" }
--! group = "revenue"
--! grain = "one row per breakdown value and parameter"
--! chart = { kind = "table" }
--!
--! [columns.law]
--! title = { en = "Model", zh = "模型" }
--! unit = "code"
--! doc = { en = "Of buying or of spending", zh = "购买模型或消费模型" }
--! [columns.parameter]
--! title = { en = "Parameter", zh = "参数" }
--! unit = "text"
--! doc = { en = "Name of the parameter in the papers", zh = "论文中的参数名" }
--! [columns.value]
--! title = { en = "Value", zh = "数值" }
--! unit = "number"
--! doc = { en = "Most likely value", zh = "最大似然估计值" }
--! [columns.low]
--! title = { en = "Low", zh = "区间下限" }
--! unit = "number"
--! doc = { en = "Lower end of the 95 % interval", zh = "95% 区间下限" }
--! [columns.high]
--! title = { en = "High", zh = "区间上限" }
--! unit = "number"
--! doc = { en = "Upper end of the 95 % interval", zh = "95% 区间上限" }
--! [columns.log_likelihood]
--! title = { en = "Log-likelihood", zh = "对数似然" }
--! unit = "number"
--! doc = { en = "Of the model at these values", zh = "模型在该参数下的对数似然" }
--! [columns.customers]
--! title = { en = "Customers", zh = "客户数" }
--! unit = "count"
--! doc = { en = "Buyers the model was fitted to; of Gamma-Gamma those who bought again", zh = "参与拟合的下单客户；Gamma-Gamma 仅含复购者" }
--!
--! [labels]
--! bg_nbd = { en = "Buying (BG/NBD)", zh = "购买（BG/NBD）" }
--! gamma_gamma = { en = "Spending (Gamma-Gamma)", zh = "消费（Gamma-Gamma）" }

--- What do the laws say? A parameter's draws are every fourth or third number.

WITH people AS (
  SELECT $breakdown AS breakdown, buyers.*
  FROM buyers
  LEFT JOIN customers ON customers.customer_key = buyers.customer_key
),
fits AS (
  SELECT
    breakdown,
    1 AS place,
    'bg_nbd' AS law,
    ['r', 'alpha', 'a', 'b'] AS names,
    [fit['law']['r'], fit['law']['alpha'], fit['law']['a'], fit['law']['b']] AS fitted,
    fit['draws'] AS draws,
    fit['log_likelihood'] AS log_likelihood,
    fit['customers'] AS customers
  FROM (SELECT breakdown, bg_nbd(repeats, last_week, weeks) AS fit FROM people GROUP BY breakdown)
  WHERE fit IS NOT NULL
  UNION ALL
  SELECT
    breakdown,
    2,
    'gamma_gamma',
    ['p', 'q', 'v'],
    [fit['law']['p'], fit['law']['q'], fit['law']['v']],
    fit['draws'],
    fit['log_likelihood'],
    fit['customers']
  FROM (SELECT breakdown, gamma_gamma(repeats, mean_amount) AS fit FROM people WHERE repeats > 0 GROUP BY breakdown)
  WHERE fit IS NOT NULL
),
drawn AS (
  SELECT
    breakdown,
    law,
    (number - 1) % n_names + 1 AS parameter_no,
    array_element(draws, number) AS draw
  FROM (
    SELECT
      breakdown,
      law,
      draws,
      CAST(cardinality(names) AS BIGINT) AS n_names,
      unnest(range(1, CAST(cardinality(draws) AS BIGINT) + 1)) AS number
    FROM fits
  )
),
ends AS (
  SELECT
    breakdown,
    law,
    parameter_no,
    quantile(draw, 0.025) AS low,
    quantile(draw, 0.975) AS high
  FROM drawn
  GROUP BY breakdown, law, parameter_no
),
parameters AS (
  SELECT
    breakdown,
    place,
    law,
    names,
    fitted,
    log_likelihood,
    customers,
    unnest(range(1, CAST(cardinality(names) AS BIGINT) + 1)) AS parameter_no
  FROM fits
)
SELECT
  parameters.law,
  array_element(parameters.names, parameters.parameter_no) AS parameter,
  parameters.breakdown,
  array_element(parameters.fitted, parameters.parameter_no) AS value,
  ends.low,
  ends.high,
  parameters.log_likelihood,
  parameters.customers
FROM parameters
JOIN ends
  ON ends.law = parameters.law
  AND ends.parameter_no = parameters.parameter_no
  AND (ends.breakdown IS NOT DISTINCT FROM parameters.breakdown)
ORDER BY parameters.breakdown NULLS FIRST, parameters.place, parameters.parameter_no
