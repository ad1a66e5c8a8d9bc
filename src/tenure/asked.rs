//! Is what a report is asked about there at all?
//!
//! A breakdown by an attribute nobody has, or a step that never happened,
//! would be answered by rows that read like an answer. So names that a report
//! is given are looked up in the data first, and where nobody gave one the data
//! may say which to take.

use std::collections::BTreeMap;

use arrow::array::AsArray;

use super::Tenure;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result, nearest};
use crate::functions::funnel::steps::{Condition, Operator, Path};
use crate::reports::header::ParamKind;
use crate::reports::{Query, ReportRequest, ReportTable, Value, params};
use crate::schema::{Kind, Table};

const CURRENCY: &str = "currency";

/// The parameter that names where a journey ends; others name where it begins.
const GOAL: &str = "goal";

/// So many values a hint lists.
const LISTED: usize = 20;

impl Tenure {
    /// Refuses parameters that name what the data does not have.
    pub(super) async fn check_asked(
        &self,
        engine: &Engine,
        query: &Query,
        request: &ReportRequest,
    ) -> Result<()> {
        for (name, param) in &query.header.params {
            let given = request.params.get(name).map(String::as_str);
            match params::value(name, param, given)? {
                Value::Breakdown(asked) => self.check_breakdown(engine, name, &asked).await?,
                Value::Steps(texts) => {
                    let path = Path::parse(&texts)?;
                    let asked = path.patterns().map(|pattern| pattern.name.clone()).collect();
                    self.check_activities(engine, name, asked).await?;
                    for pattern in path.patterns() {
                        for condition in &pattern.conditions {
                            self.check_property(engine, name, &condition.column).await?;
                            self.check_value(engine, name, &pattern.name, condition).await?;
                        }
                    }
                }
                Value::Text(asked) if name == CURRENCY && !asked.is_empty() => {
                    self.check_currency(engine, &asked).await?;
                }
                Value::Text(asked) if param.kind == ParamKind::Property => {
                    self.check_property(engine, name, &asked).await?;
                }
                Value::List(asked) if param.kind == ParamKind::Activities => {
                    self.check_activities(engine, name, asked).await?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The currency a report counts in if nobody says: the one most amounts of
    /// its moment have, where there are several or some amounts do not say theirs,
    /// since their sum would have no unit. A report that keeps currencies apart by
    /// itself needs none.
    pub(super) async fn default_currency(
        &self,
        engine: &Engine,
        query: &Query,
        request: &ReportRequest,
    ) -> Result<Option<String>> {
        // The company may have one by its settings.
        let takes = query.header.params.get(CURRENCY).is_some_and(|param| param.default.is_none());
        let is_given = request.params.contains_key(CURRENCY);
        let keeps_apart = query.columns.iter().any(|column| column == CURRENCY);
        if !takes || is_given || keeps_apart {
            return Ok(None);
        }
        let (moment, _) = request.stands(engine)?;
        let found = self.page_at(engine, "currencies", BTreeMap::new(), moment).await?;
        Ok(texts(&found).into_iter().next().filter(|_| found.rows() > 1))
    }

    /// Parameters that name activity, left at a default of ours that the data does
    /// not have, with what to take instead: of the journey of most customers, steps
    /// are all, a goal is the end, and any other is the beginning.
    pub(super) async fn default_activities(
        &self,
        engine: &Engine,
        query: &Query,
        request: &ReportRequest,
    ) -> Result<BTreeMap<String, String>> {
        let (mut used, mut missing) = (Vec::new(), BTreeMap::new());
        for (name, param) in &query.header.params {
            let given = request.params.get(name).map(String::as_str);
            let names = match params::value(name, param, given)? {
                // Steps that say more than a name would lose it.
                Value::Steps(texts) if Path::parse(&texts)?.is_plain() => texts,
                Value::List(names) if param.kind == ParamKind::Activities => names,
                _ => continue,
            };
            // The company may have one by its settings.
            let is_ours = given.is_none() && !self.config.params.contains_key(name);
            let found = if is_ours { self.found(engine, &names).await? } else { names.clone() };
            match names.iter().all(|name| found.contains(name)) {
                true => used.extend(names),
                false => {
                    let left = names.into_iter().filter(|name| found.contains(name)).collect();
                    missing.insert(name.clone(), (param.kind, left));
                }
            }
        }
        if missing.is_empty() {
            return Ok(BTreeMap::new());
        }
        let (moment, _) = request.stands(engine)?;
        let journey = texts(&self.page_at(engine, "journey", BTreeMap::new(), moment).await?);
        let journey: Vec<String> =
            journey.into_iter().filter(|name| !used.contains(name) && is_plain(name)).collect();
        let mut taken = BTreeMap::new();
        for (name, (kind, left)) in missing {
            let left: Vec<String> = left;
            let names = match kind {
                // What is left of a path is one if it leads from somewhere to somewhere.
                ParamKind::Steps if left.len() > 1 => left,
                ParamKind::Steps => journey.clone(),
                _ if !left.is_empty() => left,
                // Where everybody starts nobody has yet to get.
                _ if name == GOAL => {
                    journey.iter().skip(1).next_back().cloned().into_iter().collect()
                }
                _ => journey.first().cloned().into_iter().collect(),
            };
            if !names.is_empty() {
                taken.insert(name, names.join(","));
            }
        }
        Ok(taken)
    }

    /// A currency no amount has would be answered by zeros.
    async fn check_currency(&self, engine: &Engine, asked: &str) -> Result<()> {
        let known = texts(&self.page(engine, "currencies", BTreeMap::new()).await?);
        if known.is_empty() || known.iter().any(|known| known == asked) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Unknown, format!("{CURRENCY}: no amount is in \"{asked}\""))
            .hint(format!("there are: {}", known.join(", "))))
    }

    /// Only a name that is not of the profile costs a look at the customers.
    async fn check_breakdown(&self, engine: &Engine, name: &str, asked: &str) -> Result<()> {
        if params::BREAKDOWNS.iter().any(|(known, _)| *known == asked) {
            return Ok(());
        }
        let table = self.page(engine, "attributes", BTreeMap::new()).await?;
        params::check_breakdown(name, asked, &texts(&table))
    }

    /// A column of `activity`, or an attribute that some row of it has.
    async fn check_property(&self, engine: &Engine, name: &str, asked: &str) -> Result<()> {
        let spec = Table::Activity.spec();
        if spec.has(asked) {
            return Ok(());
        }
        let given = BTreeMap::from([("name".to_owned(), Value::Text(asked.to_owned()))]);
        let found = self.page(engine, "activity_attribute", given).await?;
        if found.rows() > 0 || engine.snapshot().loads().all(|load| load.rows.kept == 0) {
            return Ok(());
        }
        let columns = spec.columns.iter().filter(|column| !column.internal);
        let known: Vec<&str> = columns.map(|column| column.name).collect();
        Err(Error::new(
            ErrorKind::Unknown,
            format!("{name}: activity has no column and no attribute \"{asked}\""),
        )
        .hint_nearest(asked, known.iter().copied())
        .hint("attributes are the source columns that the mapping keeps, under their own names"))
    }

    /// A step whose activity never has the value it is compared with would be reached
    /// by nobody. Other comparisons may well be met by no row, and so may a number.
    async fn check_value(
        &self,
        engine: &Engine,
        name: &str,
        activity: &str,
        condition: &Condition,
    ) -> Result<()> {
        let Condition { column, operator, value } = condition;
        let kind = Table::Activity.spec().column(column).map_or(Kind::Text, |known| known.kind);
        if *operator != Operator::Equal || kind != Kind::Text {
            return Ok(());
        }
        let given = |more: Option<(&str, Value)>| {
            let texts = [("activity", activity), ("property", column.as_str())];
            let texts = texts.map(|(name, text)| (name, Value::Text(text.to_owned())));
            texts.into_iter().chain(more).map(|(name, value)| (name.to_owned(), value)).collect()
        };
        let wanted = given(Some(("value", Value::Text(value.clone()))));
        let found = self.page(engine, "activity_values", wanted).await?;
        if found.rows() > 0 || engine.snapshot().loads().all(|load| load.rows.kept == 0) {
            return Ok(());
        }
        let mut known = texts(&self.page(engine, "activity_values", given(None)).await?);
        known.sort();
        let words = format!("{name}: no activity \"{activity}\" has {column} \"{value}\"");
        let mut error = Error::new(ErrorKind::Unknown, words);
        // Not as a value of the parameter, of which it is only a part.
        if let Some(near) = nearest(value, known.iter().map(String::as_str)).first() {
            error = error.hint(format!("did you mean \"{near}\"?"));
        }
        Err(match known.as_slice() {
            [] => error,
            known => {
                let more = if known.len() > LISTED { ", …" } else { "" };
                let known = known.iter().take(LISTED).map(String::as_str).collect::<Vec<_>>();
                error.hint(format!("there are: {}{more}", known.join(", ")))
            }
        })
    }

    /// Those of the names that occur. A few batches of rows have all that are there;
    /// only one that is not makes the engine read on.
    async fn found(&self, engine: &Engine, names: &[String]) -> Result<Vec<String>> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let most = i64::try_from(names.len()).unwrap_or(i64::MAX);
        let given = BTreeMap::from([
            ("names".to_owned(), Value::List(names.to_vec())),
            ("most".to_owned(), Value::Integer(most)),
        ]);
        Ok(texts(&self.page(engine, "activity_names", given).await?))
    }

    async fn check_activities(
        &self,
        engine: &Engine,
        name: &str,
        mut asked: Vec<String>,
    ) -> Result<()> {
        asked.sort();
        asked.dedup();
        let found = self.found(engine, &asked).await?;
        let Some(missing) = asked.iter().find(|asked| !found.contains(asked)) else {
            return Ok(());
        };
        let mut known = texts(&self.page(engine, "activity_names", BTreeMap::new()).await?);
        known.sort();
        // Nothing is loaded: the answer is empty, and says so.
        if known.is_empty() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Unknown, format!("{name}: there is no activity \"{missing}\""))
            .hint_nearest(missing, known.iter().map(String::as_str))
            .hint(format!("there are: {}", known.join(", "))))
    }
}

/// Whether a name reads back as itself where parameters are texts.
fn is_plain(name: &str) -> bool {
    let path = Path::parse(&[name.to_owned()]).ok();
    let mut patterns = path.iter().flat_map(Path::patterns);
    !name.contains(',') && patterns.any(|pattern| pattern.name == name)
}

/// The first column of a table of texts.
fn texts(table: &ReportTable) -> Vec<String> {
    let columns = table.batches.iter().map(|batch| batch.column(0).as_string::<i32>());
    columns.flat_map(|column| column.iter().flatten()).map(str::to_owned).collect()
}
