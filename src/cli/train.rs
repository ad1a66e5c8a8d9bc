//! `tenure train`: trains a churn model and says how good it is.

use std::path::Path;

use super::output;
use crate::churn::ChurnSpec;
use crate::error::{Error, ErrorKind, Result};
use crate::tenure::{Tenure, TrainSummary};

/// Train a churn model and say how good it is
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What to predict and from what: a file, or the name of a built-in spec
    #[arg(long, default_value = "churn", value_name = "FILE|NAME")]
    spec: String,
    /// Train on what was known at this date or instant [default: the end of the data]
    #[arg(long, value_name = "DATE|INSTANT")]
    as_of: Option<String>,
    /// table or json
    #[arg(long, default_value = "table", value_parser = ["table", "json"])]
    format: String,
}

pub(super) async fn run(args: Args, tenure: Tenure) -> Result<()> {
    let spec = spec(&args.spec)?;
    let summary = train(&tenure, spec, args.as_of.as_deref()).await?;
    if args.format == "json" {
        return output::json(&summary);
    }
    output::text(&render(&summary))
}

/// Trains with a progress bar over the cutoffs.
pub(super) async fn train(
    tenure: &Tenure,
    spec: ChurnSpec,
    as_of: Option<&str>,
) -> Result<TrainSummary> {
    let bar = output::progress_of(0, "cutoffs");
    let told = bar.clone();
    let summary = tenure
        .train(spec, as_of, &mut move |done, of| {
            told.set_length(of as u64);
            told.set_position(done as u64);
        })
        .await;
    bar.finish_and_clear();
    summary
}

/// The spec in a file, or the built-in one of that name.
fn spec(given: &str) -> Result<ChurnSpec> {
    let path = Path::new(given);
    if !path.exists() {
        return ChurnSpec::built_in(given);
    }
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::new(ErrorKind::Usage, format!("can not read {given}")).caused_by(error)
    })?;
    ChurnSpec::parse(&text, given)
}

/// The quality of a model, as people read it.
pub(super) fn render(summary: &TrainSummary) -> String {
    let metrics = &summary.metrics;
    let interval = |name: &str| {
        let ends = summary.intervals.get(name).and_then(serde_json::Value::as_array);
        let end = |index: usize| ends.and_then(|ends| ends.get(index)?.as_f64());
        match (end(0), end(1)) {
            (Some(low), Some(high)) => format!("  [{low:.4}, {high:.4}]"),
            _ => String::new(),
        }
    };
    let mut text = format!(
        "model {} ({}, {}), fitted on {} rows\n",
        summary.model,
        summary.spec,
        summary.estimator,
        output::count(summary.trained_rows as u64),
    );
    text.push_str(&format!(
        "held out: {} rows, {} churned\n",
        output::count(metrics.rows as u64),
        output::count(metrics.churners as u64),
    ));
    for (name, value, meaning) in [
        ("auc", metrics.auc, "a churner ranks above a stayer this often"),
        ("pr_auc", metrics.pr_auc, "average precision"),
        ("log_loss", metrics.log_loss, "lower is better"),
        ("brier", metrics.brier, "mean squared error of the probability"),
        ("ece", metrics.ece, "mean gap between predicted and observed share"),
        ("lift_decile", metrics.lift_decile, "churners in the riskiest tenth, against chance"),
    ] {
        text.push_str(&format!("  {name:<12} {value:.4}{:<20}  {meaning}\n", interval(name)));
    }
    text
}
