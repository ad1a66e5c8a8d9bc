--! title = { en = "Churn alerts", zh = "流失预警" }
--! description = { en = "Whom the last night made worth a call: customers whose churn risk rose into the high band, or from low to medium; those it had warned of who have recovered, and those who have no score any more because they left. Each is told once: a customer who was alerted is not again until the risk has fallen below the threshold by a margin and risen anew. Customers scored for the first time are alerted if high; that they are medium is noted as the baseline, and only a rise from there is told. Held back, and listed with the reason, are customers who have ended and those a person of ours was in contact with in the last days (a call, meeting, visit, demo or task, a seller's own message, or the answer to a ticket; mass mail is none); they are told of later if the risk is still high. Another model may judge the same customer otherwise: such alerts are marked. The night is the one that scored the newest data; where newer data were scored without alerts, there are none.", zh = "昨夜的评分后值得致电的客户：流失风险升入高风险、或由低升至中的客户；此前预警过且已回落的客户；以及因离开而不再有评分的客户。每次越线只提示一次：已预警的客户须先降至阈值以下一定幅度、再次升高后才会重新提示。首次评分的客户仅在高风险时预警；首次即为中风险的只记为基线，之后再升高才提示。已终止的客户，以及最近若干天内有员工联系过的客户（电话、会议、拜访、演示、任务、销售亲自发送的消息或工单回复；群发不计），予以抑制并注明原因；若之后风险仍高会再提示。更换模型后同一客户的判断可能不同，此类预警会标明。以最新数据的夜间评分为准；若更新的数据评分时未生成预警，则没有结果。" }
--! group = "process"
--! grain = "one row per customer and alert, by owner, those held back last, most value at risk first"
--! chart = { kind = "table" }
--!
--! [params.owner]
--! title = { en = "Owner id", zh = "负责人编号" }
--! type = "text"
--! doc = { en = "Only alerts for this owner, by id; (no owner) for customers nobody is in charge of", zh = "仅限该负责人（编号）的预警；无人负责的客户用 (no owner)" }
--!
--! [columns.run_id]
--! title = { en = "Run", zh = "批次" }
--! unit = "number"
--! doc = { en = "Number of the nightly run that alerted; of one end of the data there may be several, where late rows came or the model changed", zh = "生成预警的夜间批次；同一数据截止时间可能有多个批次（迟到数据或更换模型）" }
--! [columns.kind]
--! title = { en = "What happened", zh = "变化" }
--! unit = "code"
--! doc = { en = "Risk rose: into a higher band. Recovered: below the threshold by the margin. Ended: the customer has no score any more, having left or become ineligible", zh = "风险上升：进入更高等级。已回落：降至阈值以下且超出缓冲幅度。已终止：客户已离开或不再符合评分条件，没有评分" }
--! [columns.band_from]
--! title = { en = "Risk before", zh = "原风险等级" }
--! unit = "code"
--! doc = { en = "Band of what was last told, or of the baseline; empty for customers scored for the first time", zh = "上次通知（或基线）时的等级；首次评分的客户为空" }
--! [columns.band]
--! title = { en = "Risk now", zh = "现风险等级" }
--! unit = "code"
--! doc = { en = "Band now; empty for those who ended", zh = "现在的等级；已终止的客户为空" }
--! [columns.probability_before]
--! title = { en = "Probability before", zh = "原流失概率" }
--! unit = "share"
--! doc = { en = "Probability of churn in the nightly run before; empty if not scored then", zh = "上一次夜间评分的流失概率；当时未评分则为空" }
--! [columns.probability]
--! title = { en = "Probability now", zh = "现流失概率" }
--! unit = "share"
--! doc = { en = "Probability of churn within the horizon of the model; empty for those who ended", zh = "模型预测期内的流失概率；已终止的客户为空" }
--! [columns.value_at_risk]
--! title = { en = "Value at risk", zh = "风险金额" }
--! unit = "money"
--! doc = { en = "Probability times expected value, in the customer's main currency; empty where no value is known", zh = "流失概率 × 预期价值，按客户的主要币种；价值未知时为空" }
--! [columns.reason]
--! title = { en = "Main reason", zh = "主要原因（英文）" }
--! unit = "text"
--! doc = { en = "What raises the risk most; of those who recovered, what lowers it most; empty if nothing does", zh = "最能推高风险的因素；已回落的客户为最能降低风险的因素；没有时为空" }
--! [columns.reason_zh]
--! title = { en = "Main reason, in Chinese", zh = "主要原因" }
--! unit = "text"
--! doc = { en = "The same in Chinese", zh = "主要原因的中文说明" }
--! [columns.suppressed]
--! title = { en = "Held back", zh = "抑制原因" }
--! unit = "code"
--! doc = { en = "Why nobody needs to act: recently contacted, contract or status ended, or baseline: where the customer stood when first scored. Empty if the alert is to be acted on", zh = "无需处理的原因：近期已联系、合同已终止、状态已终止，或基线（首次评分时的等级）。需要处理的预警为空" }
--! [columns.quiet_until]
--! title = { en = "Until", zh = "抑制至" }
--! unit = "date"
--! doc = { en = "Day on which a recent contact is long enough ago; empty otherwise", zh = "近期联系的静默期结束之日；其他情况为空" }
--! [columns.model_changed]
--! title = { en = "Other model", zh = "模型已更换" }
--! unit = "flag"
--! doc = { en = "Whether another model scored the night before, so that the change may be the model's", zh = "上一次夜间评分是否为另一个模型；若是，变化可能来自模型" }
--!
--! [labels]
--! risen = { en = "Risk rose", zh = "风险上升" }
--! recovered = { en = "Recovered", zh = "已回落" }
--! ended = { en = "Ended", zh = "已终止" }
--! contacted = { en = "Recently contacted", zh = "近期已联系" }
--! contract_ended = { en = "All contracts ended", zh = "合同已全部终止" }
--! status_ended = { en = "Status says gone", zh = "状态为流失或终止" }
--! baseline = { en = "Baseline", zh = "基线" }

--- Whom should each account manager call today, and why?

WITH newest AS (
  SELECT max(cutoff) AS newest_at FROM scores
)
SELECT
  alerts.owner_id,
  coalesce(owners.name, alerts.owner_id, '(no owner)') AS owner,
  alerts.customer_id,
  customers.name AS customer,
  alerts.run_id,
  alerts.kind,
  alerts.band_from,
  alerts.band_to AS band,
  alerts.probability_before,
  alerts.probability,
  alerts.value_at_risk,
  alerts.currency,
  alerts.reason,
  alerts.reason_zh,
  alerts.suppressed,
  period('day', alerts.quiet_until, $tz) AS quiet_until,
  alerts.model_changed
FROM alerts
JOIN newest ON newest.newest_at = alerts.cutoff
LEFT JOIN customers ON customers.customer_key = alerts.customer_key
LEFT JOIN owners ON owners.owner_id = alerts.owner_id
WHERE $owner IS NULL OR coalesce(alerts.owner_id, '(no owner)') = $owner
ORDER BY
  alerts.owner_id NULLS LAST,
  alerts.suppressed IS NOT NULL,
  CASE alerts.kind WHEN 'risen' THEN 1 WHEN 'recovered' THEN 2 ELSE 3 END,
  alerts.currency NULLS LAST,
  alerts.value_at_risk DESC NULLS LAST,
  alerts.probability DESC NULLS LAST,
  alerts.customer_id,
  alerts.run_id
