//! The catalogue, and each report with its chart, numbers and form.

use std::collections::BTreeMap;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use maud::Markup;

use super::rows;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::reports::header::{Header, Param, ParamKind};
use crate::reports::{Purpose, Query, params};
use crate::serve::problem::Problem;
use crate::serve::ui::charts::{ChartKind, ChartSpec};
use crate::serve::ui::context::{Context, Section, encode};
use crate::serve::ui::lang::Lang;
use crate::serve::ui::layout::Downloads;
use crate::serve::ui::pages::report::{self, Outcome, ReportPage};
use crate::serve::ui::pages::report_list::{self, ReportCard};
use crate::serve::ui::pages::{Choice, Parameter, ParameterKind};
use crate::serve::ui::table::Column;
use crate::serve::ui::text::Text;
use crate::serve::visit::Visit;
use crate::serve::{AppState, answer};

/// Most rows a chart draws: five years of monthly cohorts, or of days.
const DRAWN: usize = 2000;

/// Answers `/reports`.
pub async fn list(State(state): State<AppState>, visit: Visit) -> Response {
    let cx = visit.context(Section::Reports);
    let catalogue = state.tenure().catalogue();
    let words = catalogue.vocabulary();
    let card = |query: &Query| ReportCard {
        name: query.name.clone(),
        title: query.header.title.get(cx.lang).to_owned(),
        description: first_sentence(query.header.description.get(cx.lang)),
        chart: query.header.chart.as_ref().map_or(ChartKind::Table, |chart| chart.kind),
        group: words.group(&query.header.group).get(cx.lang).to_owned(),
    };
    let mut queries: Vec<&Query> = catalogue.all(Purpose::Report).collect();
    queries.sort_by_key(|query| words.place(&query.header.group));
    let cards: Vec<ReportCard> = queries.into_iter().map(card).collect();
    let page = super::found(report_list::render(&cx, &cards, None));
    super::respond(&visit, Ok(page), |cx, name| cx.report(name))
}

/// What a report answers; the sentences after that are for its own page.
fn first_sentence(words: &str) -> String {
    let english = words.find(". ").map(|at| at + 1);
    let chinese = words.find('。').map(|at| at + '。'.len_utf8());
    let end = english.into_iter().chain(chinese).min().unwrap_or(words.len());
    words[..end].to_owned()
}

/// Answers `/reports/{name}`.
pub async fn page(
    State(state): State<AppState>,
    name: std::result::Result<Path<String>, PathRejection>,
    visit: Visit,
) -> Response {
    let page = match name {
        Ok(Path(name)) => build(&state, &visit, &name).await.map_err(Problem::from),
        Err(rejection) => Err(rejection.into()),
    };
    super::respond(&visit, page, |cx, name| cx.report(name))
}

async fn build(state: &AppState, visit: &Visit, name: &str) -> Result<(StatusCode, Markup)> {
    let cx = visit.context(Section::Reports);
    let query = state.tenure().catalogue().get(Purpose::Report, name)?;
    let header = &query.header;
    let filled = visit.filled();
    let outcome = run(state, &cx, query, filled.clone()).await;
    let of_value = |kind| matches!(kind, ErrorKind::Usage | ErrorKind::Unknown);
    let refused = outcome.as_ref().err().filter(|error| of_value(error.kind()));
    let taken = outcome.as_ref().map(|answer| answer.taken.clone()).unwrap_or_default();
    let parameters = parameters(header, &filled, &taken, refused, cx.lang);
    let mut status = StatusCode::OK;
    let (as_of, outcome) = match outcome {
        Ok(answer) => (Some(answer.as_of), answer.outcome),
        Err(error) => {
            let problem = Problem::of_parameters(error);
            status = problem.status_code();
            let refused = parameters.iter().find(|parameter| parameter.error.is_some());
            let corrected = |value: &str| corrected(&cx, name, &filled, refused, value);
            (None, Outcome::Failed(problem.failure(corrected)))
        }
    };
    let page = ReportPage {
        title: header.title.get(cx.lang).to_owned(),
        description: header.description.get(cx.lang).to_owned(),
        parameters,
        as_of,
        definition: definition(header, &outcome, cx.lang),
        voided: voided(header, &outcome, cx.lang),
        chart: header.chart.clone().unwrap_or_else(|| ChartSpec::of(ChartKind::Table)),
        outcome,
    };
    Ok((status, report::render(&cx, &page)))
}

