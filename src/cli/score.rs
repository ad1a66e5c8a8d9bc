//! `tenure score`: scores every customer with the newest model.

use super::output;
use crate::error::Result;
use crate::reports::iso;
use crate::tenure::{ScoreSummary, Tenure};

/// Score every customer with the newest model
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
    let wheel = output::spinner("scoring");
    let summary = tenure.score(args.as_of.as_deref()).await;
    wheel.finish_and_clear();
    let summary = summary?;
    if args.format == "json" {
        return output::json(&summary);
    }
    output::text(&render(&summary))
}

/// What a scoring did, as people read it.
pub(super) fn render(summary: &ScoreSummary) -> String {
    let band = |name: &str| output::count(summary.bands.get(name).copied().unwrap_or(0) as u64);
    format!(
        "scored {} customers as of {} with model {}\n\
         risk: {} high, {} medium, {} low; value at risk {}\n",
        output::count(summary.customers as u64),
        iso(summary.cutoff),
        summary.model,
        band("high"),
        band("medium"),
        band("low"),
        output::count(summary.value_at_risk.round().max(0.0) as u64),
    )
}
