//! What do customers ask for, complain about and answer in surveys?

use super::Life;
use crate::generate::records::{Instant, SurveyRow, TicketRow};
use crate::generate::words::{nps_comment, subject};

/// Chance per session of a question or a bug report.
const TICKET: f64 = 0.07;
/// Chance per session of a complaint, in quiet times.
const COMPLAINT: f64 = 0.016;
/// Who complained in the last 30 days is this much likelier to do so again.
const AGAIN: f64 = 2.5;
/// Days between NPS questions, and days before the first.
const NPS_DAYS: (usize, usize) = (90, 30);
/// Chance per session to answer a due NPS question.
const NPS_ANSWER: f64 = 0.30;
/// Chance at the next session to rate a closed ticket.
const CSAT_ANSWER: f64 = 0.30;
/// Priorities with their share and the mean hours to a first response.
const PRIORITIES: [(&str, f64, f64); 3] =
    [("high", 0.2, 2.0), ("normal", 0.6, 6.0), ("low", 0.2, 14.0)];
/// Mean hours from first response to close.
const RESOLVE_HOURS: f64 = 30.0;

/// What care remembers about a customer.
#[derive(Default)]
pub(super) struct Care {
    n_surveys: usize,
    /// When the last ticket closed, and how it was handled, 1 to 5; until rated.
    unrated: Option<(Instant, u8)>,
}

impl Life<'_> {
    /// In a session, a ticket may be opened.
    pub(super) fn ask_for_help(&mut self) {
        let recent = self.history.n_complaints(self.day.saturating_sub(30), self.day + 1);
        let again = if recent > 0 { AGAIN } else { 1.0 };
        let trouble = self.world.trouble(self.day) * self.persona.channel.grumble * again;
        if self.draw.chance(COMPLAINT * trouble) {
            self.history.complaints.push(self.day);
            self.open_ticket("complaint", "complaint");
        } else if self.draw.chance(TICKET) {
            let category = self.draw.pick(&["question", "question", "bug"]);
            self.open_ticket(category, "ticket_opened");
        }
    }

    fn open_ticket(&mut self, category: &'static str, event: &'static str) {
        let priority = self.draw.weighted(&PRIORITIES.map(|(_, share, _)| share));
        let (priority, _, response_hours) = PRIORITIES[priority];
        let wait = self.draw.waiting(response_hours) * self.world.trouble(self.day);
        let answered = self.now.plus_hours(0.1 + wait);
        let closed = answered.plus_hours(0.2 + self.draw.waiting(RESOLVE_HOURS));
        let handled = self.handled(category, wait);
        // A reopening or a rating would prove the customer alive when the ticket
        // closes; within the month of its opening that is known anyway.
        let month_end = self.calendar().month_day(self.calendar().month_of(self.day) + 1);
        let lively = closed.0 < self.calendar().instant(month_end, 0);
        let reopened = lively && self.draw.chance(0.07);
        let rates = lively && self.draw.chance(0.25);
        let end = Instant(self.calendar().end());
        let known = |at: Instant| (at < end).then_some(at);
        let row = TicketRow {
            ticket_id: self.id("T", self.records.tickets.len() + 1),
            customer_id: self.persona.row.customer_id.clone(),
            owner_id: self.persona.row.owner_id.clone(),
            category,
            priority,
            subject: subject(category, self.persona.language, &mut self.draw),
            opened_at: self.now,
            first_response_at: known(answered),
            closed_at: known(closed),
            reopened: known(closed).map(|_| u8::from(reopened)),
            satisfaction: rates.then_some(handled),
        };
        self.care.unrated = Some((closed, handled));
        self.event_about(event, &row.ticket_id);
        self.records.tickets.push(row);
    }

    /// How a ticket was handled, 1 to 5: complaints and long waits cost points.
    fn handled(&mut self, category: &str, wait_hours: f64) -> u8 {
        let base = if category == "complaint" { 3.2 } else { 4.4 };
        rounded(base - wait_hours / 12.0 + 0.7 * self.draw.normal(), 1.0, 5.0)
    }

    /// In a session, a due NPS question or a closed ticket may be answered.
    pub(super) fn answer_surveys(&mut self) {
        let (between, first) = NPS_DAYS;
        let due = match self.history.nps.last() {
            Some((day, _)) => self.day >= day + between,
            None => self.day >= self.persona.signup + first,
        };
        if due && self.draw.chance(NPS_ANSWER) {
            let score = self.experience();
            self.history.nps.push((self.day, score));
            let comment = nps_comment(score, self.persona.language, &mut self.draw);
            self.answer("nps", score, comment);
        }
        if let Some((_, score)) = self.care.unrated.take_if(|(closed, _)| *closed < self.now)
            && self.draw.chance(CSAT_ANSWER)
        {
            self.answer("csat", score, "");
        }
    }

    /// An NPS score that follows experience: complaints cost, growing use pays.
    fn experience(&mut self) -> u8 {
        let observed = self.history.observed(self.day, self.day, self.calendar());
        let complaints = f64::from(observed.complaints.min(3));
        let mean = 8.2 - 1.8 * complaints + 0.9 * observed.usage_trend();
        rounded(mean + 1.7 * self.draw.normal(), 0.0, 10.0)
    }

    fn answer(&mut self, kind: &'static str, score: u8, comment: &'static str) {
        self.care.n_surveys += 1;
        let row = SurveyRow {
            response_id: self.id("A", self.care.n_surveys),
            customer_id: self.persona.row.customer_id.clone(),
            kind,
            score,
            comment,
            responded_at: self.now,
        };
        self.event_about("survey_answered", &row.response_id);
        self.records.surveys.push(row);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to a survey's scale"
)]
fn rounded(value: f64, low: f64, high: f64) -> u8 {
    value.clamp(low, high).round() as u8
}
