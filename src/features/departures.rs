//! On which day did each customer leave, seen from each cutoff?
//!
//! [`Departure`] defines it. Silences are the same for all cutoffs and are asked
//! for once, of all that the data says by its end; how much of it may be read at a
//! cutoff is for [`Interval`] to say. Which contract was the last depends on those
//! that ran at the cutoff, and is asked for each interval as the label would be; of
//! the day, no more is told than in which interval it lies.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Int64Type;
use chrono::{DateTime, NaiveDate, Utc};

use super::label::{Source, before, micros, midnight};
use crate::churn::departure::HORIZONS;
use crate::churn::{Departure, Interval, Label, Matured};
use crate::engine::Moment;
use crate::error::Result;
use crate::reports::Value;

const DAY: i64 = 86_400_000_000;

/// When the customers of a training panel left.
#[derive(Debug, Default)]
pub(super) struct Departures {
    /// Days from and until which a customer was silent, oldest first.
    silences: BTreeMap<String, Vec<(i64, i64)>>,
    /// Of contracts, by cutoff and customer.
    ended: Vec<BTreeMap<String, Departure>>,
    /// Days that a silence lasts.
    horizon: i64,
}

impl Source<'_> {
    /// When customers left after each of the cutoffs, by what is known at
    /// `known_as_of` (everything if absent); the data ends before the day `end`.
    pub(super) async fn departures(
        self,
        periods: &[Matured],
        end: NaiveDate,
        known_as_of: Option<DateTime<Utc>>,
    ) -> Result<Departures> {
        let moment = Moment { as_of: before(end), known_as_of };
        let mut found = Departures::default();
        match self.label {
            Label::Inactivity { horizon_days, activities, .. } => {
                found.horizon = i64::from(*horizon_days);
                let bound = BTreeMap::from([
                    ("days".to_owned(), Value::Integer(found.horizon)),
                    ("activities".to_owned(), Value::List(activities.clone())),
                ]);
                for batch in self.ask("silences", moment, bound).await? {
                    let ids = batch.column(0).as_string::<i32>();
                    let last = batch.column(1).as_primitive::<Int64Type>();
                    let next = batch.column(2).as_primitive::<Int64Type>();
                    for row in 0..batch.num_rows() {
                        let until = if next.is_null(row) { i64::MAX } else { next.value(row) };
                        let silences = found.silences.entry(ids.value(row).to_owned());
                        silences.or_default().push((last.value(row) + 1, until));
                    }
                }
            }
            Label::Contract { grace_days, .. } => {
                for matured in periods {
                    let period = matured.period();
                    let cutoff = micros(midnight(period.cutoff));
                    let start = micros(midnight(period.start));
                    let mut ended: BTreeMap<String, Departure> = BTreeMap::new();
                    for interval in Interval::matured(matured, end) {
                        // As the label of a horizon that ends there would say it.
                        let as_of = before(interval.known_on());
                        let running =
                            self.under_contract(Moment::known_at(before(period.cutoff))).await?;
                        let moment = Moment { as_of, known_as_of };
                        let day = HORIZONS[interval.number()];
                        let by = start + i64::from(day) * DAY;
                        let mut over_at: BTreeMap<String, Option<i64>> = BTreeMap::new();
                        // The last that began before the cutoff, as for the label.
                        for (id, began, over) in self.spells(running, moment, *grace_days).await? {
                            if began < cutoff {
                                over_at.insert(id, over);
                            }
                        }
                        for (id, over) in over_at {
                            if let Some(over) = over.filter(|over| *over < by) {
                                let day = if over < start { 0 } else { day };
                                ended.entry(id).or_insert(Departure::on(Some(day)));
                            }
                        }
                    }
                    found.ended.push(ended);
                }
            }
            Label::Given { .. } => {}
        }
        Ok(found)
    }
}

impl Departures {
    /// When a customer left after the cutoff with that number.
    pub(super) fn of(&self, index: usize, cutoff: &Matured, customer: &str) -> Departure {
        if let Some(ended) = self.ended.get(index) {
            return ended.get(customer).copied().unwrap_or(Departure::on(None));
        }
        let start = micros(midnight(cutoff.period().start)).div_euclid(DAY);
        let silences = self.silences.get(customer).map_or(&[][..], Vec::as_slice);
        let first = silences.iter().find_map(|&(from, until)| {
            let day = from.max(start);
            (until.saturating_sub(day) >= self.horizon).then_some(day - start)
        });
        Departure::on(first.map(|day| u32::try_from(day).unwrap_or(u32::MAX)))
    }
}
