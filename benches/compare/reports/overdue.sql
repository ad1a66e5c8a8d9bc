-- Twin of the report `overdue`.
-- case:
-- case: gap_days=0
-- case: gap_days=30 currency=USD
-- case: as_of=2024-09-30
-- case: as_of=2024-09-30 tz=Asia/Shanghai gap_days=1
-- case: breakdown=segment gap_days=0
-- case: breakdown=owner gap_days=0
-- case: breakdown=owner as_of=2024-09-30
-- case: breakdown=channel as_of=2024-06-30 gap_days=1
WITH last_contacts AS (SELECT customer_key, max(occurred_at) AS last_at FROM contacts GROUP BY ALL),
entered AS (
    SELECT opportunity_id, arg_max(stage, (occurred_at, load_id, row_no)) AS entered FROM opportunity_stages GROUP BY ALL
),
deals AS (
    SELECT customer_key, customers.customer_id, customers.name, coalesce(o.owner_id, customers.owner_id) AS owner_id,
        currency, amount, opportunity_id, coalesce(entered, stage) AS stage, last_at,
        local_day(getvariable('as_of'))
            - local_day(greatest(last_at, coalesce(o.created_at, last_at, customers.created_at))) AS days
    FROM opportunities o JOIN customers USING (customer_key)
    LEFT JOIN last_contacts USING (customer_key) LEFT JOIN entered USING (opportunity_id)
    WHERE (o.status IS NULL OR o.status = 'open')
        AND (getvariable('currency') IS NULL OR currency = getvariable('currency'))
),
waiting AS (
    SELECT customer_key, customer_id, name, currency, max(days) AS days_waiting, any_value(local_day(last_at)) AS last_contact,
        coalesce(sum(amount), 0) AS open_value, count(*) AS deals,
        list({'owner_id': owner_id, 'stage': stage} ORDER BY amount DESC NULLS LAST, opportunity_id)[1] AS largest
    FROM deals WHERE days IS NULL OR days >= coalesce(getvariable('gap_days')::INT, 3) GROUP BY ALL
)
SELECT row_number() OVER (PARTITION BY currency ORDER BY open_value DESC, days_waiting DESC NULLS FIRST, customer_id) AS rank,
    customer_id, waiting.name AS customer, coalesce(owners.name, largest.owner_id, '(no owner)') AS owner,
    of_owner(largest.owner_id, breakdown) AS breakdown, days_waiting,
    last_contact, open_value, currency, deals, largest.stage AS stage
FROM waiting LEFT JOIN owners ON owners.owner_id = largest.owner_id LEFT JOIN breakdowns USING (customer_id)
ORDER BY currency NULLS FIRST, rank
