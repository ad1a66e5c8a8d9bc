//! `tenure drift`: says whether the model that serves can still be trusted.

use std::process::ExitCode;

use super::models::table;
use super::output;
use crate::churn::{Observed, Shift};
use crate::config::Language;
use crate::error::Result;
use crate::reports::iso;
use crate::serve::ui::band::Band;
use crate::tenure::{Drift, Inputs, Judged, Pending, Tenure};

/// Features shown that have not drifted.
const QUIET: usize = 5;

/// Say whether the model that serves can still be trusted
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// As it would have been said on this date [default: the end of the data]
    #[arg(long, value_name = "DATE|INSTANT")]
    as_of: Option<String>,
    /// table or json
    #[arg(long, default_value = "table", value_parser = ["table", "json"])]
    format: String,
    /// End with exit code 1 on an alarm, for scripts
    #[arg(long)]
    fail: bool,
}

pub(super) async fn run(args: Args, tenure: Tenure) -> Result<ExitCode> {
    let language = tenure.language();
    let wheel = output::spinner(language.pick("looking at customers", "正在检查客户"));
    let drift = tenure.drift(args.as_of.as_deref()).await;
    wheel.finish_and_clear();
    let drift = drift?;
    match args.format.as_str() {
        "json" => output::json(&drift)?,
        _ => output::text(&render(&drift, language))?,
    }
    Ok(if args.fail && drift.alarm { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn render(drift: &Drift, language: Language) -> String {
    let (model, as_of) = (&drift.model, iso(drift.as_of));
    let is_judged = drift.inputs.is_some()
        || !drift.matured.is_empty()
        || drift.pending.iter().any(|run| run.nowcast.is_some());
    let mut text = match drift.alarm {
        false if !is_judged => language.pick(
            format!("nothing can be said about model {model} yet, as of {as_of}\n"),
            format!("暂无依据判断模型 {model} 是否仍然准确（截至 {as_of}）\n"),
        ),
        true => language.pick(
            format!("ALARM: model {model} may no longer be right, as of {as_of}\n"),
            format!("警报：模型 {model} 可能已不再准确（截至 {as_of}）\n"),
        ),
        false => language.pick(
            format!("nothing speaks against model {model}, as of {as_of}\n"),
            format!("模型 {model} 未见异常（截至 {as_of}）\n"),
        ),
    };
    text.push_str(language.pick("\nCustomers and scores\n", "\n客户与评分分布\n"));
    match &drift.inputs {
        Some(found) => text.push_str(&inputs(found, language)),
        None => text.push_str(language.pick(
            "the model keeps no baseline to compare with; models trained from now on do: tenure train\n",
            "该模型未保存训练时的分布，无法比较；重新训练后即可：tenure train\n",
        )),
    }
    if !drift.label_matures {
        text.push_str(language.pick(
            "\nthe label has no time, so past scores can not be held against it\n",
            "\n标签没有时间，无法用结果检验历史评分\n",
        ));
        return text;
    }
    text.push_str(language.pick("\nScored, outcome not known yet\n", "\n已评分，结果尚未揭晓\n"));
    text.push_str(&pending(&drift.pending, language));
    text.push_str(language.pick("\nScored, outcome known\n", "\n已评分，结果已揭晓\n"));
    text.push_str(&matured(&drift.matured, language));
    text
}

fn inputs(found: &Inputs, language: Language) -> String {
    let (n, then) =
        (output::count(found.customers as u64), output::count(found.baseline_customers as u64));
    let when = found.baseline.map(|day| day.to_string());
    let mut text = match (when, language) {
        (Some(day), Language::En) => format!("{n} customers, against {then} at {day}\n"),
        (Some(day), Language::Zh) => format!("当前客户 {n} 位，对比 {day} 的 {then} 位\n"),
        (None, Language::En) => format!("{n} customers, against {then} of the training\n"),
        (None, Language::Zh) => format!("当前客户 {n} 位，对比训练时的 {then} 位\n"),
    };
    let drifted = found.shifts.iter().filter(|shift| shift.drifted).count();
    let of = found.shifts.len();
    text.push_str(&language.pick(
        format!("{drifted} of {of} features and scores have drifted\n"),
        format!("{of} 项特征与评分中，{drifted} 项发生漂移\n"),
    ));
    let header = language.pick(
        ["", "feature", "what changed", "PSI", "chance", "usual", "p"],
        ["", "特征", "变化", "PSI", "随机上限", "往常", "p 值"],
    );
    let line = |shift: &Shift| {
        let mark = if shift.drifted { "✗" } else { "" };
        vec![
            mark.to_owned(),
            shift.title.get(language).to_owned(),
            shift.change.get(language).to_owned(),
            format!("{:.3}", shift.psi),
            format!("{:.3}", shift.limit),
            format!("{:.3}", shift.usual),
            if shift.p_value < 0.001 {
                "<0.001".to_owned()
            } else {
                format!("{:.3}", shift.p_value)
            },
        ]
    };
    text.push_str(&table(&header, 3, found.shifts.iter().take(drifted + QUIET).map(line)));
    text
}

fn pending(runs: &[Pending], language: Language) -> String {
    if runs.is_empty() {
        return language.pick("none\n", "无\n").to_owned();
    }
    let header = language.pick(
        [
            "",
            "as of",
            "model",
            "known from",
            "day",
            "customers",
            "seen",
            "scores say",
            "will leave",
            "95 %",
        ],
        [
            "",
            "截至",
            "模型",
            "揭晓日期",
            "第几天",
            "客户数",
            "已再次活跃",
            "评分预计流失",
            "现估流失",
            "95% 区间",
        ],
    );
    let line = |run: &Pending| {
        let mut cells = vec![
            if run.alarm { "✗" } else { "" }.to_owned(),
            run.cutoff.date_naive().to_string(),
            run.model.clone(),
            run.known_from.date_naive().to_string(),
        ];
        match &run.nowcast {
            Some(found) => cells.extend([
                format!("{:.0}", found.day),
                output::count(found.customers as u64),
                output::count(found.seen as u64),
                rounded(found.scored),
                rounded(found.expected),
                format!("{} – {}", rounded(found.interval[0]), rounded(found.interval[1])),
            ]),
            None => cells.extend(std::iter::repeat_n("–".to_owned(), 6)),
        }
        cells
    };
    table(&header, 4, runs.iter().map(line))
}

fn matured(runs: &[Judged], language: Language) -> String {
    if runs.is_empty() {
        return language
            .pick(
                "none yet: runs count whose model had not seen what came after them\n",
                "暂无：只检验评分之后的数据未参与训练的批次\n",
            )
            .to_owned();
    }
    let header = language.pick(
        [
            "",
            "as of",
            "model",
            "customers",
            "expected",
            "left",
            "ratio",
            "99 %",
            "high",
            "medium",
            "low",
            "log-loss",
            "promised",
            "AUC",
            "promised",
        ],
        [
            "",
            "截至",
            "模型",
            "客户数",
            "预计流失",
            "实际流失",
            "实际/预计",
            "99% 区间",
            "高风险",
            "中风险",
            "低风险",
            "对数损失",
            "验证时",
            "AUC",
            "验证时",
        ],
    );
    let figure =
        |figure: Option<f64>| figure.map_or_else(|| "–".to_owned(), |it| format!("{it:.4}"));
    let line = |run: &Judged| {
        let Observed { customers, expected, churned, ratio, interval } = run.observed;
        let mut cells = vec![
            if run.alarm { "✗" } else { "" }.to_owned(),
            run.cutoff.date_naive().to_string(),
            run.model.clone(),
            output::count(customers as u64),
            rounded(expected),
            output::count(churned as u64),
            format!("{ratio:.2}"),
            format!("{:.2} – {:.2}", interval[0], interval[1]),
        ];
        // Left of expected, band by band.
        cells.extend([Band::High, Band::Medium, Band::Low].map(|band| {
            run.bands.get(band.code()).map_or_else(
                || "–".to_owned(),
                |it| format!("{} / {}", output::count(it.churned as u64), rounded(it.expected)),
            )
        }));
        cells.extend([
            figure(run.log_loss),
            figure(Some(run.promised.log_loss)),
            figure(run.auc),
            figure(Some(run.promised.auc)),
        ]);
        cells
    };
    table(&header, 3, runs.iter().map(line))
}

fn rounded(number: f64) -> String {
    output::count(number.round().max(0.0) as u64)
}
