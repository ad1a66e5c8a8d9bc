//! `tenure generate`: writes the files a CRM would export.

use std::path::PathBuf;

use super::output;
use crate::config::Language;
use crate::error::Result;
use crate::generate::{Plan, Summary, write};

/// Write the files a CRM would export, with known churn probabilities
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder to write exports/ and truth/ into
    dir: PathBuf,
    #[command(flatten)]
    plan: PlanArgs,
}

/// How much, and which, data.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct PlanArgs {
    /// Number of customers
    #[arg(long, default_value_t = 2_000)]
    pub(super) customers: u64,
    /// The same seed gives the same files
    #[arg(long, default_value_t = 7)]
    pub(super) seed: u64,
    /// Months of history
    #[arg(long, default_value_t = 24)]
    pub(super) months: u32,
}

pub(super) fn run(args: &Args, language: Language) -> Result<()> {
    let summary = generate(&args.plan, &args.dir, language)?;
    let rows = output::count(summary.files.values().map(|file| file.rows).sum());
    let customers = output::count(summary.customers);
    let (dir, exports) = (args.dir.display(), args.dir.join("exports"));
    output::say(language.pick(
        format_args!("wrote {rows} rows of {customers} customers to {dir}"),
        format_args!("已将 {customers} 位客户的 {rows} 行数据写入 {dir}"),
    ));
    let next = language.pick("next: ", "下一步：");
    output::say(format_args!("{next}tenure ingest {}", exports.display()));
    Ok(())
}

/// Generates with a progress bar.
pub(super) fn generate(
    args: &PlanArgs,
    dir: &std::path::Path,
    language: Language,
) -> Result<Summary> {
    let plan = Plan::new(args.customers, args.seed, args.months, Plan::default().start())?;
    let bar = output::progress_of(args.customers, language.pick("customers", "位客户"), language);
    let summary = write(&plan, dir, &mut |done, _| bar.set_position(done));
    bar.finish_and_clear();
    summary
}
