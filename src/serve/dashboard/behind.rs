//! The rows of data behind each reason of one customer's score.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use maud::Markup;
use serde_json::Value;

use super::rows;
use crate::engine::Engine;
use crate::error::Result;
use crate::serve::AppState;
use crate::serve::ui::context::Section;
use crate::serve::ui::pages::behind::{self, Behind, BehindPage};
use crate::serve::ui::table::DataTable;
use crate::serve::ui::text::Text;
use crate::serve::visit::Visit;

/// Rows listed below a reason.
const LISTED: usize = 20;

/// Answers `/customers/{id}/rows`.
pub async fn page(
    State(state): State<AppState>,
    id: std::result::Result<Path<String>, PathRejection>,
    visit: Visit,
) -> Response {
    let work = async |id: String, engine: Engine| build(&state, &visit, &id, &engine).await;
    super::named(&state, &visit, id, work, |cx, id| cx.customer(id)).await
}

async fn build(state: &AppState, visit: &Visit, id: &str, engine: &Engine) -> Result<Markup> {
    let cx = visit.context(Section::AtRisk);
    let tenure = state.tenure();
    let score = tenure.explain(engine, id, cx.lang).await?;
    let listed = tenure.rows_behind(engine, &score, LISTED).await?;
    let reasons = score.get("reasons").and_then(Value::as_array);
    let mut told = Vec::new();
    for (reason, listed) in reasons.into_iter().flatten().zip(&listed) {
        let [feature, text] = ["feature", "text"]
            .map(|name| reason.get(name).and_then(Value::as_str).unwrap_or_default());
        let rows = match listed {
            Some(listed) => {
                let table = rows::table(&listed.table, &listed.header, None, usize::MAX, cx.lang)?;
                let title = listed.header.title.get(cx.lang).to_owned();
                let about = listed.header.description.get(cx.lang).to_owned();
                Ok((title, about, DataTable { total: listed.total, ..table }))
            }
            None if feature == "others" => Err(Text::SmallerNotListed),
            None => Err(Text::NotListed),
        };
        told.push(Behind { text: text.to_owned(), rows });
    }
    let cutoff = rows::cutoff(&score, tenure).unwrap_or_default();
    let page = BehindPage { customer_id: id.to_owned(), cutoff, reasons: told };
    Ok(behind::render(&cx, &page))
}
