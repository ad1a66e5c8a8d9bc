//! `tenure train`: trains a churn model and says how good it is.

use std::path::Path;

use super::output;
use crate::churn::survival::Checked;
use crate::churn::{ChurnSpec, Figure, Learning, Validation};
use crate::config::Language;
use crate::error::{Error, ErrorKind, Result};
use crate::tenure::{Promotion, Reason, Tenure, TrainSummary, Verdict};

/// Train a churn model and say how good it is
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What to predict and from what: a file, or the name of a built-in spec
    #[arg(long, default_value = "churn", value_name = "FILE|NAME")]
    spec: String,
    /// Train on what was known at this date or instant [default: the end of the data]
    #[arg(long, value_name = "DATE|INSTANT")]
    as_of: Option<String>,
    /// Serve the model even if it is worse than the one that serves
    #[arg(long)]
    promote: bool,
    /// Keep the model without serving it
    #[arg(long, conflicts_with = "promote")]
    no_promote: bool,
    /// table or json
    #[arg(long, default_value = "table", value_parser = ["table", "json"])]
    format: String,
}

pub(super) async fn run(args: Args, tenure: Tenure) -> Result<()> {
    let spec = spec(&args.spec)?;
    let promotion = match (args.promote, args.no_promote) {
        (true, _) => Promotion::Always,
        (_, true) => Promotion::Never,
        _ => Promotion::Earned,
    };
    let summary = train(&tenure, spec, args.as_of.as_deref(), promotion).await?;
    if args.format == "json" {
        return output::json(&summary);
    }
    output::text(&render(&summary, tenure.language()))
}

/// Trains with a progress bar over the cutoffs.
pub(super) async fn train(
    tenure: &Tenure,
    spec: ChurnSpec,
    as_of: Option<&str>,
    promotion: Promotion,
) -> Result<TrainSummary> {
    let language = tenure.language();
    let bar = output::progress_of(0, language.pick("cutoffs", "个截止日"), language);
    let told = bar.clone();
    let summary = tenure
        .train_as(spec, as_of, promotion, &mut move |done, of| {
            told.set_length(of as u64);
            told.set_position(done as u64);
        })
        .await;
    bar.finish_and_clear();
    summary
}

/// The spec in a file, or the built-in one of that name.
pub(super) fn spec(given: &str) -> Result<ChurnSpec> {
    let path = Path::new(given);
    if !path.exists() {
        return ChurnSpec::built_in(given);
    }
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::new(ErrorKind::Usage, format!("can not read {given}")).caused_by(error)
    })?;
    ChurnSpec::parse(&text, given)
}

/// The quality of a model, as people read it.
pub(super) fn render(summary: &TrainSummary, language: Language) -> String {
    let TrainSummary { model, spec, validation, .. } = summary;
    let Validation { metrics, estimator, .. } = validation;
    let fitted = output::count(summary.trained_rows as u64);
    let rows = output::count(metrics.rows as u64);
    let churned = output::count(metrics.churners as u64);
    let mut text = language.pick(
        format!(
            "model {model} ({spec}, {estimator}), fitted on {fitted} rows\n\
             held out: {rows} rows, {churned} churned\n"
        ),
        format!(
            "模型 {model}（{spec}，{estimator}），训练数据 {fitted} 行\n\
             留出检验：{rows} 行，其中流失 {churned} 行\n"
        ),
    );
    for Figure { name, value, interval, meaning } in validation.figures() {
        let interval =
            interval.map_or_else(String::new, |[low, high]| format!("  [{low:.4}, {high:.4}]"));
        // Only what is ASCII in both languages is padded: padding counts
        // characters, and a Chinese one is two columns wide.
        let meaning = meaning.get(language);
        text.push_str(&format!("  {name:<12} {value:.4}{interval:<20}  {meaning}\n"));
    }
    text.push_str(&horizons(&validation.horizons, language));
    text.push_str(&doubts(summary, language));
    text.push_str(&served(model, &summary.verdict, language));
    text
}

