//! `tenure demo`: from an empty folder to a dashboard, in one command.

use std::path::{Path, PathBuf};

use super::generate::{PlanArgs, generate};
use super::ingest::Bar;
use super::{ingest, output, score, serve, train};
use crate::churn::ChurnSpec;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::generate::{Oracle, Plan};
use crate::ingest::IngestOptions;
use crate::reports::render::{Format, render};
use crate::reports::{Purpose, ReportRequest};
use crate::tenure::{Tenure, TrainSummary};

/// Generate a CRM's data, load it, report, train, score and serve it
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder for the files, the truth and the store
    #[arg(long, default_value = "tenure-demo")]
    dir: PathBuf,
    #[command(flatten)]
    plan: PlanArgs,
    /// End after the scores instead of serving them
    #[arg(long)]
    no_serve: bool,
    /// Address of the dashboard
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
}

pub(super) async fn run(args: Args, mut config: Config) -> Result<()> {
    // The demo must not end up in a store with the user's own customers.
    config.store = args.dir.join("store").display().to_string();
    let tenure = Tenure::with_config(config.clone())?;

    step(1, "generate", "the files a CRM would export");
    files(&args)?;

    step(2, "ingest", "raw files to Parquet tables; rows that break a rule to quarantine");
    let mut bar = Bar::new();
    let exports = args.dir.join("exports");
    let summary = tenure.ingest(&[exports], &IngestOptions::now(), &mut bar).await;
    bar.0.finish_and_clear();
    output::text(&ingest::render(&summary?))?;

    step(3, "check", "data that can not be right");
    let found = tenure.check().await?;
    let passed = found.iter().filter(|check| check.table.rows() == 0).count();
    output::text(&format!("{passed} of {} checks passed\n", found.len()))?;
    for check in found.iter().filter(|check| check.table.rows() > 0) {
        let title = check.header.title.get(tenure.language());
        output::text(&format!("  {:<26} {title} ({} findings)\n", check.name, check.table.rows()))?;
    }

    step(4, "report", "what the boss asks first; all reports: tenure report");
    let overview = tenure.report("overview", &ReportRequest::default()).await?;
    let query = tenure.catalogue().get(Purpose::Report, "overview")?;
    output::bytes(&render(&overview, &query.header, Format::Table, tenure.language())?, None)?;

    step(5, "train", "a model of who leaves, tested on later months");
    let trained = train::train(&tenure, ChurnSpec::built_in("churn")?, None).await?;
    output::text(&train::render(&trained))?;
    output::text(&beside_the_truth(&args.dir, &trained)?)?;

    step(6, "score", "every customer, with reasons and the value at risk");
    output::text(&score::render(&tenure.score(None).await?))?;
    riskiest(&tenure).await?;

    if args.no_serve {
        return Ok(());
    }
    step(7, "serve", "the dashboard, and the HTTP endpoint other CRMs pull from");
    serve::run(serve::Args { listen: args.listen }, tenure).await
}

fn step(number: u8, verb: &str, words: &str) {
    output::say(format_args!("\n── {number} {verb}: {words}"));
}

/// Generates the files, unless a demo of the same size left them here.
fn files(args: &Args) -> Result<()> {
    let plan =
        Plan::new(args.plan.customers, args.plan.seed, args.plan.months, Plan::default().start())?;
    match Oracle::plan_of(&args.dir)? {
        Some(there) if there == plan => {
            output::text(&format!("{} has them already\n", args.dir.display()))
        }
        Some(_) => Err(Error::new(
            ErrorKind::Usage,
            format!("{} holds a demo of another size", args.dir.display()),
        )
        .hint("name another folder with --dir, or delete this one")),
        None => {
            let summary = generate(&args.plan, &args.dir)?;
            output::text(&format!(
                "{} rows in {} files, {} customers, {} months\n",
                output::count(summary.files.values().map(|file| file.rows).sum()),
                summary.files.len(),
                output::count(summary.customers),
                plan.months(),
            ))
        }
    }
}

/// The model's quality beside that of the true probabilities, on the same
/// customers and months: nothing can do better than the second.
fn beside_the_truth(dir: &Path, trained: &TrainSummary) -> Result<String> {
    let truth = Oracle::load(dir)?.metrics(&trained.test_cutoffs())?;
    let model = &trained.metrics;
    let mut text = format!(
        "beside the generator's true probabilities ({} rows, {} churned)\n  {:<12} {:>8} {:>8}\n",
        output::count(truth.rows as u64),
        output::count(truth.churners as u64),
        "",
        "model",
        "truth",
    );
    for (name, ours, theirs) in [
        ("auc", model.auc, truth.auc),
        ("log_loss", model.log_loss, truth.log_loss),
        ("lift_decile", model.lift_decile, truth.lift_decile),
    ] {
        text.push_str(&format!("  {name:<12} {ours:>8.4} {theirs:>8.4}\n"));
    }
    Ok(text)
}

/// The three customers most at risk, each with the first reason.
async fn riskiest(tenure: &Tenure) -> Result<()> {
    let engine = tenure.engine().await?;
    let request = crate::tenure::ScoreRequest { limit: 3, ..Default::default() };
    for score in tenure.scores(&engine, &request, tenure.language()).await?.scores {
        let text = |name: &str| score.get(name).and_then(|value| value.as_str()).unwrap_or("");
        let first = score.get("reasons").and_then(|reasons| reasons.get(0)?.get("text")?.as_str());
        let probability = score.get("probability").and_then(|value| value.as_f64());
        output::text(&format!(
            "  {:>5.1} %  {} {}: {}\n",
            100.0 * probability.unwrap_or(f64::NAN),
            text("customer_id"),
            text("name"),
            first.unwrap_or(""),
        ))?;
    }
    Ok(())
}
