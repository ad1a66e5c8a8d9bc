--! title = { en = "Data quality", zh = "数据质量" }
--! description = { en = "Whether the numbers of the other reports can be trusted: how complete, valid, unique and fresh the tables are, and what was refused when loaded. In order is the share of rows without the flaw. First responses are asked only of closed tickets; whether a customer is in the list, only where there is a list. Of duplicates all rows count, since nobody can say which is the right one. Refused rows have no share, as nobody knows what they would have become. What is most serious comes first: refused rows, which are missing everywhere; then values that are wrong or counted twice; then gaps, each by the share affected; then freshness, and last what is in order. A change below 0 means that entry is getting worse; an interval that holds 0 is compatible with no change. `tenure check` lists single findings, with the same counts at the end of the data; it passes over owners where nobody has one.", zh = "其他报表的数字是否可信：各数据表是否完整、有效、唯一、及时，以及导入时拒收了什么。合格率为无问题行的占比。首次响应只检查已关闭的工单；有客户名单时才检查客户是否在名单内。重复的各行都计为有问题，因为无法判断哪一行正确。被拒收的行无从得知本应归入何处，不计算合格率。按严重程度排列：先是被拒收的行（所有报表都缺少它们），再是错误或重复的值，再是未填写的值（均按问题占比从高到低），然后是及时性，最后是没有问题的检查项。变化小于 0 表示录入质量下降，区间含 0 即与无变化相容。逐条问题见 tenure check，数据截止时两者计数一致；若所有客户都没有负责人，它不提示该项。" }
--! group = "process"
--! grain = "one row per finding, table and column, the most serious first; tables without rows have none"
--! chart = { kind = "table" }
--!
--! [params.recent]
--! title = { en = "Recent", zh = "近期" }
--! type = "duration"
--! default = "30d"
--! doc = { en = "Rows that arrived within this time before the report's date are compared with those before", zh = "报表日期前该时长内到达的行与此前的行对比" }
--!
--! [columns.area]
--! title = { en = "Area", zh = "方面" }
--! unit = "code"
--! doc = { en = "Completeness, validity, duplicates, freshness or quarantine (refused rows)", zh = "完整性、有效性、重复、及时性或隔离（被拒收的行）" }
--! [columns.finding]
--! title = { en = "Finding", zh = "检查项" }
--! unit = "code"
--! doc = { en = "What was looked for; of refused rows, the reason. Same name: case and outer spaces aside. Order lines loaded twice: equal, without a line id, in more than one load. A negative MRR is refused, as beyond what is allowed", zh = "检查内容；对于被拒收的行，则是拒收原因。同名：忽略大小写与首尾空格。重复导入的订单行：没有行号、在多个批次中出现的相同行。负的 MRR 在导入时即被拒收，列为“超出允许范围”" }
--! [columns.table]
--! title = { en = "Table", zh = "数据表" }
--! unit = "text"
--! doc = { en = "The table looked at", zh = "被检查的数据表" }
--! [columns.column]
--! title = { en = "Column", zh = "列" }
--! unit = "text"
--! doc = { en = "The column looked at; empty if the finding concerns whole rows", zh = "被检查的列；针对整行时为空" }
--! [columns.rows]
--! title = { en = "Rows", zh = "行数" }
--! unit = "count"
--! doc = { en = "Rows looked at", zh = "检查的行数" }
--! [columns.affected]
--! title = { en = "Affected", zh = "问题行数" }
--! unit = "count"
--! doc = { en = "Rows with the flaw", zh = "有问题的行数" }
--! [columns.share]
--! title = { en = "In order", zh = "合格率" }
--! unit = "share"
--! doc = { en = "Share of the rows without the flaw: filled, valid or unique", zh = "无问题的占比：已填写、有效或唯一" }
--! [columns.days]
--! title = { en = "Days since newest row", zh = "距最新行天数" }
--! unit = "days"
--! doc = { en = "Calendar days from the newest row to the report's date; only in rows of freshness", zh = "最新一行至报表日期的日历天数，仅用于及时性" }
--! [columns.recent_rows]
--! title = { en = "Recent rows", zh = "近期行数" }
--! unit = "count"
--! doc = { en = "Of the rows, those that could first be known within Recent before the report's date", zh = "其中在报表日期前“近期”时长内才可知的行数" }
--! [columns.recent_share]
--! title = { en = "In order, recent", zh = "近期合格率" }
--! unit = "share"
--! doc = { en = "Share of the recent rows without the flaw", zh = "近期行中无问题的占比" }
--! [columns.recent_share_low]
--! title = { en = "In order, recent, low", zh = "近期合格率下限" }
--! unit = "share"
--! doc = { en = "Lower end of its 95 % interval (Wilson)", zh = "近期合格率 95% 区间下限（Wilson）" }
--! [columns.recent_share_high]
--! title = { en = "In order, recent, high", zh = "近期合格率上限" }
--! unit = "share"
--! doc = { en = "Upper end of its 95 % interval (Wilson)", zh = "近期合格率 95% 区间上限（Wilson）" }
--! [columns.change]
--! title = { en = "Change", zh = "变化" }
--! unit = "points"
--! doc = { en = "Recent share minus the share of the rows before", zh = "近期占比减此前占比" }
--! [columns.change_low]
--! title = { en = "Change, low", zh = "变化下限" }
--! unit = "points"
--! doc = { en = "Lower end of the change's 95 % interval (Newcombe)", zh = "变化的 95% 区间下限（Newcombe）" }
--! [columns.change_high]
--! title = { en = "Change, high", zh = "变化上限" }
--! unit = "points"
--! doc = { en = "Upper end of the change's 95 % interval (Newcombe)", zh = "变化的 95% 区间上限（Newcombe）" }
--!
--! [labels]
--! completeness = { en = "Completeness", zh = "完整性" }
--! validity = { en = "Validity", zh = "有效性" }
--! duplicates = { en = "Duplicates", zh = "重复" }
--! freshness = { en = "Freshness", zh = "及时性" }
--! quarantine = { en = "Quarantine", zh = "隔离" }
--! not_filled = { en = "Not filled", zh = "未填写" }
--! unknown_customer = { en = "Customer not in the list", zh = "客户不在名单内" }
--! contract_ends_before_start = { en = "Ends before it starts", zh = "结束早于开始" }
--! closed_before_created = { en = "Closed before it was opened", zh = "关闭早于创建" }
--! same_name_and_region = { en = "Same name and region", zh = "同名且同地区" }
--! duplicate_order_lines = { en = "Order lines loaded twice", zh = "重复导入的订单行" }
--! newest_row = { en = "Newest row", zh = "最新一行" }
--! missing_value = { en = "Value missing", zh = "缺少必填值" }
--! bad_time = { en = "Not a date or time", zh = "日期或时间无效" }
--! bad_number = { en = "Not a number", zh = "数字无效" }
--! bad_flag = { en = "Neither yes nor no", zh = "是否值无效" }
--! out_of_range = { en = "Beyond what is allowed", zh = "超出允许范围" }
--! bad_choice = { en = "Not one of the choices", zh = "不在可选值内" }
--! future_time = { en = "In the future", zh = "时间在未来" }
--! bad_expression = { en = "Expression failed", zh = "表达式出错" }
--! ragged_row = { en = "Wrong number of fields", zh = "字段数不符" }
--! bad_json = { en = "Broken JSON", zh = "JSON 损坏" }
--! bad_cell = { en = "Formula failed", zh = "单元格公式出错" }
--! bad_encoding = { en = "Not the file's encoding", zh = "编码不符" }

