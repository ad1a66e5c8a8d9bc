//! What would we have said on past days?
//!
//! A rule about the future, such as a health score, is judged by what came of
//! what it said. A query that reads `NAME_past` reads the answers that the part
//! NAME would have given at the beginning of past months, with one more column,
//! `cutoff`, the instant at which the month began. Each is asked of the store
//! as it was known then: what happened or was entered later can not leak in.
//!
//! The months are the newest `$cutoffs` whose outcome is known: `$horizon` after
//! the cutoff is not later than the report's own moment.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::{Field, Schema};
use chrono::{DateTime, Datelike, Months, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use super::params::start_of_day;
use super::{Query, Value, rows};
use crate::engine::View;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Kind;

/// The parameters that say which days.
pub const PARAMS: [&str; 2] = ["horizon", "cutoffs"];
/// Five years of months; each costs a query.
const MOST: i64 = 60;

/// Makes the past that `query` reads visible in `view`.
///
/// # Errors
///
/// [`ErrorKind::Usage`] for a number of cutoffs or a horizon that is none, and
/// as [`super::run`].
pub async fn provide(view: &View, query: &Query, bound: &BTreeMap<String, Value>) -> Result<()> {
    if query.past.is_empty() {
        return Ok(());
    }
    let cutoffs = cutoffs(bound)?;
    for part in &query.past {
        let (mut schema, mut batches) = (None, Vec::new());
        for cutoff in &cutoffs {
            let mut then = bound.clone();
            // A moment includes its own instant, and the cutoff is the first
            // instant of the time asked about.
            let last = *cutoff - TimeDelta::microseconds(1);
            then.insert("as_of".to_owned(), Value::Instant(last));
            let (asked, answered) = rows(&view.known_at(last), part, &then).await?;
            let mut fields = asked.fields().to_vec();
            fields.push(Arc::new(Field::new("cutoff", Kind::Time.data_type(), false)));
            let schema = schema.get_or_insert_with(|| Arc::new(Schema::new(fields)));
            for batch in answered {
                let mut columns = batch.columns().to_vec();
                columns.push(repeated(*cutoff, batch.num_rows()));
                batches.push(RecordBatch::try_new(Arc::clone(schema), columns)?);
            }
        }
        if let Some(schema) = schema {
            view.add(&part.name, schema, batches)?;
        }
    }
    Ok(())
}

fn repeated(at: DateTime<Utc>, n: usize) -> ArrayRef {
    let instants = TimestampMicrosecondArray::from_value(at.timestamp_micros(), n);
    Arc::new(instants.with_timezone("UTC"))
}

/// The cutoffs that the parameters mean, latest first; at least one.
fn cutoffs(bound: &BTreeMap<String, Value>) -> Result<Vec<DateTime<Utc>>> {
    let (horizon, count) = match PARAMS.map(|name| bound.get(name)) {
        [Some(Value::Duration(horizon)), Some(Value::Integer(count))] => (*horizon, *count),
        _ => return Err(Error::new(ErrorKind::Internal, "a past without horizon and cutoffs")),
    };
    let (as_of, tz) = match (bound.get("as_of"), bound.get("tz")) {
        (Some(Value::Instant(as_of)), Some(Value::Text(tz))) => (*as_of, tz.parse().ok()),
        _ => return Err(Error::new(ErrorKind::Internal, "a past without as_of and tz")),
    };
    if !(1..=MOST).contains(&count) {
        let words = format!("cutoffs: {count} is not a number from 1 to {MOST}");
        return Err(Error::new(ErrorKind::Usage, words));
    }
    if horizon <= TimeDelta::zero() {
        return Err(Error::new(ErrorKind::Usage, "horizon: has to be longer than nothing"));
    }
    let matured = as_of.checked_sub_signed(horizon).unwrap_or(DateTime::<Utc>::MIN_UTC);
    let count = usize::try_from(count).unwrap_or_default();
    Ok(months(matured, tz.unwrap_or(Tz::UTC)).take(count).collect())
}

/// The beginnings of months up to `latest`, latest first.
fn months(latest: DateTime<Utc>, tz: Tz) -> impl Iterator<Item = DateTime<Utc>> {
    let local = latest.with_timezone(&tz).date_naive();
    let first = NaiveDate::from_ymd_opt(local.year(), local.month(), 1);
    let days = std::iter::successors(first, |day| day.checked_sub_months(Months::new(1)));
    days.map_while(move |day| start_of_day(day, tz)).filter(move |start| *start <= latest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(as_of: &str, tz: &str, horizon: i64, count: i64) -> Result<Vec<String>> {
        let bound = BTreeMap::from([
            ("as_of".to_owned(), Value::Instant(as_of.parse().unwrap())),
            ("tz".to_owned(), Value::Text(tz.to_owned())),
            ("horizon".to_owned(), Value::Duration(TimeDelta::days(horizon))),
            ("cutoffs".to_owned(), Value::Integer(count)),
        ]);
        Ok(cutoffs(&bound)?.iter().map(|at| at.format("%m-%dT%H").to_string()).collect())
    }

    #[test]
    fn a_month_counts_once_its_outcome_is_known() {
        let newest = |as_of| of(as_of, "UTC", 90, 2).unwrap();
        // 90 days after 1 April is 30 June.
        assert_eq!(newest("2025-06-30T00:00:00Z"), ["04-01T00", "03-01T00"]);
        assert_eq!(newest("2025-06-29T23:59:59Z"), ["03-01T00", "02-01T00"]);
    }

    #[test]
    fn months_begin_where_the_reader_is() {
        let newest = of("2025-06-15T00:00:00Z", "Asia/Shanghai", 1, 2).unwrap();
        assert_eq!(newest, ["05-31T16", "04-30T16"]);
    }

    #[test]
    fn none_and_too_many_are_refused() {
        let says = |horizon, count| {
            of("2025-06-15T00:00:00Z", "UTC", horizon, count).unwrap_err().to_string()
        };
        assert!(says(90, 0).contains("cutoffs: 0 is not"));
        assert!(says(90, 61).contains("from 1 to 60"));
        assert!(says(0, 6).contains("horizon"));
    }
}
