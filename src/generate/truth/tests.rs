use chrono::NaiveDate;

use super::super::draw::Draw;
use super::super::engagement::{Segment, drift};
use super::super::history::Contract;
use super::*;

/// Exposures of the months of a toy customer; its hazard is constant.
const EXPOSURES: [f64; 6] = [28.0, 31.0, 25.0, 30.0, 33.0, 27.0];
const HAZARD: f64 = 0.15;

/// Sessions per month of one toy customer, drawn forward with no filter.
fn toy_sessions(draw: &mut Draw) -> [u32; 6] {
    let mut level = draw.weighted(&Segment::B.first_levels());
    let mut churned = false;
    let mut sessions = [0; 6];
    for (month, exposure) in EXPOSURES.iter().enumerate() {
        if month > 0 {
            level = drift(level, draw);
            churned |= draw.chance(HAZARD);
        }
        if !churned {
            sessions[month] = draw.poisson(daily_rate(level) * exposure);
        }
    }
    sessions
}

/// The filter's answer for the same: silent in months 3 to 5, given 0 to 2.
fn toy_probability(seen: [u32; 3]) -> f64 {
    let mut belief = Belief::alive(Segment::B.first_levels());
    for (month, sessions) in seen.into_iter().enumerate() {
        if month > 0 {
            belief.decide(HAZARD);
        }
        belief.see(EXPOSURES[month], sessions, None);
    }
    for exposure in &EXPOSURES[3..] {
        belief.decide(HAZARD);
        belief.silence(*exposure);
    }
    belief.total()
}

#[test]
fn the_filter_agrees_with_a_monte_carlo_twin() {
    let mut draw = Draw::new(11, 0);
    let histories: Vec<_> = (0..2_000_000).map(|_| toy_sessions(&mut draw)).collect();
    for seen in [[2, 1, 0], [1, 0, 0], [2, 2, 2], [3, 0, 1], [0, 0, 1], [4, 3, 0]] {
        let alike: Vec<_> = histories.iter().filter(|history| history[..3] == seen).collect();
        let silent = alike.iter().filter(|history| history[3..] == [0, 0, 0]).count();
        assert!(alike.len() > 2_000, "too few twins of {seen:?}: {}", alike.len());
        #[expect(clippy::cast_precision_loss, reason = "counts are small")]
        let (n, k) = (alike.len() as f64, silent as f64);
        let probability = toy_probability(seen);
        let error = (probability * (1.0 - probability) / n).sqrt();
        let z = (k / n - probability) / error;
        assert!(z.abs() < 4.0, "{seen:?}: {} seen, {probability} computed", k / n);
    }
}

fn silent_since(day: usize, contract: Option<Contract>) -> (History, Calendar) {
    let calendar = Calendar::new(NaiveDate::from_ymd_opt(2024, 1, 1).unwrap(), 8);
    let mut history = History::new(Segment::A, 0, &calendar);
    for day in (0..day).step_by(4) {
        history.rows[day] = 5;
        history.sessions[day] = u32::from(day > 0);
    }
    history.contract = contract;
    (history, calendar)
}

fn probabilities(history: &History, calendar: &Calendar) -> Vec<f64> {
    truths(history, calendar).iter().map(|truth| truth.probability).collect()
}

#[test]
fn the_longer_the_silence_the_likelier_the_churn() {
    let (history, calendar) = silent_since(121, None);
    let p = probabilities(&history, &calendar);
    // Active until 29 April; 31 July is more than 90 days later: not eligible.
    assert_eq!(p.len(), 4);
    assert!(p[1] < p[2] && p[2] < p[3], "{p:?}");
    let labels: Vec<_> = truths(&history, &calendar).iter().map(|t| t.churned).collect();
    assert_eq!(labels, [Some(false), Some(true), Some(true), None]);
}

#[test]
fn a_renewal_proves_life_and_a_lapse_proves_churn() {
    let monthly = Some(Contract { day: 9, term_months: 1 });
    let (mut history, calendar) = silent_since(121, monthly);
    let renewed = probabilities(&history, &calendar);
    history.churn_day = Some(121);
    let lapsed = probabilities(&history, &calendar);
    // Both agree until the term that ends on 10 May is renewed or not.
    assert_eq!(renewed[..2], lapsed[..2]);
    assert!((lapsed[2] - 1.0).abs() < 1e-12, "{lapsed:?}");
    let (unknown, _) = silent_since(121, Some(Contract { day: 9, term_months: 12 }));
    assert!(renewed[2] < probabilities(&unknown, &calendar)[2], "{renewed:?}");
}
