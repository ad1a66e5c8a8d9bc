//! Tenure is an embedded CRM analytics and churn prediction engine: raw CRM
//! files become Parquet tables, SQL answers the manager's questions, a linfa
//! model gives every customer a calibrated churn probability with reasons, and
//! a small HTTP service lets other CRMs pull both.
//!
//! ```text
//! raw CRM files ─ ingest ─ tables (Delta: Parquet + log) ─ engine (DataFusion, cut at a moment)
//!                                                           ├─ queries/reports/*.sql  ─ reports ─┐
//!                                                           └─ queries/features/*.sql ─ features │
//!                                                                └─ churn (linfa) ─ scores ──────┤
//!                                                                                        cli │ serve
//! ```
//!
//! # Ten lines
//!
//! ```
//! # fn main() -> tenure::Result<()> {
//! # use tenure::generate::{Plan, write};
//! # let runtime = tokio::runtime::Builder::new_multi_thread()
//! #     .enable_all().thread_stack_size(16 << 20).build().unwrap();
//! # let folder = tempfile::tempdir().unwrap();
//! # write(&Plan::new(500, 7, 14, Plan::default().start())?, folder.path(), &mut |_, _| {})?;
//! # let store = folder.path().join("store").display().to_string();
//! # let exports = folder.path().join("exports");
//! # runtime.block_on(async {
//! use tenure::{ChurnSpec, IngestOptions, ReportRequest, Tenure};
//!
//! let tenure = Tenure::open(&store)?;
//! tenure.ingest(&[exports], &IngestOptions::now(), &mut ()).await?;
//! let retention = tenure.report("retention", &ReportRequest::default()).await?;
//! assert!(retention.rows() > 12);
//! let trained = tenure.train(ChurnSpec::built_in("churn")?, None, &mut |_, _| {}).await?;
//! assert!(trained.validation.metrics.auc > 0.6);
//! let scored = tenure.score(None).await?;
//! println!("{} customers, at risk: {:?}", scored.customers, scored.value_at_risk);
//! # Ok(()) })
//! # }
//! ```
//!
//! # The tour
//!
//! In the order in which data flows; each module opens with the question it
//! answers. What is deliberately absent, and why, is in `docs/decisions.md`.
//!
//! - [`generate`]: CRM exports whose truth is known, to try everything on.
//! - [`ingest`]: raw files in any usual form become canonical rows; none is lost.
//! - [`schema`]: the canonical CRM tables.
//! - [`tables`]: the store: Delta tables, and the manifest that commits across them.
//! - [`engine`]: sessions over tables cut at a moment.
//! - [`functions`]: SQL functions that DataFusion lacks.
//! - [`reports`]: the catalogue of query files: bound, run, rendered.
//! - [`features`]: customers × features as known at a cutoff.
//! - [`churn`]: the churn model: arrays in, numbers out.
//! - [`models`]: the specs of churn models that come along.
//! - [`export`]: scores as files that other CRMs take in.
//! - [`tenure`]: everything behind one handle, for applications that embed Tenure.
//! - [`serve`]: the HTTP service and the dashboard.
//! - [`cli`]: the command line.
//! - [`config`]: settings and their defaults.
//! - [`error`]: errors for the person who must act.
//! - [`text`]: words in both languages.
//! - `folder`: folders that appear whole or not at all.

pub mod generate;
pub mod ingest;
pub mod schema;
pub mod tables;
pub mod engine;
pub mod functions;
pub mod reports;
pub mod features;
pub mod churn;
pub mod models;
pub mod export;
pub mod tenure;
pub mod serve;
pub mod cli;
pub mod config;
pub mod error;
pub mod text;
mod folder;

pub use churn::ChurnSpec;
pub use error::{Error, ErrorKind, Result};
pub use ingest::IngestOptions;
pub use reports::{ReportRequest, ReportTable};
pub use tenure::Tenure;
