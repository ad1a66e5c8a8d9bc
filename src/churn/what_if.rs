//! What is the smallest change that would lower a customer's band?
//!
//! The model's answer and no promise: it knows what those who left looked like, not
//! what makes people stay. One theme at a time is moved towards what is usual for
//! customers, all its numbers together since they overlap; what nobody can change
//! stays, and what is unknown stays unknown. The answer is the theme that has to go
//! the shortest way, and of several the one that lowers the risk most.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::feature::Feature;
use super::frame::{Column, Frame, Rows, Values};
use super::model::{Band, ChurnModel, Scored};
use super::parallel;
use super::text::Value;
use crate::config::Language;
use crate::error::Result;
use crate::text::Text;

/// Parts of the way to what is usual that are tried.
const SHARES: [f64; 4] = [0.25, 0.5, 0.75, 1.0];
/// Customers looked at together, which bounds the memory it takes.
const CHUNK: usize = 128;

/// The smallest change of one theme that lowers a band.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WhatIf {
    /// The feature of the theme that says most about the customer.
    pub feature: String,
    /// What the customer shows.
    pub from: f64,
    /// What they would show.
    pub to: f64,
    /// The part of the way to what is usual for customers, in (0, 1].
    pub share: f64,
    /// The probability the model would give them.
    pub probability: f64,
    /// Its band, below that of today.
    pub band: Band,
    /// The same as a sentence.
    pub text: String,
    /// In Chinese.
    pub text_zh: String,
}

/// A theme's features, by their place in the model.
struct Theme<'a> {
    title: &'a Text,
    features: Vec<usize>,
}

impl ChurnModel {
    /// For each of `rows`, of which the model has said `scored`, the smallest
    /// change that would lower its band, if there is one; a band that is low already
    /// needs none.
    ///
    /// # Errors
    ///
    /// As [`ChurnModel::score`].
    pub fn what_ifs(
        &self,
        frame: &Frame,
        rows: &[usize],
        scored: &[Scored],
        n_threads: usize,
    ) -> Result<Vec<Option<WhatIf>>> {
        let asked: Vec<usize> = (0..rows.len()).filter(|&at| scored[at].band > Band::Low).collect();
        let themes = self.changeable();
        let mut found = vec![None; rows.len()];
        if themes.is_empty() {
            return Ok(found);
        }
        let chunks: Vec<&[usize]> = asked.chunks(CHUNK).collect();
        let chunk = |asked: &&[usize]| {
            let asked: Vec<_> = asked.iter().map(|&at| (rows[at], &scored[at])).collect();
            self.what_ifs_of(frame, &asked, &themes)
        };
        let answers = parallel::map(&chunks, n_threads, chunk)?;
        for (at, answer) in asked.into_iter().zip(answers.into_iter().flatten()) {
            found[at] = answer;
        }
        Ok(found)
    }