/// The same request with the nearest value in place of the refused one. A name
/// that is not known is a parameter's, since the report is there: its address
/// is the report's own.
fn corrected(
    cx: &Context,
    name: &str,
    filled: &BTreeMap<String, String>,
    refused: Option<&Parameter>,
    value: &str,
) -> String {
    let Some(refused) = refused else { return cx.report(name) };
    let kept = filled.iter().filter(|(name, _)| **name != refused.name);
    let kept = kept.map(|(name, value)| (name.as_str(), value.as_str()));
    let pairs: Vec<_> = kept.chain([(refused.name.as_str(), value)]).collect();
    cx.link(&cx.path, &pairs)
}

/// What a report answers, and what of the question the data decided.
struct Answer {
    as_of: String,
    taken: BTreeMap<String, String>,
    outcome: Outcome,
}

async fn run(
    state: &AppState,
    cx: &Context,
    query: &Query,
    filled: BTreeMap<String, String>,
) -> Result<Answer> {
    let links = downloads(cx, &query.name, &filled);
    let request = crate::serve::reports::request(filled);
    let work = async |engine: Engine| -> Result<_> {
        let report = state.tenure().report_on(&engine, &query.name, &request).await?;
        let currency = state.currency(&engine).await?;
        let table = rows::table(&report, &query.header, currency.as_deref(), DRAWN, cx.lang)?;
        let empty = engine.snapshot().run_id() == 0;
        let hint = match (empty, &query.header.hint) {
            (true, _) => Some(cx.lang.t(Text::LoadFirst).to_owned()),
            (false, hint) => hint.as_ref().map(|hint| hint.get(cx.lang).to_owned()),
        };
        let as_of = rows::day(&report);
        Ok(Answer { as_of, taken: report.taken, outcome: Outcome::Rows { table, links, hint } })
    };
    answer::in_turn(state, work).await
}

/// The very same rows in other forms.
fn downloads(cx: &Context, name: &str, filled: &BTreeMap<String, String>) -> Downloads {
    let path = format!("/v1/reports/{}", encode(name));
    let link = |format: &str| {
        let given = filled.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let pairs: Vec<_> = given.chain([("format", format)]).collect();
        cx.link(&path, &pairs)
    };
    Downloads { csv: link("csv"), json: link("json"), xlsx: link("xlsx") }
}

/// How each column is counted, in the order of the table.
fn definition(header: &Header, outcome: &Outcome, lang: Lang) -> Vec<String> {
    let Outcome::Rows { table, .. } = outcome else { return Vec::new() };
    let colon = match lang {
        Lang::En => ": ",
        Lang::Zh => "：",
    };
    let line = |name: &String| {
        let note = header.columns.get(name)?;
        Some([note.title.get(lang), colon, note.doc.as_ref()?.get(lang)].concat())
    };
    let names = |column: &Column| -> Vec<String> {
        std::iter::once(&column.name).chain(column.interval.iter().flatten()).cloned().collect()
    };
    table.columns.iter().flat_map(names).filter_map(|name| line(&name)).collect()
}

/// Why the whole result must not be relied on, if a row's note says so.
fn voided(header: &Header, outcome: &Outcome, lang: Lang) -> Option<String> {
    let Outcome::Rows { table, .. } = outcome else { return None };
    let mut notes = table.rows.iter().filter_map(|row| row.get("note")?.as_str());
    // A page's rows hold a code's words.
    let mut why =
        header.voids.iter().filter_map(|code| Some(header.words("note", code)?.get(lang)));
    why.find(|why| notes.any(|note| note == *why)).map(str::to_owned)
}

