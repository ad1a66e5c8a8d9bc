//! Which totals must a pipeline find again in the generated files?
//!
//! Counted while the rows are made, over clean rows only, and written to
//! `truth/summary.json`. Money is in cents, so that equality is exact.

use std::collections::BTreeMap;

use serde::Serialize;

use super::calendar::Calendar;
use super::export::FileRows;
use super::hazard::{TERMS, Term};
use super::life::Outcome;
use super::plan::Plan;
use super::truth::Truth;

/// The exact totals of a generated data set.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Customers asked for.
    pub customers: u64,
    /// Seed of all chance.
    pub seed: u64,
    /// First day of the history.
    pub start: String,
    /// The day the export was taken; no clean row is later.
    pub end: String,
    /// Rows of each file below `exports/`.
    pub files: BTreeMap<String, FileRows>,
    /// Clean rows of each canonical table.
    pub tables: BTreeMap<&'static str, u64>,
    /// Dirty rows by reason code.
    pub dirty: BTreeMap<&'static str, u64>,
    /// Deals by how they ended.
    pub deals: Deals,
    /// Order lines, refunds included.
    pub orders: Orders,
    /// All NPS answers.
    pub nps: Nps,
    /// Contracts that run when the export is taken.
    pub subscriptions: Subscriptions,
    /// Calendar months, in order.
    pub months: Vec<Month>,
    /// Truth about churn.
    pub churn: Churn,
    /// The linear function whose logistic is the monthly hazard of the alive.
    pub hazard: &'static [Term],
}

/// Deals by how they ended.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Deals {
    /// Deals won.
    pub won: u64,
    /// Deals lost.
    pub lost: u64,
    /// Deals still open.
    pub open: u64,
    /// Value of the deals won.
    pub won_cents: i64,
}

/// Order lines, refunds included.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Orders {
    /// Order lines.
    pub lines: u64,
    /// Lines that return something.
    pub refunds: u64,
    /// Sum of all amounts; refunds count negative.
    pub cents: i64,
}

/// NPS answers, every one of them.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Nps {
    /// Answers of 9 and 10.
    pub promoters: u64,
    /// Answers of 7 and 8.
    pub passives: u64,
    /// Answers of 0 to 6.
    pub detractors: u64,
}

/// Contracts that run when the export is taken.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Subscriptions {
    /// How many.
    pub running: u64,
    /// Their monthly recurring revenue.
    pub mrr_cents: i64,
}

/// One calendar month.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Month {
    /// As `2024-01`.
    pub month: String,
    /// Customers who signed up.
    pub signups: u64,
    /// Customers with at least one activity row.
    pub active: u64,
    /// Customers who churned at its start.
    pub churned: u64,
    /// Sum of the order lines placed in it.
    pub order_cents: i64,
}

/// Truth about churn, over `churn_probability.csv`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Churn {
    /// Eligible pairs of customer and cutoff.
    pub rows: u64,
    /// Those whose label is known.
    pub labelled: u64,
    /// Those of them labelled churned.
    pub churned: u64,
    /// Sum of the true probabilities of the labelled; expected to be `churned`.
    pub expected: f64,
}

impl Summary {
    pub(super) fn new(plan: &Plan, calendar: &Calendar) -> Self {
        let month = |month| Month {
            month: calendar.date(calendar.month_day(month)).format("%Y-%m").to_string(),
            ..Month::default()
        };
        Self {
            customers: plan.customers(),
            seed: plan.seed(),
            start: plan.start().to_string(),
            end: calendar.date(calendar.n_days()).to_string(),
            files: BTreeMap::new(),
            tables: BTreeMap::new(),
            dirty: BTreeMap::new(),
            deals: Deals::default(),
            orders: Orders::default(),
            nps: Nps::default(),
            subscriptions: Subscriptions::default(),
            months: (0..calendar.months()).map(month).collect(),
            churn: Churn::default(),
            hazard: &TERMS,
        }
    }

    /// Counts one customer.
    pub(super) fn count(&mut self, life: &Outcome, truths: &[Truth], calendar: &Calendar) {
        let (history, records) = (&life.history, &life.records);
        self.months[calendar.month_of(history.signup)].signups += 1;
        if let Some(day) = history.churn_day {
            self.months[calendar.month_of(day)].churned += 1;
        }
        for (index, month) in self.months.iter_mut().enumerate() {
            let (from, to) = (calendar.month_day(index), calendar.month_day(index + 1));
            month.active += u64::from(history.n_rows(from, to) > 0);
        }
        for deal in &records.opportunities {
            match deal.status {
                "won" => {
                    self.deals.won += 1;
                    self.deals.won_cents += deal.amount.0;
                }
                "lost" => self.deals.lost += 1,
                _ => self.deals.open += 1,
            }
        }
        for order in &records.orders {
            self.orders.lines += 1;
            self.orders.refunds += u64::from(order.amount.0 < 0);
            self.orders.cents += order.amount.0;
            let month = calendar.month_of(calendar.day_of(order.ordered_at.0));
            self.months[month].order_cents += order.amount.0;
        }
        for survey in records.surveys.iter().filter(|survey| survey.kind == "nps") {
            match survey.score {
                9.. => self.nps.promoters += 1,
                7..=8 => self.nps.passives += 1,
                _ => self.nps.detractors += 1,
            }
        }
        for term in records.subscriptions.iter().filter(|term| term.ended_at.is_none()) {
            self.subscriptions.running += 1;
            self.subscriptions.mrr_cents += term.mrr.0;
        }
        for truth in truths {
            self.churn.rows += 1;
            if let Some(churned) = truth.churned {
                self.churn.labelled += 1;
                self.churn.churned += u64::from(churned);
                self.churn.expected += truth.probability;
            }
        }
    }
}
