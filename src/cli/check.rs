//! `tenure check`: looks for data that can not be right.

use super::output;
use crate::error::Result;
use crate::reports::render::{Format, rows, table};
use crate::tenure::Tenure;

/// Look for data that can not be right
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// table or json
    #[arg(long, default_value = "table")]
    format: String,
}

pub(super) async fn run(args: Args, tenure: Tenure) -> Result<()> {
    let format = Format::named(&args.format)?;
    let found = tenure.check().await?;
    if format == Format::Json {
        let mut all = Vec::new();
        for check in &found {
            all.push(serde_json::json!({
                "check": check.name,
                "severity": check.header.severity,
                "passed": check.table.rows() == 0,
                "findings": rows(&check.table.batches)?,
            }));
        }
        return output::json(&all);
    }
    for check in &found {
        let title = check.header.title.get(tenure.language());
        let mark = if check.table.rows() == 0 { "✓" } else { "✗" };
        output::text(&format!("{mark} {:<28} {title}\n", check.name))?;
        if check.table.rows() > 0 {
            output::text(&table(&check.table, &check.header, tenure.language()))?;
        }
    }
    Ok(())
}
