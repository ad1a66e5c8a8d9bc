//! `tenure score`: scores every customer with the model that serves.

use super::{compact, output};
use crate::config::Language;
use crate::error::Result;
use crate::reports::iso;
use crate::serve::ui::band::Band;
use crate::tenure::{ScoreSummary, ShadowSummary, Tenure};

/// Score every customer with the model that serves, once a night; files are merged first where that is due
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Score as of this date or instant [default: the end of the data]
    #[arg(long, value_name = "DATE|INSTANT")]
    as_of: Option<String>,
    /// table or json
    #[arg(long, default_value = "table", value_parser = ["table", "json"])]
    format: String,
}

pub(super) async fn run(args: Args, tenure: Tenure) -> Result<()> {
    let language = tenure.language();
    // The run of the night also pays for the day's loads.
    let merged = compact::merge(&tenure).await?;
    let wheel = output::spinner(language.pick("scoring", "正在评分"));
    let summary = tenure.score(args.as_of.as_deref()).await;
    wheel.finish_and_clear();
    let summary = summary?;
    if let Some(ShadowSummary { model, refused: Some(why), .. }) = &summary.shadow {
        output::say(format_args!("warning: model {model} on trial did not score: {why}"));
    }
    if args.format == "json" {
        return output::json(&summary);
    }
    output::text(&format!("{}{}", compact::render(&merged, language), render(&summary, language)))
}

/// What a scoring did, as people read it.
pub(super) fn render(summary: &ScoreSummary, language: Language) -> String {
    let bands = Band::ALL.map(|band| {
        let members = summary.bands.get(band.code()).copied().unwrap_or(0);
        let (members, name) = (output::count(members as u64), output::band(band.code(), language));
        language.pick(format!("{members} {name}"), format!("{name} {members}"))
    });
    let bands = bands.join(language.pick(", ", "，"));
    let customers = output::count(summary.customers as u64);
    let (cutoff, model) = (iso(summary.cutoff), &summary.model);
    let amount = |(currency, value): (&String, &f64)| {
        format!("{} {currency}", output::count(value.round().max(0.0) as u64))
    };
    let at_risk: Vec<String> = summary.value_at_risk.iter().map(amount).collect();
    let at_risk = match at_risk.is_empty() {
        true => language.pick("unknown", "未知").to_owned(),
        false => at_risk.join(language.pick(", ", "，")),
    };
    language.pick(
        format!(
            "scored {customers} customers as of {cutoff} with model {model}\n\
             risk: {bands}; value at risk {at_risk}\n"
        ),
        format!(
            "已用模型 {model} 为 {customers} 位客户评分，截至 {cutoff}\n\
             风险等级：{bands}；风险金额 {at_risk}\n"
        ),
    )
}
