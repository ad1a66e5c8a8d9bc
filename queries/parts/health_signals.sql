--! title = { en = "Signals of health", zh = "健康信号" }
--! description = { en = "What is known of each customer who is active or under contract, as ten signals from 0 (bad) to 1 (good), and the health score they make with the weights that were set. In their order: recency (0 from 60 days of silence on), usage (1 from 12 active days in 30), trend (rows of the last 30 days ÷ these and half of those of the 60 days before; unknown without any), breadth (1 from 5 different features, or names where a row has none, in 90 days), tickets (0 from 5 in 90 days), complaints (0 with one in 60 days), nps (a tenth of the last answer), renewal (1 with 180 days or more to the agreed end, of several contracts the last, or without one), orders (0 from 180 days after the last, refunds left out), contact (0 from 90 days after the last conversation, and without one where others have any). Without activity, recency, usage and breadth are 0. What is not known of a customer counts as the average of those of whom it is, to a millionth, and as a half if it is known of nobody.", zh = "每位活跃或在约客户的十项信号（0 差，1 好）及按设定权重合成的健康度。依次为：新近度（静默 60 天及以上为 0）、使用频率（30 天内活跃 12 天及以上为 1）、趋势（近 30 天行数 ÷（该行数 + 此前 60 天行数的一半），均无则未知）、广度（90 天内使用 5 种及以上功能为 1，无功能者按行为名称计）、工单（90 天内 5 张及以上为 0）、投诉（60 天内有投诉为 0）、NPS（最近评分 ÷ 10）、合同（距约定到期 180 天及以上或无固定期限为 1，多份取最晚者）、订单（最近下单 180 天及以上为 0，退款不计）、联系（最近人工联系 90 天及以上为 0；他人有记录而该客户无记录为 0）。无行为记录者新近度、使用频率与广度为 0。未知的信号取已知客户的平均值（精确到百万分之一），无人已知时取 0.5。" }
--! grain = "one row per customer active within `horizon` or under contract"

--- A day is 24 hours counted back from the moment, as in `queries/features`.
--- greatest() and least() pass over a null: what may be unknown is asked first.
--- Averages and scores are rounded, so that neither the order of a sum nor its
--- last bit decides whether two customers are equal.

