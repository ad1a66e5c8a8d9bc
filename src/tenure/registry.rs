//! Which model served when, and what made it so?
//!
//! Nothing but the runs of the store says so: a training, a promotion, a
//! rollback and a trial are runs like any load, written by one writer and
//! complete or absent. The registry is what follows from reading them in
//! order, so it can not disagree with the history.
//!
//! ```text
//! train A   promote B   rollback   shadow C
//! A         A B         A          A            who served, the last one serves
//!                                  C            on trial
//! ```
//!
//! One model serves a store, whatever its spec: a customer has one score.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::config::Language;
use crate::error::{Error, ErrorKind, Result};
use crate::tables::RunRecord;

/// Kinds of runs that change the registry.
pub(super) const TRAIN: &str = "train";
pub(super) const PROMOTE: &str = "promote";
pub(super) const ROLLBACK: &str = "rollback";
pub(super) const SHADOW: &str = "shadow";
/// The kind of runs that score.
pub(super) const SCORE: &str = "score";

/// What a version is now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It scores, and its scores are shown.
    Served,
    /// It scores beside the served one, and its scores are not shown.
    Shadow,
    /// It served once.
    Retired,
    /// It never served.
    Candidate,
}

impl State {
    /// What people call it.
    #[must_use]
    pub fn title(self, language: Language) -> &'static str {
        match self {
            Self::Served => language.pick("served", "正式"),
            Self::Shadow => language.pick("on trial", "试用"),
            Self::Retired => language.pick("retired", "已停用"),
            Self::Candidate => language.pick("candidate", "候选"),
        }
    }
}

/// A trained version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Version {
    /// Its id.
    pub model: String,
    /// The spec it was trained by.
    pub spec: String,
    /// The run that first trained it.
    pub run_id: i64,
    /// When that run was published.
    pub trained_at: DateTime<Utc>,
    /// What it is now.
    pub state: State,
}

/// What made a model the served one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// Its training found it no worse than the one that served.
    Trained,
    /// Somebody said so.
    Promoted,
    /// Somebody took back what came after it.
    RolledBack,
}

/// A time in which one model served.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Term {
    /// The model.
    pub model: String,
    /// The spec it was trained by.
    pub spec: String,
    /// What made it so.
    pub how: How,
    /// The run that made it so; runs after it score with the model.
    pub from_run: i64,
    /// When that was.
    pub from: DateTime<Utc>,
    /// The run that ended it; none if it serves still.
    pub until_run: Option<i64>,
    /// When that was.
    pub until: Option<DateTime<Utc>>,
    /// Scoring runs in this time.
    pub scorings: usize,
}

/// All versions, and which of them served when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Registry {
    versions: Vec<Version>,
    terms: Vec<Term>,
    /// Who served before whom, as far as it was not taken back.
    line: Vec<String>,
    shadow: Option<String>,
}

impl Registry {
    /// What follows from `runs`, oldest first.
    #[must_use]
    pub fn of(runs: &[RunRecord]) -> Self {
        let mut registry = Self::default();
        for run in runs {
            registry.follow(run);
        }
        for version in &mut registry.versions {
            let model = Some(version.model.as_str());
            version.state = if registry.line.last().map(String::as_str) == model {
                State::Served
            } else if registry.shadow.as_deref() == model {
                State::Shadow
            } else if registry.terms.iter().any(|term| term.model == version.model) {
                State::Retired
            } else {
                State::Candidate
            };
        }
        registry
    }

    fn follow(&mut self, run: &RunRecord) {
        let model = run.details.get("model").and_then(|model| model.as_str());
        match (run.kind.as_str(), model) {
            (TRAIN, Some(model)) => {
                if self.version(model).is_err() {
                    let spec = run.details.get("spec").and_then(|spec| spec.as_str());
                    self.versions.push(Version {
                        model: model.to_owned(),
                        spec: spec.unwrap_or_default().to_owned(),
                        run_id: run.run_id,
                        trained_at: run.finished_at,
                        state: State::Candidate,
                    });
                }
                // Before there was a choice, training was promotion.
                let promoted = run.details.get("promoted").and_then(|is| is.as_bool());
                if promoted.unwrap_or(true) && self.served() != Some(model) {
                    self.line.push(model.to_owned());
                    self.serve(model, How::Trained, run);
                }
            }
            (PROMOTE, Some(model)) => {
                self.line.push(model.to_owned());
                self.serve(model, How::Promoted, run);
            }
            (ROLLBACK, Some(model)) => {
                self.line.pop();
                self.serve(model, How::RolledBack, run);
            }
            (SHADOW, model) => self.shadow = model.map(str::to_owned),
            (SCORE, Some(_)) => {
                if let Some(term) = self.terms.last_mut() {
                    term.scorings += 1;
                }
            }
            _ => {}
        }
    }

