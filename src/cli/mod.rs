//! What can be asked from the command line?
//!
//! One file per verb. A verb reads its flags, calls the library and prints:
//! data goes to standard output, words about it to standard error, so that
//! output can be piped. No SQL and no logic lives here.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Config, Language};
use crate::error::{Error, ErrorKind, Result};
use crate::tenure::Tenure;

mod check;
mod compact;
mod demo;
mod drift;
mod explain;
mod export;
mod features;
mod generate;
mod ingest;
mod models;
mod nightly;
mod output;
mod promote;
mod replay;
mod report;
mod score;
mod serve;
mod train;

/// CRM files in, reports and churn scores out.
#[derive(Debug, Parser)]
#[command(name = "tenure", version, about, max_term_width = 100, after_help = exit_codes())]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

/// Flags every verb understands.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Everywhere")]
struct Global {
    /// Folder or object-store URL of the tables [default: ./tenure-data]
    #[arg(long, global = true, env = "TENURE_STORE", value_name = "DIR|URL")]
    store: Option<String>,
    /// Settings file [default: ./tenure.toml if there is one]
    #[arg(long, global = true, env = "TENURE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of your own reports, features and checks, laid over the built-in ones
    #[arg(long, global = true, value_name = "DIR")]
    queries: Option<PathBuf>,
    /// Language of what people read
    #[arg(long, global = true, value_name = "en|zh", value_parser = ["en", "zh"])]
    lang: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Generate a CRM's data, load it, report, train, score and serve it
    Demo(demo::Args),
    /// Write the files a CRM would export, with known churn probabilities
    Generate(generate::Args),
    /// Load CRM files into the store
    Ingest(ingest::Args),
    /// Answer a manager's question; without a name, list the questions
    Report(report::Args),
    /// Look for data that can not be right
    Check(check::Args),
    /// Merge what loads have written into fewer, larger files
    Compact(compact::Args),
    /// Train a churn model and say how good it is
    Train(train::Args),
    /// List trained models; say which served when, or how the one on trial compares
    Models(models::Args),
    /// Make a trained model the one that serves
    Promote(promote::Promote),
    /// Go back to the model that served before
    Rollback,
    /// Let a model score beside the served one, its scores shown nowhere
    Shadow(promote::Shadow),
    /// Score every customer with the model that serves
    Score(score::Args),
    /// Say whether the model that serves can still be trusted
    Drift(drift::Args),
    /// Load new files, score every customer, and say who is newly at risk; made for cron
    Nightly(nightly::Args),
    /// Recompute past scores from what was recorded, and compare them to the bit
    Replay(replay::Args),
    /// Say why a customer has the score they have
    Explain(explain::Args),
    /// Write the newest scores in the form another CRM takes
    Export(export::Args),
    /// Show what a model sees of each customer
    Features(features::Args),
    /// Serve reports, scores and the dashboard over HTTP
    Serve(serve::Args),
    /// Print every setting with its default
    Config,
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    run(std::env::args_os())
}

/// Runs the command line `arguments`, the program's name first.
pub fn run(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // `--help` and `--version` come this way too and end well.
            let code = u8::from(error.use_stderr()) * ErrorKind::Usage.exit_code();
            return match error.print() {
                Ok(()) => ExitCode::from(code),
                Err(_) => ExitCode::FAILURE,
            };
        }
    };
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // Planning a deep query recurses; the default stack is too small for it.
        .thread_stack_size(16 << 20)
        .build()
        .map_err(|error| Error::new(ErrorKind::Internal, "starting threads").caused_by(error))
        .and_then(|runtime| runtime.block_on(dispatch(cli)));
    outcome.unwrap_or_else(|error| {
        output::failure(&error);
        ExitCode::from(error.kind().exit_code())
    })
}

