//! What follows from a purchase: terms, renewals, order lines, refunds.

use super::Life;
use crate::generate::calendar::DAY;
use crate::generate::engagement::Segment;
use crate::generate::history::Contract;
use crate::generate::records::{Cents, Instant, OrderRow, SubscriptionRow};
use crate::generate::world::{CURRENCY, ONBOARDING, PRODUCTS, Product};

/// Days within which an order can be returned.
const RETURN_DAYS: usize = 30;
/// Chance per session that the last order is returned, while it can be.
const RETURN: f64 = 0.03;
/// Chance that an order has a second line.
const SECOND_LINE: f64 = 0.35;
/// Chance that a renewal is for less, and what is left then.
const CONTRACTION: (f64, f64) = (0.05, 0.8);

/// The running term of a contract; each term is a row of its own, so that no
/// row has to change when the next term begins.
pub(super) struct Term {
    number: usize,
    mrr: Cents,
    started_at: Instant,
    /// The first day of the next term, if there is one.
    end: usize,
    /// What an upsell won meanwhile multiplies the next term's price by.
    pub(super) growth: f64,
}

/// The last order while it can be returned.
pub(super) struct Refundable {
    order: OrderRow,
    until: usize,
}

impl Life<'_> {
    /// The deal is won: a contract begins now, with an onboarding order.
    pub(super) fn sign(&mut self) {
        let contract = Contract { day: self.day, term_months: self.persona.term_months };
        self.history.contract = Some(contract);
        self.start_term(1, self.persona.price, contract);
        self.order(&[(ONBOARDING, 1)]);
    }

    fn start_term(&mut self, number: usize, mrr: Cents, contract: Contract) {
        let started_at = if number == 1 { self.now } else { self.term_moment(self.day) };
        let end = contract.ends(self.calendar()).find(|end| *end > self.day);
        // The ends never run out, so there always is one.
        let end = end.unwrap_or(self.day);
        self.term = Some(Term { number, mrr, started_at, end, growth: 1.0 });
    }

    /// The moment of `day` at which terms end: a customer's own, never midnight,
    /// since a row that carries a cutoff's stamp would be neither before nor after.
    fn term_moment(&self, day: usize) -> Instant {
        let second = self.persona.row.created_at.0.rem_euclid(DAY);
        Instant(self.calendar().instant(day, second))
    }

    /// If a term ends today, exports it; the alive renew, the churned do not.
    pub(super) fn end_term(&mut self) {
        let Some(term) = self.term.take_if(|term| term.end == self.day) else {
            return;
        };
        self.export_term(&term, true);
        if let (true, Some(contract)) = (self.alive(), self.history.contract) {
            let (probability, left) = CONTRACTION;
            let change = if self.draw.chance(probability) { left } else { term.growth };
            self.start_term(term.number + 1, term.mrr.scaled(change), contract);
        }
    }

    /// Exports the term that still runs when the export is taken.
    pub(super) fn export_running_term(&mut self) {
        if let Some(term) = self.term.take() {
            self.export_term(&term, false);
        }
    }

    fn export_term(&mut self, term: &Term, ended: bool) {
        let ends_at = self.term_moment(term.end);
        let period = if self.persona.term_months == 12 { "yearly" } else { "monthly" };
        self.records.subscriptions.push(SubscriptionRow {
            subscription_id: self.id("S", term.number),
            customer_id: self.persona.row.customer_id.clone(),
            plan: format!("{} {period}", self.persona.row.plan_size),
            mrr: term.mrr,
            currency: CURRENCY,
            started_at: term.started_at,
            ends_at,
            ended_at: ended.then_some(ends_at),
        });
    }

    /// In a session, customers under contract order more or return something.
    pub(super) fn buy_or_return(&mut self) {
        if self.history.contract.is_none() {
            return;
        }
        let appetite = match self.persona.segment {
            Segment::A => 0.08,
            Segment::B => 0.06,
            Segment::C => 0.04,
        };
        let returnable = self.refundable.as_ref().is_some_and(|last| self.day < last.until);
        if returnable && self.draw.chance(RETURN) {
            self.refund();
        } else if self.draw.chance(appetite) {
            let mut lines = Vec::new();
            for _ in 0..=u32::from(self.draw.chance(SECOND_LINE)) {
                lines.push((self.draw.pick(&PRODUCTS[1..]), self.draw.between(1, 5)));
            }
            self.order(&lines);
        }
    }

    /// Orders each product in its quantity.
    pub(super) fn order(&mut self, lines: &[(Product, i64)]) {
        self.n_orders += 1;
        let order_id = self.id("O", self.n_orders);
        for (line, (product, quantity)) in (1..).zip(lines) {
            let row = OrderRow {
                order_id: order_id.clone(),
                line,
                customer_id: self.persona.row.customer_id.clone(),
                product: product.id,
                quantity: *quantity,
                amount: Cents(product.price.0 * quantity),
                currency: CURRENCY,
                ordered_at: self.now,
            };
            self.refundable =
                Some(Refundable { order: row.clone(), until: self.day + RETURN_DAYS });
            self.records.orders.push(row);
        }
        self.event_about("purchase", &order_id);
    }

    /// Returns the last ordered line: an order of its own with minus signs.
    fn refund(&mut self) {
        let Some(Refundable { order, .. }) = self.refundable.take() else {
            return;
        };
        self.n_orders += 1;
        let order_id = self.id("R", self.n_orders);
        self.records.orders.push(OrderRow {
            order_id: order_id.clone(),
            line: 1,
            quantity: -order.quantity,
            amount: Cents(-order.amount.0),
            ordered_at: self.now,
            ..order
        });
        self.event_about("refund", &order_id);
    }
}
