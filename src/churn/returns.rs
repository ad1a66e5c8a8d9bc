//! How soon is a customer who stays seen again?
//!
//! Long before the label is known, silence says something: a daily visitor of
//! whom nothing was heard for a month is hardly one who will still come. The law
//! is what share of those who stayed had not been seen by day t of the horizon,
//! by tenths of predicted risk, since the likely leavers are also the slow ones.
//! It is counted at the training cutoffs of a year.
//!
//! Holidays and slow months delay everybody at once. How much the silence of one
//! cutoff differs from the law as a whole is kept beside it, and makes what is
//! concluded from the law less sure.

use serde::{Deserialize, Serialize};

use super::feature::quantile;
use super::spec::ChurnSpec;

/// Groups of predicted risk.
const N_STRATA: usize = 10;
/// Days at which shares are kept, about.
const N_POINTS: u32 = 30;
/// Before cutoffs are compared, their silence is held to differ by a tenth, as
/// if two had shown it.
const USUAL_SHOCK: (f64, f64) = (0.1, 2.0);

/// The share of stayers not seen again by each day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReturnLaw {
    /// Days from one point to the next.
    step: u32,
    /// Upper ends of all groups of probability but the last, ascending.
    edges: Vec<f64>,
    /// Shares of each group at day `step`, 2 × `step` …
    silent: Vec<Vec<f64>>,
    /// Standard deviation of silence from cutoff to cutoff at these days, as a
    /// share of the law.
    shock: Vec<f64>,
}

impl ReturnLaw {
    /// Learns the law of rows with their predicted probabilities: whether the
    /// customer churned, and after how many days of the horizon they were seen.
    /// `by_cutoff` says which rows belong together. None of a label without
    /// activity, or if nobody stayed.
    pub(super) fn learn(
        probabilities: &[f64],
        watched: &[(bool, Option<u32>)],
        by_cutoff: &[Vec<usize>],
        spec: &ChurnSpec,
    ) -> Option<Self> {
        let horizon = spec.label.horizon_of_silence()?;
        let mut sorted = probabilities.to_vec();
        sorted.sort_by(f64::total_cmp);
        if sorted.is_empty() {
            return None;
        }
        let mut edges: Vec<f64> =
            (1..N_STRATA).map(|n| quantile(&sorted, n as f64 / N_STRATA as f64)).collect();
        edges.dedup();
        let step = horizon.div_ceil(N_POINTS).max(1);
        let days: Vec<u32> = (1..=horizon.div_ceil(step)).map(|point| point * step).collect();
        let stayers: Vec<Vec<(usize, u32)>> = by_cutoff
            .iter()
            .map(|rows| {
                let stayed = |&row: &usize| {
                    let (churned, seen) = watched[row];
                    let stratum = edges.partition_point(|edge| *edge < probabilities[row]);
                    seen.filter(|_| !churned).map(|day| (stratum, day))
                };
                rows.iter().filter_map(stayed).collect()
            })
            .collect();
        if stayers.iter().all(Vec::is_empty) {
            return None;
        }
        let silent: Vec<Vec<f64>> = (0..=edges.len())
            .map(|stratum| {
                let own = || stayers.iter().flatten().filter(|(it, _)| *it == stratum);
                let n = own().count() as f64;
                // Half a row: nobody is certain to have come.
                let share = |day: &u32| {
                    let unseen = own().filter(|(_, seen)| seen > day).count() as f64;
                    if *day >= horizon { 0.0 } else { (unseen + 0.5) / (n + 1.0) }
                };
                days.iter().map(share).collect()
            })
            .collect();
        let shock = (0..days.len()).map(|point| shock(&stayers, &silent, point, days[point]));
        let shock = shock.collect();
        Some(Self { step, edges, silent, shock })
    }

    /// The share of stayers with this probability who are not seen by `day`.
    #[must_use]
    pub fn silent(&self, probability: f64, day: f64) -> f64 {
        let stratum = self.edges.partition_point(|edge| *edge < probability);
        self.silent.get(stratum).map_or(1.0, |shares| self.between(shares, 1.0, day))
    }

    /// By what share of itself the law is off at `day`, one standard deviation.
    #[must_use]
    pub fn shock(&self, day: f64) -> f64 {
        self.between(&self.shock, 0.0, day)
    }

