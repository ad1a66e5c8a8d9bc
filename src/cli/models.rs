//! `tenure models`: lists trained models, says which served when, compares the
//! one on trial with the one that serves.

use std::path::PathBuf;

use comfy_table::{Cell, CellAlignment};

use super::output;
use crate::churn::Validation;
use crate::config::Language;
use crate::error::{Error, ErrorKind, Result};
use crate::reports::iso;
use crate::reports::render::ruled;
use crate::serve::ui::band::Band;
use crate::serve::ui::context::{Context, Section};
use crate::serve::ui::pages::model_card;
use crate::tenure::{Compared, How, ModelInfo, Outcome, State, Tenure, Term};

/// List trained models; say which served when, or how the one on trial compares
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: Option<What>,
    /// table or json
    #[arg(long, global = true, default_value = "table", value_parser = ["table", "json"])]
    format: String,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum What {
    /// Every trained model with its quality and state
    List,
    /// Which model served from which run to which, and what made it so
    History,
    /// The model on trial beside the served one, on the customers both scored
    Compare,
    /// What a model is, how good it is and where it ends, as a page to print
    Card {
        /// The model's id [default: the one that serves]
        model: Option<String>,
        /// Where to write the page [default: card-MODEL.html]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

pub(super) async fn run(args: Args, tenure: Tenure) -> Result<()> {
    let (json, language) = (args.format == "json", tenure.language());
    match args.what.unwrap_or(What::List) {
        What::List => {
            let models = tenure.models().await?;
            if json { output::json(&models) } else { output::text(&list(&models, language)) }
        }
        What::History => {
            let registry = tenure.registry().await?;
            let terms = registry.terms();
            if json { output::json(&terms) } else { output::text(&history(terms, language)) }
        }
        What::Compare => {
            let compared = tenure.compare_models(&tenure.engine().await?).await?;
            if json { output::json(&compared) } else { output::text(&compare(&compared, language)) }
        }
        What::Card { model, out } => {
            let card = tenure.model_card(model.as_deref()).await?;
            let file = out.unwrap_or_else(|| format!("card-{}.html", card.version.model).into());
            let context = Context {
                lang: language,
                path: String::new(),
                query: Vec::new(),
                section: Section::None,
            };
            let page = model_card::standalone(&context, &card).into_string();
            std::fs::write(&file, page).map_err(|error| {
                Error::new(ErrorKind::Usage, format!("can not write {}", file.display()))
                    .caused_by(error)
            })?;
            output::text(&format!("{}\n", file.display()))
        }
    }
}

/// A table whose columns from `numbers` on are numbers.
pub(super) fn table(
    header: &[&str],
    numbers: usize,
    rows: impl Iterator<Item = Vec<String>>,
) -> String {
    let cell = |(column, text): (usize, String)| {
        let number = column >= numbers;
        let side = if number { CellAlignment::Right } else { CellAlignment::Left };
        Cell::new(text).set_alignment(side)
    };
    let line = |row: Vec<String>| row.into_iter().enumerate().map(cell).collect::<Vec<_>>();
    let mut table = ruled();
    table.set_header(line(header.iter().map(|title| (*title).to_owned()).collect()));
    for row in rows {
        table.add_row(line(row));
    }
    format!("{}\n", table.trim_fmt())
}

fn list(models: &[ModelInfo], language: Language) -> String {
    if models.is_empty() {
        return language
            .pick("no model has been trained: tenure train\n", "尚未训练模型：tenure train\n")
            .to_owned();
    }
    let header = language.pick(
        ["model", "spec", "state", "trained", "data up to", "run", "AUC", "log-loss", "ECE"],
        ["模型", "规格", "状态", "训练时间", "数据截止", "批次", "AUC", "对数损失", "ECE"],
    );
    let rows = models.iter().map(|model| {
        let version = &model.version;
        let dash = || "–".to_owned();
        let figure = |figure: fn(&Validation) -> f64| {
            model.validation.as_ref().map_or_else(dash, |it| format!("{:.4}", figure(it)))
        };
        vec![
            version.model.clone(),
            version.spec.clone(),
            version.state.title(language).to_owned(),
            version.trained_at.format("%Y-%m-%d %H:%M").to_string(),
            // The day itself was not used.
            model.data_end.and_then(|day| day.pred_opt()).map_or_else(dash, |day| day.to_string()),
            version.run_id.to_string(),
            figure(|it| it.metrics.auc),
            figure(|it| it.metrics.log_loss),
            figure(|it| it.metrics.ece),
        ]
    });
    let mut text = table(&header, 5, rows);
    // Of those that served once nobody expects that they still could.
    for model in models.iter().filter(|model| model.version.state != State::Retired) {
        if let Some(why) = &model.unusable {
            text.push_str(
                &language.pick(format!("can not score: {why}\n"), format!("无法评分：{why}\n")),
            );
        }
    }
    text
}

fn history(terms: &[Term], language: Language) -> String {
    let header = language.pick(
        ["model", "spec", "by", "from", "until", "from run", "until run", "scorings"],
        ["模型", "规格", "方式", "启用时间", "停用时间", "起始批次", "结束批次", "评分次数"],
    );
    let still = language.pick("now", "至今");
    let rows = terms.iter().map(|term| {
        let at = |at: chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%d %H:%M").to_string();
        vec![
            term.model.clone(),
            term.spec.clone(),
            how(term.how, language).to_owned(),
            at(term.from),
            term.until.map_or_else(|| still.to_owned(), at),
            term.from_run.to_string(),
            term.until_run.map_or_else(|| "–".to_owned(), |run| run.to_string()),
            term.scorings.to_string(),
        ]
    });
    table(&header, 5, rows)
}

fn compare(compared: &Compared, language: Language) -> String {
    let Compared { run_id, served, shadow, .. } = compared;
    let n = output::count(compared.customers as u64);
    let differ = output::count(compared.bands_differ as u64);
    let mut text = language.pick(
        format!(
            "{shadow} on trial beside {served}, run {run_id}: {n} customers scored by both\n\n"
        ),
        format!(
            "试用模型 {shadow} 对比正式模型 {served}，批次 {run_id}：两者均评分的客户 {n} 位\n\n"
        ),
    );
    let name = |band: Band| output::band(band.code(), language);
    let mut header = vec![language.pick("served \\ on trial", "正式 \\ 试用").to_owned()];
    header.extend(Band::ALL.map(name));
    let rows = Band::ALL.into_iter().map(|row| {
        let count = |column: Band| {
            let of = compared.bands.get(row.code()).and_then(|row| row.get(column.code()));
            output::count(of.copied().unwrap_or(0) as u64)
        };
        let mut cells = vec![name(row)];
        cells.extend(Band::ALL.map(count));
        cells
    });
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    text.push_str(&table(&header, 1, rows));
    let rank =
        compared.rank_correlation.map_or_else(|| "–".to_owned(), |rank| format!("{rank:.4}"));
    let mean = 100.0 * compared.mean_difference;
    text.push_str(&language.pick(
        format!(
            "\n{differ} bands differ; rank correlation {rank}; probabilities {mean:+.2} pp on average\n"
        ),
        format!("\n风险等级不同的客户 {differ} 位；排序相关系数 {rank}；概率平均相差 {mean:+.2} 个百分点\n"),
    ));
    text.push_str(&outcome(&compared.outcome, language));
    text
}

fn outcome(outcome: &Outcome, language: Language) -> String {
    match outcome {
        Outcome::Pending { known_from: Some(at) } => language.pick(
            format!("who was right is known once the data reaches {}\n", iso(*at)),
            format!("待数据覆盖至 {} 后，可判断哪个模型更准\n", iso(*at)),
        ),
        Outcome::Pending { known_from: None } => language
            .pick(
                "nothing to say yet who was right: what came of these customers was known when a \
                 model was trained, or the label is not one of activity\n",
                "暂无法判断哪个模型更准：训练时结果已知，或标签并非基于活跃行为\n",
            )
            .to_owned(),
        Outcome::Matured { run_id, cutoff, served, shadow, comparison } => {
            let mut text = language.pick(
                format!("\noutcome of run {run_id}, as of {}:\n", iso(*cutoff)),
                format!("\n批次 {run_id}（截至 {}）的实际结果：\n", iso(*cutoff)),
            );
            if let (Some(served), Some(shadow)) = (served, shadow) {
                let header = language.pick(
                    ["", "AUC", "log-loss", "ECE", "lift (top tenth)"],
                    ["", "AUC", "对数损失", "ECE", "提升度（前十分之一）"],
                );
                let names = language.pick(["served", "on trial"], ["正式", "试用"]);
                let rows = names.into_iter().zip([served, shadow]).map(|(name, it)| {
                    let figures = [it.auc, it.log_loss, it.ece, it.lift_decile];
                    let figures = figures.map(|figure| format!("{figure:.4}"));
                    [name.to_owned()].into_iter().chain(figures).collect()
                });
                text.push_str(&table(&header, 1, rows));
            }
            if let Some(found) = comparison {
                let [low, high] = found.difference;
                text.push_str(&language.pick(
                    format!("log-loss of the one on trial minus the served one: 95 % interval [{low:+.4}, {high:+.4}]\n"),
                    format!("试用模型与正式模型的对数损失之差：95% 区间 [{low:+.4}, {high:+.4}]\n"),
                ));
            }
            text
        }
    }
}

const fn how(how: How, language: Language) -> &'static str {
    let (en, zh) = match how {
        How::Trained => ("trained", "训练"),
        How::Promoted => ("promoted", "启用"),
        How::RolledBack => ("rolled back", "回退"),
    };
    match language {
        Language::En => en,
        Language::Zh => zh,
    }
}
