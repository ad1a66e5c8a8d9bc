--! title = { en = "Contracts", zh = "合同" }
--! description = { en = "Recurring revenue and its changes, and the end of the current term, as agreed before the cutoff. MRR is in the customer's main currency: the one most of their running contracts have, or, without any, the one they had last. A contract runs from its start until it has actually ended.", zh = "截止日前的月度经常性收入（MRR）及其变化，以及当前合同到期情况。MRR 按客户的主要币种计：多数在用合同所用的币种；无在用合同时取最近一份合同的币种。合同自开始日起至实际终止为止视为在用。" }
--! grain = "one row per customer with any contract"
--! [themes.contract_end]
--! title = { en = "End of the contract", zh = "合同到期情况" }
--! columns = ["contract_days_left", "contract_lapsed"]
--! [themes.contract_value]
--! title = { en = "Recurring revenue", zh = "经常性收入" }
--! columns = [
--!   "contract_count", "contract_mrr", "contract_mrr_90", "contract_mrr_180", "contract_mrr_365",
--!   "contract_rises", "contract_falls",
--! ]
--! [themes.contract_history]
--! title = { en = "Contracts so far", zh = "历史合同" }
--! fixed = true
--! columns = ["contract_term", "contract_tenure", "contract_ended"]
--! [columns.contract_days_left]
--! title = { en = "Days until the contract ends", zh = "距合同到期天数" }
--! unit = "days"
--! doc = { en = "Of several running contracts the last to end; negative if the agreed end has passed; missing if one is open-ended or none is running", zh = "多份在用合同取最晚到期者；约定到期日已过为负；含无固定期限合同或无在用合同时缺失" }
--! [columns.contract_term]
--! title = { en = "Length of the current term in days", zh = "当前合同期限（天）" }
--! unit = "days"
--! [columns.contract_tenure]
--! title = { en = "Days since the first contract began", zh = "距首份合同天数" }
--! unit = "days"
--! [columns.contract_lapsed]
--! title = { en = "Days without a contract since the last one ended", zh = "末份合同终止后无合同的天数" }
--! unit = "days"
--! doc = { en = "Missing while a contract is running", zh = "有在用合同时缺失" }
--! [columns.contract_count]
--! title = { en = "Contracts running", zh = "在用合同数" }
--! unit = "count"
--! [columns.contract_ended]
--! title = { en = "Contracts and terms that have ended", zh = "已结束的合同（期）数" }
--! unit = "count"
--! [columns.contract_mrr]
--! title = { en = "Monthly recurring revenue", zh = "月度经常性收入（MRR）" }
--! unit = "money"
--! [columns.contract_mrr_90]
--! title = { en = "MRR against 90 days ago", zh = "MRR 与 90 天前之比" }
--! unit = "share"
--! doc = { en = "100 % is unchanged; missing if there was none then", zh = "100% 表示不变；当时无 MRR 则缺失" }
--! [columns.contract_mrr_180]
--! title = { en = "MRR against 180 days ago", zh = "MRR 与 180 天前之比" }
--! unit = "share"
--! [columns.contract_mrr_365]
--! title = { en = "MRR against 365 days ago", zh = "MRR 与 365 天前之比" }
--! unit = "share"
--! [columns.contract_rises]
--! title = { en = "Times the MRR rose in 365 days, new contracts included", zh = "近 365 天 MRR 上升次数（含新签）" }
--! unit = "count"
--! doc = { en = "Starts and ends of a day are netted, so that a renewal at the same price is neither a rise nor a fall; each currency by itself", zh = "同一天的开始与终止相抵，原价续约不计升降；各币种分别计算" }
--! [columns.contract_falls]
--! title = { en = "Times the MRR fell in 365 days, contracts that ended included", zh = "近 365 天 MRR 下降次数（含合同终止）" }
--! unit = "count"
--- An agreed end is known in advance; an actual end only once it has come, so
--- `ended_at` is empty here until then. What a source overwrites in place, such
--- as an agreed end that is moved when a contract is prolonged, is known by the
--- version that was there at the cutoff, if it kept one.
WITH terms AS (
  SELECT customer_key, customer_id, currency, mrr, ended_at, ends_at,
         (CAST($as_of AS BIGINT) - CAST(started_at AS BIGINT)) / 86400000000.0 AS started,
         (CAST($as_of AS BIGINT) - CAST(ended_at AS BIGINT)) / 86400000000.0 AS ended,
         (CAST(ends_at AS BIGINT) - CAST($as_of AS BIGINT)) / 86400000000.0 AS days_left,
         (CAST(ends_at AS BIGINT) - CAST(started_at AS BIGINT)) / 86400000000.0 AS term
  FROM subscriptions
  WHERE customer_key IS NOT NULL
),
books AS (
  SELECT customer_key, currency, max(customer_id) AS customer_id,
         count(*) FILTER (WHERE ended_at IS NULL) AS running,
         count(ended_at) AS ended,
         bool_or(ended_at IS NULL AND ends_at IS NULL) AS is_open_ended,
         max(days_left) FILTER (WHERE ended_at IS NULL) AS days_left,
         max(term) FILTER (WHERE ended_at IS NULL) AS term,
         min(ended) AS last_ended,
         max(started) AS first_started,
         min(started) AS last_started,
         sum(mrr) FILTER (WHERE ended_at IS NULL) AS mrr,
         sum(mrr) FILTER (WHERE started >= 90 AND (ended IS NULL OR ended < 90)) AS mrr_90,
         sum(mrr) FILTER (WHERE started >= 180 AND (ended IS NULL OR ended < 180)) AS mrr_180,
         sum(mrr) FILTER (WHERE started >= 365 AND (ended IS NULL OR ended < 365)) AS mrr_365
  FROM terms
  GROUP BY customer_key, currency
),
ranked AS (
  SELECT *, row_number() OVER (PARTITION BY customer_key ORDER BY running DESC, last_started, currency) AS place
  FROM books
),
contracts AS (
  SELECT customer_key,
         max(customer_id) AS customer_id,
         sum(running) AS running,
         sum(ended) AS ended,
         bool_or(is_open_ended) AS is_open_ended,
         max(days_left) AS days_left,
         max(term) AS term,
         min(last_ended) AS last_ended,
         max(first_started) AS first_started,
         coalesce(CAST(sum(mrr) FILTER (WHERE place = 1) AS DOUBLE), 0) AS mrr,
         CAST(sum(mrr_90) FILTER (WHERE place = 1) AS DOUBLE) AS mrr_90,
         CAST(sum(mrr_180) FILTER (WHERE place = 1) AS DOUBLE) AS mrr_180,
         CAST(sum(mrr_365) FILTER (WHERE place = 1) AS DOUBLE) AS mrr_365
  FROM ranked
  GROUP BY customer_key
),
turns AS (
  SELECT customer_key, currency, floor(started) AS day, mrr AS change FROM terms WHERE started < 365
  UNION ALL
  SELECT customer_key, currency, floor(ended), -mrr FROM terms WHERE ended < 365
),
moves AS (
  SELECT customer_key,
         count(*) FILTER (WHERE change > 0) AS rises,
         count(*) FILTER (WHERE change < 0) AS falls
  FROM (
    SELECT customer_key, sum(change) AS change
    FROM turns
    GROUP BY customer_key, currency, day
  )
  GROUP BY customer_key
)
SELECT t.customer_id,
       CASE WHEN NOT t.is_open_ended THEN t.days_left END AS contract_days_left,
       CASE WHEN NOT t.is_open_ended THEN t.term END AS contract_term,
       t.first_started AS contract_tenure,
       CASE WHEN t.running = 0 THEN t.last_ended END AS contract_lapsed,
       t.running AS contract_count,
       t.ended AS contract_ended,
       t.mrr AS contract_mrr,
       t.mrr / nullif(t.mrr_90, 0) AS contract_mrr_90,
       t.mrr / nullif(t.mrr_180, 0) AS contract_mrr_180,
       t.mrr / nullif(t.mrr_365, 0) AS contract_mrr_365,
       coalesce(m.rises, 0) AS contract_rises,
       coalesce(m.falls, 0) AS contract_falls
FROM contracts t
LEFT JOIN moves m ON m.customer_key = t.customer_key
ORDER BY t.customer_id
