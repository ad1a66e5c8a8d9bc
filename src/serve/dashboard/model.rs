//! One version of the model: its card.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;

use crate::engine::Engine;
use crate::serve::AppState;
use crate::serve::ui::context::Section;
use crate::serve::ui::pages::model_card;
use crate::serve::visit::Visit;

/// Answers `/models/{id}`.
pub async fn page(
    State(state): State<AppState>,
    id: std::result::Result<Path<String>, PathRejection>,
    visit: Visit,
) -> Response {
    let work = async |id: String, _: Engine| {
        let card = state.tenure().model_card(Some(&id)).await?;
        Ok(model_card::render(&visit.context(Section::AtRisk), &card))
    };
    super::named(&state, &visit, id, work, |cx, id| cx.model(id)).await
}