/// The form: what can be set, what it is set to, by the data if by nobody, and what
/// was refused.
fn parameters(
    header: &Header,
    filled: &BTreeMap<String, String>,
    taken: &BTreeMap<String, String>,
    refused: Option<&Error>,
    lang: Lang,
) -> Vec<Parameter> {
    // A refusal begins with the name of what it refuses.
    let refusal = |name: &str| {
        let words = refused?.to_string();
        words.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned)
    };
    let own = header.params.iter().map(|(name, param)| Parameter {
        name: name.clone(),
        title: param.title.as_ref().map_or(name.as_str(), |title| title.get(lang)).to_owned(),
        kind: match param.kind {
            ParamKind::Choice => ParameterKind::Choice(choices(header, &param.choices, lang)),
            ParamKind::Integer => ParameterKind::Integer,
            ParamKind::Number => ParameterKind::Number,
            ParamKind::Date => ParameterKind::Date,
            ParamKind::Flag => ParameterKind::Flag,
            ParamKind::Text
            | ParamKind::Breakdown
            | ParamKind::Property
            | ParamKind::Duration
            | ParamKind::List
            | ParamKind::Activities
            | ParamKind::Steps => ParameterKind::Text,
        },
        default: taken
            .get(name)
            .cloned()
            .or_else(|| params::default_text(param).filter(|text| is_shown(param, text))),
        doc: param.doc.get(lang).to_owned(),
        current: filled.get(name).cloned(),
        error: refusal(name),
    });
    let as_of = Parameter {
        name: "as_of".to_owned(),
        title: lang.t(Text::AsOfTitle).to_owned(),
        kind: ParameterKind::Date,
        default: None,
        doc: lang.t(Text::AsOfDoc).to_owned(),
        current: filled.get("as_of").cloned(),
        error: refusal("as_of"),
    };
    own.chain([as_of]).collect()
}

/// Whether a default says something to a reader: no breakdown is called `none`
/// by programs only.
fn is_shown(param: &Param, text: &str) -> bool {
    let is_none = param.kind == ParamKind::Breakdown && text == params::BREAKDOWNS[0].0;
    !text.is_empty() && !is_none
}

fn choices(header: &Header, codes: &[String], lang: Lang) -> Vec<Choice> {
    let title = |code: &String| {
        header.labels.get(code).map_or(code.as_str(), |words| words.get(lang)).to_owned()
    };
    codes.iter().map(|code| Choice { value: code.clone(), title: title(code) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        let query = "--! title = { en = \"T\", zh = \"T\" }\n\
            --! description = { en = \"D\", zh = \"D\" }\n\
            --! [params.period]\n--! type = \"choice\"\n--! choices = [\"month\", \"year\"]\n\
            --! default = \"month\"\n--! doc = { en = \"Length.\", zh = \"长度。\" }\n\
            --! [labels]\n--! month = { en = \"Month\", zh = \"月\" }\n";
        crate::reports::header::parse("x.sql", query).unwrap()
    }

    #[test]
    fn a_card_says_one_sentence() {
        assert_eq!(first_sentence("Orders by period. Exact."), "Orders by period.");
        assert_eq!(first_sentence("按期间统计。精确。"), "按期间统计。");
        assert_eq!(first_sentence("A 95.5 % interval"), "A 95.5 % interval");
    }

    #[test]
    fn a_form_knows_choices_by_their_words_and_marks_the_refused_value() {
        let filled = BTreeMap::from([("period".to_owned(), "mnth".to_owned())]);
        let refused = Error::new(ErrorKind::Usage, "period: \"mnth\" is not one of month, year");
        let form = parameters(&header(), &filled, &BTreeMap::new(), Some(&refused), Lang::Zh);
        assert_eq!(form[0].error.as_deref(), Some("\"mnth\" is not one of month, year"));
        assert_eq!(form[0].current.as_deref(), Some("mnth"));
        let ParameterKind::Choice(choices) = &form[0].kind else { panic!("not a choice") };
        let titles: Vec<_> = choices.iter().map(|choice| choice.title.as_str()).collect();
        assert_eq!(titles, ["月", "year"]);
        assert_eq!(form[1].name, "as_of");
        assert_eq!(form[1].error, None);
    }
}