--- Can the numbers of the other reports be trusted? What is looked for is counted
--- in `queries/parts/data_findings.sql`.

WITH totals AS (
  SELECT
    finding,
    source,
    "column",
    sum(n) AS n,
    sum(good) AS good,
    coalesce(sum(n) FILTER (WHERE is_recent), 0) AS recent_n,
    coalesce(sum(good) FILTER (WHERE is_recent), 0) AS recent_good,
    max(newest) AS newest
  FROM data_findings
  CROSS JOIN (SELECT count(*) FILTER (WHERE NOT coalesce(implied, FALSE)) AS n_listed FROM customers) AS list
  WHERE n > 0 AND (finding <> 'unknown_customer' OR n_listed > 0)
  GROUP BY finding, source, "column"
)
SELECT
  CASE
    WHEN source = 'quarantine' THEN 'quarantine'
    WHEN finding = 'newest_row' THEN 'freshness'
    WHEN finding = 'not_filled' THEN 'completeness'
    WHEN finding IN ('same_name_and_region', 'duplicate_order_lines') THEN 'duplicates'
    ELSE 'validity'
  END AS area,
  finding,
  source AS "table",
  "column",
  n AS "rows",
  CASE WHEN source = 'quarantine' THEN n ELSE n - good END AS affected,
  CAST(good AS DOUBLE) / n AS share,
  wilson(good, n)['low'] AS low,
  wilson(good, n)['high'] AS high,
  CASE WHEN finding = 'newest_row'
    THEN period_index('day', period('day', $as_of, $tz)) - period_index('day', period('day', newest, $tz))
  END AS days,
  recent_n AS recent_rows,
  CASE WHEN good IS NOT NULL AND recent_n > 0 THEN CAST(recent_good AS DOUBLE) / recent_n END AS recent_share,
  wilson(recent_good, CASE WHEN good IS NOT NULL THEN recent_n END)['low'] AS recent_share_low,
  wilson(recent_good, CASE WHEN good IS NOT NULL THEN recent_n END)['high'] AS recent_share_high,
  CASE WHEN recent_n > 0 AND n > recent_n
    THEN CAST(recent_good AS DOUBLE) / recent_n - CAST(good - recent_good AS DOUBLE) / (n - recent_n)
  END AS change,
  newcombe(recent_good, recent_n, good - recent_good, n - recent_n)['low'] AS change_low,
  newcombe(recent_good, recent_n, good - recent_good, n - recent_n)['high'] AS change_high
FROM totals
ORDER BY
  CASE
    WHEN source = 'quarantine' THEN 1
    WHEN n > good AND finding <> 'not_filled' THEN 2
    WHEN n > good THEN 3
    WHEN finding = 'newest_row' THEN 4
    ELSE 5
  END,
  share,
  affected DESC,
  days DESC NULLS LAST,
  finding,
  source,
  "column" NULLS FIRST
