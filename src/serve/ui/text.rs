//! What does the dashboard say, in each of its languages?
//!
//! One row per phrase with all its translations: a phrase without one does not
//! compile. Holes are written `{name}` and filled by [`Text::fill`]; a test
//! holds that both translations have the same holes.

use super::lang::Lang;

macro_rules! texts {
    ($($name:ident: $en:literal, $zh:literal;)*) => {
        /// A phrase of the interface.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Text {
            $(#[doc = $en] $name,)*
        }

        impl Text {
            /// Every phrase, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The phrase in `lang`, its holes unfilled.
            #[must_use]
            pub const fn get(self, lang: Lang) -> &'static str {
                match (self, lang) {
                    $((Self::$name, Lang::En) => $en, (Self::$name, Lang::Zh) => $zh,)*
                }
            }
        }
    };
}

texts! {
    // Frame
    SkipToContent: "Skip to content", "跳到正文";
    Navigation: "Main", "主导航";
    Overview: "Overview", "总览";
    Reports: "Reports", "报表";
    AtRisk: "At risk", "流失预警";
    Language: "Language", "语言";
    AsOf: "As of {date}", "数据截至 {date}";
    Footer: "Served from your own store by Tenure. Nothing on this page leaves the machine.",
        "由 Tenure 根据您自己的数据生成，本页内容不会离开这台机器。";
    ApiDescription: "API description", "接口说明";

    // Values
    Yes: "yes", "是";
    No: "no", "否";
    DaysUnit: "days", "天";
    PointsUnit: "pp", "百分点";
    NoValue: "(none)", "（未填）";

    // Overview
    OverviewLead: "How {period} went, and where to look next.", "{period}经营情况与需要关注之处。";
    WhoIsAtRisk: "Customers to call", "需要联系的客户";
    SeeAll: "See all {n}", "查看全部 {n} 位";
    NothingLoaded: "No data yet", "尚无数据";
    LoadFirst: "Load the files your CRM exports: tenure ingest PATH. Then reload this page.",
        "请先导入 CRM 导出的文件：tenure ingest PATH，然后刷新本页。";
    NobodyAtRisk: "Nobody is scored as at risk.", "目前没有预警客户。";
    NothingToList: "Nothing to list for this period.", "本期没有可列出的内容。";
    SoFarLastMonth: "by this day last month {value}", "上月同期 {value}";
    Since: "vs {period}", "较 {period}";
    Points: "{n} pp", "{n} 个百分点";
    ScorePoints: "{n} pts", "{n} 分";
    ChangeReal: "beyond chance", "超出正常波动";
    ChangeChance: "within chance", "属正常波动";
    ChangeTooFew: "too few to tell", "样本太少，无法判断";
    ChangeNone: "nothing to compare with", "无可比数据";
    ChangeExplained: "A change counts as beyond chance when its 95 % interval excludes zero: {low} to {high}.",
        "当变化的 95% 置信区间不含零时，视为超出正常波动：{low} 至 {high}。";

    // Reports
    ReportsLead: "Every report can be set, printed and downloaded. Each is one SQL file you can read.",
        "每份报表都可以调整参数、打印和下载；每份报表都是一个可以阅读的 SQL 文件。";
    Parameters: "Parameters", "参数";
    AsOfTitle: "As of", "截至日期";
    AsOfDoc: "Stand at the end of this day; later rows do not exist.", "以该日结束时为准，之后的数据视为不存在。";

    Apply: "Apply", "应用";
    Reset: "Reset to defaults", "恢复默认值";
    DefaultIs: "Default: {value}", "默认：{value}";
    DefaultNone: "Default: none", "默认：无";
    HowCounted: "How this is counted", "统计口径";
    SameData: "Same data", "同一份数据";
    NoRows: "No rows", "没有数据行";
    NoRowsHint: "No data matches these parameters.", "没有符合这些参数的数据。";
    RowsShown: "First {shown} of {total} rows.", "显示前 {shown} 行，共 {total} 行。";
    DownloadsHoldAll: "The downloads hold all rows.", "下载文件包含全部数据。";
    RowCount: "{n} rows", "{n} 行";
    OneRow: "1 row", "1 行";
    TheNumbers: "The numbers", "明细数据";
    Interval: "{low} to {high}", "{low} 至 {high}";
    IntervalNote: "Below a number in grey: its 95 % interval.", "数值下方灰字为其 95% 区间。";
    Voided: "Do not rely on this result: {why}.", "本结果不可采信：{why}。";

    // Charts
    ChartOf: "{y} by {x}.", "按{x}显示{y}。";
    ChartExtremes: "Lowest {low} at {where}, highest {high} at {there}.",
        "最低 {low}（{where}），最高 {high}（{there}）。";
    ChartTable: "The table below holds the same numbers.", "下表列出相同的数据。";
    Incomplete: "not complete yet", "尚未完整";
    IncompleteNote: "Dashed or hatched: not complete yet, the value will still change.",
        "虚线或斜纹：尚未完整，数值仍会变化。";
    WhiskerNote: "Whiskers and bands are 95 % intervals.", "误差线与色带为 95% 置信区间。";
    OrderNote: "Lines from light ({first}) to dark ({last}).", "线条由浅（{first}）到深（{last}）。";
    CutAxis: "The axis does not start at 0.", "纵轴不从 0 开始。";
    DrawnFirst: "First {shown} of {total} shown in the chart.", "图中显示前 {shown} 项，共 {total} 项。";
    DrawnNewest: "Newest {shown} of {total} rows shown in the chart.",
        "图中显示最近 {shown} 行，共 {total} 行。";
    OfPrevious: "{share} of the step before", "上一步的 {share}";
    NothingToDraw: "Nothing to draw: no value is a number.", "无可绘制的数值。";

    // At risk
    AtRiskLead: "Most likely to leave first, with the reasons and the person to act.",
        "流失可能性最高的在前，并列出原因与负责人。";
    Customer: "Customer", "客户";
    Probability: "Probability", "流失概率";
    Band: "Band", "风险等级";
    BandHigh: "High", "高";
    BandMedium: "Medium", "中";
    BandLow: "Low", "低";
    ValueAtRisk: "Value at risk", "风险金额";
    Owner: "Owner", "负责人";
    NoOwner: "no owner", "无负责人";
    Reasons: "Why", "原因";
    New: "new", "新增";
    NewlyAtRisk: "Newly at risk since the run before", "自上次评分后新进入预警";
    AnyBand: "Any band", "全部等级";
    AnyOwner: "Any owner", "全部负责人";
    MinProbability: "At least, %", "最低概率 %";
    Filter: "Filter", "筛选";
    ClearFilter: "Clear", "清除";
    CustomersCount: "{n} customers", "{n} 位客户";
    OneCustomer: "1 customer", "1 位客户";
    FirstPage: "First page", "回到第一页";
    NextPage: "Next page", "下一页";
    NoMatch: "No customer matches this filter.", "没有符合条件的客户。";
    ScoredBy: "Scored by {model}", "评分模型：{model}";

    // Customer
    WhyThisScore: "Why this probability", "为什么是这个概率";
    WhyLead: "Starting from the average customer, each reason pushes the score up or down; together they give exactly this customer's score.",
        "以平均客户为起点，每条原因把评分推高或拉低，合计正好等于该客户的评分。";
    Base: "Average customer", "平均客户";
    ThisCustomer: "This customer", "该客户";
    Unsure: "Not sure", "不确定";
    UnsureNote: "The model has not seen the like of this customer", "模型未见过类似客户";
    SmallestChange: "Smallest change to a lower risk", "使风险降级的最小变化";
    SmallestChangeNote: "The model's answer, not a promise: it knows what those who left looked like.",
        "这是模型的推算，并非承诺：模型只知道流失客户有哪些特征。";
    SmallerReasons: "{n} smaller reasons together", "其余 {n} 条较小原因合计";
    RaisesRisk: "raises the risk", "提高风险";
    LowersRisk: "lowers the risk", "降低风险";
    Reason: "Reason", "原因";
    ItsValue: "Its value", "数值";
    Contribution: "Contribution", "贡献";
    LogOdds: "Log-odds", "对数几率";
    ChanceOfLeaving: "Chance of leaving", "流失概率";
    AddsUp: "{base} + reasons = {logit} log-odds, a probability of {probability}.",
        "{base} + 各项原因 = {logit}（对数几率），即概率 {probability}。";
    NotScored: "Not scored", "未评分";
    ScoreFirst: "Train a model and score the customers: tenure train, then tenure score.",
        "请先训练模型并评分：tenure train，然后 tenure score。";
    ScoresOlder: "The data go on to {date}: some of these customers may have come back or left since. Score again: tenure score.",
        "数据已更新至 {date}：名单中部分客户此后可能已恢复活跃或已流失。请重新评分：tenure score。";
    NotScoredHint: "This customer was not eligible at the cutoff of the newest scoring run.",
        "该客户在最近一次评分的截止日不符合评分条件。";
    RecentActivity: "Recent activity", "近期动态";
    NoActivity: "Nothing recorded.", "没有记录。";
    Orders: "Orders", "订单";
    Tickets: "Tickets", "工单";
    Surveys: "Survey answers", "问卷回复";
    Profile: "Profile", "客户资料";
    Cutoff: "Cutoff", "评分截止日";
    Model: "Model", "模型";

    // Errors
    NotFound: "Not found", "未找到";
    BadRequest: "That request can not be answered", "无法处理该请求";
    NotAllowed: "A valid key is needed", "需要有效的密钥";
    Trouble: "Something went wrong", "出错了";
    DidYouMean: "Did you mean", "您要找的是不是";
    WhatToDo: "What to do", "解决办法";
    BackToOverview: "Back to the overview", "返回总览";
}

