//! Who will leave, how sure are we, and why?
//!
//! Arrays in, numbers out: this module knows no tables, no SQL and no HTTP.
//! Reading it in order teaches the subject:
//!
//! - [`spec`] and [`params`]: what is to be predicted, for whom, from what;
//! - [`periods`]: at which past dates the model may look, so that it never
//!   learns from the future;
//! - [`frame`]: customers × features as arrays;
//! - [`encode`]: numbers and words as columns of a linear model;
//! - [`logistic`]: the weights of those columns, by linfa-logistic;
//! - [`bins`]: numbers and words as the few classes that trees split;
//! - [`boost`]: boosted trees of two leaves, which are additive, or a few more;
//! - [`calibrate`]: probabilities that mean what they say;
//! - [`metrics`] and [`bootstrap`]: how good they are, and how sure that is;
//! - [`departure`] and [`survival`]: by when they will have left, for how long they stay;
//! - [`mod@train`]: honest validation, then the model that is kept;
//! - [`model`]: a score for every customer, with reasons that add up to it;
//! - [`artifact`]: the file a model is kept in;
//! - [`drift`] and [`baseline`]: whether the customers still are those it was made for;
//! - [`observed`]: whether as many left as it said;
//! - [`returns`] and [`nowcast`]: how many will have, before that is known.
//!
//! ```
//! use linfa::ParamGuard;
//! use tenure::churn::{About, ChurnParams, ChurnSpec, Column, Frame, Rows, Values, train};
//! use tenure::text::Text;
//!
//! let spec = ChurnSpec::parse(
//!     r#"
//!     name = "tiny"
//!     title = { en = "Tiny", zh = "示例" }
//!     label = { kind = "given", label = "churn" }
//!     cutoffs = { kind = "folds", n = 5 }
//!     "#,
//!     "tiny.toml",
//! )?;
//! // Of 300 customers, those quiet for more than 20 days leave, with exceptions.
//! let quiet: Vec<f64> = (0..300).map(|row| f64::from(row * 37 % 60)).collect();
//! let rows = Rows {
//!     ids: (0..300).map(|row| format!("c{row:03}")).collect(),
//!     periods: (0..300).map(|row| row % 5).collect(),
//!     churned: (0..300).map(|row| (quiet[row] > 20.0) != (row % 9 == 0)).collect(),
//! };
//! let title = Text::new("Days since the last activity", "距上次活动天数");
//! let (name, values) = ("quiet_days".to_owned(), Values::Numeric(quiet));
//! let about = About::default();
//! let frame = Frame::new(rows, vec![Column { name, title, unit: None, about, values }])?;
//!
//! let trained = train(&frame, &ChurnParams::new(spec).check()?, &[], 2)?;
//! assert!(trained.validation.metrics.auc > 0.8);
//! let scored = &trained.model.score(&frame, 2)?[0];
//! let sum: f64 = scored.contributions.iter().sum();
//! assert!((scored.base + sum - scored.logit).abs() < 1e-9);
//! # Ok::<(), tenure::error::Error>(())
//! ```

pub mod artifact;
pub mod baseline;
pub mod bins;
pub mod boost;
pub mod bootstrap;
pub mod calibrate;
pub mod departure;
mod doubts;
pub mod drift;
mod drivers;
pub mod encode;
mod excess;
pub mod feature;
mod figures;
mod fit;
pub mod frame;
pub mod logistic;
pub mod metrics;
pub mod model;
pub mod nowcast;
pub mod observed;
pub(crate) mod parallel;
pub mod params;
pub mod periods;
mod reason;
pub mod returns;
mod sample;
mod scorer;
mod segments;
mod shapley;
mod shift;
pub mod spec;
mod support;
pub mod survival;
pub mod text;
pub mod train;
mod trial;
mod what_if;

pub use artifact::{Artifact, Content, Provenance};
pub use baseline::{Baseline, Shift};
pub use departure::{Departure, Interval};
pub use drivers::Driver;
pub use feature::{Feature, Own};
pub use figures::Figure;
pub use fit::Tried;
pub use frame::{About, Column, Frame, Rows, Values};
pub use model::{Band, ChurnModel, Scored};
pub use nowcast::Nowcast;
pub use observed::Observed;
pub use params::{ChurnParams, ChurnValidParams};
pub use periods::{Matured, Period, Role, resolve};
pub use reason::{Part, Reason};
pub use segments::{Overall, Segment};
pub use spec::{ChurnSpec, Cutoffs, Label};
pub use support::{Seen, Unsure};
pub use survival::{Curve, Survival};
pub use text::Value;
pub use train::{Learning, Trained, Validation, train};
pub use trial::Setting;
pub use what_if::WhatIf;