    /// The themes with numbers that can still change.
    fn changeable(&self) -> Vec<Theme<'_>> {
        let mut themes: BTreeMap<&str, Theme> = BTreeMap::new();
        for (place, feature) in self.features().iter().enumerate() {
            let Some(title) = feature.about.theme.as_ref().filter(|_| !feature.about.fixed) else {
                continue;
            };
            if matches!(feature.typical, Value::Number(_)) {
                let theme = themes.entry(&title.en);
                theme.or_insert(Theme { title, features: Vec::new() }).features.push(place);
            }
        }
        themes.into_values().collect()
    }

    fn what_ifs_of(
        &self,
        frame: &Frame,
        asked: &[(usize, &Scored)],
        themes: &[Theme<'_>],
    ) -> Result<Vec<Option<WhatIf>>> {
        let rows: Vec<usize> = asked.iter().map(|(row, _)| *row).collect();
        // One block of rows per theme and share, the customers in their order.
        let blocks: Vec<(&Theme, f64)> =
            themes.iter().flat_map(|theme| SHARES.map(|share| (theme, share))).collect();
        let moved = self.moved(frame, &rows, &blocks)?;
        let all: Vec<usize> = (0..moved.n_rows()).collect();
        let scores = self.bands_of(&moved, &all)?;
        let answer = |(at, &(row, now)): (usize, &(usize, &Scored))| {
            let lower = blocks.iter().zip(scores.chunks(rows.len()));
            let lower = lower.filter_map(|((theme, share), scores)| {
                let (_, band) = scores[at];
                (band < now.band).then_some((*theme, *share, scores[at]))
            });
            let least = lower.min_by(|(_, a_share, a), (_, b_share, b)| {
                a_share.total_cmp(b_share).then(a.0.total_cmp(&b.0))
            });
            least.and_then(|(theme, share, then)| self.told(frame, row, now, theme, share, then))
        };
        Ok(asked.iter().enumerate().map(answer).collect())
    }

    /// The rows, once for each block, as they would be.
    fn moved(&self, frame: &Frame, rows: &[usize], blocks: &[(&Theme<'_>, f64)]) -> Result<Frame> {
        let column = |(place, feature): (usize, &Feature)| {
            let column = frame.column(&feature.name)?;
            let values = match &column.values {
                Values::Numeric(numbers) => {
                    let of_block = |(theme, share): &(&Theme, f64)| -> Vec<f64> {
                        let moves = theme.features.contains(&place);
                        let share = if moves { *share } else { 0.0 };
                        rows.iter().map(|&row| step(feature, numbers[row], share)).collect()
                    };
                    Values::Numeric(blocks.iter().flat_map(of_block).collect())
                }
                Values::Categorical { levels, codes } => {
                    let codes: Vec<Option<u32>> = rows.iter().map(|&row| codes[row]).collect();
                    Values::Categorical {
                        levels: levels.clone(),
                        codes: codes.repeat(blocks.len()),
                    }
                }
            };
            let Column { name, title, unit, about, .. } = column;
            let (name, title) = (name.clone(), title.clone());
            Some(Column { name, title, unit: unit.clone(), about: about.clone(), values })
        };
        // A frame sorts its rows: named by their places they stay as they are.
        let places = 0..blocks.len() * rows.len();
        let rows = Rows {
            ids: places.clone().map(|place| format!("{:09}", place % rows.len())).collect(),
            periods: places.map(|place| place / rows.len()).collect(),
            churned: Vec::new(),
        };
        Frame::new(rows, self.features().iter().enumerate().filter_map(column).collect())
    }

    fn told(
        &self,
        frame: &Frame,
        row: usize,
        now: &Scored,
        theme: &Theme<'_>,
        share: f64,
        (probability, below): (f64, Band),
    ) -> Option<WhatIf> {
        let shown = |&place: &usize| {
            let feature = &self.features()[place];
            let Value::Number(from) = frame.column(&feature.name)?.values.value(row) else {
                return None;
            };
            let to = step(feature, from, share);
            (from.total_cmp(&to).is_ne()).then_some((feature, now.contributions[place], from, to))
        };
        let moved = theme.features.iter().filter_map(shown);
        let (feature, _, from, to) = moved.max_by(|a, b| a.1.total_cmp(&b.1))?;
        let say = |language: Language| {
            let Feature { title, unit, .. } = feature;
            let show = |number| Value::Number(number).display(unit.as_ref(), language);
            let (theme, title) = (theme.title.get(language), title.get(language));
            let (from, to) = (show(from), show(to));
            let (part, risk) = (100.0 * share, (100.0 * probability).round());
            match (language, below) {
                (Language::En, band) => format!(
                    "{theme}, {part} % of the way to what is usual ({title}: {from} → {to}): \
                     the risk would be {} ({risk} %)",
                    band.slug()
                ),
                (Language::Zh, band) => {
                    let band = if band == Band::Medium { "中" } else { "低" };
                    format!(
                        "若{theme}向常见水平恢复 {part}%（{title}：{from} → {to}），\
                         风险将降为{band}（{risk}%）"
                    )
                }
            }
        };
        Some(WhatIf {
            feature: feature.name.clone(),
            from,
            to,
            share,
            probability,
            band: below,
            text: say(Language::En),
            text_zh: say(Language::Zh),
        })
    }
}

/// A number some part of the way to what is usual; of whole numbers the next whole
/// one, since nobody logs in two and a half times.
fn step(feature: &Feature, from: f64, share: f64) -> f64 {
    let Value::Number(usual) = feature.typical else { return from };
    let way = share * (usual - from);
    if from.fract() == 0.0 && usual.fract() == 0.0 {
        from + way.signum() * way.abs().ceil()
    } else {
        from + way
    }
}

#[cfg(test)]
mod tests {
    use linfa::ParamGuard;

    use super::super::frame::About;
    use super::super::params::ChurnParams;
    use super::super::params::tests::given;
    use super::super::train::train;
    use super::*;

    /// Who was quiet long and whose contract is old leave; every ninth does otherwise.
    fn frame() -> Frame {
        let rows = 1_200;
        let quiet: Vec<f64> = (0..rows).map(|row| f64::from(row * 37 % 60)).collect();
        let known: Vec<f64> = (0..rows).map(|row| f64::from(row * 11 % 7)).collect();
        let churned = (0..rows as usize).map(|row| (quiet[row] > 30.0) != (row % 9 == 0));
        let all = Rows {
            ids: (0..rows).map(|row| format!("c{row:04}")).collect(),
            periods: (0..rows as usize).map(|row| row % 5).collect(),
            churned: churned.collect(),
        };
        let column = |name: &str, fixed, values| Column {
            name: name.to_owned(),
            title: Text::same(name),
            unit: None,
            about: About { theme: Some(Text::same(name)), fixed, ..About::default() },
            values: Values::Numeric(values),
        };
        let columns = vec![column("known", true, known), column("quiet", false, quiet)];
        Frame::new(all, columns).unwrap()
    }

    #[test]
    fn the_answer_is_what_the_model_says_of_the_changed_customer() {
        let frame = frame();
        let params = ChurnParams::new(given()).check().unwrap();
        let model = train(&frame, &params, &[], 2).unwrap().model;
        let scored = model.score(&frame, 2).unwrap();
        let rows: Vec<usize> = (0..frame.n_rows()).collect();
        let answers = model.what_ifs(&frame, &rows, &scored, 2).unwrap();
        assert_eq!(answers, model.what_ifs(&frame, &rows, &scored, 1).unwrap());
        // In another order the answers are the same, to the bit.
        let backwards: Vec<usize> = rows.iter().rev().copied().collect();
        let theirs = model.score_rows(&frame, &backwards, 1).unwrap();
        let theirs = model.what_ifs(&frame, &backwards, &theirs, 2).unwrap();
        assert!(theirs.iter().rev().eq(&answers));
        let mut told = 0;
        for (&row, answer) in rows.iter().zip(&answers) {
            let Some(answer) = answer else {
                continue;
            };
            told += 1;
            assert!(scored[row].band > answer.band);
            assert_eq!(answer.feature, "quiet", "what is fixed is not asked to change");
            // Scored by itself, as a customer of its own.
            let theme = Theme { title: &Text::same("quiet"), features: vec![1] };
            let alone = model.moved(&frame, &[row], &[(&theme, answer.share)]).unwrap();
            let alone = &model.score(&alone, 1).unwrap()[0];
            assert!((alone.probability - answer.probability).abs() < 1e-12);
            let shorter = SHARES.into_iter().filter(|share| *share < answer.share);
            for share in shorter {
                let less = model.moved(&frame, &[row], &[(&theme, share)]).unwrap();
                assert!(model.score(&less, 1).unwrap()[0].band >= scored[row].band);
            }
        }
        let risky = scored.iter().filter(|score| score.band > Band::Low).count();
        assert!(told > risky / 2 && told > 100, "{told} of {risky}");
    }

    #[test]
    fn whole_numbers_stay_whole() {
        let frame = frame();
        let feature = Feature::describe(&frame.columns()[0], &[0, 1, 2, 3, 4]);
        let Value::Number(usual) = feature.typical else { panic!("{feature:?}") };
        assert_eq!(usual.fract(), 0.0);
        assert_eq!(step(&feature, usual + 3.0, 0.25), usual + 2.0);
        assert_eq!(step(&feature, usual, 0.5), usual);
        assert!((step(&feature, usual + 0.5, 0.5) - usual - 0.25).abs() < 1e-12);
        assert!(step(&feature, f64::NAN, 1.0).is_nan());
    }
}
