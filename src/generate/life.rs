//! What happens to one customer from signing up to the end of the export?
//!
//! Day by day: at a month start an alive customer may churn and engagement
//! drifts; then the firm acts (terms end, deals are given up, campaigns go out);
//! then, if alive, the customer opens sessions. Everything a customer does
//! happens inside a session, so after churn nothing of theirs is ever exported.
//! The folder's files say what a session may bring: `deals`, `care`,
//! `marketing`; `contract` is what follows from a purchase.
//!
//! What happens in a session may depend on the exported past and on chance, but
//! never on the hidden level of engagement: `truth` relies on that.

use super::calendar::Calendar;
use super::draw::Draw;
use super::engagement::{daily_rate, drift};
use super::history::History;
use super::persona::{Persona, SESSION_STARTS};
use super::records::{
    ActivityRow, CustomerRow, Instant, OpportunityRow, OrderRow, Properties, StageRow,
    SubscriptionRow, SurveyRow, TicketRow, TouchRow,
};
use super::world::World;

mod care;
mod contract;
mod deals;
mod marketing;

/// Things done in a session beside logging in: name, weight, what it is done to.
const ACTIONS: [(&str, f64, &[&str]); 6] = [
    ("view_page", 0.40, &["dashboard", "customers", "reports", "pricing", "help"]),
    ("use_feature_a", 0.22, &["pipeline"]),
    ("use_feature_b", 0.15, &["segments"]),
    ("use_feature_c", 0.09, &["automation"]),
    ("export", 0.09, &["csv", "xlsx", "pdf"]),
    ("invite", 0.05, &["colleague"]),
];
/// Actions of a session beyond the first, on average.
const MORE_ACTIONS: f64 = 2.6;

/// All rows of one customer, but for the customer's own.
#[derive(Default)]
pub(super) struct Records {
    pub(super) activity: Vec<ActivityRow>,
    pub(super) orders: Vec<OrderRow>,
    pub(super) subscriptions: Vec<SubscriptionRow>,
    pub(super) opportunities: Vec<OpportunityRow>,
    pub(super) stages: Vec<StageRow>,
    pub(super) tickets: Vec<TicketRow>,
    pub(super) touches: Vec<TouchRow>,
    pub(super) surveys: Vec<SurveyRow>,
}

/// A finished life.
pub(super) struct Outcome {
    pub(super) row: CustomerRow,
    pub(super) history: History,
    pub(super) records: Records,
}

/// One customer while time runs.
pub(super) struct Life<'a> {
    world: &'a World,
    persona: Persona,
    draw: Draw,
    level: usize,
    history: History,
    records: Records,
    /// The day that runs, and the moment of the session's next row.
    day: usize,
    now: Instant,
    deals: deals::Deals,
    term: Option<contract::Term>,
    care: care::Care,
    pending_touch: Option<marketing::Pending>,
    n_orders: usize,
    refundable: Option<contract::Refundable>,
}

/// Lives the whole life of customer `number`.
pub(super) fn live(number: u64, world: &World, mut draw: Draw) -> Outcome {
    let persona = Persona::new(number, world, &mut draw);
    let history = History::new(persona.segment, persona.signup, &world.calendar);
    let level = draw.weighted(&persona.segment.first_levels());
    let mut life = Life {
        day: persona.signup,
        now: persona.row.created_at,
        world,
        persona,
        draw,
        level,
        history,
        records: Records::default(),
        deals: deals::Deals::default(),
        term: None,
        care: care::Care::default(),
        pending_touch: None,
        n_orders: 0,
        refundable: None,
    };
    life.event("signup", 1, Properties::default());
    life.look_around();
    for day in life.persona.signup + 1..world.calendar.n_days() {
        life.day = day;
        life.pass_day();
    }
    life.close_books();
    // Two sessions of a day may overlap; an export is in order of time.
    life.records.activity.sort_by_key(|row| row.occurred_at);
    Outcome { row: life.persona.row, history: life.history, records: life.records }
}

impl Life<'_> {
    fn calendar(&self) -> &Calendar {
        &self.world.calendar
    }

    fn alive(&self) -> bool {
        self.history.churn_day.is_none()
    }

    fn pass_day(&mut self) {
        let calendar = &self.world.calendar;
        let month = calendar.month_of(self.day);
        if self.alive() && calendar.month_day(month) == self.day {
            self.level = drift(self.level, &mut self.draw);
            let observed = self.history.observed(self.day, self.day, calendar);
            if self.draw.chance(observed.hazard()) {
                self.history.churn_day = Some(self.day);
            }
        }
        self.end_term();
        self.give_up_deal();
        self.receive_campaigns();
        if self.alive() {
            let busy = calendar.weight(self.day, self.persona.signup);
            let sessions = self.draw.poisson(daily_rate(self.level) * busy);
            self.history.sessions[self.day] = sessions;
            for _ in 0..sessions {
                self.session();
            }
        }
    }

    /// One session: log in, do things, and whatever comes of it.
    fn session(&mut self) {
        let (earliest, latest) = SESSION_STARTS;
        let second = self.draw.between(earliest, latest);
        self.now = Instant(self.calendar().instant(self.day, second));
        let device = self.draw.pick(&["web", "web", "web", "mobile"]);
        self.event("login", 1, Properties { device: Some(device), ..Properties::default() });
        self.answer_campaign();
        self.look_around();
        self.move_deal();
        self.buy_or_return();
        self.ask_for_help();
        self.answer_surveys();
    }

    fn look_around(&mut self) {
        for _ in 0..=self.draw.poisson(MORE_ACTIONS) {
            let (name, _, things) = ACTIONS[self.draw.weighted(&ACTIONS.map(|action| action.1))];
            let most = if name == "export" { 2_000 } else { 8 };
            let quantity = u32::try_from(self.draw.between(1, most)).unwrap_or(1);
            let feature = Some(self.draw.pick(things));
            self.event(name, quantity, Properties { feature, ..Properties::default() });
        }
    }

    /// Adds an activity row now, and lets half a minute to five minutes pass.
    fn event(&mut self, name: &'static str, quantity: u32, properties: Properties) {
        let sequence = self.records.activity.len() + 1;
        self.records.activity.push(ActivityRow {
            event_id: format!("E{}-{sequence}", self.persona.number),
            customer_id: self.persona.row.customer_id.clone(),
            name,
            occurred_at: self.now,
            quantity,
            properties,
        });
        self.history.rows[self.day] += 1;
        self.now.0 += self.draw.between(30, 300);
    }

    /// An activity row that goes with the record called `reference`.
    fn event_about(&mut self, name: &'static str, reference: &str) {
        let reference = Some(reference.to_owned());
        self.event(name, 1, Properties { reference, ..Properties::default() });
    }

    /// An id of this customer's `n`th record of a kind.
    fn id(&self, prefix: &str, n: usize) -> String {
        format!("{prefix}{:06}-{n}", self.persona.number)
    }

    /// The export is taken: what is still open is exported as open.
    fn close_books(&mut self) {
        self.export_running_term();
        self.export_open_deal();
    }
}
