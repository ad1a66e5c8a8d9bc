//! Tenure is an embedded CRM analytics and churn prediction engine: raw CRM
//! files become Parquet tables, SQL answers the manager's questions, a linfa
//! model gives every customer a calibrated churn probability with reasons, and
//! a small HTTP service lets other CRMs pull both.
//!
//! ```text
//! raw CRM files ─ ingest ─ tables (Delta: Parquet + log) ─ engine (DataFusion, cut at a moment)
//!                                                           ├─ queries/reports/*.sql  ─ reports ─┐
//!                                                           └─ queries/features/*.sql ─ features │
//!                                                                          └─ churn (linfa) ─ scores
//!                                                                                                └─ cli │ serve
//! ```
//!
//! # Ten lines
//!
//! ```no_run
//! # #[tokio::main(flavor = "multi_thread")] async fn main() -> tenure::Result<()> {
//! use tenure::{IngestOptions, ReportRequest, Tenure};
//!
//! let tenure = Tenure::open("./tenure-data")?;
//! tenure.ingest(&["exports".into()], &IngestOptions::default(), &mut ()).await?;
//! let retention = tenure.report("retention", &ReportRequest::default()).await?;
//! println!("{} cells", retention.rows());
//! # Ok(()) }
//! ```
//!
//! # The tour, in the order data flows

pub mod churn;
pub mod cli;
pub mod config;
pub mod engine;
pub mod error;
pub mod features;
pub mod functions;
pub mod generate;
pub mod ingest;
pub mod models;
pub mod reports;
pub mod schema;
pub mod serve;
pub mod tables;
pub mod tenure;
pub mod text;

pub use churn::ChurnSpec;
pub use error::{Error, ErrorKind, Result};
pub use ingest::IngestOptions;
pub use reports::{ReportRequest, ReportTable};
pub use tenure::Tenure;
