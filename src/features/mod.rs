//! What was known of each customer at a cutoff, as numbers?
//!
//! A feature group is one file in `queries/features`: one row per customer,
//! one column per feature. It runs against tables cut at the cutoff in both
//! stamps ([`crate::engine`]), so it can not read what nobody knew yet.
//!
//! A window of `w` days is the `w` × 24 hours up to and including the cutoff: a
//! row is in it if it lies less than `w` × 24 hours before. A cutoff at the end
//! of a day therefore has whole days in its windows.
//!
//! A customer without a row in a group has done nothing of the kind: counts
//! and money are then zero, but for a column that says what its absence means;
//! everything else is missing, and missing is information that the model keeps.
//!
//! Money is never added up over currencies: a feature is in the main currency
//! of the customer, which the group describes.

use std::collections::{BTreeMap, HashMap};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use chrono::{DateTime, Utc};

use crate::churn::spec::{Attributes, Features};
use crate::churn::text::PERCENT;
use crate::churn::{About, Column, Feature, Own, Values};
use crate::engine::{Engine, Moment, View};
use crate::error::{Error, ErrorKind, Result};
use crate::reports::header::ColumnNote;
use crate::reports::{self, Catalogue, Purpose, Query, Value};
use crate::text::Text;
use texts::{Texts, number};

mod departures;
pub mod guard;
pub(crate) mod label;
pub mod panel;
mod texts;

/// Canonical customer columns that are features whenever attributes are.
const PROFILE: [&str; 4] = ["segment", "channel", "region", "industry"];

/// Feature values gathered cutoff by cutoff, one entry per row of the frame.
#[derive(Debug, Default)]
pub struct Gathered {
    rows: usize,
    columns: BTreeMap<String, Gathering>,
}

#[derive(Debug)]
struct Gathering {
    title: Text,
    unit: Option<Text>,
    about: About,
    values: Raw,
}

#[derive(Debug)]
enum Raw {
    Numbers(Vec<f64>),
    Texts(Texts),
}

impl Gathered {
    /// Adds the features of `customers` at `moment`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unknown`] for a feature group that does not exist,
    /// [`ErrorKind::Query`] for one that does not run or is not one row per
    /// customer.
    pub async fn add(
        &mut self,
        engine: &Engine,
        catalogue: &Catalogue,
        wanted: &Features,
        moment: Moment,
        customers: &[String],
    ) -> Result<()> {
        let (view, cutoff) = (engine.at(moment), moment.as_of);
        let place: HashMap<&str, usize> =
            customers.iter().enumerate().map(|(row, id)| (id.as_str(), row)).collect();
        for group in &wanted.groups {
            let query = catalogue.get(Purpose::Feature, group)?;
            let batches = run(&view, query, cutoff, BTreeMap::new()).await?;
            self.add_group(query, &batches, &place, customers.len(), &wanted.exclude)?;
        }
        if wanted.attributes != Attributes::All(false) {
            let query = catalogue.get(Purpose::Churn, "everyone")?;
            let batches = run(&view, query, cutoff, BTreeMap::new()).await?;
            self.add_attributes(&batches, &place, customers.len(), wanted);
        }
        self.rows += customers.len();
        self.pad();
        Ok(())
    }

    fn add_group(
        &mut self,
        query: &Query,
        batches: &[RecordBatch],
        place: &HashMap<&str, usize>,
        added: usize,
        exclude: &[String],
    ) -> Result<()> {
        let mut seen = vec![false; added];
        // Looked up once, and not again for each of many features.
        let mut places: Vec<Vec<Option<usize>>> = Vec::with_capacity(batches.len());
        for batch in batches {
            let ids = customer_ids(query, batch)?;
            let own = (0..batch.num_rows()).map(|row| place.get(ids.value(row)).copied());
            let own: Vec<Option<usize>> = own.collect();
            for (row, at) in own.iter().enumerate() {
                let Some(at) = *at else { continue };
                if std::mem::replace(&mut seen[at], true) {
                    return Err(Error::new(
                        ErrorKind::Query,
                        format!("{}: customer \"{}\" has two rows", query.file, ids.value(row)),
                    )
                    .hint("a feature group returns one row per customer"));
                }
            }
            places.push(own);
        }
        for (name, note) in &query.header.columns {
            if exclude.contains(name) {
                continue;
            }
            let absent = absent(note);
            let rows = self.rows;
            let gathering = self.columns.entry(name.clone()).or_insert_with(|| Gathering {
                title: note.title.clone(),
                unit: unit(&note.unit),
                about: about(query, name, note),
                values: Raw::Numbers(vec![f64::NAN; rows]),
            });
            let Raw::Numbers(values) = &mut gathering.values else { continue };
            values.resize(rows + added, absent);
            for (batch, places) in batches.iter().zip(&places) {
                let column = batch.column_by_name(name).ok_or_else(|| {
                    Error::new(
                        ErrorKind::Query,
                        format!("{}: column \"{name}\" is described but not returned", query.file),
                    )
                })?;
                let numbers = cast(column, &DataType::Float64)?;
                let numbers = numbers.as_primitive::<Float64Type>();
                for (row, at) in places.iter().enumerate() {
                    let Some(at) = *at else { continue };
                    let value = if numbers.is_null(row) { f64::NAN } else { numbers.value(row) };
                    // Ratios of a customer with nothing to divide by.
                    values[rows + at] = if value.is_finite() { value } else { f64::NAN };
                }
            }
        }
        Ok(())
    }

