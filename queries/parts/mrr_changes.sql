--! title = { en = "Changes of MRR", zh = "月度经常性收入变动" }
--! description = { en = "Every day on which a customer's monthly recurring revenue in a currency changed, and what kind of change it was. A contract counts from the local day it started to the day before it ended; a contract that ended on the day it started never counted. What a day takes and gives in one currency is netted. New: the customer's first paying day; reactivation: paying again after a day without; churn: nothing is left in any currency; expansion and contraction: all other changes, moving to another currency among them.", zh = "客户某币种月度经常性收入发生变动的每一天及其类型。合同自开始当日计至终止前一日；当日开始当日终止的合同不计。同一天同一币种的增减相抵。新增：客户首个付费日；回流：曾中断后再次付费；流失：所有币种均不再付费；扩张与收缩：其余变动，包括更换币种。" }
--! grain = "one row per customer, currency and day with a change"

--- The classes are decided over all of a customer's currencies and the amounts
--- within one, so that amounts balance per currency and a customer who moves
--- from one to another is not counted as lost.

WITH contracts AS (
  SELECT
    customer_key,
    currency,
    mrr,
    period('day', started_at, $tz) AS first_day,
    period('day', ended_at, $tz) AS end_day
  FROM subscriptions
  WHERE mrr > 0
),
turns AS (
  SELECT customer_key, currency, first_day AS day, mrr AS change, 1 AS n_contracts
  FROM contracts
  WHERE end_day IS NULL OR end_day > first_day
  UNION ALL
  SELECT customer_key, currency, end_day, -mrr, -1
  FROM contracts
  WHERE end_day > first_day
),
days AS (
  SELECT
    customer_key,
    day,
    n_contracts,
    sum(n_contracts) OVER (PARTITION BY customer_key ORDER BY day) AS n_after,
    min(day) OVER (PARTITION BY customer_key) AS first_day
  FROM (
    SELECT customer_key, day, sum(n_contracts) AS n_contracts
    FROM turns
    GROUP BY customer_key, day
  )
),
books AS (
  SELECT
    customer_key,
    currency,
    day,
    change,
    sum(change) OVER (PARTITION BY customer_key, currency ORDER BY day) AS mrr_after
  FROM (
    SELECT customer_key, currency, day, sum(change) AS change
    FROM turns
    GROUP BY customer_key, currency, day
  )
  WHERE change <> 0
)
SELECT
  books.customer_key,
  books.currency,
  books.day,
  books.change,
  books.mrr_after,
  CASE
    WHEN days.n_after = days.n_contracts AND books.day = days.first_day THEN 'new'
    WHEN days.n_after = days.n_contracts THEN 'reactivation'
    WHEN days.n_after = 0 THEN 'churn'
    WHEN books.change > 0 THEN 'expansion'
    ELSE 'contraction'
  END AS movement
FROM books
JOIN days ON days.customer_key = books.customer_key AND days.day = books.day
