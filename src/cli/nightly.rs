//! `tenure nightly`: from a CRM's new files to published scores and alerts.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use comfy_table::{Cell, CellAlignment};
use indicatif::ProgressBar;
use serde_json::{Map, Value, json};

use super::{compact, ingest, output, score, train};
use crate::config::{Config, Language};
use crate::error::Result;
use crate::ingest::{IngestOptions, Known, Summary};
use crate::reports::header::Header;
use crate::reports::render::{rows, ruled};
use crate::reports::{Purpose, ReportRequest};
use crate::tenure::{AlertSummary, Night, NightSummary, Stage, Tenure};

/// Alerts shown of one owner; all are in the report and in JSON.
const SHOWN: usize = 20;

/// Load new files, score every customer, and say who is newly at risk; made for cron
///
/// Files are known by their content: a file that was loaded before is passed over, so the
/// folder of the CRM's exports can be named every night. Scores and alerts are published
/// together. A night that was killed is finished by the next one; a night in which nothing
/// has changed does nothing. Only one runs at a time.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Files and folders to pick up new files of
    #[arg(long, value_name = "PATH", num_args = 1..)]
    from: Vec<PathBuf>,
    /// A mapping by name or file [default: found by the headers]
    #[arg(long, value_name = "NAME|FILE")]
    map: Option<String>,
    /// Count rows as known from now on, not from when they happened: for
    /// rows that arrive late
    #[arg(long)]
    arrival: bool,
    /// What to predict and from what, where a model is trained: a file, or the name of a
    /// built-in spec
    #[arg(long, default_value = "churn", value_name = "FILE|NAME")]
    spec: String,
    /// Train even if a model serves
    #[arg(long)]
    train: bool,
    /// Days after a contact in which nobody is told of a customer [default: alerts.quiet_days]
    #[arg(long, value_name = "N")]
    quiet_days: Option<u32>,
    /// table or json
    #[arg(long, default_value = "table", value_parser = ["table", "json"])]
    format: String,
}

pub(super) async fn run(args: Args, mut config: Config) -> Result<()> {
    if let Some(days) = args.quiet_days {
        config.alerts.quiet_days = days;
    }
    let language = config.language;
    let tenure = Tenure::with_config(config)?;
    let night = Night {
        from: args.from,
        options: IngestOptions {
            mapping: args.map,
            known: if args.arrival { Known::Arrival } else { Known::Happened },
            ..IngestOptions::now()
        },
        spec: train::spec(&args.spec)?,
        train: args.train,
    };
    let mut watch = Watch::new(language);
    let outcome = tenure.nightly(&night, &mut |stage| watch.hear(&stage)).await;
    watch.close();
    let summary = outcome?;
    if let Some(why) = &summary.train_refused {
        output::say(format_args!("warning: no new model, the served one scored: {why}"));
    }
    let query = tenure.catalogue().get(Purpose::Report, "alerts")?;
    let mut alerts = Vec::new();
    if let Some(scored) = &summary.scored {
        let report = tenure.report("alerts", &ReportRequest::default()).await?;
        alerts = rows(&report.batches)?;
        alerts.retain(|alert| alert.get("run_id").and_then(Value::as_i64) == Some(scored.run_id));
    }
    if args.format == "json" {
        return output::json(&json!({
            "summary": summary, "alerts": alerts, "seconds": watch.seconds,
        }));
    }
    output::text(&render(&summary, &alerts, &query.header, language))
}

/// Shows how far the night is, and how long each part of it took.
struct Watch {
    language: Language,
    bar: ProgressBar,
    part: &'static str,
    since: Instant,
    seconds: BTreeMap<&'static str, f64>,
}

impl Watch {
    fn new(language: Language) -> Self {
        let (bar, since) = (ProgressBar::hidden(), Instant::now());
        Self { language, bar, part: "", since, seconds: BTreeMap::new() }
    }

    fn hear(&mut self, stage: &Stage) {
        let (part, done, of, en, zh) = match stage {
            Stage::Loading(step) => {
                ("load", step.bytes_done, step.bytes_total, "bytes read", "字节已读取")
            }
            Stage::Sorting(done, of) => {
                ("sort", *done, *of, "rows sorted and written", "行已排序并写入")
            }
            Stage::Merging(done, of) => ("merge", *done, *of, "rows merged", "行已合并"),
            Stage::Training(done, of) => ("train", *done as u64, *of as u64, "cutoffs", "个截止日"),
            Stage::Scoring => ("score", 0, 0, "scoring", "正在评分"),
            Stage::Alerting => ("alert", 0, 0, "comparing with the night before", "正在比对"),
            Stage::Publishing => ("publish", 0, 0, "publishing", "正在发布"),
            Stage::Done => ("", 0, 0, "", ""),
        };
        if part != self.part {
            self.close();
            (self.part, self.since) = (part, Instant::now());
            let words = self.language.pick(en, zh);
            self.bar = match stage {
                Stage::Done => ProgressBar::hidden(),
                Stage::Scoring | Stage::Alerting | Stage::Publishing => output::spinner(words),
                _ => output::progress_of(of, words, self.language),
            };
        }
        if of > 0 {
            self.bar.set_length(of);
            self.bar.set_position(done);
        }
    }

    fn close(&mut self) {
        self.bar.finish_and_clear();
        if !self.part.is_empty() {
            *self.seconds.entry(self.part).or_default() += self.since.elapsed().as_secs_f64();
        }
        self.part = "";
    }
}

