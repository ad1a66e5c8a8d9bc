//! What can the service be asked, in words that a program understands?
//!
//! OpenAPI 3.1, derived from the handlers themselves and completed from the
//! catalogue: every report is an operation of its own, with its parameters and
//! columns, so that a tool that imports the document offers them by name.
//! Operation ids are short ASCII words, because importers make method names
//! of them.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn, PathItemBuilder};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    ContentBuilder, HttpMethod, OpenApi as Document, PathItem, RefOr, Required, ResponseBuilder,
};
use utoipa::{IntoParams, Modify, OpenApi, ToSchema};

use super::AppState;
use super::visit::Visit;
use super::{answer, health, problem, reports, scores};
use crate::error::{Error, ErrorKind, Result};
use crate::reports::header::{ColumnNote, Param, ParamKind};
use crate::reports::{Catalogue, Purpose, Query, params};

#[derive(OpenApi)]
#[openapi(
    info(title = "Tenure", description = "CRM reports and churn scores, from your own store."),
    paths(
        health::alive, health::ready, reports::list, reports::one, scores::list, scores::one
    ),
    components(schemas(problem::Problem, ReportInfo, Score, ListedScore, Reason, BandName, LangName)),
    modifiers(&Keys),
    tags(
        (name = "reports", description = "Answers to a manager's questions"),
        (name = "scores", description = "Who is likely to leave, and why"),
        (name = "health", description = "For whatever keeps the service running"))
)]
struct Api;

/// The ways to show a key.
struct Keys;

impl Modify for Keys {
    fn modify(&self, document: &mut Document) {
        let components = document.components.get_or_insert_default();
        let header = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-API-Key")));
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.add_security_scheme("apiKey", header);
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        let none: [String; 0] = [];
        document.security = Some(vec![
            SecurityRequirement::new("apiKey", none.clone()),
            SecurityRequirement::new("bearer", none),
        ]);
    }
}

/// One reason of a score.
#[derive(Debug, Serialize, ToSchema)]
pub struct Reason {
    /// The feature that tells it best; `others` for the smaller reasons together.
    pub feature: String,
    /// Its value for this customer: a number, a text, or null.
    pub value: Value,
    /// What it adds to the log-odds.
    pub contribution: f64,
    /// The reason in words.
    pub text: String,
    /// What each feature adds, where the reason is of several about the same thing.
    pub parts: Option<Vec<ReasonPart>>,
    /// With `rows`: the rows of data that the feature reads of this customer; null
    /// for the smaller reasons together.
    pub rows: Option<ReasonRows>,
}

/// The rows of data behind a reason: what had happened by the cutoff and
/// was known to the score.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReasonRows {
    /// The feature group they are of, called like what it reads; `customers` for an
    /// attribute.
    pub group: String,
    /// How many there are in all.
    pub total: usize,
    /// The newest, newest first.
    pub rows: Vec<ReasonRow>,
}

/// A row behind a reason, with the columns of its group.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReasonRow {
    /// When it happened.
    pub at: Option<String>,
    /// How many days, of 24 hours, before the cutoff: a row below 30 is in a window
    /// of 30 days.
    pub days_before: Option<f64>,
    /// The other columns.
    #[serde(flatten)]
    pub columns: BTreeMap<String, Value>,
}

/// A feature's part in a reason.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReasonPart {
    /// The feature.
    pub feature: String,
    /// What it adds to the log-odds.
    pub contribution: f64,
}

/// Why a score is unsure.
#[derive(Debug, Serialize, ToSchema)]
pub struct Unsure {
    /// The feature that shows what training never did.
    pub feature: String,
    /// What it shows.
    pub value: Value,
    /// The same in words.
    pub text: String,
}

/// The smallest change that would lower a band.
#[derive(Debug, Serialize, ToSchema)]
pub struct WhatIf {
    /// The feature that would change, with those about the same thing.
    pub feature: String,
    /// What the customer shows.
    pub from: f64,
    /// What they would show.
    pub to: f64,
    /// The part of the way to what is usual for customers.
    pub share: f64,
    /// The probability then.
    pub probability: f64,
    /// The band then.
    pub band: String,
    /// The change in words.
    pub text: String,
}

