//! How do deals come about, move through stages and close?
//!
//! A trial opens the first deal; a quote opened takes it to Proposal, and the
//! purchase wins it. Customers under contract now and then start an upsell.
//! A deal moves only in sessions. One that dawdles is given up by its seller,
//! which may be long after the customer went silent.

use super::{Life, Properties};
use crate::generate::calendar::DAY;
use crate::generate::records::{Cents, Instant, OpportunityRow, StageRow};
use crate::generate::world::{CURRENCY, SEATS};

/// Chance per session to start a trial, for a channel of quality 1.
const TRIAL: f64 = 0.70;
/// Chance per session to try again after a lost first deal.
const RETRY: f64 = 0.03;
/// Chance per session that a customer under contract starts an upsell.
const UPSELL: f64 = 0.03;
/// Chance per session to say no.
const REFUSE: f64 = 0.07;
/// A seller gives up after this many days, and a random while of mean …
const PATIENCE_DAYS: i64 = 45;
/// … this many.
const DAWDLE_DAYS: f64 = 60.0;
/// The second of the day at which sellers give up deals, after all sessions.
const EVENING: i64 = 23 * 3600;

/// Open stages with the chance per session to leave each towards the next.
const STAGES: [(&str, f64); 3] =
    [("Qualification", 0.45), ("Proposal", 0.50), ("Negotiation", 0.45)];

/// All deals of a customer.
#[derive(Default)]
pub(super) struct Deals {
    n: usize,
    tried: bool,
    open: Option<Deal>,
}

/// An open deal.
struct Deal {
    row: OpportunityRow,
    stage: usize,
    upsell: bool,
    give_up: usize,
}

impl Life<'_> {
    /// In a session, a deal may begin, move on or close.
    pub(super) fn move_deal(&mut self) {
        if let Some(deal) = self.deals.open.take() {
            self.negotiate(deal);
        } else if self.history.contract.is_some() {
            if self.draw.chance(UPSELL) {
                self.open_deal(true);
            }
        } else if self.deals.tried {
            if self.draw.chance(RETRY) {
                self.open_deal(false);
            }
        } else if self.draw.chance(TRIAL * self.persona.channel.quality.min(1.2)) {
            self.deals.tried = true;
            self.event("trial", 1, Properties::default());
            self.open_deal(false);
        }
    }

    fn open_deal(&mut self, upsell: bool) {
        self.deals.n += 1;
        let persona = &self.persona;
        // A new contract is worth its first year; an upsell, the seats.
        let amount = if upsell {
            Cents(SEATS.price.0 * self.draw.between(2, 9))
        } else {
            Cents(persona.price.0 * 12)
        };
        let row = OpportunityRow {
            opportunity_id: self.id("D", self.deals.n),
            customer_id: persona.row.customer_id.clone(),
            owner_id: persona.row.owner_id.clone(),
            name: format!("{} · {}", persona.row.name, if upsell { "upsell" } else { "new" }),
            product: if upsell { SEATS.id } else { persona.row.plan_size },
            source: if upsell { "account" } else { persona.channel.name },
            stage: "",
            status: "open",
            amount,
            currency: CURRENCY,
            created_at: self.now,
            closed_at: None,
        };
        #[expect(clippy::cast_possible_truncation, reason = "days of patience are few")]
        let days = PATIENCE_DAYS + self.draw.waiting(DAWDLE_DAYS) as i64;
        let give_up = self.day + usize::try_from(days).unwrap_or(0);
        let mut deal = Deal { row, stage: 0, upsell, give_up };
        self.enter(&mut deal, STAGES[0].0, self.now);
        self.deals.open = Some(deal);
    }

    /// The customer talks to the seller about `deal`.
    fn negotiate(&mut self, mut deal: Deal) {
        let quality = if deal.upsell { 0.8 } else { self.persona.channel.quality };
        if self.draw.chance(REFUSE / quality) {
            self.stage_event(&deal, "Lost");
            return self.close(deal, "Lost", "lost", self.now);
        }
        let (_, forward) = STAGES[deal.stage];
        if self.draw.chance(forward * quality.min(1.2)) {
            deal.stage += 1;
            match STAGES.get(deal.stage) {
                Some((stage, _)) => {
                    self.enter(&mut deal, stage, self.now);
                    if deal.stage == 1 && !deal.upsell {
                        self.event_about("quote_opened", &deal.row.opportunity_id);
                    }
                    self.stage_event(&deal, stage);
                }
                None => return self.win(deal),
            }
        }
        self.deals.open = Some(deal);
    }

    fn win(&mut self, deal: Deal) {
        self.stage_event(&deal, "Won");
        if deal.upsell {
            self.order(&[(SEATS, deal.row.amount.0 / SEATS.price.0)]);
            if let Some(term) = &mut self.term {
                term.growth = 1.2;
            }
        } else {
            self.sign();
        }
        self.close(deal, "Won", "won", self.now);
    }

    /// The seller gives up a deal that dawdled, whether or not anyone is there.
    pub(super) fn give_up_deal(&mut self) {
        if let Some(deal) = self.deals.open.take_if(|deal| deal.give_up <= self.day) {
            // On the day before, at night: today's sessions are yet to come.
            let night = Instant(self.calendar().instant(self.day, EVENING - DAY));
            self.close(deal, "Lost", "lost", night);
        }
    }

    fn close(&mut self, mut deal: Deal, stage: &'static str, status: &'static str, at: Instant) {
        self.enter(&mut deal, stage, at);
        deal.row.status = status;
        deal.row.closed_at = Some(at);
        self.records.opportunities.push(deal.row);
    }

    fn enter(&mut self, deal: &mut Deal, stage: &'static str, at: Instant) {
        deal.row.stage = stage;
        self.records.stages.push(StageRow {
            opportunity_id: deal.row.opportunity_id.clone(),
            stage,
            entered_at: at,
        });
    }

    fn stage_event(&mut self, deal: &Deal, stage: &'static str) {
        let reference = Some(deal.row.opportunity_id.clone());
        self.event(
            "stage_changed",
            1,
            Properties { stage: Some(stage), reference, ..Properties::default() },
        );
    }

    /// The deal that is open when the export is taken.
    pub(super) fn export_open_deal(&mut self) {
        if let Some(deal) = self.deals.open.take() {
            self.records.opportunities.push(deal.row);
        }
    }
}
