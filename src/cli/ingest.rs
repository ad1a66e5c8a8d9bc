//! `tenure ingest`: loads CRM files into the store.

use std::path::PathBuf;

use comfy_table::{Cell, CellAlignment, Table};
use indicatif::ProgressBar;

use super::output;
use crate::config::Language;
use crate::error::Result;
use crate::ingest::{IngestOptions, Known, Progress, Step, Summary};
use crate::reports::render::ruled;
use crate::tables::Counts;
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
    let language = tenure.language();
    let mut bar = Bar::new(language);
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without a handler the system's own handling of the signal remains.
            std::future::pending::<()>().await;
        }
    };
    let outcome = tenure.ingest_until(&args.paths, &options, &mut bar, interrupted).await;
    bar.finish();
    let summary = outcome?;
    if args.format == "json" {
        return output::json(&summary);
    }
    output::text(&render(&summary, language))
}

/// A progress bar over the bytes of all files, then one over the rows of each
/// table that is large.
pub(super) struct Bar {
    bar: ProgressBar,
    writing: Option<ProgressBar>,
    language: Language,
}

impl Bar {
    pub(super) fn new(language: Language) -> Self {
        Self { bar: output::progress(0, language), writing: None, language }
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
        if let Some(bar) = &self.writing {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Bar {
    fn step(&mut self, step: &Step) {
        self.bar.set_length(step.bytes_total);
        self.bar.set_position(step.bytes_done);
        let seconds = self.bar.elapsed().as_secs_f64().max(0.001);
        let rate = output::count((step.rows as f64 / seconds) as u64);
        let rows = output::count(step.rows);
        self.bar.set_prefix(
            self.language
                .pick(format!("{rows} rows, {rate}/s"), format!("{rows} 行，{rate} 行/秒")),
        );
        self.bar.set_message(step.file.clone());
    }

    fn written(&mut self, rows: u64, of: u64) {
        let bar = self.writing.get_or_insert_with(|| {
            self.bar.finish_and_clear();
            let things = self.language.pick("rows sorted and written", "行已排序并写入");
            output::progress_of(of, things, self.language)
        });
        bar.set_length(of);
        bar.set_position(rows);
    }
}

/// The account of an ingest, as people read it.
pub(super) fn render(summary: &Summary, language: Language) -> String {
    let mut text = format!("{}\n", counts(summary, language).trim_fmt());
    for words in remarks(summary, language) {
        text.push_str(&words);
        text.push('\n');
    }
    text
}

/// One line per file, and the total.
fn counts(summary: &Summary, language: Language) -> Table {
    let mut table = ruled();
    table.set_header(language.pick(
        ["file", "mapping", "read", "= kept", "+ quarantined", "+ filtered"],
        ["文件", "映射", "读取", "= 保留", "+ 隔离", "+ 过滤"],
    ));
    let row = |file: &str, mapping: String, rows: Counts| {
        let numbers = [rows.read, rows.kept, rows.quarantined, rows.filtered];
        let numbers = numbers
            .map(|number| Cell::new(output::count(number)).set_alignment(CellAlignment::Right));
        [Cell::new(file), Cell::new(mapping)].into_iter().chain(numbers)
    };
    for file in &summary.files {
        if let Some(load) = &file.already_loaded {
            let before = language
                .pick(format!("already loaded: {load}"), format!("已导入过：{}", chinese(load)));
            table.add_row([&file.file, &before]);
            continue;
        }
        table.add_row(row(&file.file, format!("{} · {}", file.mapping, file.source), file.rows));
    }
    table.add_row(row(language.pick("total", "合计"), String::new(), summary.rows));
    table
}

/// What else happened, one remark a line.
fn remarks(summary: &Summary, language: Language) -> Vec<String> {
    let (colon, comma) = (language.pick(": ", "："), language.pick(", ", "，"));
    let mut lines = Vec::new();
    for (title, counts) in [
        (language.pick("rows written", "写入行数"), &summary.tables),
        (language.pick("quarantined", "隔离行数"), &summary.reasons),
    ] {
        let listed: Vec<String> = counts
            .iter()
            .map(|(name, count)| format!("{name} {}", output::count(*count)))
            .collect();
        if !listed.is_empty() {
            lines.push(format!("{title}{colon}{}", listed.join(comma)));
        }
    }
    let new = output::count(summary.new_customers);
    let implied = output::count(summary.implied_customers);
    lines.push(language.pick(
        format!("customers: {new} new, {implied} known only from facts"),
        format!("客户：新增 {new} 位，仅在明细中出现 {implied} 位"),
    ));
    for file in &summary.files {
        let mut line = |words: String| lines.push(format!("{}{colon}{words}", file.file));
        for (filter, count) in &file.filters {
            let count = output::count(*count);
            line(language.pick(
                format!("{count} rows filtered by {filter}"),
                format!("{count} 行被过滤（{}）", chinese(filter)),
            ));
        }
        for (column, count) in &file.nulls {
            let count = output::count(*count);
            line(language.pick(
                format!("{count} declared empty in {column}"),
                format!("{column} 列有 {count} 个值按映射视为空"),
            ));
        }
        if !file.unused.is_empty() {
            let title = language.pick("columns not used", "未使用的列");
            line(format!("{title}{colon}{}", file.unused.join(comma)));
        }
        for note in &file.notes {
            line(language.pick(note.clone(), chinese(note)));
        }
    }
    // The reason names the file; with its hints it is the words of a failure,
    // and those are English.
    for strange in &summary.unrecognised {
        let title = language.pick("not loaded", "未导入");
        lines.push(format!("{title}{colon}{}", strange.reason));
        lines.extend(strange.hints.iter().map(|hint| format!("  hint: {hint}")));
    }
    if !summary.skipped.is_empty() {
        let title = language.pick("not data, skipped", "非数据文件，已跳过");
        lines.push(format!("{title}{colon}{}", summary.skipped.join(comma)));
    }
    if summary.dry_run {
        lines.push(language.pick("dry run: nothing was written", "试运行：未写入任何数据").into());
    }
    lines
}

/// Words of the account itself in Chinese. The account is written in English,
/// because programs read it too; what is not known here, such as the name of a
/// file or what a mapping says in its own words, stays as it is.
fn chinese(words: &str) -> String {
    match words {
        "the source's where" => return "数据源的 where 条件".to_owned(),
        "the source is ignored" => return "该数据源被忽略".to_owned(),
        "no feed wants the row" => return "没有目标表需要该行".to_owned(),
        _ => {}
    }
    if let Some(load) = words.strip_prefix("load ").filter(|load| load.parse::<i64>().is_ok()) {
        return format!("第 {load} 次导入");
    }
    if let Some(why) = words.strip_prefix("ignored: ") {
        return format!("已忽略：{why}");
    }
    let lacking = words.strip_prefix("nothing for ");
    match lacking.and_then(|rest| rest.split_once(": the file has no ")) {
        Some((table, column)) => format!("未写入 {table}：文件中没有 {column}"),
        None => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::FileSummary;

    #[test]
    fn an_account_in_chinese_keeps_names_and_nothing_else_in_english() {
        let file = FileSummary {
            file: "a.csv".to_owned(),
            filters: [("the source's where".to_owned(), 1_234)].into(),
            nulls: [("Email".to_owned(), 2)].into(),
            unused: vec!["Fax".to_owned()],
            notes: vec!["nothing for orders: the file has no Total".to_owned()],
            ..FileSummary::default()
        };
        let again = FileSummary {
            file: "b.csv".to_owned(),
            already_loaded: Some("load 7".to_owned()),
            ..FileSummary::default()
        };
        let summary = Summary { dry_run: true, files: vec![file, again], ..Summary::default() };
        let text = render(&summary, Language::Zh);
        for words in [
            "已导入过：第 7 次导入",
            "a.csv：1,234 行被过滤（数据源的 where 条件）",
            "a.csv：Email 列有 2 个值按映射视为空",
            "a.csv：未使用的列：Fax",
            "a.csv：未写入 orders：文件中没有 Total",
            "试运行：未写入任何数据",
        ] {
            assert!(text.contains(words), "{words} is not in\n{text}");
        }
    }
}
