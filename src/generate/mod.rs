//! Where does data come from whose truth is known?
//!
//! `tenure generate` makes the exports of a fictional firm that sells software
//! to other firms: customers sign up, try, buy, use, complain, answer surveys,
//! renew, and leave. Everything a CRM would show is in `DIR/exports/`; what no
//! CRM shows, and every model should be measured by, is in `DIR/truth/`: the
//! probability that each customer is gone, given the exports and the true
//! parameters. No model can be expected to do better than that.
//!
//! The parts, in the order of the flow:
//!
//! * `plan`, `draw`, `calendar`, `world`: what is asked for, chance, time, and
//!   what customers have in common;
//! * `persona`, `engagement`, `hazard`, `life`: who a customer is, how often they
//!   come, when they leave, and what happens on the way;
//! * `history`, `truth`: what was observable when, and what follows from it;
//! * `records`, `flaws`, `export`, `summary`: rows, dirty rows, files, totals.
//!
//! The same plan gives the same bytes on every machine: each customer has its
//! own stream of random numbers and nothing reads the clock. Rows stand by
//! customer number and, for one customer, in order of time.
//!
//! ```
//! use tenure::generate::{Plan, write};
//!
//! # fn main() -> tenure::Result<()> {
//! let dir = std::env::temp_dir().join(format!("tenure-doc-{}", std::process::id()));
//! let start = Plan::default().start();
//! let summary = write(&Plan::new(20, 7, 12, start)?, &dir, &mut |_, _| {})?;
//! assert_eq!(summary.tables["customers"], 20);
//! assert!(dir.join("exports/customers.csv").exists());
//! # std::fs::remove_dir_all(&dir).ok();
//! # Ok(())
//! # }
//! ```

use std::fs;
use std::path::Path;

use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};
use crate::folder::Folder;

mod calendar;
mod draw;
mod engagement;
mod export;
mod flaws;
mod hazard;
mod history;
mod life;
mod oracle;
mod persona;
mod plan;
mod records;
mod summary;
mod truth;
mod words;
mod world;

pub use export::FileRows;
pub use hazard::Term;
pub use oracle::Oracle;
pub use plan::Plan;
pub use summary::{Churn, Deals, Month, Nps, Orders, Subscriptions, Summary};

use calendar::Calendar;
use draw::Draw;
use export::Exports;
use records::{
    CustomerRow, OpportunityRow, OrderRow, ProductRow, StageRow, SubscriptionRow, SurveyRow,
    TicketRow, TouchRow,
};
use world::World;

/// Streams of chance that belong to no customer; customers count from 1.
const WORLD_STREAM: u64 = 0;
const DIRT_STREAM: u64 = u64::MAX;

/// A line of `truth/churn_probability.csv`.
#[derive(Serialize)]
struct TruthRow<'a> {
    customer_id: &'a str,
    cutoff: String,
    probability: f64,
    /// 1 or 0; empty where the label window reaches beyond the data.
    churned: Option<u8>,
}

/// Writes the data set of `plan` to `dir/exports` and `dir/truth`, and returns
/// the totals that `truth/summary.json` holds too.
///
/// `progress` is called with the customers done and the customers in all.
/// Memory holds one customer at a time. Both folders appear complete or not at
/// all; `dir` is created if need be.
///
/// # Errors
///
/// [`ErrorKind::Usage`] if `dir` already holds exports or truths;
/// [`ErrorKind::Storage`] if a file can not be written.
pub fn write(plan: &Plan, dir: &Path, progress: &mut dyn FnMut(u64, u64)) -> Result<Summary> {
    let mut exports = Exports::begin(dir, Draw::new(plan.seed(), DIRT_STREAM))?;
    let truth = Folder::begin(dir, "truth")?;
    let calendar = Calendar::new(plan.start(), plan.months());
    let mut summary = Summary::new(plan, &calendar);
    let mut draw = Draw::new(plan.seed(), WORLD_STREAM);
    let world = World::new(calendar, plan.customers(), &mut draw);

    open_all(&mut exports)?;
    exports.add(&world.owners)?;
    exports.add(&World::products().collect::<Vec<_>>())?;
    let campaigns: Vec<_> = world.campaigns.iter().map(|campaign| campaign.row.clone()).collect();
    exports.add(&campaigns)?;

    let mut probabilities = Table::create(&truth.path().join("churn_probability.csv"))?;
    for number in 1..=plan.customers() {
        let life = life::live(number, &world, Draw::new(plan.seed(), number));
        let truths = truth::truths(&life.history, &world.calendar);
        add_life(&mut exports, &life)?;
        for truth in &truths {
            probabilities.add(&TruthRow {
                customer_id: &life.row.customer_id,
                cutoff: world.calendar.date(world.calendar.month_day(truth.month)).to_string(),
                probability: truth.probability,
                churned: truth.churned.map(u8::from),
            })?;
        }
        summary.count(&life, &truths, &world.calendar);
        progress(number, plan.customers());
    }
    probabilities.finish()?;

    let complete = exports.complete()?;
    let mut dirty = Table::create(&truth.path().join("dirty_rows.csv"))?;
    for row in &complete.dirty {
        *summary.dirty.entry(row.reason).or_default() += 1;
        dirty.add(row)?;
    }
    dirty.finish()?;
    summary.files = complete.files;
    summary.tables = complete.tables;
    write_summary(&summary, &truth.path().join("summary.json"))?;
    // Exports come last: where they are, their truth is.
    truth.finish()?;
    complete.folder.finish()?;
    Ok(summary)
}

/// Creates every file that rows may not reach in a small data set.
fn open_all(exports: &mut Exports) -> Result<()> {
    exports.open::<CustomerRow>()?;
    exports.open::<ProductRow>()?;
    exports.open::<OrderRow>()?;
    exports.open::<SubscriptionRow>()?;
    exports.open::<OpportunityRow>()?;
    exports.open::<StageRow>()?;
    exports.open::<TicketRow>()?;
    exports.open::<TouchRow>()?;
    exports.open::<SurveyRow>()
}

fn add_life(exports: &mut Exports, life: &life::Outcome) -> Result<()> {
    exports.add(std::slice::from_ref(&life.row))?;
    exports.add_activity(&life.records.activity)?;
    exports.add(&life.records.orders)?;
    exports.add(&life.records.subscriptions)?;
    exports.add(&life.records.opportunities)?;
    exports.add(&life.records.stages)?;
    exports.add(&life.records.tickets)?;
    exports.add(&life.records.touches)?;
    exports.add(&life.records.surveys)
}

/// A CSV file of truths.
struct Table {
    writer: csv::Writer<fs::File>,
    shown: String,
}

impl Table {
    fn create(path: &Path) -> Result<Self> {
        let shown = path.display().to_string();
        let writer = csv::Writer::from_path(path).map_err(|error| unwritable(&shown, error))?;
        Ok(Self { writer, shown })
    }

    fn add(&mut self, row: impl Serialize) -> Result<()> {
        self.writer.serialize(row).map_err(|error| unwritable(&self.shown, error))
    }

    fn finish(mut self) -> Result<()> {
        self.writer.flush().map_err(|error| unwritable(&self.shown, error))
    }
}

fn write_summary(summary: &Summary, path: &Path) -> Result<()> {
    let shown = path.display().to_string();
    let mut text =
        serde_json::to_string_pretty(summary).map_err(|error| unwritable(&shown, error))?;
    text.push('\n');
    fs::write(path, text).map_err(|error| unwritable(&shown, error))
}

fn unwritable(shown: &str, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Storage, format!("can not write {shown}")).caused_by(error)
}

#[cfg(test)]
mod tests;
