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
//! # use tenure::generate::{Plan, write};
//! # let runtime = tokio::runtime::Builder::new_multi_thread()
//! #     .enable_all().thread_stack_size(16 << 20).build().unwrap();
//! # let folder = tempfile::tempdir().unwrap();
//! # write(&Plan::new(200, 7, 14, Plan::default().start())?, folder.path(), &mut |_, _| {})?;
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
//! assert!(trained.metrics.auc > 0.6);
//! let scored = tenure.score(None).await?;
//! println!("{} customers, {:.0} at risk", scored.customers, scored.value_at_risk);
//! # Ok::<(), tenure::Error>(()) })
//! ```
//!
//! # The tour
//!
//! The modules below stand in the order in which data flows through them, and
//! each opens with the question it answers. What is deliberately absent, and
//! why, is in `docs/decisions.md`.

/// CRM exports whose truth is known, to try everything on.
pub mod generate;
/// Raw files in any usual form become canonical rows; none is lost.
pub mod ingest;
/// The canonical CRM tables.
pub mod schema;
/// The store: Delta tables, and the manifest that commits across them.
pub mod tables;
/// Sessions over tables cut at a moment.
pub mod engine;
/// SQL functions that DataFusion lacks.
pub mod functions;
/// The catalogue of query files: bound, run, rendered.
pub mod reports;
/// Customers × features as known at a cutoff.
pub mod features;
/// The churn model: arrays in, numbers out.
pub mod churn;
/// The specs of churn models that come along.
pub mod models;
/// Everything behind one handle, for applications that embed Tenure.
pub mod tenure;
/// The HTTP service and the dashboard.
pub mod serve;
/// The command line.
pub mod cli;
/// Settings and their defaults.
pub mod config;
/// Errors for the person who must act.
pub mod error;
/// Words in both languages.
pub mod text;

pub use churn::ChurnSpec;
pub use error::{Error, ErrorKind, Result};
pub use ingest::IngestOptions;
pub use reports::{ReportRequest, ReportTable};
pub use tenure::Tenure;
