//! `tenure compact`: merges what loads have written into fewer, larger files.

use super::output;
use crate::config::Language;
use crate::error::Result;
use crate::tenure::{CompactSummary, Tenure};

/// Merge what loads have written into fewer, larger files, so that reports stay fast
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// table or json
    #[arg(long, default_value = "table", value_parser = ["table", "json"])]
    format: String,
}

pub(super) async fn run(args: Args, tenure: Tenure) -> Result<()> {
    let summary = merge(&tenure).await?;
    if args.format == "json" {
        return output::json(&summary);
    }
    let nothing = tenure.language().pick("nothing to merge\n", "无需合并\n");
    let text = render(&summary, tenure.language());
    output::text(if text.is_empty() { nothing } else { &text })
}

/// Merges what is due and shows how far it is.
pub(super) async fn merge(tenure: &Tenure) -> Result<CompactSummary> {
    let language = tenure.language();
    let bar = output::progress_of(0, language.pick("rows", "行"), language);
    let summary = tenure
        .compact(&|done, of| {
            bar.set_length(of);
            bar.set_position(done);
        })
        .await;
    bar.finish_and_clear();
    summary
}

/// What was merged, as people read it; nothing if nothing was.
pub(super) fn render(summary: &CompactSummary, language: Language) -> String {
    let mut text = String::new();
    for (table, merged) in &summary.tables {
        let rows = output::count(merged.rows);
        let (before, after) = (merged.runs_before, merged.runs_after);
        text.push_str(&language.pick(
            format!("{table:<20} {before} runs are now {after}, {rows} rows rewritten\n"),
            format!("{table:<20} {before} 个有序段合并为 {after} 个，重写 {rows} 行\n"),
        ));
    }
    text
}
