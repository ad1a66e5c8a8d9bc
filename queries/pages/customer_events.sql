--! title = { en = "Recent activity of a customer", zh = "客户近期动态" }
--! description = { en = "The newest activity of one customer, each of a kind by its name: use, money, trouble, contact, other.", zh = "单个客户最近的行为，按名称归类。" }
--! grain = "one row per event"
--! [params.customer]
--! type = "text"
--! doc = { en = "The customer.", zh = "客户。" }
--! [labels]
--! signup = { en = "Signed up", zh = "注册" }
--! trial = { en = "Started a trial", zh = "开始试用" }
--! login = { en = "Logged in", zh = "登录" }
--! view_page = { en = "Viewed a page", zh = "浏览页面" }
--! export = { en = "Exported data", zh = "导出数据" }
--! invite = { en = "Invited a colleague", zh = "邀请同事" }
--! quote_opened = { en = "Opened a quote", zh = "查看报价" }
--! purchase = { en = "Bought", zh = "购买" }
--! refund = { en = "Was refunded", zh = "退款" }
--! complaint = { en = "Complained", zh = "投诉" }
--! ticket_opened = { en = "Opened a ticket", zh = "提交工单" }
--! survey_answered = { en = "Answered a survey", zh = "回复问卷" }
--! stage_changed = { en = "A deal moved on", zh = "商机阶段变更" }
--! campaign_response = { en = "Answered a campaign", zh = "响应营销活动" }
SELECT occurred_at AS at, name, feature, quantity,
  CASE
    WHEN name IN ('purchase', 'order', 'payment', 'renewal', 'quote_opened') THEN 'money'
    WHEN name IN ('refund', 'complaint', 'ticket_opened', 'cancellation') THEN 'trouble'
    WHEN name IN ('survey_answered', 'stage_changed', 'campaign_response', 'call', 'meeting') THEN 'contact'
    WHEN name IN ('signup', 'trial') THEN 'other'
    ELSE 'use'
  END AS kind
FROM (
  SELECT *, row_number() OVER (
    ORDER BY occurred_at DESC, name, event_id, load_id, row_no) AS place
  FROM activity
  WHERE customer_id = $customer
)
WHERE place <= 30
ORDER BY place