    fn add_attributes(
        &mut self,
        batches: &[RecordBatch],
        place: &HashMap<&str, usize>,
        added: usize,
        wanted: &Features,
    ) {
        let asked = |name: &str| {
            let asked = match &wanted.attributes {
                Attributes::All(all) => *all,
                Attributes::Named(names) => names.iter().any(|it| it == name),
            };
            asked && !wanted.exclude.iter().any(|it| it == name)
        };
        for batch in batches {
            let Some(ids) = batch.column_by_name("customer_id") else { continue };
            let ids = ids.as_string::<i32>();
            let places: Vec<Option<usize>> =
                (0..batch.num_rows()).map(|row| place.get(ids.value(row)).copied()).collect();
            for name in PROFILE.into_iter().filter(|name| asked(name)) {
                let column = batch.column_by_name(name).and_then(|it| it.as_string_opt::<i32>());
                let Some(column) = column else { continue };
                for (at, value) in places.iter().zip(column) {
                    if let Some((at, value)) = at.zip(value) {
                        self.set_text(name, at, added, value);
                    }
                }
            }
            let map = batch.column_by_name("attributes").and_then(|it| it.as_map_opt());
            let Some(map) = map else { continue };
            let (keys, values) = (map.keys().as_string::<i32>(), map.values().as_string::<i32>());
            for (row, at) in places.iter().enumerate() {
                let Some(at) = at.filter(|_| map.is_valid(row)) else { continue };
                let [from, to] = [row, row + 1].map(|row| map.value_offsets()[row] as usize);
                for entry in (from..to).filter(|&entry| values.is_valid(entry)) {
                    if asked(keys.value(entry)) {
                        self.set_text(keys.value(entry), at, added, values.value(entry));
                    }
                }
            }
        }
    }

    /// Sets a value of an attribute. Groups are added first, so an attribute
    /// that is called like a feature is told apart the same way every time.
    fn set_text(&mut self, name: &str, at: usize, added: usize, value: &str) {
        let rows = self.rows;
        let is_feature =
            self.columns.get(name).is_some_and(|known| matches!(known.values, Raw::Numbers(_)));
        let own = is_feature.then(|| format!("attribute_{name}"));
        let name = own.as_deref().unwrap_or(name);
        if !self.columns.contains_key(name) {
            let gathering = Gathering {
                title: Text::same(name),
                unit: None,
                about: About::default(),
                values: Raw::Texts(Texts::default()),
            };
            self.columns.insert(name.to_owned(), gathering);
        }
        let values = self.columns.get_mut(name).map(|gathering| &mut gathering.values);
        if let Some(Raw::Texts(texts)) = values {
            texts.codes.resize(rows + added, None);
            texts.set(rows + at, value);
        }
    }

    /// Brings columns that had nothing to add to the common length.
    fn pad(&mut self) {
        for gathering in self.columns.values_mut() {
            match &mut gathering.values {
                Raw::Numbers(values) => values.resize(self.rows, f64::NAN),
                Raw::Texts(texts) => texts.codes.resize(self.rows, None),
            }
        }
    }

    /// The columns of a training frame. An attribute is numeric if all its
    /// values read as numbers.
    #[must_use]
    pub fn into_columns(self) -> Vec<Column> {
        let column = |(name, gathering): (String, Gathering)| {
            let values = match gathering.values {
                Raw::Numbers(values) => Values::Numeric(values),
                Raw::Texts(texts) if texts.levels.iter().all(|text| number(text).is_some()) => {
                    texts.numbers()
                }
                Raw::Texts(texts) => texts.categorical(),
            };
            let Gathering { title, unit, about, .. } = gathering;
            Column { name, title, unit, about, values }
        };
        self.columns.into_iter().map(column).collect()
    }

