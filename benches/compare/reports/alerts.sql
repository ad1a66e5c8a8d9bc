-- Twin of the report `alerts`.
-- case:
-- case: owner=U001
-- case: "owner=(no owner)"
-- case: tz=Asia/Shanghai
-- case: as_of=2024-09-30
SELECT owner_id, coalesce(owners.name, owner_id, '(no owner)') AS owner, customer_id, customers.name AS customer, run_id, kind,
    band_from, band_to AS band, probability_before, probability, value_at_risk, currency, reason, reason_zh, suppressed,
    local_day(quiet_until) AS quiet_until, model_changed
FROM (SELECT * FROM alerts WHERE cutoff = (SELECT max(cutoff) FROM scores)) AS night
LEFT JOIN owners USING (owner_id)
LEFT JOIN customers USING (customer_key, customer_id)
WHERE getvariable('owner') IS NULL OR getvariable('owner') = coalesce(owner_id, '(no owner)')
ORDER BY owner_id NULLS LAST, suppressed IS NULL DESC, list_position(['risen', 'recovered', 'ended'], kind),
    currency NULLS LAST, value_at_risk DESC NULLS LAST, probability DESC NULLS LAST, customer_id, run_id
