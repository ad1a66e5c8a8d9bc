//! Two samples of one company's customers, and of one to which something happened.

use std::sync::OnceLock;

use linfa::ParamGuard;
use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::super::frame::Rows;
use super::super::frame::tests::column;
use super::super::params::{ChurnParams, tests::given};
use super::super::spec::{Candidate, Cutoffs, Label};
use super::super::{resolve, train};
use super::*;

/// What goes wrong between the baseline and today.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Harm {
    None,
    /// No logins have arrived for two weeks.
    FeedStops,
    /// Amounts come in cents.
    UnitChanges,
    /// Twice as many customers come by the channel "ads", as all others stay.
    ChannelDoubles,
    /// Everybody has used 30 % less for a month.
    UsageFalls,
}

struct Draw(Xoshiro256PlusPlus);

impl Draw {
    fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    fn share(&mut self) -> f64 {
        self.0.random()
    }

    /// Box and Muller's.
    fn normal(&mut self) -> f64 {
        let length = (-2.0 * (1.0 - self.share()).ln()).sqrt();
        length * (std::f64::consts::TAU * self.share()).cos()
    }

    /// A Poisson number, normal where it is large.
    fn count(&mut self, mean: f64) -> f64 {
        if mean > 10.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0);
        }
        let (mut number, mut product) = (0.0, self.share());
        let least = (-mean).exp();
        while product > least {
            number += 1.0;
            product *= self.share();
        }
        number
    }
}

/// Customers with forty features that depend on each other as real ones do:
/// counts over nested windows, ratios of them, silence, amounts, much that is
/// missing, and categories.
fn customers(n: usize, seed: u64, harm: Harm) -> Frame {
    let mut draw = Draw::new(seed);
    let mut numbers: Vec<(String, Vec<f64>)> = Vec::new();
    let (mut channels, mut regions, mut churned) = (Vec::new(), Vec::new(), Vec::new());
    for customer in 0..n {
        let mut row: Vec<(String, f64)> = Vec::new();
        // Of 128 customers instead of 100, 56 instead of 28 come by ads.
        let ads = if harm == Harm::ChannelDoubles { 0.56 / 1.28 } else { 0.28 };
        let place = draw.share();
        let others = ["organic", "partner", "referral", "event"];
        let at = ((place - ads) / (1.0 - ads) * 5.0) as usize;
        let channel = if place < ads { "ads" } else { others[[0, 0, 1, 2, 3][at.min(4)]] };
        // Customers by ads use it less.
        let quality = if channel == "ads" { -0.4 } else { 0.0 };
        let pace = (0.8 * draw.normal() + quality - 1.0).exp();
        let recent = if harm == Harm::UsageFalls { 0.7 * pace } else { pace };
        for kind in ["login", "report", "export", "mobile", "invite"] {
            let own = (0.4 * draw.normal()).exp() * if kind == "login" { 1.0 } else { 0.3 };
            let stopped = harm == Harm::FeedStops && kind == "login";
            let week = draw.count(if stopped { 0.0 } else { 7.0 * own * recent });
            let month = week + draw.count(own * recent * if stopped { 16.0 } else { 23.0 });
            let quarter = month + draw.count(60.0 * own * pace);
            let year = quarter + draw.count(275.0 * own * pace);
            for (days, count) in [(7, week), (30, month), (90, quarter), (365, year)] {
                row.push((format!("{kind}_{days}"), count));
            }
            row.push((format!("{kind}_trend"), (month + 1.0) / ((quarter - month) / 2.0 + 1.0)));
            let since = -draw.share().ln() / (own * recent) + if stopped { 14.0 } else { 0.0 };
            row.push((format!("{kind}_silence"), since.min(365.0).floor()));
        }
        let unit = if harm == Harm::UnitChanges { 100.0 } else { 1.0 };
        let amount = (4.0 + 0.7 * draw.normal()).exp();
        let orders = draw.count(3.0 * pace);
        row.push(("orders_90".into(), orders));
        row.push(("spend_90".into(), unit * (orders * amount * 100.0).round() / 100.0));
        row.push(("order_mean".into(), if orders > 0.0 { unit * amount } else { f64::NAN }));
        let tickets = draw.count(0.4);
        row.push(("tickets_90".into(), tickets));
        let response = (1.0 + draw.normal()).exp();
        row.push(("response".into(), if tickets > 0.0 { response } else { f64::NAN }));
        let answers = draw.share() < 0.4;
        let nps = (8.0 + 2.0 * draw.normal()).round().clamp(0.0, 10.0);
        row.push(("nps".into(), if answers { nps } else { f64::NAN }));
        row.push(("age".into(), (1_200.0 * draw.share()).floor()));
        row.push(("contract_left".into(), (365.0 * draw.share()).floor()));
        let risk = -1.0 - 1.2 * pace.ln().clamp(-3.0, 2.0) + 0.3 * tickets;
        churned.push(draw.share() < super::super::metrics::sigmoid(risk - 1.5));
        channels.push(channel);
        regions.push(["north", "south", "east", "west"][(draw.share() * 4.0) as usize]);
        if customer == 0 {
            numbers = row.iter().map(|(name, _)| (name.clone(), Vec::new())).collect();
        }
        for ((_, values), (_, value)) in numbers.iter_mut().zip(row) {
            values.push(value);
        }
    }
    let mut columns: Vec<Column> =
        numbers.into_iter().map(|(name, values)| column(&name, Values::Numeric(values))).collect();
    columns.push(column("channel", Values::categorical(channels.into_iter().map(Some))));
    columns.push(column("region", Values::categorical(regions.into_iter().map(Some))));
    let rows = Rows {
        ids: (0..n).map(|row| format!("c{row:05}")).collect(),
        periods: (0..n).map(|row| row % 5).collect(),
        churned,
    };
    Frame::new(rows, columns).unwrap()
}

