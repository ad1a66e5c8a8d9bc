//! `tenure replay`: recomputes past scores and says whether they are the same.

use std::process::ExitCode;

use super::output;
use crate::config::Language;
use crate::error::Result;
use crate::tenure::{Difference, ReplayRequest, ReplaySummary, Tenure};

/// Recompute past scores from what was recorded, and compare them to the bit
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only the scores of this customer, of all runs
    #[arg(long, value_name = "ID")]
    customer: Option<String>,
    /// Only the scores of this run [default: the newest, unless a customer or sample is asked for]
    #[arg(long, value_name = "N")]
    run: Option<i64>,
    /// Only so many scores, drawn at random from all runs
    #[arg(long, value_name = "N", conflicts_with = "customer")]
    sample: Option<usize>,
    /// Which of them are drawn
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// table or json
    #[arg(long, default_value = "table", value_parser = ["table", "json"])]
    format: String,
}

/// Ends with code 1 if a score differs: like findings of a check, that is an
/// answer and not an error.
pub(super) async fn run(args: Args, tenure: Tenure) -> Result<ExitCode> {
    let language = tenure.language();
    let Args { customer, run, sample, seed, format } = args;
    let request = ReplayRequest { customer, run, sample, seed };
    let bar = output::progress_of(0, language.pick("runs", "个批次"), language);
    let told = bar.clone();
    let summary = tenure
        .replay(&request, &mut move |done, of| {
            told.set_length(of as u64);
            told.set_position(done as u64);
        })
        .await;
    bar.finish_and_clear();
    let summary = summary?;
    match format.as_str() {
        "json" => output::json(&summary)?,
        _ => output::text(&render(&summary, language))?,
    }
    Ok(if summary.all_equal() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Run by run, then what differs.
fn render(summary: &ReplaySummary, language: Language) -> String {
    let mut text = String::new();
    for run in &summary.runs {
        let (id, model) = (run.run_id, &run.model);
        let (scores, equal) = (output::count(run.scores as u64), output::count(run.equal as u64));
        if let Some(why) = &run.refused {
            text.push_str(&language.pick(
                format!("run {id}: can not be replayed: {why}\n"),
                format!("批次 {id}：无法重算：{why}\n"),
            ));
            continue;
        }
        text.push_str(&language.pick(
            format!("run {id}, model {model}: {equal} of {scores} scores are equal to the bit"),
            format!("批次 {id}，模型 {model}：{scores} 条评分中 {equal} 条逐位一致"),
        ));
        if !run.own_files {
            text.push_str(language.pick(
                " (its own files are gone; read from those they were merged into)",
                "（当时的文件已清理，改读合并后的文件）",
            ));
        }
        text.push('\n');
        if run.equal < run.scores && !run.changed_sql.is_empty() {
            let changed = run.changed_sql.join(", ");
            text.push_str(&language.pick(
                format!("  queries have changed since: {changed}\n"),
                format!("  此后改动过的查询：{changed}\n"),
            ));
        }
    }
    for difference in &summary.differences {
        text.push_str(&line(difference, language));
    }
    let (scores, equal) =
        (output::count(summary.scores as u64), output::count(summary.equal as u64));
    text.push_str(&match summary.all_equal() {
        true => language.pick(
            format!("all {scores} scores are what they were\n"),
            format!("全部 {scores} 条评分与当时一致\n"),
        ),
        false => language.pick(
            format!("{equal} of {scores} scores are what they were\n"),
            format!("{scores} 条评分中 {equal} 条与当时一致\n"),
        ),
    });
    text
}

fn line(difference: &Difference, language: Language) -> String {
    let Difference { run_id, customer_id, column, recorded, recomputed } = difference;
    let null = || language.pick("nothing", "空").to_owned();
    match (column, recorded, recomputed) {
        (Some(column), recorded, recomputed) => {
            let [recorded, recomputed] =
                [recorded, recomputed].map(|value| value.clone().unwrap_or_else(null));
            let (recorded, recomputed) = excerpts(&recorded, &recomputed);
            language.pick(
                format!("  run {run_id}, {customer_id}, {column}: recorded {recorded}, recomputed {recomputed}\n"),
                format!("  批次 {run_id}，{customer_id}，{column}：记录为 {recorded}，重算为 {recomputed}\n"),
            )
        }
        (None, Some(_), None) => language.pick(
            format!(
                "  run {run_id}, {customer_id}: can not be scored again; the rows it was scored \
                 from are gone, as after an erasure, or the run never scored it\n"
            ),
            format!("  批次 {run_id}，{customer_id}：无法重算；当时所用的数据已不存在（如已被删除），或该批次并未给其评分\n"),
        ),
        (None, Some(_), Some(_)) => language.pick(
            format!("  run {run_id}, {customer_id}: has a second row\n"),
            format!("  批次 {run_id}，{customer_id}：多出一条记录\n"),
        ),
        (None, None, _) => language.pick(
            format!("  run {run_id}, {customer_id}: its row is missing\n"),
            format!("  批次 {run_id}，{customer_id}：记录缺失\n"),
        ),
    }
}

/// Both values; of long ones what stands around the first character that
/// differs.
fn excerpts(recorded: &str, recomputed: &str) -> (String, String) {
    const AROUND: usize = 30;
    let same = recorded.chars().zip(recomputed.chars()).take_while(|(a, b)| a == b).count();
    let from = same.saturating_sub(AROUND);
    let part = |text: &str| {
        let length = text.chars().count();
        if length <= 3 * AROUND {
            return text.to_owned();
        }
        let shown: String = text.chars().skip(from).take(2 * AROUND).collect();
        let [before, after] =
            [from > 0, from + 2 * AROUND < length].map(|cut| if cut { "…" } else { "" });
        format!("{before}{shown}{after}")
    };
    (part(recorded), part(recomputed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_long_values_the_place_that_differs_is_shown() {
        assert_eq!(excerpts("0.1", "0.2"), ("0.1".to_owned(), "0.2".to_owned()));
        let text = |middle: &str| format!("{}{middle}{}", "前".repeat(100), "z".repeat(100));
        let (before, after) = excerpts(&text("a"), &text("b"));
        assert_eq!(before, format!("…{}a{}…", "前".repeat(30), "z".repeat(29)));
        assert_eq!(after.replace('b', "a"), before);
    }
}
