--! title = { en = "Deals", zh = "商机" }
--! description = { en = "Deals of the customer that were open at the cutoff, and how those before ended.", zh = "截止时刻客户进行中的商机，以及此前商机的赢输。" }
--! grain = "one row per customer with any deal"
--! [themes.deals]
--! title = { en = "Deals", zh = "商机情况" }
--! columns = [
--!   "deals_open", "deals_recency", "deals_won_recency", "deals_won_365", "deals_lost_365",
--! ]
--! [columns.deals_open]
--! title = { en = "Deals open", zh = "进行中商机数" }
--! unit = "count"
--! [columns.deals_recency]
--! title = { en = "Days since the last deal was opened", zh = "距最近一次新建商机天数" }
--! unit = "days"
--! [columns.deals_won_recency]
--! title = { en = "Days since the last deal was won", zh = "距最近一次赢单天数" }
--! unit = "days"
--! [columns.deals_won_365]
--! title = { en = "Deals won in 365 days", zh = "近 365 天赢单数" }
--! unit = "count"
--! [columns.deals_lost_365]
--! title = { en = "Deals lost in 365 days", zh = "近 365 天输单数" }
--! unit = "count"
--- A deal is open here until the instant at which it was closed. A deal that is
--- closed and does not say when has no outcome with a time and is not counted.
--- Amounts are left out: those of open deals are overwritten when they close.
WITH aged AS (
  SELECT customer_key, customer_id, coalesce(status, 'open') AS status,
         (CAST($as_of AS BIGINT) - CAST(created_at AS BIGINT)) / 86400000000.0 AS age,
         (CAST($as_of AS BIGINT) - CAST(closed_at AS BIGINT)) / 86400000000.0 AS closed
  FROM opportunities
  WHERE customer_key IS NOT NULL
),
counted AS (
  SELECT max(customer_id) AS customer_id,
         count(*) FILTER (WHERE status = 'open') AS open,
         min(age) AS recency,
         min(closed) FILTER (WHERE status = 'won') AS won,
         count(*) FILTER (WHERE status = 'won' AND closed < 365) AS won_365,
         count(*) FILTER (WHERE status = 'lost' AND closed < 365) AS lost_365
  FROM aged
  GROUP BY customer_key
)
SELECT t.customer_id,
       t.open AS deals_open,
       t.recency AS deals_recency,
       t.won AS deals_won_recency,
       t.won_365 AS deals_won_365,
       t.lost_365 AS deals_lost_365
FROM counted t
ORDER BY t.customer_id
