--! title = { en = "Where alerts stand", zh = "预警现状" }
--! description = { en = "For each customer alerts were ever written about: the band the newest one that counts left the customer in (empty if the customer ended), whether anybody was told, and the newest one that was held back, if none came after it.", zh = "曾有预警记录的每位客户：最近一条有效预警后所处的等级（客户已终止时为空）、是否已通知，以及其后尚未发出的最近一条被抑制的预警。" }
--! grain = "one row per customer"
--- A row counts if somebody was told, or if it says where a customer stood when
--- first scored; one held back leaves everything to be said.
WITH ranked AS (
  SELECT
    customer_id, customer_key, band_to, suppressed, quiet_until,
    coalesce(suppressed = 'baseline', TRUE) AS counts,
    row_number() OVER (PARTITION BY customer_id ORDER BY run_id DESC) AS nth,
    row_number() OVER (
      PARTITION BY customer_id, coalesce(suppressed = 'baseline', TRUE) ORDER BY run_id DESC
    ) AS nth_alike
  FROM alerts
)
SELECT
  customer_id,
  max(customer_key) AS customer_key,
  max(band_to) FILTER (WHERE counts AND nth_alike = 1) AS band,
  coalesce(bool_or(suppressed IS NULL) FILTER (WHERE counts AND nth_alike = 1), FALSE) AS told,
  max(band_to) FILTER (WHERE NOT counts AND nth = 1) AS held_band,
  max(suppressed) FILTER (WHERE NOT counts AND nth = 1) AS held,
  max(quiet_until) FILTER (WHERE NOT counts AND nth = 1) AS held_until
FROM ranked
GROUP BY customer_id
ORDER BY customer_id