    /// Linear between points; `first` is the value at day 0.
    fn between(&self, points: &[f64], first: f64, day: f64) -> f64 {
        let place = (day / f64::from(self.step)).clamp(0.0, points.len() as f64);
        let below = place.floor() as usize;
        let at = |index: usize| if index == 0 { first } else { points[index - 1] };
        let above = (below + 1).min(points.len());
        at(below) + (at(above) - at(below)) * place.fract()
    }
}

/// How much more the silence of cutoffs at a day differs than their number of
/// customers explains.
fn shock(stayers: &[Vec<(usize, u32)>], silent: &[Vec<f64>], point: usize, day: u32) -> f64 {
    let (usual, weight) = USUAL_SHOCK;
    let (mut squares, mut n) = (weight * usual * usual, weight);
    for rows in stayers {
        let shares = || rows.iter().map(|(stratum, _)| silent[*stratum][point]);
        let expected: f64 = shares().sum();
        let chance: f64 = shares().map(|share| share * (1.0 - share)).sum();
        if expected < 1.0 {
            continue;
        }
        let unseen = rows.iter().filter(|(_, seen)| *seen > day).count() as f64;
        let off = (unseen / expected - 1.0).powi(2) - chance / (expected * expected);
        squares += off.max(0.0);
        n += 1.0;
    }
    (squares / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::super::params::tests::given;
    use super::super::spec::Label;
    use super::*;

    fn spec() -> ChurnSpec {
        let label = Label::Inactivity {
            horizon_days: 90,
            gap_days: 0,
            eligible_days: 90,
            activities: Vec::new(),
        };
        ChurnSpec { label, ..given() }
    }

    /// Of ten stayers of little risk one comes every nine days, of high risk on
    /// day 85; leavers do not count.
    #[test]
    fn the_law_is_the_share_of_stayers_not_yet_seen() {
        let probabilities: Vec<f64> =
            (0..200).map(|row| if row < 100 { 0.1 } else { 0.8 }).collect();
        let watched: Vec<(bool, Option<u32>)> = (0..200)
            .map(|row| match row {
                0..100 => (false, Some(row % 10 * 9 + 1)),
                100..120 => (false, Some(85)),
                _ => (true, None),
            })
            .collect();
        let all: Vec<usize> = (0..200).collect();
        let law = ReturnLaw::learn(&probabilities, &watched, &[all], &spec()).unwrap();
        // Days 1, 10, 19, 28 are over at day 30: six of ten are still to come.
        assert!((law.silent(0.1, 30.0) - 60.5 / 101.0).abs() < 1e-12);
        assert!((law.silent(0.8, 30.0) - 20.5 / 21.0).abs() < 1e-12);
        assert_eq!(law.silent(0.1, 0.0), 1.0);
        for day in [90.0, 200.0] {
            assert_eq!((law.silent(0.1, day), law.silent(0.8, day)), (0.0, 0.0));
        }
        let (early, late) = (law.silent(0.1, 30.0), law.silent(0.1, 33.0));
        assert!((law.silent(0.1, 31.5) - (early + late) / 2.0).abs() < 1e-12);
        // One cutoff shows no differences; a tenth is taken, as twice in three.
        assert!((law.shock(30.0) - (2.0_f64 / 3.0 * 0.01).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn a_cutoff_whose_customers_came_late_makes_the_law_less_sure() {
        let law = |delay: u32| {
            let probabilities = vec![0.2; 3_200];
            let day = |row: u32| row % 80 + 1 + if row < 800 { delay } else { 0 };
            let watched: Vec<_> = (0..3_200).map(|row| (false, Some(day(row)))).collect();
            let by_cutoff: Vec<Vec<usize>> =
                (0..4).map(|cutoff| (cutoff * 800..(cutoff + 1) * 800).collect()).collect();
            ReturnLaw::learn(&probabilities, &watched, &by_cutoff, &spec()).unwrap()
        };
        assert!(law(0).shock(60.0) < 0.07);
        // A third more silent than usual once, a ninth less three times.
        assert!((law(10).shock(60.0) - 0.16).abs() < 0.01, "{}", law(10).shock(60.0));
    }

    #[test]
    fn labels_without_silence_have_no_law() {
        assert_eq!(ReturnLaw::learn(&[0.1], &[(false, Some(1))], &[vec![0]], &given()), None);
        assert_eq!(ReturnLaw::learn(&[0.1], &[(true, None)], &[vec![0]], &spec()), None);
    }
}
