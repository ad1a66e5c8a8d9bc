use chrono::{Days, NaiveDate};
use linfa::ParamGuard;

use super::super::departure::{Departure, Interval};
use super::super::frame::tests::column;
use super::super::metrics::sigmoid;
use super::super::params::{ChurnParams, ChurnValidParams, tests::given};
use super::super::periods::{Matured, resolve};
use super::super::spec::{ChurnSpec, Cutoffs, Every, Label};
use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// A number in [0, 1) that looks random and is the same on every run.
fn noise(place: usize, stream: usize) -> f64 {
    let mixed = (place as u64 * 2_654_435_761 + stream as u64 * 40_503).wrapping_mul(0x9e37_79b9);
    ((mixed ^ (mixed >> 15)).wrapping_mul(0x85eb_ca6b) >> 8) as f64 % 1e6 / 1e6
}

fn params(label: Label) -> ChurnValidParams {
    let cutoffs = Cutoffs::Calendar { every: Every::Month, count: 18, holdout: 3 };
    ChurnParams::new(ChurnSpec { label, cutoffs, ..given() }).check().unwrap()
}

fn silence() -> Label {
    let (horizon_days, gap_days, eligible_days) = (60, 0, 60);
    Label::Inactivity { horizon_days, gap_days, eligible_days, activities: Vec::new() }
}

fn contract() -> Label {
    Label::Contract { horizon_days: 60, gap_days: 0, grace_days: 30 }
}

fn cutoffs(params: &ChurnValidParams) -> Vec<Matured> {
    resolve(params, day("2023-01-01"), day("2025-01-01")).unwrap()
}

/// The probabilities of the row at `place` of leaving in each interval, the first
/// that of day 0. What they depend on matters less the later it is.
fn truth(place: usize, label: &Label) -> [f64; 5] {
    let x = noise(place, 1);
    let begin =
        if matches!(label, Label::Inactivity { .. }) { sigmoid(4.0 * x - 3.5) } else { 0.0 };
    [begin, sigmoid(3.0 * x - 3.5), sigmoid(2.0 * x - 3.0), sigmoid(x - 2.5), sigmoid(-1.0)]
}

/// A hundred and fifty customers at each cutoff; who leaves in an interval, leaves
/// in the middle of it.
fn frame(params: &ChurnValidParams, after_the_end: Option<u32>) -> Frame {
    let label = &params.spec().label;
    let periods = cutoffs(params);
    let n_rows = 150 * periods.len();
    let left = |place: usize| {
        let mut chances = truth(place, label).into_iter().enumerate();
        let interval = chances.find(|(number, chance)| noise(place, 10 + number) < *chance)?.0;
        Some([0, 15, 45, 75, 130][interval])
    };
    let churned = |day: Option<u32>| match label {
        Label::Inactivity { .. } => day == Some(0),
        _ => day.is_some_and(|day| day <= 60),
    };
    let rows = Rows {
        ids: (0..n_rows).map(|place| format!("c{:03}", place % 150)).collect(),
        periods: (0..n_rows).map(|place| place / 150).collect(),
        churned: (0..n_rows).map(|place| churned(left(place))).collect(),
    };
    let x = Values::Numeric((0..n_rows).map(|place| noise(place, 1)).collect());
    let junk = Values::Numeric((0..n_rows).map(|place| noise(place, 2)).collect());
    let frame = Frame::new(rows, vec![column("x", x), column("junk", junk)]).unwrap();
    frame.with_departures(|period, id| {
        let left = left(period * 150 + id[1..].parse::<usize>().unwrap());
        let known = Interval::matured(&periods[period], NaiveDate::MAX).map(Interval::number);
        let end = known.last().map_or(0, |number| HORIZONS[number]);
        // What has not come to an end when the data does, is any departure or none.
        Departure::on(left.filter(|day| *day <= end).or(after_the_end))
    })
}

fn fitted(frame: &Frame, params: &ChurnValidParams, n_threads: usize) -> Survival {
    let rows: Vec<usize> = (0..frame.n_rows()).collect();
    let periods = cutoffs(params);
    let how = How { wanted: &|_| true, params, n_threads };
    fit(frame, &rows, &periods, NaiveDate::MAX, &how).unwrap().unwrap()
}

fn scored(probability: f64) -> Scored {
    let logit = (probability / (1.0 - probability)).ln();
    let band = super::super::model::Band::Low;
    Scored { probability, logit, base: 0.0, band, contributions: Vec::new() }
}

