//! `tenure features`: shows what a model sees of each customer.

use std::io::IsTerminal;
use std::path::PathBuf;

use super::{output, train};
use crate::error::{Error, ErrorKind, Result};
use crate::reports::render::{Format, render};
use crate::tenure::Tenure;

/// Show what a model sees of each customer
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only the groups and attributes of this spec [default: all there are]
    #[arg(long, value_name = "FILE|NAME")]
    spec: Option<String>,
    /// Stand at this date (end of day) or instant [default: the end of the data]
    #[arg(long, value_name = "DATE|INSTANT")]
    as_of: Option<String>,
    /// table, csv, json, ndjson, parquet or xlsx
    #[arg(long, default_value = "csv")]
    format: String,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

pub(super) async fn run(args: Args, tenure: Tenure) -> Result<()> {
    let format = Format::named(&args.format)?;
    if format.is_binary() && args.output.is_none() && std::io::stdout().is_terminal() {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("{} is binary and would garble the terminal", format.name()),
        )
        .hint("add -o FILE"));
    }
    let spec = args.spec.as_deref().map(train::spec).transpose()?;
    let wanted = spec.as_ref().map(|spec| &spec.features);
    let engine = tenure.engine().await?;
    let features = tenure.features(&engine, wanted, args.as_of.as_deref()).await?;
    let bytes = render(&features.table, &features.header, format, tenure.language())?;
    output::bytes(&bytes, args.output.as_deref())
}
