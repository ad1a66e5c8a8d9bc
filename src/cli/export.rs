//! `tenure export`: writes the newest scores in the form another CRM takes.

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, Utc};

use super::output;
use crate::config::Language;
use crate::error::{Error, ErrorKind, Result};
use crate::export::{ExportRequest, ExportSummary, Target};
use crate::reports::params;
use crate::tenure::Tenure;

/// Write the newest scores in the form another CRM takes
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) what: What,
}

#[derive(Debug, clap::Subcommand)]
pub(super) enum What {
    /// Write the newest scores into a new folder, riskiest first
    Scores(Scores),
    /// Print the mapping of a target, to copy, change and pass with --map
    Mapping(Mapping),
}

#[derive(Debug, clap::Args)]
pub(super) struct Scores {
    /// salesforce, hubspot, zoho, fxiaoke or csv
    #[arg(long, value_name = "TARGET")]
    target: String,
    /// The folder to make [default: scores-TARGET-RUN]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Only customers of this band: high, medium or low
    #[arg(long, value_name = "BAND")]
    band: Option<String>,
    /// Only customers whose score changed since; pass `scored_at` of the last
    /// export's manifest. A date means its beginning
    #[arg(long, value_name = "DATE|INSTANT")]
    changed_since: Option<String>,
    /// Your own fields instead of the built-in ones
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// table or json
    #[arg(long, default_value = "table", value_parser = ["table", "json"])]
    format: String,
}

#[derive(Debug, clap::Args)]
pub(super) struct Mapping {
    /// salesforce, hubspot, zoho, fxiaoke or csv
    #[arg(long, value_name = "TARGET")]
    target: String,
}

/// Prints a built-in mapping.
pub(super) fn mapping(args: &Mapping) -> Result<()> {
    output::text(Target::named(&args.target)?.mapping())
}

pub(super) async fn scores(args: Scores, tenure: Tenure) -> Result<()> {
    let language = tenure.language();
    let changed_since =
        args.changed_since.as_deref().map(|text| since(text, &tenure)).transpose()?;
    let request = ExportRequest {
        target: Target::named(&args.target)?,
        mapping: args.map,
        out: args.out,
        band: args.band,
        changed_since,
    };
    let wheel = output::spinner(language.pick("exporting scores", "正在导出评分"));
    let summary = tenure.export_scores(&request, language).await;
    wheel.finish_and_clear();
    let summary = summary?;
    if args.format == "json" {
        return output::json(&summary);
    }
    output::text(&render(&summary, language))
}

/// An instant as it is, a date as its first instant: what changed on that day is
/// among what changed since.
fn since(text: &str, tenure: &Tenure) -> Result<DateTime<Utc>> {
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Ok(instant.to_utc());
    }
    let tz = params::time_zone(&tenure.config().tz)?;
    let date = text.parse::<NaiveDate>().ok();
    date.and_then(|date| params::start_of_day(date, tz)).ok_or_else(|| {
        let message = format!("changed-since: \"{text}\" is not a date or an instant");
        Error::new(ErrorKind::Usage, message).hint("write it as 2025-06-30 or 2025-06-30T18:00:00Z")
    })
}

fn render(summary: &ExportSummary, language: Language) -> String {
    let manifest = &summary.manifest;
    let (target, folder) = (manifest.target, summary.folder.display());
    let customers = output::count(manifest.rows - manifest.cleared);
    let (cleared, files) =
        (output::count(manifest.cleared), output::count(manifest.files.len() as u64));
    let scored_at = &manifest.scored_at;
    let cutoff = manifest.cutoff.as_ref();
    let cutoff = cutoff.map_or_else(String::new, |cutoff| {
        language.pick(format!(" as of {cutoff}"), format!("，截至 {cutoff}"))
    });
    let cleared = match manifest.cleared {
        0 => String::new(),
        _ => language.pick(
            format!("; {cleared} without a score any more are cleared"),
            format!("；另清空 {cleared} 位不再有评分的客户"),
        ),
    };
    language.pick(
        format!(
            "wrote the scores of {customers} customers{cutoff} for {target}{cleared}\n\
             {files} files and manifest.json in {folder}\n\
             next time only what changed: --changed-since {scored_at}\n"
        ),
        format!(
            "已导出 {customers} 位客户的评分（{target}{cutoff}）{cleared}\n\
             共 {files} 个文件及 manifest.json，位于 {folder}\n\
             下次只导出有变化的客户：--changed-since {scored_at}\n"
        ),
    )
}
