--! title = { en = "Weights of the health score", zh = "健康度权重" }
--! description = { en = "The weights that were set, as shares of their sum and in the order of the signals; null if all are 0. A negative weight counts as 0.", zh = "设定的权重占合计的比例，按信号顺序排列；全部为 0 时为空。负数按 0 计。" }
--! grain = "one row"

WITH given AS (
  SELECT
    [
      greatest($weight_recency, 0.0),
      greatest($weight_usage, 0.0),
      greatest($weight_trend, 0.0),
      greatest($weight_breadth, 0.0),
      greatest($weight_tickets, 0.0),
      greatest($weight_complaints, 0.0),
      greatest($weight_nps, 0.0),
      greatest($weight_renewal, 0.0),
      greatest($weight_orders, 0.0),
      greatest($weight_contact, 0.0)
    ] AS weights
)
SELECT CASE WHEN array_sum(weights) > 0 THEN array_scale(weights, 1.0 / array_sum(weights)) END AS weights
FROM given
