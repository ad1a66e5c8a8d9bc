//! One customer: the score with its reasons, the profile, what happened.

use std::collections::BTreeMap;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::Response;
use maud::Markup;
use serde_json::{Map, Value};

use super::rows::{self, text};
use crate::engine::Engine;
use crate::error::{ErrorKind, Result};
use crate::reports::{self, Purpose};
use crate::serve::AppState;
use crate::serve::ui::band::Band;
use crate::serve::ui::context::Section;
use crate::serve::ui::format;
use crate::serve::ui::pages::customer::{self, CustomerPage, Reason, Score};
use crate::serve::ui::pages::{Event, EventKind};
use crate::serve::ui::table::{Column, ColumnKind, DataTable, Row};
use crate::serve::ui::text::Text;
use crate::serve::visit::Visit;
use crate::tenure::Tenure;

/// Columns of the profile that the page shows elsewhere.
const ELSEWHERE: [&str; 4] = ["customer_id", "name", "owner", "attributes"];

/// Answers `/customers/{id}`.
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
    let currency = state.currency(engine).await?;
    let asked = Asked { state, engine, id, currency: currency.as_deref(), visit };

    let explained = state.tenure().explain(engine, id, cx.lang).await;
    let profile = asked.table("customer").await?;
    let known = profile.rows.first();
    let score = match explained {
        Ok(score) => read_score(&score, state.tenure()).ok_or(Text::ScoreFirst),
        // A customer may have no score; of nobody's id the nearest are offered.
        Err(error) if error.kind() == ErrorKind::Unknown && known.is_some() => {
            Err(if Tenure::is_scored(engine) { Text::NotScoredHint } else { Text::ScoreFirst })
        }
        Err(error) => return Err(error),
    };
    // Who was scored and is gone since has a score and no profile.
    let known = known.cloned().unwrap_or_default();
    let events = asked.table("customer_events").await?;
    let page = CustomerPage {
        customer_id: id.to_owned(),
        name: text(&known, "name"),
        owner: text(&known, "owner"),
        facts: facts(&profile, &known),
        as_of: None,
        score,
        events: events.rows.iter().filter_map(event).collect(),
        orders: asked.list("customer_orders").await?,
        tickets: asked.list("customer_tickets").await?,
        surveys: asked.list("customer_surveys").await?,
    };
    Ok(customer::render(&cx, &page))
}

/// What every query of the page is asked with.
struct Asked<'a> {
    state: &'a AppState,
    engine: &'a Engine,
    id: &'a str,
    currency: Option<&'a str>,
    visit: &'a Visit,
}

impl Asked<'_> {
    async fn table(&self, name: &str) -> Result<DataTable> {
        let tenure = self.state.tenure();
        let header = &tenure.catalogue().get(Purpose::Page, name)?.header;
        let customer = reports::Value::Text(self.id.to_owned());
        let given = BTreeMap::from([("customer".to_owned(), customer)]);
        let found = tenure.page(self.engine, name, given).await?;
        rows::table(&found, header, self.currency, usize::MAX, self.visit.lang)
    }

    /// The newest of a list, whose last column says how many there are.
    async fn list(&self, name: &str) -> Result<DataTable> {
        let mut table = self.table(name).await?;
        let total = table.rows.first().and_then(|row| row.get("total")?.as_u64());
        table.total = total.and_then(|total| usize::try_from(total).ok()).unwrap_or(0);
        table.columns.retain(|column| column.name != "total");
        Ok(table)
    }
}

/// The profile as facts: what is known, then the source's own columns.
fn facts(profile: &DataTable, known: &Row) -> Vec<(Column, Value)> {
    let canonical = profile.columns.iter().filter(|column| {
        !ELSEWHERE.contains(&column.name.as_str())
            && known.get(&column.name).is_some_and(|value| !value.is_null())
    });
    let canonical = canonical.map(|column| (column.clone(), known[&column.name].clone()));
    let attributes = known.get("attributes").and_then(Value::as_object);
    let own = attributes.into_iter().flatten().filter(|(_, value)| !value.is_null());
    let own = own.map(|(name, value)| (attribute(name), value.clone()));
    canonical.chain(own).collect()
}

fn attribute(name: &str) -> Column {
    Column::new(name, name, ColumnKind::Text)
}

fn event(row: &Row) -> Option<Event> {
    let kind = match row.get("kind")?.as_str()? {
        "use" => EventKind::Use,
        "money" => EventKind::Money,
        "trouble" => EventKind::Trouble,
        "contact" => EventKind::Contact,
        _ => EventKind::Other,
    };
    // How much says something only where it is not the usual one.
    let quantity = row.get("quantity").and_then(format::number).filter(|&number| number != 1.0);
    let quantity = quantity.map(|number| format!("× {number}"));
    let parts: Vec<String> = text(row, "feature").into_iter().chain(quantity).collect();
    Some(Event {
        at: text(row, "at")?,
        kind,
        what: text(row, "name")?,
        detail: (!parts.is_empty()).then(|| parts.join(" ")),
    })
}

/// The object of `explain` as the page shows it.
fn read_score(score: &Map<String, Value>, tenure: &Tenure) -> Option<Score> {
    let number = |of: &Map<String, Value>, name: &str| of.get(name)?.as_f64();
    let reason = |reason: &Value| {
        let reason = reason.as_object()?;
        Some(Reason {
            feature: text(reason, "feature")?,
            value: reason.get("value").cloned().unwrap_or_default(),
            contribution: number(reason, "contribution")?,
            text: text(reason, "text")?,
        })
    };
    Some(Score {
        probability: number(score, "probability")?,
        band: Band::of_code(score.get("band")?.as_str()?)?,
        logit: number(score, "logit")?,
        base: number(score, "base")?,
        reasons: score.get("reasons")?.as_array()?.iter().filter_map(reason).collect(),
        unsure: score.get("unsure").and_then(|it| text(it.as_object()?, "text")),
        what_if: score.get("what_if").and_then(|it| text(it.as_object()?, "text")),
        value_at_risk: score.get("value_at_risk").cloned().unwrap_or_default(),
        currency: text(score, "currency").unwrap_or_default(),
        model: text(score, "model")?,
        cutoff: rows::cutoff(score, tenure)?,
    })
}
