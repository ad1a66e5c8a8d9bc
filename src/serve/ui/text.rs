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
    RowsBehind: "The rows behind each reason", "各项原因所依据的数据";
    RowsBehindLead: "What each number is made from: what had happened by the cutoff and was known to the score, newest first. A window of 30 days holds rows less than 30 days before it.",
        "每个数值的来源：截止时刻前已发生且评分时已知的记录，最近的在前。“近 30 天”即距截止日不足 30 天的记录。";
    SeeRows: "see the rows", "查看明细";
    NothingBehind: "No row: nothing of the kind had happened by the cutoff and was known to the score.", "没有记录：截止时刻前没有评分时已知的此类数据。";
    NotListed: "No query in queries/rows lists what this is made from.", "queries/rows 中没有列出此类明细的查询。";
    SmallerNotListed: "Smaller reasons are added up here; their rows are not listed.", "此处为其余较小原因的合计，不列明细。";
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

    // Model card
    CardTitle: "Model {model}", "模型 {model}";
    CardReached: "Leavers reached", "覆盖的流失客户";
    CardReachedNote: "of all leavers are among the tenth of customers with the highest risk; {rate} of all left.",
        "的流失客户位于风险最高的十分之一客户中；整体流失率为 {rate}。";
    CardLiftTile: "Against chance", "与随机相比";
    CardLiftNote: "as many leavers among them as in a tenth drawn at random.", "风险最高的十分之一中流失者为随机抽取的倍数。";
    CardGap: "Gap to what happened", "与实际的差距";
    CardGapNote: "is the mean distance between predicted and observed churn, over tenths by risk.",
        "为按风险十等分后预测流失率与实际流失率的平均差距。";
    CardDoubts: "What to know before you rely on it", "使用前须知";
    CardUnusable: "It can not score now:", "目前无法评分：";
    CardAbout: "What it is", "模型说明";
    CardPredicts: "Counts as leaving", "流失的定义";
    CardInactivity: "No activity ({activities}) in the {days} days after the cutoff",
        "截止日后 {days} 天内没有任何活动（{activities}）";
    CardAnyActivity: "of any kind", "不限种类";
    CardContract: "The last contract ends in the {days} days after the cutoff, and none begins within {grace} days of that",
        "截止日后 {days} 天内最后一份合同终止，且其后 {grace} 天内没有新合同";
    CardAfterGap: "; the days begin {gap} days later, so that there is time to act", "；自截止日 {gap} 天后开始计算，以便留出行动时间";
    CardGiven: "The data says so: label {label}", "由数据给定：标签 {label}";
    CardAsked: "Asked about", "评分对象";
    CardActive: "Customers active in the {days} days before the cutoff", "截止日前 {days} 天内活跃过的客户";
    CardRunning: "Customers with a running contract", "有生效合同的客户";
    CardNotYet: "Customers of whom the data does not say that they have left", "数据中尚未标记为流失的客户";
    CardBands: "High from {high}, medium from {medium}", "{high} 起为高，{medium} 起为中";
    CardEstimator: "Estimator", "模型类型";
    CardLogistic: "Logistic regression on splines, ridge {ridge}", "样条逻辑回归，岭参数 {ridge}";
    CardStumps: "Boosted stumps, {n}: additive, a table per feature", "{n} 个提升树桩（可加模型，每个特征一张表）";
    CardTrees: "Boosted trees of {leaves} leaves, {n}", "{n} 棵提升树，每棵 {leaves} 个叶节点";
    CardFeatures: "Features", "特征";
    CardFeaturesUsed: "{n} that can move a score", "{n} 项会影响评分";
    CardLearntAt: "Validation learnt at", "验证时的训练截止日";
    CardTestedAt: "Tested at", "检验截止日";
    CardCutoffs: "{n} cutoffs, {first} to {last}", "{n} 个截止日，{first}至{last}";
    CardFolds: "{n} folds of customers, each predicted from the others", "{n} 折交叉检验，每折由其余各折预测";
    CardRows: "Rows", "行数";
    CardRowsSaid: "{rows} held out, of which {churned} left; {train} learnt from", "留出 {rows} 行，其中流失 {churned} 行；训练 {train} 行";
    CardTrained: "Trained", "训练时间";
    CardServed: "Served", "启用时段";
    CardStill: "now", "今";
    CardTables: "Versions of the tables read", "所读数据表的版本";
    CardQuality: "How good it is on customers and months it had not seen", "在未见过的客户与月份上的表现";
    CardMetric: "Figure", "指标";
    CardInterval: "95 % interval", "95% 区间";
    CardMeaning: "Meaning", "含义";
    CardReliability: "Predicted and observed", "预测与实际";
    CardReliabilityNote: "A mark per tenth of the customers by risk: on the dashed line as many left as was said.",
        "按风险十等分，每组一个点：落在虚线上表示实际流失与预测一致。";
    CardPredicted: "Predicted churn", "预测流失率";
    CardObserved: "Observed churn", "实际流失率";
    CardAsPromised: "as predicted", "与预测一致";
    CardMark: "{predicted} predicted, {observed} left", "预测 {predicted}，实际流失 {observed}";
    CardLift: "Leavers reached by calls", "电话覆盖的流失客户";
    CardLiftDescribed: "Share of leavers reached when the riskiest customers are called first; dashed: called in any order.",
        "先联系风险最高的客户时覆盖的流失客户比例；虚线：随意联系。";
    CardCalledShare: "Customers called", "联系的客户";
    CardReachedShare: "Leavers reached", "覆盖的流失客户";
    CardByChance: "by chance", "随机";
    CardCalled: "{called} called, {reached} of leavers reached", "联系 {called}，覆盖 {reached} 的流失客户";
    CardTenths: "The tenths in numbers", "十等分明细";
    CardTenth: "Tenth", "分组";
    CardDrivers: "What moves the scores most", "影响评分最大的因素";
    CardDriversNote: "How far each theme moves the log-odds of a customer on average, up or down. It says what goes with leaving, not what causes it.",
        "各主题平均使客户的对数几率上升或下降多少。这说明与流失相关的因素，而非流失的原因。";
    CardTheme: "Theme", "主题";
    CardMoves: "Moves the log-odds by", "对数几率平均变动";
    CardHorizons: "By when customers leave", "客户何时流失";
    CardHorizonsNote: "Each predicted at the latest cutoffs of which it is known who left, by a model of what was known at the first of them; long spans are judged at earlier cutoffs than short ones. Below a prediction: where the observed share lies 95 times in 100 if it is right.",
        "各期限在最近已知结果的截止日上预测，模型只用其中首个截止日当时已知的数据训练；期限越长，截止日越早。预测值下方：若预测正确，实际比例有 95% 的可能落入的区间。";
    CardWithin: "Left within", "流失时限";
    CardCutoffCount: "Cutoffs", "截止日数";
    CardFirstCutoff: "From", "首个截止日";
    CardSegments: "Kinds of customers", "各类客户";
    CardSegmentsNote: "Off: a tenth or more from what was said, by more than chance and than for everybody (5 % for all kinds together, Holm).",
        "有偏差：实际与预测相差一成以上，超出偶然，且大于整体差异（全部类别合计显著性水平 5%，Holm 校正）。";
    CardCategory: "Category", "类别";
    CardLevel: "Level", "取值";
    CardOff: "Off", "有偏差";
    CardLearning: "Would more customers help", "更多客户是否有帮助";
    CardLearningNote: "Held-out log-loss by rows learnt from; while it falls, more data helps.",
        "不同训练行数下的留出对数损失；若仍在下降，更多数据会有帮助。";
    CardLearntFrom: "Rows learnt from", "训练行数";
    CardChurners: "Of them left", "其中流失";
    CardLogLoss: "Log-loss", "对数损失";
    CardTried: "What it was chosen from", "备选模型";
    CardTriedNote: "The simplest within one standard error of the best is taken. With many rows all are tried on some of the customers, and those that may be best again on all, with as many trees as those carry; figures compare with those of as many rows.",
        "在与最优者相差不超过一个标准误的模型中取最简单者。数据较多时先用部分客户比较全部备选，可能最优者再用全部数据比较，并由全部数据确定树的数量；行数相同的数值才可相互比较。";
    CardExcess: "More than the best", "高于最优";
    CardJudgedOn: "Held-out rows", "留出行数";
    CardChosen: "Chosen", "选用";
    CardLimits: "Limits", "局限";
    CardLimitCause: "It knows what customers who left looked like, not why they left, and not whom a call would keep.",
        "模型只知道流失客户有哪些特征，不知道流失的原因，也不知道联系谁能够挽留。";
    CardLimitTime: "It was tested on the newest months whose outcome is known; months that are unlike any before (a crisis, a new product) are not covered.",
        "模型在结果已知的最近月份上检验；与以往完全不同的月份（危机、新产品）不在其内。";
    CardLimitUndated: "Its label has no dates, so it was tested on other customers and not on later ones.",
        "标签没有日期，因此只在其他客户上检验，未在更晚的时间上检验。";
    CardLimitUnsure: "Customers unlike those it learnt from are marked as not sure; their scores are a guess.",
        "与训练数据差异过大的客户会标记为不确定，其评分仅为猜测。";
    CardLimitDrift: "It ages: tenure drift says whether customers have changed and whether as many leave as was said.",
        "模型会老化：tenure drift 会报告客户是否变化、实际流失是否与预测相符。";
    CardLimitPeople: "It is made for deciding whom to call, not for prices, credit or anything a customer could be denied.",
        "仅用于决定联系哪些客户，不得用于定价、授信或任何可能拒绝客户的决定。";

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
