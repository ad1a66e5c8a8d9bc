//! What exists beside the customers: owners, price list, campaigns, incidents?

use super::calendar::Calendar;
use super::draw::Draw;
use super::records::{CampaignRow, Cents, Instant, OwnerRow, ProductRow};
use super::words::{Language, person};

/// The currency of every amount: one, as a CRM reports in.
pub(super) const CURRENCY: &str = "USD";
/// Customers one owner looks after.
const CUSTOMERS_PER_OWNER: u64 = 150;
/// How much likelier complaints are in the month of the incident.
const INCIDENT_FACTOR: f64 = 3.0;

const TEAMS: [&str; 4] = ["Key accounts", "Mid-market", "华东团队", "华南团队"];

/// A line of the price list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Product {
    pub(super) id: &'static str,
    name: &'static str,
    category: &'static str,
    pub(super) price: Cents,
}

const fn product(
    id: &'static str,
    name: &'static str,
    category: &'static str,
    cents: i64,
) -> Product {
    Product { id, name, category, price: Cents(cents) }
}

/// Bought once, with the contract.
pub(super) const ONBOARDING: Product =
    product("P-ONBOARD", "Onboarding package", "Services", 150_000);
/// What an upsell sells.
pub(super) const SEATS: Product = product("P-SEATS", "Seat pack (5)", "Licences", 24_500);

/// The price list, beside the plans.
pub(super) const PRODUCTS: [Product; 8] = [
    ONBOARDING,
    SEATS,
    product("P-TRAIN", "Team training day", "Services", 98_000),
    product("P-STORE", "Extra storage", "Licences", 9_900),
    product("P-API", "API add-on", "Add-ons", 39_000),
    product("P-SMS", "短信包 (1000)", "Add-ons", 5_900),
    product("P-SCAN", "Badge scanner", "Hardware", 12_900),
    product("P-DOCK", "Counter dock", "Hardware", 21_900),
];

/// Campaign themes: name, channel, cost in cents, who is asked.
const THEMES: [(&str, &str, i64, f64); 6] = [
    ("Product news", "email", 40_000, 0.45),
    ("春季回访", "phone", 180_000, 0.10),
    ("Feature webinar", "webinar", 120_000, 0.25),
    ("Renewal offer", "email", 60_000, 0.30),
    ("老客户关怀", "wechat", 35_000, 0.30),
    ("Customer stories", "email", 30_000, 0.45),
];

/// A campaign as the simulation sees it.
pub(super) struct Campaign {
    /// Its row in the export.
    pub(super) row: CampaignRow,
    /// The day its touches go out.
    pub(super) day: usize,
    /// The share of customers it is sent to.
    pub(super) share: f64,
}

/// Everything the customers have in common.
pub(super) struct World {
    pub(super) calendar: Calendar,
    pub(super) owners: Vec<OwnerRow>,
    /// One campaign a month, in order.
    pub(super) campaigns: Vec<Campaign>,
    incident_month: usize,
}

impl World {
    /// The world of `customers` customers.
    pub(super) fn new(calendar: Calendar, customers: u64, draw: &mut Draw) -> Self {
        let n_owners = customers.div_ceil(CUSTOMERS_PER_OWNER).max(2);
        let owners = (1..=n_owners).map(|n| owner(n, draw)).collect();
        let campaigns =
            (0..calendar.months()).map(|month| campaign(month, &calendar, draw)).collect();
        let incident_month = calendar.months() * 3 / 5;
        Self { calendar, owners, campaigns, incident_month }
    }

    /// The price list.
    pub(super) fn products() -> impl Iterator<Item = ProductRow> {
        PRODUCTS.iter().map(|&Product { id, name, category, price }| ProductRow {
            product_id: id,
            name,
            category,
            price,
        })
    }

    /// How much likelier than usual complaints are on `day`.
    pub(super) fn trouble(&self, day: usize) -> f64 {
        if self.calendar.month_of(day) == self.incident_month { INCIDENT_FACTOR } else { 1.0 }
    }
}

fn owner(number: u64, draw: &mut Draw) -> OwnerRow {
    let team = draw.pick(&TEAMS);
    let language = if team.is_ascii() { Language::En } else { Language::Zh };
    OwnerRow {
        owner_id: format!("U{number:03}"),
        name: person(language, draw),
        team,
        email: format!("owner{number:03}@crm.example"),
    }
}

fn campaign(month: usize, calendar: &Calendar, draw: &mut Draw) -> Campaign {
    let (theme, channel, cost, share) = THEMES[month % THEMES.len()];
    let first = calendar.month_day(month);
    // Between the 5th and the 14th, so that answers mostly fall in the month.
    let day = first + usize::try_from(draw.between(4, 14)).unwrap_or(4);
    let row = CampaignRow {
        campaign_id: format!("CMP{:03}", month + 1),
        name: format!("{theme} {}", calendar.date(first).format("%Y-%m")),
        channel,
        started_at: Instant(calendar.instant(day, 0)),
        ended_at: Instant(calendar.instant(day + 7, 0)),
        cost: Cents(cost),
        currency: CURRENCY,
    };
    Campaign { row, day, share }
}