    fn serve(&mut self, model: &str, how: How, run: &RunRecord) {
        if let Some(before) = self.terms.last_mut() {
            before.until_run = Some(run.run_id);
            before.until = Some(run.finished_at);
        }
        if self.shadow.as_deref() == Some(model) {
            self.shadow = None;
        }
        self.terms.push(Term {
            model: model.to_owned(),
            spec: self.version(model).map(|version| version.spec.clone()).unwrap_or_default(),
            how,
            from_run: run.run_id,
            from: run.finished_at,
            until_run: None,
            until: None,
            scorings: 0,
        });
    }

    /// Every trained version, oldest first.
    #[must_use]
    pub fn versions(&self) -> &[Version] {
        &self.versions
    }

    /// Which model served when, oldest first.
    #[must_use]
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// The model that serves.
    #[must_use]
    pub fn served(&self) -> Option<&str> {
        self.line.last().map(String::as_str)
    }

    /// The model that a rollback goes back to.
    #[must_use]
    pub fn before(&self) -> Option<&str> {
        self.line.iter().rev().nth(1).map(String::as_str)
    }

    /// The model that scores beside the served one.
    #[must_use]
    pub fn shadow(&self) -> Option<&str> {
        self.shadow.as_deref()
    }

    /// The version called `model`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unknown`] that offers the nearest ids.
    pub fn version(&self, model: &str) -> Result<&Version> {
        self.versions.iter().find(|version| version.model == model).ok_or_else(|| {
            let known = self.versions.iter().map(|version| version.model.as_str());
            Error::new(ErrorKind::Unknown, format!("there is no model \"{model}\""))
                .hint_nearest(model, known)
                .hint("list them: tenure models")
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::tables::Manifest;

    fn registry(runs: &[(&str, Value)]) -> Registry {
        let runs: Vec<RunRecord> = (1..)
            .zip(runs)
            .map(|(run_id, (kind, details))| RunRecord {
                run_id,
                kind: (*kind).to_owned(),
                manifest: Manifest::default(),
                details: details.clone(),
                finished_at: DateTime::from_timestamp(run_id, 0).unwrap(),
            })
            .collect();
        Registry::of(&runs)
    }

    fn trained(model: &str, promoted: bool) -> (&'static str, Value) {
        (TRAIN, json!({ "model": model, "spec": "churn", "promoted": promoted }))
    }

    #[test]
    fn before_there_was_a_choice_training_was_promotion() {
        let old = |model: &str| (TRAIN, json!({ "model": model, "spec": "churn" }));
        let scored = |model: &str| ("score", json!({ "model": model, "customers": 7 }));
        let registry = registry(&[old("a"), scored("a"), scored("a"), old("b"), old("b")]);
        assert_eq!(registry.served(), Some("b"));
        assert_eq!(registry.before(), Some("a"));
        let terms: Vec<_> = registry
            .terms()
            .iter()
            .map(|term| (term.model.as_str(), term.from_run, term.until_run, term.scorings))
            .collect();
        assert_eq!(terms, [("a", 1, Some(4), 2), ("b", 4, None, 0)]);
    }

    #[test]
    fn rolling_back_twice_goes_back_two() {
        let model = |model: &str| json!({ "model": model });
        let mut runs = vec![
            trained("a", true),
            trained("b", false),
            trained("c", false),
            (PROMOTE, model("b")),
            (PROMOTE, model("c")),
            (ROLLBACK, model("b")),
        ];
        assert_eq!(registry(&runs).served(), Some("b"));
        assert_eq!(registry(&runs).before(), Some("a"));
        runs.push((ROLLBACK, model("a")));
        let back = registry(&runs);
        assert_eq!((back.served(), back.before()), (Some("a"), None));
        let states: Vec<State> = back.versions().iter().map(|version| version.state).collect();
        assert_eq!(states, [State::Served, State::Retired, State::Retired]);
        let how: Vec<How> = back.terms().iter().map(|term| term.how).collect();
        assert_eq!(
            how,
            [How::Trained, How::Promoted, How::Promoted, How::RolledBack, How::RolledBack]
        );
    }

    #[test]
    fn a_model_on_trial_is_so_until_it_serves() {
        let shadow = |model: Value| (SHADOW, json!({ "model": model }));
        let mut runs = vec![trained("a", true), trained("b", false), shadow(json!("b"))];
        assert_eq!(registry(&runs).shadow(), Some("b"));
        assert_eq!(registry(&runs).versions()[1].state, State::Shadow);
        let mut off = runs.clone();
        off.push(shadow(Value::Null));
        assert_eq!(registry(&off).shadow(), None);
        assert_eq!(registry(&off).versions()[1].state, State::Candidate);
        runs.push((PROMOTE, json!({ "model": "b" })));
        assert_eq!(registry(&runs).shadow(), None);
    }

    #[test]
    fn an_unknown_model_is_refused_with_the_nearest() {
        let error = registry(&[trained("3fa1b2c3d4e5", true)]).version("3fa1b2c3d4e6").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unknown);
        assert_eq!(error.nearest(), ["3fa1b2c3d4e5"]);
    }
}