async fn dispatch(cli: Cli) -> Result<ExitCode> {
    let config = settings(&cli.global)?;
    match cli.verb {
        Verb::Demo(args) => demo::run(args, config).await?,
        Verb::Generate(args) => generate::run(&args, config.language)?,
        Verb::Ingest(args) => ingest::run(args, Tenure::with_config(config)?).await?,
        // The list of reports needs no data.
        Verb::Report(args) if args.name.is_none() => {
            report::run(args, Tenure::with_config(config)?).await?;
        }
        Verb::Report(args) => report::run(args, with_data(config).await?).await?,
        Verb::Check(args) => return check::run(args, with_data(config).await?).await,
        Verb::Compact(args) => compact::run(args, with_data(config).await?).await?,
        Verb::Train(args) => train::run(args, with_data(config).await?).await?,
        Verb::Models(args) => models::run(args, with_data(config).await?).await?,
        Verb::Promote(args) => promote::promote(args, with_data(config).await?).await?,
        Verb::Rollback => promote::rollback(with_data(config).await?).await?,
        Verb::Shadow(args) => promote::shadow(args, with_data(config).await?).await?,
        Verb::Score(args) => score::run(args, with_data(config).await?).await?,
        Verb::Drift(args) => return drift::run(args, with_data(config).await?).await,
        Verb::Nightly(args) => nightly::run(args, config).await?,
        Verb::Replay(args) => return replay::run(args, with_data(config).await?).await,
        Verb::Explain(args) => explain::run(args, with_data(config).await?).await?,
        Verb::Export(export::Args { what: export::What::Mapping(args) }) => {
            export::mapping(&args)?;
        }
        Verb::Export(export::Args { what: export::What::Scores(args) }) => {
            export::scores(args, with_data(config).await?).await?;
        }
        Verb::Features(args) => features::run(args, with_data(config).await?).await?,
        Verb::Serve(args) => {
            let tenure = Tenure::with_config(config)?;
            // The service may come before its data. A store that can not be
            // read now may be later; until then `/readyz` says so.
            if let Ok(Some(error)) = emptiness(&tenure).await {
                output::warning(&error);
            }
            serve::run(args, tenure).await?;
        }
        Verb::Config => output::text(crate::config::DEFAULTS)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Opens a store for a verb that needs data in it: a mistyped `--store` would
/// otherwise be answered as a store in which nothing ever happened.
async fn with_data(config: Config) -> Result<Tenure> {
    let tenure = Tenure::with_config(config)?;
    match emptiness(&tenure).await? {
        Some(error) => Err(error),
        None => Ok(tenure),
    }
}

/// What is wrong with a store that has no complete run.
async fn emptiness(tenure: &Tenure) -> Result<Option<Error>> {
    if !tenure.store().snapshot().await?.runs().is_empty() {
        return Ok(None);
    }
    let location = tenure.store().location();
    // Collected from its components, a path loses the final slash of its URL.
    let folder = location.local_path().map(|path| path.components().collect::<PathBuf>());
    let message = match folder {
        Some(path) if !path.exists() => format!("there is no store at {}", path.display()),
        Some(path) => format!("the store at {} is empty", path.display()),
        None => format!("the store at {} is empty", location.url()),
    };
    let store = &tenure.config().store;
    Ok(Some(
        Error::new(ErrorKind::Unknown, message)
            .hint(format!("load files first: tenure ingest PATH --store {store}")),
    ))
}

/// What the exit code tells a script. The numbers are those of [`ErrorKind`].
fn exit_codes() -> String {
    let failures = [
        (ErrorKind::Usage, "the request is wrong: a flag, a parameter, a setting"),
        (ErrorKind::Unknown, "what is named does not exist: a report, a customer, a store"),
        (ErrorKind::Input, "a file or mapping can not be read as what it claims to be"),
        (ErrorKind::Insufficient, "the data can not carry what was asked"),
        (ErrorKind::Conflict, "another process holds the store, or the work was interrupted"),
        (ErrorKind::Limit, "a limit was reached: time, memory or size"),
        (ErrorKind::Storage, "the store could not be read or written"),
        (ErrorKind::Query, "a query file does not plan or run"),
        (ErrorKind::Internal, "a defect of Tenure itself"),
    ];
    let mut text = "Exit codes:\n   0  done\n   1  check --fail: a check has findings; drift --fail: an alarm; replay: a score differs".to_owned();
    for (kind, meaning) in failures {
        text.push_str(&format!("\n  {:>2}  {meaning}", kind.exit_code()));
    }
    text
}

/// Defaults, then the file, then the environment, then flags.
fn settings(global: &Global) -> Result<Config> {
    let here = PathBuf::from("tenure.toml");
    let file = global.config.clone().or_else(|| here.is_file().then_some(here));
    let mut config = Config::resolve(file.as_deref(), std::env::vars())?;
    if let Some(store) = &global.store {
        config.store.clone_from(store);
    }
    if let Some(queries) = &global.queries {
        config.queries = Some(queries.clone());
    }
    match global.lang.as_deref() {
        Some("zh") => config.language = Language::Zh,
        Some(_) => config.language = Language::En,
        None => {}
    }
    Ok(config)
}
