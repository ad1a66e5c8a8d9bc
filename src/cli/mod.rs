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
mod demo;
mod explain;
mod generate;
mod ingest;
mod output;
mod report;
mod score;
mod serve;
mod train;

/// CRM files in, reports and churn scores out.
#[derive(Debug, Parser)]
#[command(name = "tenure", version, about, max_term_width = 100)]
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
    /// Train a churn model and say how good it is
    Train(train::Args),
    /// Score every customer with the newest model
    Score(score::Args),
    /// Say why a customer has the score they have
    Explain(explain::Args),
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
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::failure(&error);
            ExitCode::from(error.kind().exit_code())
        }
    }
}

async fn dispatch(cli: Cli) -> Result<()> {
    let config = settings(&cli.global)?;
    match cli.verb {
        Verb::Demo(args) => demo::run(args, config).await,
        Verb::Generate(args) => generate::run(&args),
        Verb::Ingest(args) => ingest::run(args, Tenure::with_config(config)?).await,
        Verb::Report(args) => report::run(args, Tenure::with_config(config)?).await,
        Verb::Check(args) => check::run(args, Tenure::with_config(config)?).await,
        Verb::Train(args) => train::run(args, Tenure::with_config(config)?).await,
        Verb::Score(args) => score::run(args, Tenure::with_config(config)?).await,
        Verb::Explain(args) => explain::run(args, Tenure::with_config(config)?).await,
        Verb::Serve(args) => serve::run(args, Tenure::with_config(config)?).await,
        Verb::Config => output::text(crate::config::DEFAULTS),
    }
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
