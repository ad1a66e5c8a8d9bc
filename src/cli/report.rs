//! `tenure report`: answers a manager's question.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::PathBuf;

use serde_json::json;

use super::output;
use crate::config::Language;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::reports::header::Header;
use crate::reports::render::{Format, render};
use crate::reports::{Purpose, ReportRequest, ReportTable, Value, default_as_of, iso};
use crate::tenure::Tenure;

/// Answer a manager's question; without a name, list the questions
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The report; without one, the list
    pub(super) name: Option<String>,
    /// A parameter of the report, e.g. --set period=month
    #[arg(long = "set", value_name = "NAME=VALUE")]
    set: Vec<String>,
    /// Stand at this date (end of day) or instant [default: the end of the data]
    #[arg(long, value_name = "DATE|INSTANT")]
    as_of: Option<String>,
    /// Use only what was known at this date or instant
    #[arg(long, value_name = "DATE|INSTANT")]
    known_as_of: Option<String>,
    /// table, csv, json, ndjson, parquet or xlsx
    #[arg(long, default_value = "table")]
    format: String,
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Run this often in one process and print each run's seconds and peak
    /// memory as a JSON line on standard error
    #[arg(long, value_name = "N")]
    repeat: Option<usize>,
}

pub(super) async fn run(args: Args, tenure: Tenure) -> Result<()> {
    let format = Format::named(&args.format)?;
    let Some(name) = &args.name else {
        return list(&tenure, format, args.output.as_deref());
    };
    let query = tenure.catalogue().get(Purpose::Report, name)?.clone();
    if format.is_binary() && args.output.is_none() && std::io::stdout().is_terminal() {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("{} is binary and would garble the terminal", format.name()),
        )
        .hint("add -o FILE"));
    }
    let request = ReportRequest {
        params: assignments(&args.set)?,
        as_of: args.as_of,
        known_as_of: args.known_as_of,
        tz: None,
    };
    let engine = tenure.engine().await?;
    for _ in 0..args.repeat.unwrap_or(0) {
        let started = std::time::Instant::now();
        tenure.report_on(&engine, name, &request).await?;
        let seconds = started.elapsed().as_secs_f64();
        output::say(json!({
            "report": name, "seconds": seconds, "peak_bytes": peak_bytes(),
        }));
    }
    let language = tenure.language();
    let report = tenure.report_on(&engine, name, &request).await?;
    let bytes = render(&report, &query.header, format, language)?;
    output::bytes(&bytes, args.output.as_deref())?;
    let chosen = report.values.get("currency").filter(|_| !request.params.contains_key("currency"));
    if let Some(Value::Text(currency)) = chosen {
        output::say(language.pick(
            format_args!("amounts in {currency} only; for another currency: --set currency=CODE"),
            format_args!("仅统计 {currency} 金额；其他币种：--set currency=代码"),
        ));
    }
    for (name, value) in report.taken.iter().filter(|(name, _)| *name != "currency") {
        output::say(language.pick(
            format_args!("{name}={value}: the data lacks the default; change it by --set {name}=…"),
            format_args!("数据中没有默认的 {name}，已按数据取 {value}；如需更改：--set {name}=…"),
        ));
    }
    if format == Format::Table {
        let rows = output::count(report.rows() as u64);
        let as_of = iso(report.as_of);
        output::say(language.pick(
            format_args!("{rows} rows, as of {as_of}"),
            format_args!("{rows} 行，截至 {as_of}"),
        ));
        if report.rows() == 0 {
            output::say(nothing(&engine, &report, &query.header, &request, language));
        }
    }
    Ok(())
}

/// Why a report has no rows, and what may help: nothing is loaded at all, or
/// nothing of it passes the moment and the parameters.
fn nothing(
    engine: &Engine,
    report: &ReportTable,
    header: &Header,
    request: &ReportRequest,
    language: Language,
) -> String {
    if engine.snapshot().loads().all(|load| load.rows.kept == 0) {
        let (en, zh) = (
            "hint: nothing is loaded that this report could count; see `tenure ingest`",
            "提示：尚未导入该报表可以统计的数据，请参阅 `tenure ingest`",
        );
        return language.pick(en, zh).to_owned();
    }
    if let Some(hint) = &header.hint {
        return language.pick(format!("hint: {}", hint.en), format!("提示：{}", hint.zh));
    }
    let known = request.known_as_of.iter().map(|at| format!("--known-as-of {at}"));
    let set = request.params.iter().map(|(name, value)| format!("--set {name}={value}"));
    let given: Vec<String> = known.chain(set).collect();
    let given = match given.is_empty() {
        true => String::new(),
        false => {
            let given = given.join(" ");
            language.pick(format!(" ({given})"), format!("（{given}）"))
        }
    };
    let as_of = iso(report.as_of);
    // Later than the end of the data there is nothing to be found.
    let early = report.as_of < default_as_of(engine) || request.known_as_of.is_some();
    let advice = match early {
        true => language
            .pick("try a later --as-of or other parameters", "请改用更晚的 --as-of 或其他参数"),
        false => language.pick(
            "try other parameters (`tenure report` lists them), or load the data it counts",
            "请改用其他参数（`tenure report` 可列出），或导入该报表所统计的数据",
        ),
    };
    language.pick(
        format!("hint: no row matches as of {as_of}{given}; {advice}"),
        format!("提示：截至 {as_of}{given}没有符合条件的数据；{advice}"),
    )
}

/// Every report's name, title and parameters.
fn list(tenure: &Tenure, format: Format, file: Option<&std::path::Path>) -> Result<()> {
    let reports = tenure.catalogue().all(Purpose::Report);
    if format != Format::Table {
        let described: Vec<_> = reports.map(crate::reports::describe).collect();
        let text = serde_json::to_string_pretty(&described)
            .map_err(|error| Error::new(ErrorKind::Internal, "encoding JSON").caused_by(error))?;
        return output::bytes(format!("{text}\n").as_bytes(), file);
    }
    let mut text = String::new();
    for query in reports {
        let title = query.header.title.get(tenure.language());
        let params: Vec<&str> = query.header.params.keys().map(String::as_str).collect();
        text.push_str(&format!("{:<12} {title}\n", query.name));
        if !params.is_empty() {
            text.push_str(&format!("{:<12}   --set {}\n", "", params.join("=…, ") + "=…"));
        }
    }
    output::bytes(text.as_bytes(), file)
}

fn assignments(set: &[String]) -> Result<BTreeMap<String, String>> {
    set.iter()
        .map(|pair| {
            pair.split_once('=')
                .map(|(name, value)| (name.trim().to_owned(), value.to_owned()))
                .ok_or_else(|| {
                    Error::new(ErrorKind::Usage, format!("--set \"{pair}\" has no ="))
                        .hint("write --set NAME=VALUE, e.g. --set period=month")
                })
        })
        .collect()
}

/// The most memory this process has used, in bytes; absent where the operating
/// system does not tell.
fn peak_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}
