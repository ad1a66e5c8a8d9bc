//! `tenure promote`, `rollback` and `shadow`: choose which model scores.

use super::output;
use crate::config::Language;
use crate::error::Result;
use crate::tenure::{Change, Tenure};

/// Make a trained model the one that serves
#[derive(Debug, clap::Args)]
pub(super) struct Promote {
    /// The model's id, as `tenure models` lists it
    model: String,
}

/// Let a model score beside the served one, its scores shown nowhere
#[derive(Debug, clap::Args)]
pub(super) struct Shadow {
    /// The model's id, as `tenure models` lists it
    #[arg(required_unless_present = "off")]
    model: Option<String>,
    /// End the trial
    #[arg(long, conflicts_with = "model")]
    off: bool,
}

pub(super) async fn promote(args: Promote, tenure: Tenure) -> Result<()> {
    output::text(&served(&tenure.promote(&args.model).await?, tenure.language()))
}

pub(super) async fn rollback(tenure: Tenure) -> Result<()> {
    output::text(&served(&tenure.rollback().await?, tenure.language()))
}

pub(super) async fn shadow(args: Shadow, tenure: Tenure) -> Result<()> {
    let change = tenure.shadow(args.model.as_deref()).await?;
    let language = tenure.language();
    output::text(&match (&change.model, &change.before) {
        (Some(model), _) => language.pick(
            format!("model {model} scores beside the served one from the next scoring on\n"),
            format!("自下次评分起，模型 {model} 与正式模型并行试评，结果不对外展示\n"),
        ),
        (None, Some(before)) => language.pick(
            format!("model {before} is no longer on trial\n"),
            format!("模型 {before} 已结束试用\n"),
        ),
        (None, None) => language.pick("no model is on trial\n", "当前没有试用模型\n").to_owned(),
    })
}

fn served(change: &Change, language: Language) -> String {
    let model = change.model.as_deref().unwrap_or_default();
    match (change.run_id, &change.before) {
        (None, _) => language.pick(
            format!("model {model} serves already\n"),
            format!("模型 {model} 已是正式模型\n"),
        ),
        (Some(_), Some(before)) => language.pick(
            format!(
                "model {model} serves now, {before} before; scores follow with: tenure score\n"
            ),
            format!("模型 {model} 已成为正式模型（此前为 {before}）；运行 tenure score 更新评分\n"),
        ),
        (Some(_), None) => language.pick(
            format!("model {model} serves now; scores follow with: tenure score\n"),
            format!("模型 {model} 已成为正式模型；运行 tenure score 更新评分\n"),
        ),
    }
}