/// What a night did, as people read it.
fn render(
    summary: &NightSummary,
    alerts: &[Map<String, Value>],
    header: &Header,
    language: Language,
) -> String {
    let mut text = summary.loaded.as_ref().map(|it| loaded(it, language)).unwrap_or_default();
    if let Some(run) = summary.unchanged_since {
        text.push_str(&language.pick(
            format!("nothing has changed since run {run}: its scores and alerts still hold\n  its alerts: tenure report alerts\n"),
            format!("自批次 {run} 以来没有变化：其评分与预警仍然有效\n  查看预警：tenure report alerts\n"),
        ));
    }
    if let Some(merged) = &summary.compacted {
        text.push_str(&compact::render(merged, language));
    }
    if let Some(trained) = &summary.trained {
        text.push_str(&train::render(trained, language));
    }
    if let Some(scored) = &summary.scored {
        text.push_str(&score::render(scored, language));
    }
    if let Some(told) = &summary.alerts {
        text.push_str(&counted(told, language));
    }
    text.push_str(&by_owner(alerts, header, language));
    text
}

/// The files that are new; the others are counted.
fn loaded(summary: &Summary, language: Language) -> String {
    let mut new = summary.clone();
    new.files.retain(|file| file.already_loaded.is_none());
    let before = output::count((summary.files.len() - new.files.len()) as u64);
    let known = language.pick(
        format!("{before} files were loaded before\n"),
        format!("{before} 个文件此前已导入\n"),
    );
    match new.files.is_empty() && new.unrecognised.is_empty() {
        true => language.pick(format!("no new files; {known}"), format!("没有新文件；{known}")),
        false => format!("{}{known}", ingest::render(&new, language)),
    }
}

fn counted(told: &AlertSummary, language: Language) -> String {
    let count = |n: usize| output::count(n as u64);
    let held = |reason: &str| told.suppressed.get(reason).copied().unwrap_or(0);
    let baseline = held("baseline");
    let waiting = told.suppressed.values().sum::<usize>() - baseline;
    let (risen, recovered, ended) = (count(told.risen), count(told.recovered), count(told.ended));
    let mut text = language.pick(
        format!(
            "alerts: {risen} at risk, {recovered} recovered, {ended} ended; held back: {}\n",
            count(waiting)
        ),
        format!(
            "预警：风险上升 {risen} 位，已回落 {recovered} 位，已终止 {ended} 位；抑制 {} 位\n",
            count(waiting)
        ),
    );
    if told.before.is_none() {
        text.push_str(&language.pick(
            format!("this is the first night: everybody at high risk is new; medium risk is noted for {}\n", count(baseline)),
            format!("首次夜间运行：所有高风险客户均为新增；另有 {} 位记录为中风险基线\n", count(baseline)),
        ));
    }
    if told.model_changed {
        text.push_str(language.pick(
            "another model scored the night before: changes may be the model's\n",
            "上一次夜间评分为另一个模型：变化可能来自模型\n",
        ));
    }
    text
}

/// A table of alerts for each owner, those held back last.
fn by_owner(alerts: &[Map<String, Value>], header: &Header, language: Language) -> String {
    let shown: Vec<_> = alerts.iter().filter(|it| words(it, "suppressed") != "baseline").collect();
    let mut text = String::new();
    for of in shown.chunk_by(|a, b| a.get("owner_id") == b.get("owner_id")) {
        let (id, name) = (words(of[0], "owner_id"), words(of[0], "owner"));
        let owner = match id {
            "" => code(header, "owner", name, language),
            id if id == name => id.to_owned(),
            id => language.pick(format!("{name} ({id})"), format!("{name}（{id}）")),
        };
        let mut table = ruled();
        table.set_header(language.pick(
            [
                "customer",
                "name",
                "what happened",
                "probability",
                "value at risk",
                "why",
                "held back",
            ],
            ["客户", "名称", "变化", "流失概率", "风险金额", "主要原因", "抑制原因"],
        ));
        for alert in of.iter().take(SHOWN) {
            table.add_row(line(alert, header, language));
        }
        text.push_str(&format!("\n{owner}\n{}\n", table.trim_fmt()));
        if let Some(more) = of.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            let more = output::count(more as u64);
            let all = if id.is_empty() { "(no owner)" } else { id };
            text.push_str(&language.pick(
                format!("  and {more} more: tenure report alerts --set \"owner={all}\"\n"),
                format!("  另有 {more} 条：tenure report alerts --set \"owner={all}\"\n"),
            ));
        }
    }
    text
}

fn line(alert: &Map<String, Value>, header: &Header, language: Language) -> Vec<Cell> {
    let share = |name: &str| {
        let value = alert.get(name).and_then(Value::as_f64);
        value.map_or_else(|| "–".to_owned(), |value| format!("{:.1} %", 100.0 * value))
    };
    let money = alert.get("value_at_risk").and_then(|value| match value {
        Value::String(text) => text.parse::<f64>().ok(),
        other => other.as_f64(),
    });
    let money = money.map(|value| output::count(value.round().max(0.0) as u64));
    let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    let reason = language.pick("reason", "reason_zh");
    vec![
        Cell::new(words(alert, "customer_id")),
        Cell::new(words(alert, "customer")),
        Cell::new(code(header, "kind", words(alert, "kind"), language)),
        right(format!("{} → {}", share("probability_before"), share("probability"))),
        right(money.unwrap_or_default()),
        Cell::new(words(alert, reason)),
        Cell::new(code(header, "suppressed", words(alert, "suppressed"), language)),
    ]
}

/// What people call a code.
fn code(header: &Header, column: &str, code: &str, language: Language) -> String {
    header.words(column, code).map_or(code, |text| text.get(language)).to_owned()
}

fn words<'a>(alert: &'a Map<String, Value>, name: &str) -> &'a str {
    alert.get(name).and_then(Value::as_str).unwrap_or_default()
}
