//! Which rows are dirty on purpose, and how?
//!
//! Real exports hold rows that no table may take in. About one row in five
//! hundred is a copy of its clean neighbour with one thing broken, and every
//! kind in [`FLAWS`] occurs at least once. Dirty rows are additional and carry
//! ids of their own, so all truths hold for what is left without them.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::draw::Draw;

/// Chance that a clean row is followed by a dirty one.
const RATE: f64 = 0.002;

/// What is done to a copy of a clean row.
#[derive(Debug, Clone, Copy)]
enum Damage {
    /// The flaw's column gets this value.
    Set(&'static str),
    /// The row ends after its third column.
    Cut,
    /// The row has two columns more.
    Extend,
    /// The JSON line ends in the middle.
    Break,
}

/// One kind of dirty row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Flaw {
    table: &'static str,
    /// The column at fault; empty if the whole row is.
    column: &'static str,
    reason: &'static str,
    damage: Damage,
}

const fn set(
    table: &'static str,
    column: &'static str,
    reason: &'static str,
    value: &'static str,
) -> Flaw {
    Flaw { table, column, reason, damage: Damage::Set(value) }
}

const fn row(table: &'static str, reason: &'static str, damage: Damage) -> Flaw {
    Flaw { table, column: "", reason, damage }
}

/// All kinds of dirty rows, by table in the order in which they are planted.
const FLAWS: [Flaw; 17] = [
    set("customers", "customer_id", "missing_value", ""),
    set("customers", "created_at", "bad_time", "not yet"),
    set("activity", "customer_id", "missing_value", ""),
    set("activity", "occurred_at", "bad_time", "2024-13-45T25:61:00Z"),
    set("activity", "occurred_at", "future_time", "2099-01-01T09:00:00Z"),
    row("activity", "bad_json", Damage::Break),
    set("orders", "amount", "bad_number", "twelve"),
    row("orders", "ragged_row", Damage::Cut),
    set("orders", "ordered_at", "future_time", "2099-12-31T12:00:00Z"),
    set("subscriptions", "mrr", "out_of_range", "-49.00"),
    set("opportunities", "status", "bad_choice", "pending"),
    set("opportunities", "amount", "bad_number", "n.n."),
    set("tickets", "opened_at", "bad_time", "yesterday"),
    row("tickets", "ragged_row", Damage::Extend),
    set("touches", "occurred_at", "bad_time", "31.02.2024 8h"),
    set("surveys", "score", "out_of_range", "11"),
    set("surveys", "responded_at", "future_time", "2099-06-30T10:00:00Z"),
];

/// A line of `dirty_rows.csv`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct DirtyRow {
    pub(super) file: String,
    /// One-based physical line of the file; a CSV header is line 1.
    pub(super) line: u64,
    pub(super) column: &'static str,
    pub(super) reason: &'static str,
}

/// Decides when a dirty row is due, and remembers what was planted where.
pub(super) struct Dirt {
    draw: Draw,
    /// How many were planted in each table.
    planted: BTreeMap<&'static str, usize>,
    pub(super) rows: Vec<DirtyRow>,
}

impl Dirt {
    pub(super) fn new(draw: Draw) -> Self {
        Self { draw, planted: BTreeMap::new(), rows: Vec::new() }
    }

    /// By chance, the next flaw of `table` if it has any.
    pub(super) fn maybe(&mut self, table: &str) -> Option<Flaw> {
        if self.draw.chance(RATE) { self.next(table) } else { None }
    }

    /// The next flaw that `table` has not shown yet, until it has shown all.
    pub(super) fn owed(&mut self, table: &str) -> Option<Flaw> {
        let planted = self.planted.get(table).copied().unwrap_or(0);
        if planted < flaws(table).count() { self.next(table) } else { None }
    }

    fn next(&mut self, table: &str) -> Option<Flaw> {
        let first = flaws(table).next()?;
        let planted = self.planted.entry(first.table).or_default();
        let flaw = flaws(table).cycle().nth(*planted);
        *planted += 1;
        flaw
    }

    /// Remembers that `flaw` now stands in `line` of `file`.
    pub(super) fn note(&mut self, flaw: Flaw, file: &str, line: u64) {
        let (column, reason) = (flaw.column, flaw.reason);
        self.rows.push(DirtyRow { file: file.to_owned(), line, column, reason });
    }

    /// An id no clean row has.
    fn id(&self) -> String {
        format!("DIRTY-{}", self.rows.len() + 1)
    }

    /// The fields of a dirty copy of a CSV row.
    pub(super) fn soil(&self, flaw: Flaw, header: &[&str], mut fields: Vec<String>) -> Vec<String> {
        // The first column is the id of the thing in every table with flaws.
        fields[0] = self.id();
        match flaw.damage {
            Damage::Set(value) => {
                for (column, field) in header.iter().zip(&mut fields) {
                    if *column == flaw.column {
                        value.clone_into(field);
                    }
                }
            }
            Damage::Cut => fields.truncate(3),
            Damage::Extend | Damage::Break => fields.extend(["1".to_owned(), "1".to_owned()]),
        }
        fields
    }

    /// A dirty copy of an NDJSON line.
    pub(super) fn soil_line(&self, flaw: Flaw, mut line: Map<String, Value>) -> String {
        line.insert("event_id".to_owned(), self.id().into());
        if let Damage::Set(value) = flaw.damage {
            line.insert(flaw.column.to_owned(), value.into());
        }
        let mut text = Value::Object(line).to_string();
        if matches!(flaw.damage, Damage::Break) {
            text.truncate(text.len() / 2);
        }
        text
    }
}

fn flaws(table: &str) -> impl Iterator<Item = Flaw> + Clone {
    FLAWS.into_iter().filter(move |flaw| flaw.table == table)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dirt() -> Dirt {
        Dirt::new(Draw::new(1, 1))
    }

    #[test]
    fn every_kind_is_owed_once_and_then_no_more() {
        let mut dirt = dirt();
        let mut owed = 0;
        for table in
            ["customers", "activity", "orders", "subscriptions", "opportunities", "tickets"]
                .into_iter()
                .chain([
                    "touches",
                    "surveys",
                    "owners",
                    "products",
                    "campaigns",
                    "opportunity_stages",
                ])
        {
            while dirt.owed(table).is_some() {
                owed += 1;
            }
        }
        assert_eq!(owed, FLAWS.len());
    }

    #[test]
    fn one_thing_is_broken_and_the_id_is_new() {
        let dirt = dirt();
        let header = ["order_id", "line", "customer_id", "amount"];
        let fields = ["O1", "1", "C1", "9.00"].map(str::to_owned).to_vec();
        let orders: Vec<Flaw> = flaws("orders").collect();
        let soiled = |flaw| dirt.soil(flaw, &header, fields.clone());
        assert_eq!(soiled(orders[0]), ["DIRTY-1", "1", "C1", "twelve"]);
        assert_eq!(soiled(orders[1]), ["DIRTY-1", "1", "C1"]);
        let tickets: Vec<Flaw> = flaws("tickets").collect();
        assert_eq!(soiled(tickets[1]).len(), 6);
    }

    #[test]
    fn a_broken_line_is_no_json() {
        let line = serde_json::json!({"event_id": "E1", "customer_id": "C1", "name": "login"});
        let Value::Object(line) = line else { panic!("not an object") };
        let broken = flaws("activity").find(|flaw| flaw.reason == "bad_json").unwrap();
        let text = dirt().soil_line(broken, line);
        assert!(serde_json::from_str::<Value>(&text).is_err(), "{text}");
    }
}