/// A customer's score with everything that explains it.
#[derive(Debug, Serialize, ToSchema)]
pub struct Score {
    /// The customer's id in the source.
    pub customer_id: String,
    /// Calibrated probability of leaving within the horizon.
    pub probability: f64,
    /// high, medium or low.
    pub band: String,
    /// Probability of having left within 30 days after the cutoff and the label's
    /// gap; null where the model knows no dates.
    pub churn_30: Option<f64>,
    /// The same within 60 days.
    pub churn_60: Option<f64>,
    /// The same within 90 days.
    pub churn_90: Option<f64>,
    /// The same within 180 days; null where the data was too short to learn it.
    pub churn_180: Option<f64>,
    /// Expected days until the customer leaves, none beyond three years counted.
    pub remaining_days: Option<f64>,
    /// Log-odds: base plus all contributions.
    pub logit: f64,
    /// Log-odds of the average training customer.
    pub base: f64,
    /// The reasons, strongest first.
    pub reasons: Vec<Reason>,
    /// What the customer shows that the model has never seen, if anything: the score
    /// is then a guess.
    pub unsure: Option<Unsure>,
    /// The smallest change that would lower the band, if there is one: the model's
    /// answer, no promise.
    pub what_if: Option<WhatIf>,
    /// Probability times expected value over the horizon.
    pub value_at_risk: Option<f64>,
    /// The currency of the value at risk.
    pub currency: Option<String>,
    /// The model's version.
    pub model: String,
    /// Features use what had happened by this instant, of what was known to the score.
    pub cutoff: String,
}

/// A score in a list, with who it is about and who acts.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListedScore {
    /// The customer's name, if the source gave one.
    pub name: Option<String>,
    /// The account manager at scoring time.
    pub owner_id: Option<String>,
    /// The score.
    #[serde(flatten)]
    pub score: Score,
}

/// What a report says about itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportInfo {
    /// The name in addresses.
    pub name: String,
    /// The title by language.
    pub title: Value,
    /// What it answers, by language.
    pub description: Value,
    /// Where lists put it.
    pub group: String,
    /// What one row is.
    pub grain: String,
    /// How it is drawn.
    pub chart: Value,
    /// The parameters by name.
    pub params: Value,
    /// The columns by name.
    pub columns: Value,
}

/// A band of churn probability.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum BandName {
    /// Past the threshold at which somebody is told to act.
    High,
    /// Worth watching.
    Medium,
    /// No reason to act.
    Low,
}

/// A language of the product.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum LangName {
    /// English.
    En,
    /// Simplified Chinese.
    Zh,
}

/// A format of rows.
#[derive(Debug, ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum FormatName {
    /// One array of row objects.
    Json,
    /// One object a line.
    Ndjson,
    /// Comma-separated values, safe to open in a spreadsheet.
    Csv,
    /// Apache Parquet.
    Parquet,
    /// Office Open XML workbook.
    Xlsx,
    /// An aligned text table.
    Table,
}

/// What every report can be asked.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReportParameters {
    /// Stand at this date (end of day) or instant; the end of the data if absent.
    pub as_of: Option<String>,
    /// Use only what was known at this date or instant.
    pub known_as_of: Option<String>,
    /// IANA time zone of calendar days and months.
    pub tz: Option<String>,
    /// Format of the rows; the Accept header decides if absent.
    #[param(inline)]
    pub format: Option<FormatName>,
    /// Language of headings.
    #[param(inline)]
    pub lang: Option<LangName>,
}

/// The document for a catalogue, as JSON.
///
/// # Errors
///
/// [`ErrorKind::Internal`] if it can not be encoded.
pub fn document(catalogue: &Catalogue) -> Result<String> {
    let mut document = Api::openapi();
    env!("CARGO_PKG_VERSION").clone_into(&mut document.info.version);
    for query in catalogue.all(Purpose::Report) {
        let path = format!("/v1/reports/{}", query.name);
        document.paths.paths.insert(path, operation(query));
        let components = document.components.get_or_insert_default();
        components.schemas.insert(row_name(&query.name), row(query));
    }
    document
        .to_json()
        .map_err(|error| Error::new(ErrorKind::Internal, "describing the API").caused_by(error))
}

/// Answers with the document.
pub async fn serve(State(state): State<AppState>, visit: Visit) -> Response {
    answer::constant(&visit, &state.0.openapi)
}

/// A report as an operation.
fn operation(query: &Query) -> PathItem {
    let header = &query.header;
    let mut operation = OperationBuilder::new()
        .operation_id(Some(operation_id(&query.name)))
        .tag("reports")
        .summary(Some(header.title.en.clone()))
        .description(Some(header.description.en.clone()));
    for (name, param) in &header.params {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(param.doc.en.clone()))
            .schema(Some(param_schema(param)))
            .style(None)
            .build();
        operation = operation.parameter(parameter);
    }
    for parameter in ReportParameters::into_params(|| Some(ParameterIn::Query)) {
        operation = operation.parameter(parameter);
    }
    let row = utoipa::openapi::Ref::from_schema_name(row_name(&query.name));
    let rows = ContentBuilder::new().schema(Some(ArrayBuilder::new().items(row).build())).build();
    let success =
        ResponseBuilder::new().description("The rows").content("application/json", rows).build();
    let problem = ContentBuilder::new()
        .schema(Some(utoipa::openapi::Ref::from_schema_name("Problem")))
        .build();
    let failure = ResponseBuilder::new()
        .description("Failure")
        .content("application/problem+json", problem)
        .build();
    let operation = operation.response("200", success).response("default", failure).build();
    PathItemBuilder::new().operation(HttpMethod::Get, operation).build()
}

