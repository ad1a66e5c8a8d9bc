//! With all parameters known, how likely is each customer to be gone?
//!
//! The label at a cutoff is: no activity in the 90 days from it. A customer is
//! silent because they churned at some earlier month start (nobody tells), churn
//! at the cutoff or a later one without having come back, or are alive and by
//! chance do not come. A model sees only the export, so the fair yardstick is
//! the probability *given the export*, by Bayes' rule.
//!
//! [`Belief`] is the forward filter of the hidden Markov chain: the masses of
//! "churned" and of "alive at level k", each joint with everything seen so far.
//! Per month start `decide` lets the level drift and splits off the hazard; per
//! month `see` multiplies by the likelihood of its sessions: Poisson for the
//! alive; for the churned 1 if there were none and else 0. What happens inside a
//! session, and what the firm does on its own, depends on observable history
//! only; it is as likely under every hypothesis still possible and cancels.
//! Renewals do not: who renews is alive, who does not has churned.

use libm::exp;

use super::calendar::{Calendar, ELIGIBLE_DAYS, HORIZON_DAYS};
use super::engagement::{LEVELS, daily_rate, drift_all};
use super::history::History;

/// The first month, counted from 0, whose start is a cutoff.
pub(super) const FIRST_CUTOFF: usize = 3;

/// The truth about one customer at one cutoff.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Truth {
    /// The month whose start is the cutoff, counted from 0.
    pub(super) month: usize,
    /// Probability of the label, given what is observable before the cutoff.
    pub(super) probability: f64,
    /// The label; unknown where its 90 days reach beyond the data.
    pub(super) churned: Option<bool>,
}

/// Probability masses, up to a common factor.
#[derive(Debug, Clone, Copy)]
struct Belief {
    churned: f64,
    alive: [f64; LEVELS],
}

impl Belief {
    /// A customer known to be alive, at a level drawn from `levels`.
    fn alive(levels: [f64; LEVELS]) -> Self {
        Self { churned: 0.0, alive: levels }
    }

    fn total(&self) -> f64 {
        self.churned + self.alive.iter().sum::<f64>()
    }

    /// A month starts: the level drifts, and `hazard` of the alive churn.
    fn decide(&mut self, hazard: f64) {
        self.alive = drift_all(self.alive);
        self.churned += hazard * self.alive.iter().sum::<f64>();
        self.scale_alive(|_| 1.0 - hazard);
    }

    /// A stretch of `exposure` busy-adjusted days passes with no session.
    fn silence(&mut self, exposure: f64) {
        self.scale_alive(|level| exp(-daily_rate(level) * exposure));
    }

    /// A stretch passes, and it is seen what it brought.
    fn see(&mut self, exposure: f64, sessions: u32, renewed: Option<bool>) {
        self.silence(exposure);
        for _ in 0..sessions {
            self.scale_alive(daily_rate);
        }
        if sessions > 0 || renewed == Some(true) {
            self.churned = 0.0;
        }
        if renewed == Some(false) {
            self.alive = [0.0; LEVELS];
        }
        // Only ratios matter; without this, masses would underflow in time.
        let total = self.total();
        self.churned /= total;
        self.scale_alive(|_| 1.0 / total);
    }

    fn scale_alive(&mut self, factor: impl Fn(usize) -> f64) {
        for (level, mass) in self.alive.iter_mut().enumerate() {
            *mass *= factor(level);
        }
    }
}

/// The truth about a customer at every cutoff at which they are eligible.
pub(super) fn truths(history: &History, calendar: &Calendar) -> Vec<Truth> {
    let signup_month = calendar.month_of(history.signup);
    let mut belief = Belief::alive(history.segment.first_levels());
    let mut seen_from = history.signup + 1;
    let mut truths = Vec::new();
    for month in signup_month + 1..=calendar.months() {
        let cutoff = calendar.month_day(month);
        belief.see(
            calendar.exposure(seen_from, cutoff, history.signup),
            history.n_sessions(seen_from, cutoff),
            history.renewal(seen_from, cutoff, calendar),
        );
        seen_from = cutoff;
        let eligible = history.n_rows(cutoff.saturating_sub(ELIGIBLE_DAYS), cutoff) > 0;
        if month >= FIRST_CUTOFF && eligible {
            truths.push(Truth {
                month,
                probability: silent_through(belief, history, month, calendar),
                churned: label(history, cutoff, calendar),
            });
        }
        belief.decide(history.observed(cutoff, cutoff, calendar).hazard());
    }
    truths
}

/// The probability of no session from the start of `month` through the horizon.
fn silent_through(mut belief: Belief, history: &History, month: usize, calendar: &Calendar) -> f64 {
    let cutoff = calendar.month_day(month);
    let end = cutoff + HORIZON_DAYS;
    let before = belief.total();
    let starts = (month..).map(|m| (calendar.month_day(m), calendar.month_day(m + 1)));
    for (from, to) in starts.take_while(|(from, _)| *from < end) {
        // On the way to silence nothing new is seen, so the hazards ahead are
        // known: those of a customer who is alive and has not come since.
        belief.decide(history.observed(cutoff, from, calendar).hazard());
        belief.silence(calendar.exposure(from, to.min(end), history.signup));
    }
    belief.total() / before
}

fn label(history: &History, cutoff: usize, calendar: &Calendar) -> Option<bool> {
    let end = cutoff + HORIZON_DAYS;
    (end <= calendar.n_days()).then(|| history.n_rows(cutoff, end) == 0)
}

#[cfg(test)]
mod tests;