WITH used AS (
  SELECT
    customer_key,
    usage(coalesce(feature, name), quantity, occurred_at, $as_of, [30, 90], []) AS u
  FROM activity
  WHERE customer_key IS NOT NULL
    AND (cardinality($activity) = 0 OR one_of(name, $activity))
  GROUP BY customer_key
),
contracts AS (
  SELECT
    customer_key,
    bool_or(ends_at IS NULL) AS is_open_ended,
    max((CAST(ends_at AS BIGINT) - CAST($as_of AS BIGINT)) / 86400000000.0) AS days_left
  FROM subscriptions
  WHERE ended_at IS NULL AND customer_key IS NOT NULL
  GROUP BY customer_key
),
bought AS (
  SELECT
    customer_key,
    (CAST($as_of AS BIGINT) - CAST(max(occurred_at) AS BIGINT)) / 86400000000.0 AS days
  FROM orders
  WHERE customer_key IS NOT NULL AND amount >= 0
  GROUP BY customer_key
),
answers AS (
  SELECT customer_key, latest(score, occurred_at, known_at, response_id) AS score
  FROM surveys
  WHERE coalesce(kind, 'nps') = 'nps' AND customer_key IS NOT NULL
  GROUP BY customer_key
),
service AS (
  SELECT
    customer_key,
    count(*) FILTER (WHERE occurred_at > $as_of - INTERVAL '90 days') AS tickets,
    count(*) FILTER (
      WHERE occurred_at > $as_of - INTERVAL '60 days' AND lower(category) = 'complaint'
    ) AS complaints
  FROM tickets
  WHERE customer_key IS NOT NULL
  GROUP BY customer_key
),
spoken AS (
  SELECT
    customer_key,
    (CAST($as_of AS BIGINT) - CAST(max(occurred_at) AS BIGINT)) / 86400000000.0 AS days
  FROM contacts
  GROUP BY customer_key
),
counted AS (
  SELECT
    customer_key,
    u['last_at'] AS last_at,
    (CAST($as_of AS BIGINT) - CAST(u['last_at'] AS BIGINT)) / 86400000000.0 AS days_silent,
    nth(u['days'], 1) AS active_days,
    nth(u['counts'], 1) AS lately,
    nth(u['counts'], 2) - nth(u['counts'], 1) AS before,
    nth(u['breadth'], 2) AS breadth
  FROM used
),
raw AS (
  SELECT
    customers.customer_key,
    counted.last_at,
    counted.days_silent,
    CASE WHEN counted.customer_key IS NULL THEN 0.0 ELSE greatest(1 - counted.days_silent / 60.0, 0.0) END AS recency,
    least(coalesce(counted.active_days, 0) / 12.0, 1.0) AS usage,
    CASE
      WHEN counted.lately + counted.before > 0
        THEN counted.lately / (counted.lately + counted.before / 2.0)
    END AS trend,
    least(coalesce(counted.breadth, 0) / 5.0, 1.0) AS breadth,
    greatest(1 - coalesce(service.tickets, 0) / 5.0, 0.0) AS tickets,
    CASE WHEN coalesce(service.complaints, 0) > 0 THEN 0.0 ELSE 1.0 END AS complaints,
    CASE WHEN answers.score IS NOT NULL THEN least(greatest(answers.score / 10.0, 0.0), 1.0) END AS nps,
    CASE
      WHEN contracts.is_open_ended THEN 1.0
      WHEN contracts.days_left IS NOT NULL THEN least(greatest(contracts.days_left / 180.0, 0.0), 1.0)
    END AS renewal,
    CASE WHEN bought.days IS NOT NULL THEN greatest(1 - bought.days / 180.0, 0.0) END AS orders,
    CASE WHEN spoken.days IS NOT NULL THEN greatest(1 - spoken.days / 90.0, 0.0) END AS contact
  FROM customers
  LEFT JOIN counted ON counted.customer_key = customers.customer_key
  LEFT JOIN contracts ON contracts.customer_key = customers.customer_key
  LEFT JOIN bought ON bought.customer_key = customers.customer_key
  LEFT JOIN answers ON answers.customer_key = customers.customer_key
  LEFT JOIN service ON service.customer_key = customers.customer_key
  LEFT JOIN spoken ON spoken.customer_key = customers.customer_key
  WHERE counted.last_at > $as_of - $horizon OR contracts.customer_key IS NOT NULL
),
-- Who never spoke with us is at 0 only where conversations are on record.
filled AS (
  SELECT
    customer_key,
    last_at,
    days_silent,
    5
      + CAST(trend IS NOT NULL AS BIGINT)
      + CAST(nps IS NOT NULL AS BIGINT)
      + CAST(renewal IS NOT NULL AS BIGINT)
      + CAST(orders IS NOT NULL AS BIGINT)
      + CAST(count(contact) OVER () > 0 AS BIGINT) AS known,
    [
      recency,
      usage,
      coalesce(trend, round(avg(trend) OVER (), 6), 0.5),
      breadth,
      tickets,
      complaints,
      coalesce(nps, round(avg(nps) OVER (), 6), 0.5),
      coalesce(renewal, round(avg(renewal) OVER (), 6), 0.5),
      coalesce(orders, round(avg(orders) OVER (), 6), 0.5),
      CASE WHEN count(contact) OVER () > 0 THEN coalesce(contact, 0.0) ELSE 0.5 END
    ] AS signals
  FROM raw
)
SELECT
  customer_key,
  last_at,
  days_silent,
  known,
  signals,
  round(100 * inner_product(weights, signals), 9) AS health
FROM health_weights_set
CROSS JOIN filled
