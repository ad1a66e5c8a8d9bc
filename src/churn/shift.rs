//! What has become different about a feature, in words?
//!
//! The class of values that adds most to the PSI is what is told: that a value
//! is missing more often, that a level is more frequent, that many are at zero.
//! Of numbers that moved as a whole the median says it shorter.

use super::bins::{Class, Classes};
use super::feature::Feature;
use super::text::{PERCENT, Value};
use crate::config::Language;
use crate::text::Text;

/// Words for the change from `before` to `after` rows per class.
pub(super) fn change(
    feature: &Feature,
    classes: &Classes,
    [before, after]: [&[u64]; 2],
    now: &Value,
) -> Text {
    let share = |counts: &[u64], class: usize| {
        counts[class] as f64 / counts.iter().sum::<u64>().max(1) as f64
    };
    let moved = |class: &usize| {
        let [e, c] = [before, after].map(|counts| share(counts, *class).max(1e-6));
        (c - e) * (c / e).ln()
    };
    let most = (0..classes.n_classes()).max_by(|a, b| moved(a).total_cmp(&moved(b)));
    let class = most.unwrap_or_default();
    let [was, is] = [before, after].map(|counts| Value::Number(share(counts, class)));
    let percent = Text::same(PERCENT);
    let say = |language: Language| {
        let shown = |value: &Value| value.display(feature.unit.as_ref(), language);
        let shares = {
            let [was, is] = [&was, &is].map(|share| share.display(Some(&percent), language));
            format!("{was} → {is}")
        };
        let number = |number: f64| shown(&Value::Number(number));
        let what = match classes.class(class) {
            Class::Missing => language.pick("no value".to_owned(), "无取值".to_owned()),
            Class::Level(level) => language.pick(format!("\"{level}\""), format!("“{level}”")),
            Class::Others => {
                language.pick("rare or new values".to_owned(), "少见或新出现的取值".to_owned())
            }
            Class::Range(..) if shown(&feature.typical) != shown(now) => {
                let (was, is) = (shown(&feature.typical), shown(now));
                return language
                    .pick(format!("median {was} → {is}"), format!("中位数 {was} → {is}"));
            }
            Class::Range(None, None) => language.pick("any value".to_owned(), "有取值".to_owned()),
            Class::Range(None, Some(high)) => {
                let high = number(high);
                language.pick(format!("up to {high}"), format!("不超过 {high}"))
            }
            Class::Range(Some(low), None) => {
                let low = number(low);
                language.pick(format!("above {low}"), format!("超过 {low}"))
            }
            Class::Range(Some(low), Some(high)) => {
                let (low, high) = (number(low), number(high));
                language.pick(
                    format!("above {low}, up to {high}"),
                    format!("超过 {low} 且不超过 {high}"),
                )
            }
        };
        // Chinese sets digits and Latin letters off by a space.
        let gap = if what.ends_with(|last: char| last.is_ascii()) { " " } else { "" };
        language.pick(
            format!("{what}: {shares} of customers"),
            format!("{what}{gap}的客户占比 {shares}"),
        )
    };
    Text::new(say(Language::En), say(Language::Zh))
}
