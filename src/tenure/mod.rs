//! What does an application embed?
//!
//! [`Tenure`] is the whole engine behind one handle: open a store, load files,
//! ask for reports, train, score, explain, replay. The command line and the HTTP
//! service call exactly these functions.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::{Config, Language};
use crate::engine::{Engine, Moment};
use crate::error::Result;
use crate::features::guard::findings;
use crate::reports::header::Header;
use crate::reports::{self, Catalogue, Purpose, ReportRequest, ReportTable, Value, params};
use crate::tables::Store;

mod alerts;
mod asked;
mod behind;
mod card;
mod challenge;
mod compact;
mod compare;
mod customer;
mod drift;
mod export;
mod features;
mod learn;
mod load;
mod model;
mod models;
mod nightly;
mod pages;
mod registry;
mod replay;
mod score_rows;
mod scores;
mod shadow;

pub use alerts::AlertSummary;
pub use behind::RowsBehind;
pub use card::ModelCard;
pub use challenge::{Comparison, Promotion, Reason, Verdict};
pub use compact::{CompactSummary, Compacted};
pub use compare::{Compared, Outcome};
pub use drift::{Drift, Inputs, Judged, Pending, Promised};
pub use features::FeatureTable;
pub use model::{ScoreSummary, TrainSummary};
pub use models::{Change, ModelInfo};
pub use nightly::{Night, NightSummary, Stage};
pub use registry::{How, Registry, State, Term, Version};
pub use replay::{Difference, ReplayRequest, ReplaySummary, ReplayedRun};
pub use scores::{ScorePage, ScoreRequest};
pub use shadow::ShadowSummary;

/// An open engine. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Tenure {
    store: Store,
    config: Arc<Config>,
    catalogue: Arc<Catalogue>,
}

/// What one data check found.
#[derive(Debug, Clone)]
pub struct CheckResult {
    /// The check.
    pub name: String,
    /// What it says about itself.
    pub header: Header,
    /// The findings; no rows means it passed.
    pub table: ReportTable,
}

impl Tenure {
    /// Opens the store at `address`, a folder or object-store URL, with
    /// default settings.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) if the address can not be
    /// understood.
    pub fn open(address: &str) -> Result<Self> {
        let mut config = Config::defaults()?;
        address.clone_into(&mut config.store);
        Self::with_config(config)
    }

    /// Opens the store that `config` names.
    ///
    /// # Errors
    ///
    /// As [`Tenure::open`]; also [`ErrorKind::Query`](crate::ErrorKind::Query)
    /// if a query file of the overlay is not right.
    pub fn with_config(config: Config) -> Result<Self> {
        Ok(Self {
            store: Store::open(&config.store)?,
            catalogue: Arc::new(Catalogue::load(config.queries.as_deref(), &config.params)?),
            config: Arc::new(config),
        })
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The settings.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The reports, checks and features there are.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The language of what people read.
    #[must_use]
    pub fn language(&self) -> Language {
        self.config.language
    }

    /// An engine over the newest complete run. It goes on seeing that state
    /// while later runs change the store.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Storage`](crate::ErrorKind::Storage) if the store can not
    /// be read.
    pub async fn engine(&self) -> Result<Engine> {
        Engine::new(self.store.snapshot().await?, &self.config.engine)
    }

    /// Answers a report over the newest state.
    ///
    /// # Errors
    ///
    /// As [`reports::run`].
    pub async fn report(&self, name: &str, request: &ReportRequest) -> Result<ReportTable> {
        self.report_on(&self.engine().await?, name, request).await
    }

    /// Answers a report over the state that `engine` sees.
    ///
    /// # Errors
    ///
    /// As [`reports::run`].
    pub async fn report_on(
        &self,
        engine: &Engine,
        name: &str,
        request: &ReportRequest,
    ) -> Result<ReportTable> {
        let query = self.catalogue.get(Purpose::Report, name)?;
        let mut request = request.clone();
        if request.tz.is_none() && !request.params.contains_key("tz") {
            request.tz = Some(self.config.tz.clone());
        }
        let mut taken = BTreeMap::new();
        if let Err(refused) = self.check_asked(engine, query, &request).await {
            // What was left at a default of ours may be what the data lacks.
            taken = self.default_activities(engine, query, &request).await?;
            if taken.is_empty() {
                return Err(refused);
            }
            request.params.extend(taken.clone());
            self.check_asked(engine, query, &request).await?;
        }
        if let Some(currency) = self.default_currency(engine, query, &request).await? {
            taken.insert("currency".to_owned(), currency.clone());
            request.params.insert("currency".to_owned(), currency);
        }
        let mut report = reports::run(engine, query, &request).await?;
        report.taken = taken;
        if report.values.get("breakdown") == Some(&Value::Breakdown("owner".to_owned())) {
            report.names = self.owner_names(engine).await?;
        }
        Ok(report)
    }

    /// Runs every data check over everything stored, and looks at the plans of
    /// all feature queries.
    ///
    /// # Errors
    ///
    /// As [`reports::run`].
    pub async fn check(&self) -> Result<Vec<CheckResult>> {
        let engine = self.engine().await?;
        let mut found = Vec::new();
        for query in self.catalogue.all(Purpose::Check) {
            let as_of = reports::default_as_of(&engine);
            let tz = params::time_zone(&self.config.tz)?;
            let mut values = BTreeMap::new();
            for (name, param) in &query.header.params {
                values.insert(name.clone(), params::value(name, param, None)?);
            }
            let mut bound = values.clone();
            bound.insert("as_of".to_owned(), Value::Instant(as_of));
            bound.insert("tz".to_owned(), Value::Text(tz.name().to_owned()));
            // Versions of one row are not duplicates, so checks see the newest
            // of each, but nothing is too late for them to see.
            let view = engine.at(Moment::LATEST);
            let (schema, batches) = reports::collect(&view, query, &bound).await?;
            found.push(CheckResult {
                name: query.name.clone(),
                header: query.header.clone(),
                table: ReportTable::new(schema, batches, as_of, tz, values),
            });
        }
        let as_of = reports::default_as_of(&engine);
        let tz = params::time_zone(&self.config.tz)?;
        let leaks = findings::rows(&engine, &self.catalogue, as_of).await?;
        found.push(CheckResult {
            name: findings::NAME.to_owned(),
            header: findings::header(&self.catalogue)?,
            table: ReportTable::new(leaks.schema(), vec![leaks], as_of, tz, BTreeMap::new()),
        });
        Ok(found)
    }
}
