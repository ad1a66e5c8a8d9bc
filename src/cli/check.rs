//! `tenure check`: looks for data that can not be right.

use std::process::ExitCode;

use super::output;
use crate::config::Language;
use crate::error::Result;
use crate::reports::render::{rows, table};
use crate::tenure::{CheckResult, Tenure};

/// Look for data that can not be right
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// table or json
    #[arg(long, default_value = "table", value_parser = ["table", "json"])]
    format: String,
    /// End with exit code 1 if a check has findings, for scripts
    #[arg(long)]
    fail: bool,
}

/// The only verb that can do its work and still not end with code 0: findings
/// are an answer, not an error.
pub(super) async fn run(args: Args, tenure: Tenure) -> Result<ExitCode> {
    let found = tenure.check().await?;
    show(&found, args.format == "json", tenure.language())?;
    let passed = found.iter().all(|check| check.table.rows() == 0);
    Ok(if args.fail && !passed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn show(found: &[CheckResult], as_json: bool, language: Language) -> Result<()> {
    if as_json {
        let mut all = Vec::new();
        for check in found {
            all.push(serde_json::json!({
                "check": check.name,
                "severity": check.header.severity,
                "passed": check.table.rows() == 0,
                "findings": rows(&check.table.batches)?,
            }));
        }
        return output::json(&all);
    }
    for check in found {
        let title = check.header.title.get(language);
        let mark = if check.table.rows() == 0 { "✓" } else { "✗" };
        output::text(&format!("{mark} {:<28} {title}\n", check.name))?;
        if check.table.rows() > 0 {
            output::text(&table(&check.table, &check.header, language))?;
        }
    }
    Ok(())
}