/// A report's row: its columns as the query file describes them. It has a name
/// because importers can not use anonymous objects in arrays.
fn row(query: &Query) -> RefOr<Schema> {
    let columns = query.header.columns.iter();
    columns
        .fold(ObjectBuilder::new(), |row, (name, note)| row.property(name, column_schema(note)))
        .description(Some(query.header.grain.clone()))
        .build()
        .into()
}

/// `win_back` as `reportWinBack`.
fn operation_id(name: &str) -> String {
    format!("report{}", camel_case(name))
}

/// `win_back` as `WinBackRow`.
fn row_name(name: &str) -> String {
    format!("{}Row", camel_case(name))
}

/// `win_back` as `WinBack`; what is not ASCII is left out.
fn camel_case(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(String::new(), |mut id, word| {
        let (first, rest) = word.split_at(1);
        id.push_str(&first.to_ascii_uppercase());
        id.push_str(rest);
        id
    })
}

fn param_schema(param: &Param) -> RefOr<Schema> {
    let kind = match param.kind {
        ParamKind::Integer => Type::Integer,
        ParamKind::Number => Type::Number,
        ParamKind::Flag => Type::Boolean,
        _ => Type::String,
    };
    let mut schema = ObjectBuilder::new().schema_type(SchemaType::Type(kind));
    if !param.choices.is_empty() {
        schema = schema.enum_values(Some(param.choices.clone()));
    }
    if let Some((least, most)) = params::bounds(param) {
        schema = schema.minimum(Some(least)).maximum(most);
    }
    let default = match (params::default_text(param), &param.kind) {
        (Some(text), ParamKind::Integer | ParamKind::Number | ParamKind::Flag) => {
            serde_json::from_str(&text).ok()
        }
        (text, _) => text.map(Value::String),
    };
    schema.default(default).build().into()
}

/// The JSON type that a column's unit has; any cell may be null.
fn column_schema(note: &ColumnNote) -> RefOr<Schema> {
    let kind = match note.unit.as_str() {
        "count" => Some(Type::Integer),
        "share" | "points" | "money" | "days" | "score" | "number" | "by_row" | "change_by_row" => {
            Some(Type::Number)
        }
        "date" => Some(Type::String),
        // Words, but flags too.
        _ => None,
    };
    let schema = ObjectBuilder::new().description(note.doc.as_ref().map(|doc| doc.en.clone()));
    let kind = kind.map_or(SchemaType::AnyValue, |kind| SchemaType::Array(vec![kind, Type::Null]));
    schema.schema_type(kind).build().into()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_document_is_3_1_and_its_operation_ids_are_short_unique_words() {
        let catalogue = Catalogue::load(None, &toml::Table::new()).unwrap();
        let document: Value = serde_json::from_str(&document(&catalogue).unwrap()).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        let mut ids = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            let id = item["get"]["operationId"].as_str().unwrap();
            assert!(id.len() <= 24 && id.chars().all(|c| c.is_ascii_alphanumeric()), "{id}");
            assert!(ids.insert(id.to_owned()), "{path}: {id} is taken");
        }
        for id in
            ["getHealth", "listReports", "getReport", "listScores", "getScore", "reportFunnel"]
        {
            assert!(ids.contains(id), "{id}");
        }
    }

    #[test]
    fn a_report_is_described_with_its_own_parameters_and_columns() {
        let catalogue = Catalogue::load(None, &toml::Table::new()).unwrap();
        let document: Value = serde_json::from_str(&document(&catalogue).unwrap()).unwrap();
        for query in catalogue.all(Purpose::Report) {
            let operation = &document["paths"][format!("/v1/reports/{}", query.name)]["get"];
            let named: BTreeSet<&str> = operation["parameters"]
                .as_array()
                .unwrap()
                .iter()
                .map(|parameter| parameter["name"].as_str().unwrap())
                .collect();
            assert!(named.contains("as_of"));
            for name in query.header.params.keys() {
                assert!(named.contains(name.as_str()), "{}: {name}", query.name);
            }
            let rows = &operation["responses"]["200"]["content"]["application/json"]["schema"];
            let row = rows["items"]["$ref"].as_str().unwrap().trim_start_matches('#');
            let columns = document.pointer(row).unwrap()["properties"].as_object().unwrap();
            assert!(columns.keys().eq(query.header.columns.keys()), "{}", query.name);
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let catalogue = Catalogue::load(None, &toml::Table::new()).unwrap();
        let text = document(&catalogue).unwrap();
        let document: Value = serde_json::from_str(&text).unwrap();
        for target in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(document.pointer(target).is_some(), "{target}");
        }
    }
}
