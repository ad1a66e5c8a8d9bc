--! title = { en = "Purchases", zh = "购买" }
--! description = { en = "The days on which a customer bought, and what that day brought, refunds of the day taken off. Several orders of one day are one purchase.", zh = "客户发生购买的日期与当日净额（已扣当日退款）。同日多单计一次购买。" }
--! grain = "one row per customer and day with a purchase"

SELECT customer_key, customer_id, day, amount
FROM order_days
WHERE is_purchase
