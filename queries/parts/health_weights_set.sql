--! title = { en = "Signals of health and their weights", zh = "健康信号及权重" }
--! description = { en = "The names of the signals, and the weights that were set, as shares of their sum and in the order of the signals; null if all are 0. A negative weight counts as 0.", zh = "各信号名称，以及设定的权重占合计的比例，按信号顺序排列；全部为 0 时为空。负数按 0 计。" }
--! grain = "one row"

WITH given AS (
  SELECT
    [
      'recency', 'usage', 'trend', 'breadth', 'tickets',
      'complaints', 'nps', 'renewal', 'orders', 'contact'
    ] AS names,
    [
      $weight_recency, $weight_usage, $weight_trend, $weight_breadth, $weight_tickets,
      $weight_complaints, $weight_nps, $weight_renewal, $weight_orders, $weight_contact
    ] AS weights
)
SELECT
  names,
  CASE WHEN array_sum(weights) > 0 THEN array_scale(weights, 1.0 / array_sum(weights)) END AS weights
FROM given