/// An additive model that uses most of what there is.
fn spec() -> ChurnSpec {
    ChurnSpec { candidates: vec![Candidate::Logistic { ridge: vec![3.0], knots: 2 }], ..given() }
}

fn model(frame: &Frame) -> ChurnModel {
    train(frame, &ChurnParams::new(spec()).check().unwrap(), &[], 2).unwrap().model
}

/// One model for all pairs; to fit it takes longer than to use it.
fn trained() -> &'static ChurnModel {
    static TRAINED: OnceLock<ChurnModel> = OnceLock::new();
    TRAINED.get_or_init(|| model(&customers(1_500, 1, Harm::None)))
}

fn baseline(frame: &Frame, model: &ChurnModel) -> Baseline {
    Baseline::learn(frame, &[], model, &spec(), None, 1).unwrap()
}

/// Those who did not leave, as a frame to be scored: of labels without time
/// they are whom a baseline counts.
fn stayers(frame: &Frame) -> Frame {
    let stayed: Vec<usize> = (0..frame.n_rows()).filter(|&row| !frame.churned()[row]).collect();
    let columns = frame.columns().iter().map(|it| {
        let values = match &it.values {
            Values::Numeric(all) => Values::Numeric(stayed.iter().map(|&row| all[row]).collect()),
            Values::Categorical { levels, codes } => Values::Categorical {
                levels: levels.clone(),
                codes: stayed.iter().map(|&row| codes[row]).collect(),
            },
        };
        column(&it.name, values)
    });
    let rows = Rows {
        ids: stayed.iter().map(|&row| frame.ids()[row].clone()).collect(),
        periods: vec![0; stayed.len()],
        churned: Vec::new(),
    };
    Frame::new(rows, columns.collect()).unwrap()
}

fn shifts(baseline: &Baseline, model: &ChurnModel, today: &Frame) -> Vec<Shift> {
    baseline.compare(today, &model.score(today, 1).unwrap()).unwrap()
}

/// The share of pairs of samples with an alarm: the first of customers as they
/// always were, the second of customers to whom `harm` happened.
fn alarms(harm: Harm, pairs: u64, size: usize) -> f64 {
    let raised = (0..pairs).filter(|pair| {
        let before = customers(size, 1_000 + 2 * pair, Harm::None);
        // Some pairs have a model that was trained on the very baseline.
        let own = (harm == Harm::None && *pair < 2).then(|| model(&before));
        let model = own.as_ref().unwrap_or(trained());
        let today = stayers(&customers(size, 1_001 + 2 * pair, harm));
        let found = shifts(&baseline(&before, model), model, &today);
        found.iter().any(|shift| shift.drifted)
    });
    raised.count() as f64 / pairs as f64
}

/// Of 200 pairs without drift, each of its own two samples of 500 customers.
#[test]
fn undrifted_pairs_are_quiet() {
    assert!(trained().features().len() >= 35, "{}", trained().features().len());
    let quiet = 1.0 - alarms(Harm::None, 200, 500);
    assert!(quiet >= 0.97, "quiet in {quiet}");
}

/// The channel has to be told by its share alone, which takes more customers.
#[test]
fn each_kind_of_harm_is_told() {
    let harms = [
        (Harm::FeedStops, 500),
        (Harm::UnitChanges, 500),
        (Harm::UsageFalls, 500),
        (Harm::ChannelDoubles, 1_250),
    ];
    for (harm, size) in harms {
        let told = alarms(harm, 40, size);
        assert!(told >= 0.95, "{harm:?} told in {told}");
    }
}

/// What is told of a feature of a thousand customers whose values go from `before`
/// to `now`.
fn told(before: Values, now: Values) -> Shift {
    let rows: Vec<usize> = (0..1_000).collect();
    let profile = Profile::learn(&column("x", before), false, std::slice::from_ref(&rows)).unwrap();
    profile.compare(&column("x", now), &rows).unwrap()
}

