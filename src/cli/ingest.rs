//! `tenure ingest`: loads CRM files into the store.

use std::path::PathBuf;

use comfy_table::{Cell, CellAlignment};
use indicatif::ProgressBar;

use super::output;
use crate::error::{Error, ErrorKind, Result};
use crate::ingest::{IngestOptions, Known, Progress, Step, Summary};
use crate::reports::render::ruled;
use crate::tenure::Tenure;

/// Load CRM files into the store
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files and folders: CSV, NDJSON, Parquet, XLSX, also .gz and .zst
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// A mapping by name or file [default: found by the headers]
    #[arg(long, value_name = "NAME|FILE")]
    map: Option<String>,
    /// Check everything, write nothing
    #[arg(long)]
    dry_run: bool,
    /// Count rows as known from now on, not from when they happened: for
    /// rows that arrive late
    #[arg(long)]
    arrival: bool,
    /// table or json
    #[arg(long, default_value = "table", value_parser = ["table", "json"])]
    format: String,
}

pub(super) async fn run(args: Args, tenure: Tenure) -> Result<()> {
    let options = IngestOptions {
        mapping: args.map,
        dry_run: args.dry_run,
        known: if args.arrival { Known::Arrival } else { Known::Happened },
        ..IngestOptions::now()
    };
    let mut bar = Bar::new();
    let interrupted = tokio::signal::ctrl_c();
    // Dropping the ingest leaves the store as it was: nothing is published.
    let outcome = tokio::select! {
        outcome = tenure.ingest(&args.paths, &options, &mut bar) => outcome,
        _ = interrupted => Err(Error::new(ErrorKind::Conflict, "interrupted; nothing was loaded")),
    };
    bar.0.finish_and_clear();
    let summary = outcome?;
    if args.format == "json" {
        return output::json(&summary);
    }
    output::text(&render(&summary))
}

/// A progress bar over the bytes of all files.
pub(super) struct Bar(pub(super) ProgressBar);

impl Bar {
    pub(super) fn new() -> Self {
        Self(output::progress(0))
    }
}

impl Progress for Bar {
    fn step(&mut self, step: &Step) {
        self.0.set_length(step.bytes_total);
        self.0.set_position(step.bytes_done);
        let seconds = self.0.elapsed().as_secs_f64().max(0.001);
        let rate = (step.rows as f64 / seconds) as u64;
        self.0.set_prefix(format!("{} rows, {}/s", output::count(step.rows), output::count(rate)));
        self.0.set_message(step.file.clone());
    }
}

/// The account of an ingest, as people read it.
pub(super) fn render(summary: &Summary) -> String {
    let mut table = ruled();
    table.set_header(
        ["file", "mapping", "read", "= kept", "+ quarantined", "+ filtered"].map(Cell::new),
    );
    let right = |number: u64| Cell::new(output::count(number)).set_alignment(CellAlignment::Right);
    for file in &summary.files {
        if let Some(load) = &file.already_loaded {
            table
                .add_row(vec![Cell::new(&file.file), Cell::new(format!("already loaded: {load}"))]);
            continue;
        }
        let rows = file.rows;
        table.add_row(vec![
            Cell::new(&file.file),
            Cell::new(format!("{} · {}", file.mapping, file.source)),
            right(rows.read),
            right(rows.kept),
            right(rows.quarantined),
            right(rows.filtered),
        ]);
    }
    let rows = summary.rows;
    table.add_row(vec![
        Cell::new("total"),
        Cell::new(""),
        right(rows.read),
        right(rows.kept),
        right(rows.quarantined),
        right(rows.filtered),
    ]);
    let mut text = format!("{}\n", table.trim_fmt());
    let mut line = |words: String| {
        text.push_str(&words);
        text.push('\n');
    };
    for (title, counts) in [("rows written", &summary.tables), ("quarantined", &summary.reasons)] {
        let listed: Vec<String> = counts
            .iter()
            .map(|(name, count)| format!("{name} {}", output::count(*count)))
            .collect();
        if !listed.is_empty() {
            line(format!("{title}: {}", listed.join(", ")));
        }
    }
    line(format!(
        "customers: {} new, {} known only from facts",
        output::count(summary.new_customers),
        output::count(summary.implied_customers),
    ));
    for file in &summary.files {
        for (filter, count) in &file.filters {
            line(format!("{}: {} rows filtered by {filter}", file.file, output::count(*count)));
        }
        for (column, count) in &file.nulls {
            line(format!("{}: {} declared empty in {column}", file.file, output::count(*count)));
        }
        if !file.unused.is_empty() {
            line(format!("{}: columns not used: {}", file.file, file.unused.join(", ")));
        }
        for note in &file.notes {
            line(format!("{}: {note}", file.file));
        }
    }
    if !summary.skipped.is_empty() {
        line(format!("not data, skipped: {}", summary.skipped.join(", ")));
    }
    if summary.dry_run {
        line("dry run: nothing was written".to_owned());
    }
    text
}
