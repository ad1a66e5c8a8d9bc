//! Does the engine find what a search through every history finds?
//!
//! Small random histories, full of corrections, late entries and ties, are
//! labelled straight from the definition and by the engine.

use std::collections::BTreeMap;
use std::fmt::Write;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use tenure::engine::Moment;
use tenure::ingest::IngestOptions;

use super::{Outcomes, departures, instant, loads, outcomes, scored, spec, today};

/// Hours since 2024-01-01.
type Hour = i64;
const DAY: Hour = 24;
/// Days of history.
const DAYS: i64 = 540;
const TRAIN: [i64; 4] = [60, 121, 182, 244];
const TEST: [i64; 2] = [350, 420];

/// SplitMix64.
struct Chance(u64);

impl Chance {
    /// A whole number in `from..to`.
    fn pick(&mut self, from: i64, to: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        from + ((mixed ^ (mixed >> 31)) % u64::try_from(to - from).unwrap()) as i64
    }

    fn one_in(&mut self, n: i64) -> bool {
        self.pick(0, n) == 0
    }
}

fn at(hour: Hour) -> DateTime<Utc> {
    instant("2024-01-01") + TimeDelta::hours(hour)
}

fn text(hour: Hour) -> String {
    at(hour).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn day(number: i64) -> NaiveDate {
    at(number * DAY).date_naive()
}

fn cutoffs() -> String {
    let list = |days: &[i64]| {
        days.iter().map(|it| format!("\"{}\"", day(*it))).collect::<Vec<_>>().join(", ")
    };
    format!("kind = \"dates\", train = [{}], test = [{}]", list(&TRAIN), list(&TEST))
}

/// What an export says of a contract.
#[derive(Clone, Debug)]
struct Contract {
    id: usize,
    customer: String,
    start: Hour,
    end: Option<Hour>,
    known: Hour,
}

/// Two exports; the second says other things of some contracts.
fn contracts(seed: u64) -> [Vec<Contract>; 2] {
    let mut chance = Chance(seed);
    let mut exports = [Vec::new(), Vec::new()];
    for customer in 0..60 {
        let mut start = chance.pick(0, 200) * DAY;
        for _ in 0..chance.pick(1, 6) {
            let id = exports[0].len();
            // Ends on the start, before it, and at the same hours as others'.
            let end = (!chance.one_in(4)).then(|| start + chance.pick(-2, 400) * 12);
            let known = start + chance.pick(-10, 15) * DAY;
            let contract = Contract { id, customer: format!("c{customer}"), start, end, known };
            if chance.one_in(3) {
                let mut later = contract.clone();
                later.known = chance.pick(0, DAYS) * DAY;
                match chance.pick(0, 4) {
                    0 => later.end = Some(start + chance.pick(-2, 400) * 12),
                    1 => later.end = None,
                    2 => later.start += chance.pick(-40, 200) * DAY,
                    _ => later.customer = format!("c{}", chance.pick(0, 60)),
                }
                exports[1].push(later);
            }
            start = end.unwrap_or(start) + chance.pick(-60, 80) * 12;
            exports[0].push(contract);
        }
    }
    // Its start says that the export is new enough for all cutoffs.
    let start = (DAYS - 1) * DAY;
    let id = exports[0].len();
    exports[0].push(Contract { id, customer: "last".to_owned(), start, end: None, known: start });
    exports
}

fn contract_file(export: &[Contract], mrr: u32) -> String {
    let mut file = "subscription_id,customer_id,mrr,started_at,ended_at,known_at\n".to_owned();
    for Contract { id, customer, start, end, known } in export {
        let end = end.map(text).unwrap_or_default();
        writeln!(file, "{id},{customer},{mrr},{},{end},{}", text(*start), text(*known)).unwrap();
    }
    file
}

/// The newest word on each contract among what was known before `known`.
fn newest(exports: &[Vec<Contract>; 2], known: Option<Hour>) -> BTreeMap<usize, &Contract> {
    let all = exports.iter().flatten();
    let all = all.filter(|contract| known.is_none_or(|known| contract.known < known));
    all.map(|contract| (contract.id, contract)).collect()
}

/// Days of the horizon's begin, end and of knowing, after the cutoff.
#[derive(Clone, Copy)]
struct Delay(i64, i64, i64);

/// The horizons of the curve.
const MONTHS: [i64; 4] = [30, 60, 90, 180];

/// Whether somebody who left on a day did in each of the first intervals.
fn in_intervals(left: Option<i64>, known: usize) -> Vec<Option<bool>> {
    let ends = MONTHS.into_iter().take(known);
    let begins = [0, 30, 60, 90];
    ends.zip(begins)
        .map(|(end, begin)| match left {
            Some(day) if day <= begin => None,
            day => Some(day.is_some_and(|day| day <= end)),
        })
        .collect()
}

fn contract_twin(
    exports: &[Vec<Contract>; 2],
    cutoff: i64,
    Delay(gap, horizon, grace): Delay,
    known: Option<Hour>,
) -> (BTreeMap<String, bool>, Vec<String>) {
    let from = (cutoff + gap) * DAY;
    let to = from + horizon * DAY;
    let told = to + grace * DAY;
    let cutoff = cutoff * DAY;
    let then = newest(exports, Some(cutoff));
    let running: Vec<&Contract> = then
        .into_values()
        .filter(|it| it.start < cutoff && it.end.is_none_or(|end| end >= cutoff))
        .collect();
    let truth = newest(exports, known);
    let mut found = BTreeMap::new();
    let mut eligible: Vec<String> = running.iter().map(|it| it.customer.clone()).collect();
    eligible.sort();
    eligible.dedup();
    for customer in &eligible {
        let mut terms: Vec<(Hour, Option<Hour>)> = Vec::new();
        for contract in running.iter().filter(|it| it.customer == *customer) {
            let today = truth[&contract.id];
            terms.push((contract.start, today.end.filter(|_| today.start < told)));
        }
        let own = truth.values().filter(|it| it.customer == *customer && it.start < told);
        terms.extend(own.map(|it| (it.start, it.end)));
        for (_, end) in &mut terms {
            *end = end.filter(|end| *end < told);
        }
        terms.retain(|(start, end)| end.is_none_or(|end| end > *start));
        let runs = |hour: Hour| {
            terms.iter().any(|(start, end)| *start <= hour && end.is_none_or(|end| hour < end))
        };
        let follows = |hour: Hour| {
            terms.iter().any(|(start, _)| *start > hour && *start <= hour + grace * DAY)
        };
        let ends: Vec<Hour> = terms
            .iter()
            .filter_map(|(_, end)| *end)
            .filter(|end| !runs(*end) && !follows(*end))
            .collect();
        let before = ends.iter().copied().filter(|end| *end < from).max();
        let began = |start: Hour| start < cutoff && before.is_none_or(|end| start > end);
        if terms.iter().any(|(start, _)| began(*start)) {
            let churned = ends.iter().any(|end| (from..to).contains(end));
            found.insert(customer.clone(), churned);
        }
    }
    (found, eligible)
}

#[test]
fn contracts_are_judged_as_by_reading_every_history() {
    let (mut rows, mut churners, mut left_out, mut departed) = (0, 0, 0, 0);
    for (seed, delay) in
        [(1, Delay(0, 30, 0)), (2, Delay(7, 30, 10)), (3, Delay(0, 60, 30)), (4, Delay(20, 45, 3))]
    {
        let exports = contracts(seed);
        let [first, second] =
            [(&exports[0], 9), (&exports[1], 10)].map(|(export, mrr)| contract_file(export, mrr));
        let (_folder, tenure) = loads(&[
            ("subscriptions", &first, IngestOptions::default()),
            ("subscriptions", &second, IngestOptions::default()),
        ]);
        let Delay(gap, horizon, grace) = delay;
        let label = format!(
            "kind = \"contract\", gap_days = {gap}, horizon_days = {horizon}, grace_days = {grace}"
        );
        let spec = spec(&label, &cutoffs());
        // All that is known today, and what was known when the data ended.
        for known in [None, Some((DAYS - 30) * DAY)] {
            let as_of = today().as_of;
            let known_as_of = known.map(|known| at(known) - TimeDelta::microseconds(1));
            let moment = Moment { as_of, known_as_of };
            let mut expected = Outcomes::new();
            for cutoff in TRAIN.into_iter().chain(TEST) {
                let (found, eligible) = contract_twin(&exports, cutoff, delay, known);
                left_out += eligible.len() - found.len();
                churners += found.values().filter(|churned| **churned).count();
                rows += found.len();
                let eve = at(cutoff * DAY) - TimeDelta::microseconds(1);
                assert_eq!(scored(&tenure, &spec, eve), eligible, "seed {seed}, day {cutoff}");
                let key = |id| (day(cutoff).to_string(), id);
                expected.extend(found.into_iter().map(|(id, churned)| (key(id), churned)));
            }
            let found = outcomes(&tenure, spec.clone(), moment).unwrap();
            // The newest start or end known says how far the data goes.
            let seen = newest(&exports, known).into_values();
            let told = seen.flat_map(|it| [Some(it.start), it.end]).flatten().max().unwrap();
            let told = told / DAY + 1;
            let wrong: Vec<_> = found
                .iter()
                .filter(|(key, churned)| expected.get(*key) != Some(*churned))
                .chain(expected.iter().filter(|(key, _)| !found.contains_key(*key)))
                .collect();
            assert!(wrong.is_empty(), "seed {seed}, known {known:?}: {wrong:?}");

            // Who left by a day has the label of a horizon that ends there. What
            // ended in the gap is nobody's departure, and has no label either.
            let mut left = departures(&tenure, spec.clone(), moment);
            left.retain(|key, _| expected.contains_key(key));
            for cutoff in TRAIN.into_iter().chain(TEST) {
                let by = |days| contract_twin(&exports, cutoff, Delay(gap, days, grace), known).0;
                let matured = MONTHS.map(|days| cutoff + gap + days + grace <= told);
                let known = matured.into_iter().filter(|matured| *matured).count();
                let by: Vec<_> = MONTHS.into_iter().take(known).map(by).collect();
                for ((_, customer), intervals) in
                    left.iter().filter(|((date, _), _)| *date == day(cutoff).to_string())
                {
                    let first = by.iter().position(|by| by.get(customer) == Some(&true));
                    let first = first.map(|number| MONTHS[number]);
                    assert_eq!(*intervals, in_intervals(first, known), "{cutoff} {customer}");
                    departed += usize::from(first.is_some());
                }
            }
        }
    }
    // What was compared is worth comparing.
    assert!(rows > 800 && churners > 100 && left_out > 20, "{rows} {churners} {left_out}");
    assert!(departed > 100, "{departed}");
}

#[test]
fn silence_is_judged_as_by_reading_every_history() {
    let mut chance = Chance(5);
    // Customer, whether it counts, when it happened and was known.
    let mut events: Vec<(String, bool, Hour, Hour)> = Vec::new();
    for customer in 0..60 {
        let (mut hour, pace) = (chance.pick(0, 200) * DAY, chance.pick(2, 40));
        while hour < DAYS * DAY {
            let known = hour + if chance.one_in(5) { chance.pick(0, 90) * DAY } else { 0 };
            events.push((format!("c{customer}"), !chance.one_in(3), hour, known));
            // Often at midnight, where the days of a window begin and end.
            let pause = if chance.one_in(8) { chance.pick(20, 120) } else { chance.pick(1, pace) };
            hour += if chance.one_in(2) { pause * DAY } else { pause * DAY + chance.pick(0, 23) };
            if chance.one_in(2) {
                hour = hour / DAY * DAY;
            }
        }
    }
    events.push(("last".to_owned(), true, DAYS * DAY - 1, DAYS * DAY - 1));
    let mut file = "customer_id,name,occurred_at,known_at\n".to_owned();
    for (customer, counts, hour, known) in &events {
        let name = if *counts { "login" } else { "letter" };
        writeln!(file, "{customer},{name},{},{}", text(*hour), text(*known)).unwrap();
    }
    let (_folder, tenure) = loads(&[("activity", &file, IngestOptions::default())]);
    let (mut rows, mut churners, mut departed) = (0, 0, 0);
    for (gap, horizon, eligible) in [(0, 30, 30), (10, 45, 60), (0, 60, 20)] {
        let label = format!(
            "kind = \"inactivity\", gap_days = {gap}, horizon_days = {horizon}, \
             eligible_days = {eligible}, activities = [\"login\"]"
        );
        let spec = spec(&label, &cutoffs());
        for known in [None, Some(500 * DAY)] {
            let happened = |customer: &str, from: i64, to: i64, known: Option<Hour>| {
                events.iter().any(|(who, counts, hour, when)| {
                    who == customer
                        && *counts
                        && (from * DAY..to * DAY).contains(hour)
                        && known.is_none_or(|known| *when < known)
                })
            };
            let mut expected = Outcomes::new();
            for cutoff in TRAIN.into_iter().chain(TEST) {
                let mut asked: Vec<String> = (0..60)
                    .map(|customer| format!("c{customer}"))
                    .filter(|it| happened(it, cutoff - eligible, cutoff, Some(cutoff * DAY)))
                    .collect();
                asked.sort();
                let eve = at(cutoff * DAY) - TimeDelta::microseconds(1);
                assert_eq!(scored(&tenure, &spec, eve), asked, "day {cutoff}");
                for customer in asked {
                    let (from, to) = (cutoff + gap, cutoff + gap + horizon);
                    let churned = !happened(&customer, from, to, known);
                    churners += usize::from(churned);
                    rows += 1;
                    expected.insert((day(cutoff).to_string(), customer), churned);
                }
            }
            let known_as_of = known.map(|known| at(known) - TimeDelta::microseconds(1));
            let moment = Moment { as_of: today().as_of, known_as_of };
            assert_eq!(outcomes(&tenure, spec.clone(), moment).unwrap(), expected);

            // The first day of a silence as long as the horizon, day by day; the data
            // ends with the day of the newest activity that is known.
            let counted = events.iter().filter(|it| it.1 && known.is_none_or(|known| it.3 < known));
            let told = counted.map(|it| it.2 / DAY + 1).max().unwrap();
            let left = departures(&tenure, spec.clone(), moment);
            assert_eq!(left.len(), expected.len());
            for ((date, customer), intervals) in left {
                let cutoff = (date.parse::<NaiveDate>().unwrap() - day(0)).num_days();
                let silent = |from| !happened(&customer, from, from + horizon, known);
                let first = (0..=180).find(|ago| silent(cutoff + gap + ago));
                let matured = MONTHS.map(|days| cutoff + gap + days + horizon <= told);
                let known = matured.into_iter().filter(|matured| *matured).count();
                assert_eq!(intervals, in_intervals(first, known), "{date} {customer} {first:?}");
                let churned = expected[&(date, customer)];
                assert_eq!(churned, first == Some(0), "the curve begins at the label");
                departed += intervals.iter().filter(|left| **left == Some(true)).count();
            }
        }
    }
    assert!(rows > 900 && churners > 300 && departed > 100, "{rows} {churners} {departed}");
}

/// The newest cutoff a calendar takes is the last whose label the data knows.
#[test]
fn the_calendar_stops_where_the_truth_does() {
    let exports = contracts(6);
    let file = contract_file(&exports[0], 9);
    let (_folder, tenure) = loads(&[("subscriptions", &file, IngestOptions::default())]);
    let label = "kind = \"contract\", gap_days = 5, horizon_days = 30, grace_days = 20";
    let calendar = "kind = \"calendar\", every = \"month\", count = 40, holdout = 2";
    for last in [DAYS - 1, DAYS - 60, DAYS - 100] {
        let moment = Moment { as_of: at(last * DAY), known_as_of: None };
        let found = outcomes(&tenure, spec(label, calendar), moment).unwrap();
        // The newest start or end that has come by then.
        let seen = exports[0].iter().flat_map(|it| [Some(it.start), it.end]).flatten();
        let seen = seen.filter(|hour| *hour <= last * DAY).max().unwrap();
        let told = day(last).min(at(seen).date_naive() + Days::new(1));
        let newest = found.keys().map(|(day, _)| day.parse::<NaiveDate>().unwrap()).max().unwrap();
        let known_on = |cutoff: NaiveDate| cutoff + Days::new(55);
        assert!(known_on(newest) <= told, "{newest} is not known by {told}");
        let next = newest + chrono::Months::new(1);
        assert!(known_on(next) > told, "{next} is known by {told}");
    }
}