#[test]
fn what_changed_is_said_in_words() {
    let numbers = |number: fn(u32) -> f64| Values::Numeric((0..1_000).map(number).collect());
    let words = |before, now| {
        let change = told(before, now).change;
        (change.en, change.zh)
    };
    let is = |found: (String, String), en: &str, zh: &str| {
        assert_eq!((found.0.as_str(), found.1.as_str()), (en, zh));
    };
    let twelve = || numbers(|row| f64::from(row % 25));
    is(words(twelve(), numbers(|row| f64::from(row % 11))), "median 12 → 5", "中位数 12 → 5");
    let gaps = numbers(|row| if row % 5 < 3 { f64::NAN } else { f64::from(row % 25) });
    is(words(twelve(), gaps), "no value: 0 % → 60 % of customers", "无取值的客户占比 0% → 60%");
    let zeros = |share: u32| {
        let number = move |row: u32| if row % 10 < share { 0.0 } else { f64::from(row % 7 + 1) };
        Values::Numeric((0..1_000).map(number).collect())
    };
    is(
        words(zeros(6), zeros(9)),
        "up to 0.5: 60 % → 90 % of customers",
        "不超过 0.5 的客户占比 60% → 90%",
    );
    let levels = |ads: u32| {
        let level = move |row: u32| Some(if row % 10 < ads { "ads" } else { "partner" });
        Values::categorical((0..1_000).map(level))
    };
    is(
        words(levels(2), levels(4)),
        "\"ads\": 20 % → 40 % of customers",
        "“ads”的客户占比 20% → 40%",
    );
    let news =
        Values::categorical((0..1_000).map(|row| Some(if row % 2 == 0 { "x" } else { "ads" })));
    assert!(told(levels(2), news).change.en.starts_with("\"partner\": 80 % → 0 %"));
}

/// A feed that was empty at the baseline's cutoff, and one that became so.
#[test]
fn a_value_all_customers_had_is_told_from_others() {
    let all = |number: f64| Values::Numeric(vec![number; 1_000]);
    for (before, now) in [(0.0, 7.0), (7.0, 0.0), (0.0, f64::NAN), (f64::NAN, 0.0)] {
        let found = told(all(before), all(now));
        assert!(found.p_value < 1e-9 && found.psi > 1.0, "{before} {now}: {found:?}");
    }
    let same = told(all(3.0), all(3.0));
    assert_eq!((same.psi, same.p_value), (0.0, 1.0));
}

/// Six monthly cutoffs of the same customers; in December they buy twice as much.
#[test]
fn a_season_that_training_saw_is_no_alarm_and_the_same_out_of_nowhere_is() {
    let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    let label = Label::Inactivity {
        horizon_days: 30,
        gap_days: 0,
        eligible_days: 30,
        activities: Vec::new(),
    };
    let months = ["2024-07-01", "2024-11-01", "2024-12-01", "2025-01-01", "2025-02-01"];
    let train = months.map(day).to_vec();
    let cutoffs = Cutoffs::Dates { train, test: vec![day("2025-04-01")] };
    let spec = ChurnSpec { label, cutoffs, ..spec() };
    let params = ChurnParams::new(spec.clone()).check().unwrap();
    let periods = resolve(&params, day("2024-01-01"), day("2025-06-01")).unwrap();
    let bought = |customer: usize, factor: f64| factor * (1.0 + (customer * 37 % 500) as f64);
    let found = |december: f64| {
        let (mut rows, mut amounts) = (Rows::default(), Vec::new());
        for period in 0..periods.len() {
            for customer in 0..500 {
                rows.ids.push(format!("c{customer:03}"));
                rows.periods.push(period);
                rows.churned.push((customer * 37 % 500 + 13 * period) % 500 < 100);
                amounts.push(bought(customer, if period == 2 { december } else { 1.0 }));
            }
        }
        let frame = Frame::new(rows, vec![column("amount", Values::Numeric(amounts))]).unwrap();
        let model = super::super::train(&frame, &params, &periods, 1).unwrap().model;
        let kept = Baseline::learn(&frame, &periods, &model, &spec, None, 1).unwrap();
        assert_eq!((kept.cutoff, kept.customers), (Some(day("2025-04-01")), 500));
        let rows = Rows {
            ids: (0..500).map(|customer| format!("c{customer:03}")).collect(),
            periods: vec![0; 500],
            churned: Vec::new(),
        };
        let amounts = (0..500).map(|customer| bought(customer, 2.0)).collect();
        let today = Frame::new(rows, vec![column("amount", Values::Numeric(amounts))]).unwrap();
        let shifts = shifts(&kept, &model, &today);
        shifts.into_iter().find(|shift| !shift.is_score).unwrap()
    };
    let seen = found(2.0);
    assert!(seen.psi > 0.2 && !seen.drifted, "{seen:?}");
    let news = found(1.0);
    assert!(news.drifted && news.usual < 1e-9, "{news:?}");
}