impl Text {
    /// The phrase in `lang` with every `{name}` replaced by its value.
    #[must_use]
    pub fn fill(self, lang: Lang, holes: &[(&str, &str)]) -> String {
        let mut rest = self.get(lang);
        let mut filled = String::with_capacity(rest.len());
        // One pass from left to right, so that a value that itself contains
        // braces (a customer's name may) is never read as a hole.
        while let Some((before, after)) = rest.split_once('{') {
            filled.push_str(before);
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            if let Some((_, value)) = holes.iter().find(|(hole, _)| *hole == name) {
                filled.push_str(value);
            }
            rest = after;
        }
        filled.push_str(rest);
        filled
    }
}

impl Lang {
    /// The phrase `text` in this language.
    #[must_use]
    pub const fn t(self, text: Text) -> &'static str {
        text.get(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holes(phrase: &str) -> Vec<&str> {
        let mut holes: Vec<_> = phrase
            .split('{')
            .skip(1)
            .filter_map(|tail| tail.split_once('}').map(|(name, _)| name))
            .collect();
        holes.sort_unstable();
        holes
    }

    #[test]
    fn translations_have_the_same_holes_and_are_in_their_language() {
        for text in Text::ALL {
            let (en, zh) = (text.get(Lang::En), text.get(Lang::Zh));
            assert_eq!(holes(en), holes(zh), "{text:?}");
            assert!(en.is_ascii() && !en.is_empty(), "{text:?}");
            assert!(zh.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)), "{text:?}");
        }
    }

    #[test]
    fn a_value_with_braces_is_not_read_as_a_hole() {
        let filled = Text::AddsUp
            .fill(Lang::En, &[("base", "{logit}"), ("logit", "2"), ("probability", "88%")]);
        assert_eq!(filled, "{logit} + reasons = 2 log-odds, a probability of 88%.");
    }
}
