//! What are the fictional customers, owners and campaigns called, and what do
//! customers write?
//!
//! Names are put together from parts, in English or Chinese by region. None is
//! meant to be a real company or person.

use super::draw::Draw;

/// The languages customers write in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    En,
    Zh,
}

impl Language {
    /// The code in the export.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }
}

const EN_FIRST: &[&str] = &[
    "Amber", "Birch", "Cobalt", "Delta", "Ember", "Falcon", "Granite", "Harbor", "Indigo",
    "Juniper", "Kestrel", "Lantern", "Meadow", "Nimbus", "Orchard", "Pioneer", "Quarry", "Ridge",
    "Silver", "Timber", "Umber", "Vista", "Willow", "Zephyr",
];
const EN_SECOND: &[&str] = &[
    "field", "gate", "bridge", "works", "line", "point", "stone", "wave", "crest", "path", "mark",
    "forge",
];
const EN_KIND: &[&str] = &[
    "Logistics",
    "Foods",
    "Systems",
    "Retail",
    "Clinics",
    "Learning",
    "Textiles",
    "Energy",
    "Partners, Inc.",
    "Labs",
    "Travel",
    "Hardware",
];
const ZH_PLACE: &[&str] =
    &["江南", "岭南", "云州", "海城", "锦川", "临江", "北原", "东湖", "西岭", "平沙"];
const ZH_FIRST: &[&str] = &["云", "瑞", "恒", "启", "远", "明", "信", "和", "嘉", "盛", "蓝", "新"];
const ZH_SECOND: &[&str] =
    &["舟", "达", "泰", "诚", "航", "源", "景", "丰", "程", "辉", "图", "禾"];
const ZH_KIND: &[&str] = &[
    "科技有限公司",
    "贸易有限公司",
    "物流有限公司",
    "教育科技有限公司",
    "食品有限公司",
    "信息技术有限公司",
];

const EN_GIVEN: &[&str] = &[
    "Ada", "Ben", "Clara", "Dev", "Elena", "Farid", "Grace", "Hugo", "Iris", "Jonas", "Kira",
    "Liam",
];
const EN_FAMILY: &[&str] = &[
    "Abbot", "Brandt", "Castell", "Dorsey", "Eklund", "Fenwick", "Garland", "Hollis", "Ito",
    "Kersey",
];
const ZH_FAMILY: &[&str] = &["林", "陈", "周", "吴", "沈", "韩", "唐", "许", "宋", "程"];
const ZH_GIVEN: &[&str] =
    &["晓雨", "子航", "雅静", "志远", "思琪", "文博", "佳怡", "浩然", "梦洁", "立新"];

/// A company's name.
pub(super) fn company(language: Language, draw: &mut Draw) -> String {
    match language {
        Language::En => {
            let (first, second) = (draw.pick(EN_FIRST), draw.pick(EN_SECOND));
            format!("{first}{second} {}", draw.pick(EN_KIND))
        }
        Language::Zh => {
            let (place, first) = (draw.pick(ZH_PLACE), draw.pick(ZH_FIRST));
            format!("{place}{first}{}{}", draw.pick(ZH_SECOND), draw.pick(ZH_KIND))
        }
    }
}

/// A person's name.
pub(super) fn person(language: Language, draw: &mut Draw) -> String {
    match language {
        Language::En => format!("{} {}", draw.pick(EN_GIVEN), draw.pick(EN_FAMILY)),
        Language::Zh => format!("{}{}", draw.pick(ZH_FAMILY), draw.pick(ZH_GIVEN)),
    }
}

/// What a customer writes beside an NPS answer; half write nothing.
pub(super) fn nps_comment(score: u8, language: Language, draw: &mut Draw) -> &'static str {
    if draw.chance(0.5) {
        return "";
    }
    let comments: &[&str] = match (language, score) {
        (Language::En, 9..) => &[
            "Does exactly what we need, and support is quick.",
            "The team uses it every day.",
            "Reports that used to take a day now take a minute.",
            "We told two of our suppliers about it.",
        ],
        (Language::En, 7..=8) => &[
            "Good, but exports could be faster.",
            "Solid. I miss a mobile app.",
            "Works well; the price went up a little much.",
        ],
        (Language::En, _) => &[
            "Nobody called back for days, then the ticket was just closed.",
            "Too slow at month end, we went back to Excel.",
            "\"Easy to set up\" it was not.",
            "We pay for features we do not use.",
        ],
        (Language::Zh, 9..) => &[
            "客服响应很快，问题当天就解决了。",
            "团队每天都在用，离不开了。",
            "报表省了我们很多时间。",
            "已经推荐给合作伙伴了。",
        ],
        (Language::Zh, 7..=8) => {
            &["整体不错，导出速度希望再快一点。", "功能够用，价格略高。", "希望增加手机端。"]
        }
        (Language::Zh, _) => &[
            "投诉了三天才有人回复。",
            "月底系统特别慢，影响开票。",
            "买了很多功能，实际用不上。",
            "换了客户经理之后没人跟进。",
        ],
    };
    draw.pick(comments)
}

/// The subject of a ticket.
pub(super) fn subject(category: &str, language: Language, draw: &mut Draw) -> &'static str {
    let subjects: &[&str] = match (language, category) {
        (Language::En, "complaint") => &[
            "Third time this month",
            "Wrong invoice again",
            "No answer since last week",
            "Data missing after update",
        ],
        (Language::En, "bug") => {
            &["Export stops at 90 %", "Chart is empty", "Login loop on tablet"]
        }
        (Language::En, _) => &[
            "How do I invite a colleague?",
            "Change billing address",
            "Question about permissions",
        ],
        (Language::Zh, "complaint") => {
            &["本月第三次出现同样问题", "发票又开错了", "一周没有人回复", "升级后数据丢失"]
        }
        (Language::Zh, "bug") => &["导出卡在90%", "图表显示为空", "平板无法登录"],
        (Language::Zh, _) => &["如何邀请同事？", "修改开票地址", "权限设置咨询"],
    };
    draw.pick(subjects)
}