#[test]
fn hazards_come_out_as_the_truth_they_were_drawn_from() {
    let params = params(silence());
    let frame = frame(&params, None);
    let survival = fitted(&frame, &params, 2);
    assert_eq!(survival.n_intervals(), 4);
    let rows: Vec<usize> = (0..frame.n_rows()).collect();
    let hazards = survival.hazards(&frame, &rows).unwrap();
    let [mut off, mut high, mut low] = [[0.0; 4]; 3];
    for (place, own) in hazards.chunks(4).enumerate() {
        let true_hazards = &truth(place, &params.spec().label)[1..];
        for (number, (found, truth)) in own.iter().zip(true_hazards).enumerate() {
            off[number] += (1.0 - (-found).exp() - truth) / rows.len() as f64;
            if noise(place, 1) > 0.9 {
                high[number] += 1.0 - (-found).exp();
            } else if noise(place, 1) < 0.1 {
                low[number] += 1.0 - (-found).exp();
            }
        }
    }
    assert!(off.iter().all(|off| off.abs() < 0.015), "{off:?}");
    // What tells much of next month tells nothing of the last interval.
    assert!(high[0] > 4.0 * low[0] && high[3] < 1.3 * low[3], "{high:?} {low:?}");
}

#[test]
fn a_curve_and_the_score_never_contradict_each_other() {
    for (label, at) in [(silence(), None), (contract(), Some(1))] {
        let params = params(label);
        let frame = frame(&params, None);
        let survival = fitted(&frame, &params, 1);
        let scores: Vec<Scored> =
            (0..frame.n_rows()).map(|row| scored(0.001 + 0.99 * noise(row, 3))).collect();
        let rows: Vec<usize> = (0..frame.n_rows()).collect();
        let curves = survival.curves(&frame, &rows, &scores, 1).unwrap();
        assert_eq!(curves, survival.curves(&frame, &rows, &scores, 3).unwrap());
        for (curve, score) in curves.iter().zip(&scores) {
            let left: Vec<f64> = curve.left_by.into_iter().flatten().collect();
            assert!(left.len() == 4 && left.is_sorted(), "{left:?}");
            match at {
                Some(number) => assert_eq!(left[number].to_bits(), score.probability.to_bits()),
                None => assert!(left[0] >= score.probability),
            }
        }
    }
}

#[test]
fn threads_do_not_change_a_bit_and_what_has_not_matured_is_not_read() {
    let params = params(silence());
    let bytes = |after_the_end, n_threads| {
        serde_json::to_string(&fitted(&frame(&params, after_the_end), &params, n_threads)).unwrap()
    };
    let one = bytes(None, 1);
    assert_eq!(one, bytes(None, 3));
    assert_eq!(one, bytes(Some(181), 2));
    let back: Survival = serde_json::from_str(&one).unwrap();
    assert_eq!(serde_json::to_string(&back).unwrap(), one);
}

/// The newest cutoffs have a label, and no interval that has matured.
#[test]
fn a_cutoff_gives_the_intervals_that_have_matured() {
    let params = params(silence());
    let frame = frame(&params, None);
    let periods = cutoffs(&params);
    let rows: Vec<usize> = (0..frame.n_rows()).collect();
    let on = |day: NaiveDate| fit::person_periods(&frame, &rows, &periods, day);
    let all = on(NaiveDate::MAX);
    let end = day("2025-01-01");
    for (index, period) in periods.iter().enumerate() {
        let start = period.period().start;
        let known = HORIZONS.iter().filter(|days| start + Days::new(u64::from(**days) + 60) <= end);
        let newest = all.iter().filter(|it| frame.periods()[it.row] == index);
        assert_eq!(newest.map(|it| it.number + 1).max().unwrap_or(0), known.count());
    }
    assert!(all.len() > on(day("2024-06-01")).len());
    assert!(on(day("2023-01-01")).is_empty());
}

#[test]
fn predictions_of_later_cutoffs_are_in_their_bands() {
    for label in [silence(), contract()] {
        let params = params(label);
        let frame = frame(&params, None);
        let periods = cutoffs(&params);
        let setting = Setting::Boosted { leaves: 2, rate: 0.1, trees: 60 };
        let found = check(&frame, &periods, setting, &params, 2).unwrap();
        assert_eq!(found.len(), 4, "{found:?}");
        assert_eq!(found.iter().map(|it| it.days).collect::<Vec<_>>(), HORIZONS);
        // Each is tested by as many cutoffs as the model, shorter ones by later cutoffs.
        assert!(found.iter().all(|it| it.cutoffs == 3), "{found:?}");
        assert!(found.is_sorted_by(|a, b| a.first >= b.first), "{found:?}");
        assert!(found[3].first < found[0].first, "{found:?}");
        assert!(found.is_sorted_by(|a, b| a.observed <= b.observed), "{found:?}");
        // The band is of chance alone, and eight of them are looked at.
        for it in &found {
            let half = it.band[1] - it.predicted;
            assert!((it.observed - it.predicted).abs() < 1.5 * half, "{it:?}");
        }
    }
}

#[test]
fn a_label_without_dates_has_no_curve() {
    let params = ChurnParams::new(given()).check().unwrap();
    let frame = super::super::frame::tests::unlabelled(vec![("x", Values::Numeric(vec![1.0]))]);
    let how = How { wanted: &|_| true, params: &params, n_threads: 1 };
    assert!(fit(&frame, &[0], &[], NaiveDate::MAX, &how).unwrap().is_none());
}
