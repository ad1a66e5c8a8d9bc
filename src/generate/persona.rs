//! Who is customer number n?

use super::draw::Draw;
use super::engagement::Segment;
use super::records::{Cents, CustomerRow, Instant};
use super::words::{Language, company};
use super::world::World;

/// Where customers come from.
pub(super) struct Channel {
    /// Name in the export.
    pub(super) name: &'static str,
    /// How many come this way.
    share: f64,
    /// How much readier than average they are to buy.
    pub(super) quality: f64,
    /// How much likelier than average they are to complain.
    pub(super) grumble: f64,
}

const fn channel(name: &'static str, share: f64, quality: f64, grumble: f64) -> Channel {
    Channel { name, share, quality, grumble }
}

const CHANNELS: [Channel; 5] = [
    channel("referral", 0.15, 1.30, 0.8),
    channel("partner", 0.15, 1.10, 0.9),
    channel("organic", 0.30, 1.00, 1.0),
    channel("event", 0.12, 0.85, 1.0),
    channel("ads", 0.28, 0.65, 1.3),
];

/// Plans: name and monthly list price in cents.
pub(super) const PLANS: [(&str, i64); 4] =
    [("starter", 4_900), ("team", 19_900), ("business", 69_000), ("enterprise", 240_000)];

/// Regions, their share and the language spoken there.
const REGIONS: [(&str, f64, Language); 5] = [
    ("华东", 0.20, Language::Zh),
    ("华南", 0.14, Language::Zh),
    ("North America", 0.28, Language::En),
    ("Europe", 0.24, Language::En),
    ("Southeast Asia", 0.14, Language::En),
];

const INDUSTRIES: [&str; 7] =
    ["Retail", "Logistics", "Education", "Health", "Manufacturing", "Software", "Hospitality"];

/// The earliest and latest second of a day at which a session starts. Sessions
/// last under three hours, so none runs over midnight into another month.
pub(super) const SESSION_STARTS: (i64, i64) = (6 * 3600, 20 * 3600);

/// What stays the same about a customer.
pub(super) struct Persona {
    /// 1, 2, 3, …; part of all ids.
    pub(super) number: u64,
    pub(super) row: CustomerRow,
    pub(super) segment: Segment,
    pub(super) language: Language,
    pub(super) channel: &'static Channel,
    /// Monthly price of the plan in mind.
    pub(super) price: Cents,
    /// Months of a term: 1 or 12.
    pub(super) term_months: u32,
    /// The day of signing up.
    pub(super) signup: usize,
}

impl Persona {
    /// Draws customer `number`.
    pub(super) fn new(number: u64, world: &World, draw: &mut Draw) -> Self {
        let segment = [Segment::A, Segment::B, Segment::C][draw.weighted(&[0.20, 0.35, 0.45])];
        let (plan_weights, yearly) = match segment {
            Segment::A => ([0.0, 0.15, 0.55, 0.30], 0.90),
            Segment::B => ([0.15, 0.60, 0.25, 0.0], 0.75),
            Segment::C => ([0.65, 0.35, 0.0, 0.0], 0.60),
        };
        let (plan_size, list_price) = PLANS[draw.weighted(&plan_weights)];
        let yearly = draw.chance(yearly);
        // Larger firms buy more seats of the same plan; a year is 10 % cheaper.
        let factor = (0.8 + 0.6 * draw.unit()) * if yearly { 0.9 } else { 1.0 };
        let channel = &CHANNELS[draw.weighted(&CHANNELS.each_ref().map(|channel| channel.share))];
        let (region, _, language) = REGIONS[draw.weighted(&REGIONS.map(|(_, share, _)| share))];
        let (signup, second) = signup(world, draw);
        let n_owners = i64::try_from(world.owners.len()).unwrap_or(1);
        let owner = usize::try_from(draw.between(0, n_owners)).unwrap_or(0);
        let row = CustomerRow {
            customer_id: format!("C{number:06}"),
            name: company(language, draw),
            owner_id: world.owners[owner].owner_id.clone(),
            segment: segment.name(),
            channel: channel.name,
            region,
            industry: draw.pick(&INDUSTRIES),
            created_at: Instant(world.calendar.instant(signup, second)),
            plan_size,
            language: language.code(),
            consent: if draw.chance(0.85) { "yes" } else { "no" },
        };
        Self {
            number,
            row,
            segment,
            language,
            channel,
            price: Cents(list_price).scaled(factor),
            term_months: if yearly { 12 } else { 1 },
            signup,
        }
    }
}

/// Day and second of signing up.
fn signup(world: &World, draw: &mut Draw) -> (usize, i64) {
    let calendar = &world.calendar;
    let weights: Vec<f64> = (0..calendar.months()).map(|m| calendar.signup_weight(m)).collect();
    let month = draw.weighted(&weights);
    let (first, next) = (calendar.month_day(month), calendar.month_day(month + 1));
    let days = i64::try_from(next - first).unwrap_or(28);
    let second = draw.between(SESSION_STARTS.0, SESSION_STARTS.1);
    let day = first + usize::try_from(draw.between(0, days)).unwrap_or(0);
    (day, second)
}
