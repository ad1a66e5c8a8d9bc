//! The at-risk list: the scores of the newest run, a page at a time.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use maud::Markup;
use serde_json::Value;

use super::risk;
use super::rows::{self, text};
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::reports;
use crate::reports::render;
use crate::serve::problem::Problem;
use crate::serve::ui::band::Band;
use crate::serve::ui::context::{Context, Section};
use crate::serve::ui::layout::Downloads;
use crate::serve::ui::pages::at_risk::{self, AtRiskPage, BandCount, RiskFilter};
use crate::serve::ui::text::Text;
use crate::serve::visit::Visit;
use crate::serve::{AppState, answer, cursor, scores};
use crate::tenure::ScoreRequest;

/// Customers on a page: a screenful of calls for a week.
const PAGE: usize = 50;

/// Answers `/at-risk`.
pub async fn page(State(state): State<AppState>, visit: Visit) -> Response {
    let page = match asked(&visit) {
        Ok(request) => {
            let work = async |engine: Engine| build(&state, &visit, &request, &engine).await;
            answer::in_turn(&state, work).await.map(super::found)
        }
        Err(error) => Err(error),
    };
    super::respond(&visit, page.map_err(Problem::of_parameters), corrected)
}

/// The list with the nearest band in place of one that does not exist.
fn corrected(cx: &Context, name: &str) -> String {
    let band = Band::of_code(name).map(|band| ("band", band.code()));
    cx.link(Context::AT_RISK, band.as_slice())
}

async fn build(
    state: &AppState,
    visit: &Visit,
    request: &ScoreRequest,
    engine: &Engine,
) -> Result<Markup> {
    let cx = visit.context(Section::AtRisk);
    let filter = RiskFilter {
        band: request.band.as_deref().and_then(Band::of_code),
        owner: request.owner.clone(),
        min_probability: request.min_probability,
    };
    let mut page = AtRiskPage {
        as_of: None,
        data_end: None,
        model: None,
        bands: Vec::new(),
        filter,
        owners: Vec::new(),
        rows: Vec::new(),
        total: 0,
        first: request.after.is_none(),
        next: None,
        links: Downloads { json: link(&cx, request), ..Downloads::default() },
        hint: None,
    };
    let scored = match state.tenure().scores(engine, request, cx.lang).await {
        Ok(scored) => scored,
        Err(error) if error.kind() == ErrorKind::Insufficient => {
            page.hint = Some(cx.lang.t(Text::ScoreFirst).to_owned());
            return Ok(at_risk::render(&cx, &page));
        }
        Err(error) => return Err(error),
    };
    let bands = bands(state, engine, scored.run_id, request).await?;
    page.total = bands.matching;
    page.bands = bands.counts;
    page.owners = risk::owners(state, engine, scored.run_id).await?;
    page.rows = risk::lines(state, engine, &scored, &page.owners).await?;
    page.model = scored.scores.first().and_then(|score| text(score, "model"));
    page.as_of = scored.scores.first().and_then(|score| rows::cutoff(score, state.tenure()));
    let end = rows::day_of(reports::default_as_of(engine), state.tenure());
    page.data_end = end.filter(|end| page.as_of.as_ref().is_some_and(|as_of| as_of < end));
    page.next = scored.next.as_ref().map(|place| cursor::encode(place, request));
    Ok(at_risk::render(&cx, &page))
}

/// Reads the form: the parameters of `/v1/scores`, the probability in percent.
fn asked(visit: &Visit) -> Result<ScoreRequest> {
    let mut params = visit.filled();
    if let Some(percent) = params.remove("min_percent") {
        let number = percent.parse().ok().filter(|number| (0.0..=100.0).contains(number));
        let number: f64 = number.ok_or_else(|| {
            let words = format!("min_percent: \"{percent}\" is not a number from 0 to 100");
            Error::new(ErrorKind::Usage, words)
        })?;
        params.insert("min_probability".to_owned(), (number / 100.0).to_string());
    }
    params.insert("limit".to_owned(), PAGE.to_string());
    scores::asked(params)
}

/// The same list as `/v1` gives it.
fn link(cx: &Context, request: &ScoreRequest) -> String {
    let probability = request.min_probability.map(|share| share.to_string());
    let pairs = [
        ("band", request.band.as_deref()),
        ("owner", request.owner.as_deref()),
        ("min_probability", probability.as_deref()),
    ];
    let given: Vec<_> =
        pairs.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    cx.link("/v1/scores", &given)
}

/// The sizes of a run's bands.
pub(super) struct Bands {
    /// Every band, loudest first.
    pub(super) counts: Vec<BandCount>,
    /// Customers that the filter leaves.
    pub(super) matching: usize,
}

/// Counts the bands of run `run_id` and what the filter of `request` leaves.
pub(super) async fn bands(
    state: &AppState,
    engine: &Engine,
    run_id: i64,
    request: &ScoreRequest,
) -> Result<Bands> {
    let mut asked: BTreeMap<String, reports::Value> = risk::run(run_id);
    let mut set = |name: &str, value: Option<reports::Value>| {
        asked.extend(value.map(|value| (name.to_owned(), value)));
    };
    set("band", request.band.clone().map(reports::Value::Text));
    set("owner", request.owner.clone().map(reports::Value::Text));
    set("min_probability", request.min_probability.map(reports::Value::Number));
    let found = render::rows(&state.tenure().page(engine, "bands", asked).await?.batches)?;
    type Row = serde_json::Map<String, Value>;
    let count = |row: &Row, name: &str| {
        let count = row.get(name).and_then(Value::as_u64);
        count.and_then(|count| usize::try_from(count).ok()).unwrap_or(0)
    };
    let counts = Band::ALL.map(|band| {
        let of_band = |row: &&Row| text(row, "band").as_deref() == Some(band.code());
        let worth = |row: &Row| Some((text(row, "currency")?, row.get("value_at_risk")?.clone()));
        BandCount {
            band,
            customers: found.iter().filter(of_band).map(|row| count(row, "customers")).sum(),
            value_at_risk: found.iter().filter(of_band).filter_map(worth).collect(),
        }
    });
    let matching = found.iter().map(|row| count(row, "matching")).sum();
    Ok(Bands { counts: counts.into(), matching })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;

    use super::*;
    use crate::serve::ui::lang::Lang;

    #[test]
    fn the_form_asks_in_percent_and_leaves_empty_fields_out() {
        let uri = "/at-risk?band=&owner=O1&min_percent=12.5&lang=zh".parse().unwrap();
        let visit = Visit::new(&uri, &HeaderMap::new(), Lang::En);
        let request = asked(&visit).unwrap();
        assert_eq!(request.band, None);
        assert_eq!(request.owner.as_deref(), Some("O1"));
        assert_eq!(request.min_probability, Some(0.125));
        let link = link(&visit.context(Section::AtRisk), &request);
        assert_eq!(link, "/v1/scores?owner=O1&min_probability=0.125&lang=zh");
        assert_eq!(
            corrected(&visit.context(Section::AtRisk), "high"),
            "/at-risk?band=high&lang=zh"
        );
    }

    #[test]
    fn a_refused_percentage_is_named_as_it_was_written() {
        for percent in ["150", "-1", "NaN", "half"] {
            let uri = format!("/at-risk?min_percent={percent}").parse().unwrap();
            let error = asked(&Visit::new(&uri, &HeaderMap::new(), Lang::En)).unwrap_err();
            assert!(error.to_string().contains(&format!("\"{percent}\"")), "{error}");
        }
    }
}
