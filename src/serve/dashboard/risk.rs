//! How does a score become a line of an at-risk list?

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::rows::text;
use crate::engine::Engine;
use crate::error::Result;
use crate::reports;
use crate::reports::render::rows;
use crate::serve::AppState;
use crate::serve::ui::band::Band;
use crate::serve::ui::pages::at_risk::RiskRow;
use crate::tenure::ScorePage;

/// Owners' names by id, in the order of the names.
pub type Owners = Vec<(String, String)>;

/// The owners of the customers that run `run_id` scored.
pub async fn owners(state: &AppState, engine: &Engine, run_id: i64) -> Result<Owners> {
    let found = state.tenure().page(engine, "score_owners", run(run_id)).await?;
    let owner = |row: Map<String, Value>| Some((text(&row, "owner_id")?, text(&row, "name")?));
    Ok(rows(&found.batches)?.into_iter().filter_map(owner).collect())
}

/// The scores of a page as lines, with names of owners and what is new.
pub async fn lines(
    state: &AppState,
    engine: &Engine,
    page: &ScorePage,
    owners: &Owners,
) -> Result<Vec<RiskRow>> {
    let names: BTreeMap<&str, &str> =
        owners.iter().map(|(id, name)| (id.as_str(), name.as_str())).collect();
    let mut asked = run(page.run_id);
    let customers = page.scores.iter().filter_map(|score| text(score, "customer_id"));
    asked.insert("customers".to_owned(), reports::Value::List(customers.collect()));
    let newly = state.tenure().page(engine, "newly", asked).await?;
    let newly: BTreeSet<String> =
        rows(&newly.batches)?.iter().filter_map(|row| text(row, "customer_id")).collect();
    let line = |score: &Map<String, Value>| {
        let customer_id = text(score, "customer_id")?;
        let owner = text(score, "owner_id");
        Some(RiskRow {
            name: text(score, "name"),
            probability: score.get("probability")?.as_f64()?,
            band: Band::of_code(score.get("band")?.as_str()?)?,
            value_at_risk: score.get("value_at_risk").cloned().unwrap_or_default(),
            currency: text(score, "currency").unwrap_or_default(),
            unsure: score.get("unsure").and_then(|it| text(it.as_object()?, "text")),
            owner: owner.map(|id| names.get(id.as_str()).map_or(id.clone(), |name| (*name).into())),
            reasons: raising(score),
            newly: newly.contains(&customer_id),
            customer_id,
        })
    };
    Ok(page.scores.iter().filter_map(line).collect())
}

/// The run as a page query's parameter.
pub fn run(run_id: i64) -> BTreeMap<String, reports::Value> {
    BTreeMap::from([("run".to_owned(), reports::Value::Integer(run_id))])
}

/// The reasons to act on: those that raise the risk, strongest first.
fn raising(score: &Map<String, Value>) -> Vec<String> {
    let reasons = score.get("reasons").and_then(Value::as_array).into_iter().flatten();
    let raises = |reason: &&Value| {
        let contribution = reason.get("contribution").and_then(Value::as_f64);
        // The sum of the small ones is no reason anybody could act on.
        contribution.is_some_and(|by| by > 0.0)
            && reason.get("feature").and_then(Value::as_str) != Some("others")
    };
    reasons
        .filter(raises)
        .filter_map(|reason| Some(reason.get("text")?.as_str()?.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_raises_the_risk_is_a_reason_to_call() {
        let score = json!({"reasons": [
            {"feature": "a", "contribution": 0.9, "text": "A"},
            {"feature": "b", "contribution": -0.8, "text": "B"},
            {"feature": "c", "contribution": 0.1, "text": "C"},
            {"feature": "others", "contribution": 0.5, "text": "5 other features"},
        ]});
        assert_eq!(raising(score.as_object().unwrap()), ["A", "C"]);
    }
}
