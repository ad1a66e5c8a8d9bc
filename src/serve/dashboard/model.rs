//! One version of the model: its card.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;

use crate::engine::Engine;
use crate::error::Result;
use crate::serve::problem::Problem;
use crate::serve::ui::context::Section;
use crate::serve::ui::pages::model_card;
use crate::serve::visit::Visit;
use crate::serve::{AppState, answer};

/// Answers `/models/{id}`.
pub async fn page(
    State(state): State<AppState>,
    id: std::result::Result<Path<String>, PathRejection>,
    visit: Visit,
) -> Response {
    let page = match id {
        Ok(Path(id)) => {
            let work = async |_: Engine| -> Result<_> {
                let card = state.tenure().model_card(Some(&id)).await?;
                Ok(super::found(model_card::render(&visit.context(Section::AtRisk), &card)))
            };
            answer::in_turn(&state, work).await.map_err(Problem::from)
        }
        Err(rejection) => Err(rejection.into()),
    };
    super::respond(&visit, page, |cx, id| cx.model(id))
}
