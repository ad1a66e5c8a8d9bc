//! Does a feature move when what came after the cutoff is another?
//!
//! The features of about a thousand customers are computed three times over
//! twins of the store ([`Later`]): as it is, without anything later, and with
//! more of it. They may not differ in a bit. It costs three small runs of each
//! query, however large the store.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use chrono::{DateTime, Utc};

use super::super::{customer_ids, run};
use crate::engine::{Engine, Later, Moment, View};
use crate::error::{Error, ErrorKind, Result};
use crate::reports::{Query, iso};
use crate::schema::Table;

/// The features of a customer, as bits, by name.
type Values = BTreeMap<String, Vec<Option<f64>>>;

/// Compares the features of `queries`, which read `tables`, at `cutoff`.
///
/// # Errors
///
/// [`ErrorKind::Query`] that names the first feature that moves, a customer and
/// both values.
pub async fn check(
    engine: &Engine,
    queries: &[&Query],
    tables: &BTreeSet<Table>,
    cutoff: DateTime<Utc>,
) -> Result<()> {
    let moment = Moment::known_at(cutoff);
    let stored = engine.twin(moment, Later::Stored, tables).await?;
    let mut expected = Vec::new();
    for query in queries {
        expected.push(values(&stored, query, cutoff).await?);
    }
    for (later, what) in
        [(Later::Gone, "without the rows known later"), (Later::More, "with more rows known later")]
    {
        let twin = engine.twin(moment, later, tables).await?;
        for (query, expected) in queries.iter().zip(&expected) {
            let found = values(&twin, query, cutoff).await?;
            if let Some(moved) = moved(query, expected, &found) {
                return Err(refusal(query, &moved, cutoff, what));
            }
        }
    }
    Ok(())
}

/// A feature that moved.
#[derive(Debug, PartialEq)]
struct Moved<'a> {
    feature: &'a str,
    customer: String,
    from: Option<f64>,
    to: Option<f64>,
}

async fn values(view: &View, query: &Query, cutoff: DateTime<Utc>) -> Result<Values> {
    let mut found = Values::new();
    for batch in run(view, query, cutoff, BTreeMap::new()).await? {
        let ids = customer_ids(query, &batch)?;
        for name in query.header.columns.keys() {
            // A column that is described and not returned is refused elsewhere.
            let Some(column) = batch.column_by_name(name) else { continue };
            let numbers = cast(column, &DataType::Float64)?;
            let numbers = numbers.as_primitive::<Float64Type>();
            for row in 0..batch.num_rows() {
                let value = numbers.is_valid(row).then(|| numbers.value(row));
                found.entry(ids.value(row).to_owned()).or_default().push(value);
            }
        }
    }
    Ok(found)
}

fn moved<'a>(query: &'a Query, expected: &Values, found: &Values) -> Option<Moved<'a>> {
    let customers: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    let none = Vec::new();
    for customer in customers {
        let before = expected.get(customer).unwrap_or(&none);
        let after = found.get(customer).unwrap_or(&none);
        for (index, feature) in query.header.columns.keys().enumerate() {
            let value = |of: &Vec<Option<f64>>| of.get(index).copied().flatten();
            let (from, to) = (value(before), value(after));
            if from.map(f64::to_bits) != to.map(f64::to_bits) {
                return Some(Moved { feature, customer: customer.clone(), from, to });
            }
        }
    }
    None
}

fn refusal(query: &Query, moved: &Moved<'_>, cutoff: DateTime<Utc>, what: &str) -> Error {
    let shown = |value: Option<f64>| value.map_or("missing".to_owned(), |it| it.to_string());
    let Moved { feature, customer, from, to } = moved;
    let (from, to) = (shown(*from), shown(*to));
    Error::new(
        ErrorKind::Query,
        format!(
            "{}: the feature \"{feature}\" knows what came after the cutoff {}: of customer \
             \"{customer}\" it is {from}, and {to} {what}",
            query.file,
            iso(cutoff)
        ),
    )
    .hint("a feature may depend on nothing but what was known at $as_of")
}
