//! `tenure explain`: says why a customer has the score they have.

use serde_json::{Map, Value};

use super::output;
use crate::config::Language;
use crate::error::Result;
use crate::reports::render::table;
use crate::tenure::{RowsBehind, Tenure};

/// Say why a customer has the score they have
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The customer's id in the source
    customer: String,
    /// List the rows of data behind each reason, the newest 20 or as many as given
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "20", value_parser = clap::value_parser!(u32).range(1..))]
    rows: Option<u32>,
    /// table or json
    #[arg(long, default_value = "table", value_parser = ["table", "json"])]
    format: String,
}

pub(super) async fn run(args: Args, tenure: Tenure) -> Result<()> {
    let engine = tenure.engine().await?;
    let mut score = tenure.explain(&engine, &args.customer, tenure.language()).await?;
    let most = args.rows.map(|most| most as usize);
    if args.format == "json" {
        if let Some(most) = most {
            tenure.add_rows(&engine, &mut score, most).await?;
        }
        return output::json(&score);
    }
    let behind = match most {
        Some(most) => tenure.rows_behind(&engine, &score, most).await?,
        None => Vec::new(),
    };
    output::text(&render(&score, &behind, tenure.language()))
}

/// How far the rows of a reason stand in, below its words.
const INDENT: usize = 11;

/// The rows behind a reason, below it.
fn listed(behind: &RowsBehind, language: Language) -> String {
    let title = behind.header.title.get(language);
    let [shown, total] =
        [behind.table.rows(), behind.total].map(|count| output::count(count as u64));
    let head = match (behind.total, behind.table.rows() < behind.total) {
        (0, _) => language.pick(format!("{title}: no rows"), format!("{title}：无记录")),
        (_, true) => language.pick(
            format!("{title}: the newest {shown} of {total} rows"),
            format!("{title}：共 {total} 条，列出最近 {shown} 条"),
        ),
        (1, _) => language.pick(format!("{title}: 1 row"), format!("{title}：共 1 条")),
        _ => language.pick(format!("{title}: {total} rows"), format!("{title}：共 {total} 条")),
    };
    let mut out = format!("{:INDENT$}{head}\n", "");
    if behind.total > 0 {
        let rows = table(&behind.table, &behind.header, language);
        for line in rows.lines() {
            out.push_str(&format!("{:INDENT$}{line}\n", ""));
        }
    }
    out.push('\n');
    out
}

/// By when the customer will have left, as far as the model says.
fn curve(score: &Map<String, Value>, language: Language) -> String {
    let number = |name: &str| score.get(name).and_then(Value::as_f64);
    let named = [("churn_30", 30), ("churn_60", 60), ("churn_90", 90), ("churn_180", 180)];
    let left: Vec<String> =
        named
            .iter()
            .filter_map(|(name, days)| {
                let percent = 100.0 * number(name)?;
                Some(language.pick(
                    format!("{days} days {percent:.1} %"),
                    format!("{days} 天 {percent:.1}%"),
                ))
            })
            .collect();
    let Some(remaining) = number("remaining_days") else { return String::new() };
    language.pick(
        format!(
            "left within: {}; expected to stay {remaining:.0} days, within three years\n\n",
            left.join(", ")
        ),
        format!("流失概率：{}；预计剩余 {remaining:.0} 天（三年以内）\n\n", left.join("，")),
    )
}

/// Log-odds as they add up, the strongest reason first.
fn render(score: &Map<String, Value>, behind: &[Option<RowsBehind>], language: Language) -> String {
    let number = |name: &str| score.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN);
    let text = |name: &str| score.get(name).and_then(Value::as_str).unwrap_or_default();
    let at_risk = score.get("value_at_risk").and_then(Value::as_f64);
    let at_risk = at_risk.map_or_else(
        || language.pick("unknown", "未知").to_owned(),
        |value| format!("{value:.2} {}", text("currency")),
    );
    let (customer, cutoff, model) = (text("customer_id"), text("cutoff"), text("model"));
    let percent = 100.0 * number("probability");
    let band = output::band(text("band"), language);
    let mut out = language.pick(
        format!(
            "{customer}: {percent:.1} % ({band}), value at risk {at_risk}, as of {cutoff}, \
             model {model}\n\n"
        ),
        format!(
            "{customer}：流失概率 {percent:.1}%（风险{band}），风险金额 {at_risk}，\
             截至 {cutoff}，模型 {model}\n\n"
        ),
    );
    out.push_str(&curve(score, language));
    let average = language.pick("average customer", "平均客户");
    out.push_str(&format!("{:>+9.4}  {average}\n", number("base")));
    let reasons = score.get("reasons").and_then(Value::as_array).into_iter().flatten();
    for (place, reason) in reasons.enumerate() {
        let contribution = reason.get("contribution").and_then(Value::as_f64).unwrap_or(f64::NAN);
        let words = reason.get("text").and_then(Value::as_str).unwrap_or_default();
        out.push_str(&format!("{contribution:>+9.4}  {words}\n"));
        if let Some(behind) = behind.get(place).and_then(Option::as_ref) {
            out.push_str(&listed(behind, language));
        }
    }
    let sum = language.pick("= log-odds of leaving", "= 流失的对数几率");
    out.push_str(&format!("{:>+9.4}  {sum}\n", number("logit")));
    let unsure = score.get("unsure").and_then(|unsure| unsure.get("text")?.as_str());
    if let Some(unsure) = unsure {
        let head = language.pick("not sure", "不确定");
        out.push_str(&format!("\n{head}{}{unsure}\n", language.pick(": ", "：")));
    }
    let what_if = score.get("what_if").and_then(|what_if| what_if.get("text")?.as_str());
    if let Some(what_if) = what_if {
        let head = language.pick(
            "smallest change to a lower band, as the model sees it",
            "模型认为可使风险降级的最小变化",
        );
        out.push_str(&format!("\n{head}{}{what_if}\n", language.pick(": ", "：")));
    }
    out
}