/// How far the model is to be believed: what more customers would do for it, and
/// what whoever reads its scores has to be told.
fn doubts(summary: &TrainSummary, language: Language) -> String {
    let mut text = String::new();
    if summary.validation.learning.len() > 1 {
        let point = |point: &Learning| {
            format!("{} {:.4}", output::count(point.rows as u64), point.log_loss)
        };
        let points: Vec<String> = summary.validation.learning.iter().map(point).collect();
        let points = points.join(language.pick(", ", "，"));
        text.push_str(&language.pick(
            format!("log-loss by rows learnt from: {points}\n"),
            format!("学习数据行数与对数损失：{points}\n"),
        ));
    }
    for doubt in &summary.doubts {
        let doubt = doubt.get(language);
        let warning = language.pick(format!("warning: {doubt}\n"), format!("警告：{doubt}\n"));
        text.push_str(&warning);
    }
    text
}

/// Departures by each horizon: as many as were predicted?
fn horizons(checked: &[Checked], language: Language) -> String {
    let mut text = String::new();
    for it in checked {
        let rows = output::count(it.rows as u64);
        let [low, high] = it.band.map(|end| 100.0 * end);
        let (predicted, observed) = (100.0 * it.predicted, 100.0 * it.observed);
        let from = it.first.map_or_else(String::new, |first| {
            language.pick(format!(" from {first}"), format!("自 {first} 起"))
        });
        text.push_str(&language.pick(
            format!(
                "  {:>3} days  predicted {predicted:.2} %, observed {observed:.2} % of {rows} \
                 rows at {} cutoffs{from}; by chance {low:.2} to {high:.2} %\n",
                it.days, it.cutoffs
            ),
            format!(
                "  {:>3} 天  预测 {predicted:.2}%，实际 {observed:.2}%（{from} {} 个截止日共 {rows} 行）；\
                 随机波动范围 {low:.2}% 至 {high:.2}%\n",
                it.days, it.cutoffs
            ),
        ));
    }
    let title = language.pick(
        "left within, each at the latest cutoffs that tell:\n",
        "留出时段的累计流失（各期限取最近已知结果的截止日）：\n",
    );
    if text.is_empty() { text } else { format!("{title}{text}") }
}

/// Whether the model serves now, and why.
fn served(model: &str, verdict: &Verdict, language: Language) -> String {
    let before = verdict.served.as_deref().unwrap_or_default();
    let mut why = match verdict.reason {
        Reason::First => String::new(),
        Reason::Asked => language.pick(", as asked", "（按要求）").to_owned(),
        Reason::Same => language.pick(", as it did", "（与此前相同）").to_owned(),
        Reason::Unusable => language.pick(
            format!(": {before} can not score any more"),
            format!("：此前的 {before} 已无法评分"),
        ),
        Reason::NotWorse => {
            language.pick(format!(": not worse than {before}"), format!("：不逊于此前的 {before}"))
        }
        Reason::Worse => {
            language.pick(format!(": worse than {before}"), format!("：逊于正式模型 {before}"))
        }
        Reason::OtherQuestion => language.pick(
            format!(": {before} answers another question, by its spec or label"),
            format!("：正式模型 {before} 的规格或标签不同，预测的不是同一件事"),
        ),
        Reason::NotCompared => language.pick(
            format!(": no rows to compare it with {before} on"),
            format!("：没有可与正式模型 {before} 比较的数据"),
        ),
    };
    if let Some(found) = &verdict.comparison {
        let [low, high] = found.difference;
        let rows = output::count(found.rows as u64);
        why.push_str(&language.pick(
            format!("; log-loss minus its log-loss on {rows} rows: [{low:+.4}, {high:+.4}]"),
            format!("；在 {rows} 行上的对数损失之差：[{low:+.4}, {high:+.4}]"),
        ));
        if let Some([new, served]) = found.auc {
            why.push_str(&language.pick(
                format!(", AUC {new:.4} against {served:.4}"),
                format!("，AUC 为 {new:.4}，对比 {served:.4}"),
            ));
        }
    }
    match verdict.promoted {
        true => language.pick(format!("it serves now{why}\n"), format!("已成为正式模型{why}\n")),
        false => language.pick(
            format!("it does not serve{why}\n  to serve it: tenure promote {model}\n"),
            format!("未成为正式模型{why}\n  如需启用：tenure promote {model}\n"),
        ),
    }
}