    /// The columns a trained model expects, each as it was in training; what
    /// today's data does not have is missing for everybody. Beside them are those
    /// that its reasons speak of.
    #[must_use]
    pub fn into_columns_of(mut self, features: &[Feature]) -> Vec<Column> {
        let mut column = |feature: &Feature| {
            let raw = self.columns.remove(&feature.name).map(|gathering| gathering.values);
            let values = match (raw, feature.is_numeric) {
                (Some(Raw::Numbers(values)), _) => Values::Numeric(values),
                (Some(Raw::Texts(texts)), true) => texts.numbers(),
                (Some(Raw::Texts(texts)), false) => texts.categorical(),
                (None, true) => Values::Numeric(vec![f64::NAN; self.rows]),
                (None, false) => Values::categorical(vec![None; self.rows]),
            };
            Column {
                name: feature.name.clone(),
                title: feature.title.clone(),
                unit: feature.unit.clone(),
                about: feature.about.clone(),
                values,
            }
        };
        let mut columns: Vec<Column> = features.iter().map(&mut column).collect();
        for name in features.iter().filter_map(|it| it.own.as_ref()).flat_map(Own::columns) {
            if let Some(Gathering { title, unit, about, values: Raw::Numbers(numbers) }) =
                self.columns.remove(name)
            {
                let (name, values) = (name.to_owned(), Values::Numeric(numbers));
                columns.push(Column { name, title, unit, about, values });
            }
        }
        columns
    }
}

/// What a customer has who has no row in a group. The mean of no orders is not
/// zero: such a column says in its head what its absence means.
fn absent(note: &ColumnNote) -> f64 {
    match note.unit.as_str() {
        "count" | "money" if note.absent.is_none() => 0.0,
        _ => f64::NAN,
    }
}

/// Which others a feature belongs to.
fn about(query: &Query, name: &String, note: &ColumnNote) -> About {
    let theme = query.header.themes.values().find(|theme| theme.columns.contains(name));
    About {
        group: Some(query.name.clone()),
        theme: theme.map(|theme| theme.title.clone()),
        fixed: theme.is_some_and(|theme| theme.fixed),
        of: note.of.clone(),
    }
}

/// What stands behind a number. Titles say what is counted, amounts are in each
/// customer's own currency, and scores in the scale of their source.
fn unit(code: &str) -> Option<Text> {
    let (en, zh) = match code {
        "days" => ("days", "天"),
        "hours" => ("hours", "小时"),
        "share" => (PERCENT, PERCENT),
        _ => return None,
    };
    Some(Text::new(en, zh))
}

fn customer_ids<'a>(
    query: &Query,
    batch: &'a RecordBatch,
) -> Result<&'a arrow::array::StringArray> {
    batch
        .column_by_name("customer_id")
        .and_then(|column: &ArrayRef| column.as_string_opt::<i32>())
        .ok_or_else(|| {
            Error::new(ErrorKind::Query, format!("{}: no text column customer_id", query.file))
        })
}

/// Runs a query file over a view at `cutoff`.
pub(crate) async fn run(
    view: &View,
    query: &Query,
    cutoff: DateTime<Utc>,
    given: BTreeMap<String, Value>,
) -> Result<Vec<RecordBatch>> {
    let bound = bound(query, cutoff, given)?;
    Ok(reports::collect(view, query, &bound).await?.1)
}

/// Every parameter of a query file: as given, or its default.
pub(crate) fn bound(
    query: &Query,
    cutoff: DateTime<Utc>,
    given: BTreeMap<String, Value>,
) -> Result<BTreeMap<String, Value>> {
    let mut bound = BTreeMap::new();
    for (name, param) in &query.header.params {
        bound.insert(name.clone(), reports::params::value(name, param, None)?);
    }
    bound.extend(given);
    bound.insert("as_of".to_owned(), Value::Instant(cutoff));
    bound.insert("tz".to_owned(), Value::Text("UTC".to_owned()));
    Ok(bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(unit: &str, absence: Option<&str>) -> ColumnNote {
        let absent = absence.map(Text::same);
        ColumnNote { title: Text::same("x"), absent, unit: unit.to_owned(), doc: None, of: None }
    }

    #[test]
    fn every_feature_is_about_something() {
        let catalogue = Catalogue::load(None, &toml::Table::new()).unwrap();
        for query in catalogue.all(Purpose::Feature) {
            for (name, note) in &query.header.columns {
                assert!(about(query, name, note).theme.is_some(), "{}: {name}", query.file);
            }
        }
    }

    #[test]
    fn who_did_nothing_did_it_zero_times_and_has_no_mean() {
        assert_eq!(absent(&note("count", None)), 0.0);
        assert_eq!(absent(&note("money", None)), 0.0);
        assert!(absent(&note("money", Some("no order"))).is_nan());
        assert!(absent(&note("days", None)).is_nan());
        assert!(absent(&note("share", None)).is_nan());
    }
}
