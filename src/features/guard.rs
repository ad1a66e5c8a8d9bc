//! Does a feature know what nobody knew at the cutoff?
//!
//! A leak makes a model look better than it can ever be in use, and nobody
//! notices until money is lost. Tables are cut at the cutoff by the engine, so
//! most leaks can not be written down. This guard looks for the others, in
//! every training, and refuses to train:
//!
//! | | looks at | finds |
//! |---|---|---|
//! | [`plan`] | the plan of every feature query | tables past the cut, outcomes and scores, clocks, chance, columns that tell how and when a row was loaded or that a source rewrites when a customer leaves |
//! | [`disturb`] | features of some customers, twice | values that move when later rows are gone, others are added, and loads are numbered anew |
//! | [`dates`] | attributes that are dates | days that had not come |
//! | [`alone`] | each feature of the training rows | one that predicts better than a feature can |
//!
//! # What it proves, and what not
//!
//! The first two prove that no stored row with a later stamp has any part in a
//! feature. They take the stamps for true: a source that rewrites a row and
//! leaves its stamp as it was (most often a column of customers, kept as an
//! attribute) is not caught by them. Such values are `undated`, and the other
//! two hold them to stricter rules than others; a mark of a few of those who
//! left, without a date, passes. A booked meeting is no leak: it is in the future of the
//! cutoff and therefore not there. Nor is an answer to an exit survey: at a
//! later cutoff it is known, and at an earlier one it is not there.
//!
//! Who knows better names a feature in `features.trusted` of the spec: the
//! rules on columns and on predicting too well no longer apply to it; those on
//! tables, clocks and chance always do.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use crate::churn::spec::Features;
use crate::churn::{Frame, Period};
use crate::engine::Engine;
use crate::error::Result;
use crate::reports::{Catalogue, Purpose};
use crate::schema::Table;

pub mod alone;
pub mod dates;
pub mod disturb;
pub mod findings;
mod lineage;
pub mod plan;

/// What the plans of a spec's feature groups say.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    wanted: Features,
    /// The tables the groups read.
    tables: BTreeSet<Table>,
    /// Features of groups.
    known: BTreeSet<String>,
    /// Those that read a column a source may rewrite.
    undated: BTreeSet<String>,
}

impl Guard {
    /// Looks at the plans of all groups of `wanted`, as of `as_of`.
    ///
    /// # Errors
    ///
    /// [`Query`](crate::ErrorKind::Query) that names file, line, and what is read that was
    /// not known; what [`Catalogue::get`] and planning say.
    pub async fn of(
        engine: &Engine,
        catalogue: &Catalogue,
        wanted: &Features,
        as_of: DateTime<Utc>,
    ) -> Result<Self> {
        let mut guard = Self { wanted: wanted.clone(), ..Self::default() };
        for group in &wanted.groups {
            let query = catalogue.get(Purpose::Feature, group)?;
            let found = plan::check(engine, query, wanted, as_of).await?;
            guard.tables.extend(found.tables);
            guard.undated.extend(found.undated);
            guard.known.extend(query.header.columns.keys().cloned());
        }
        Ok(guard)
    }

    /// Disturbs what is later than the newest of the `periods` of a training
    /// `frame` (or than `as_of`, if there are none), and looks at each of its
    /// features alone.
    ///
    /// # Errors
    ///
    /// [`Query`](crate::ErrorKind::Query) for a feature that moves, with customer
    /// and both values; [`Insufficient`](crate::ErrorKind::Insufficient) for one
    /// that predicts too well.
    pub async fn check(
        &self,
        engine: &Engine,
        catalogue: &Catalogue,
        frame: &Frame,
        periods: &[Period],
        as_of: DateTime<Utc>,
    ) -> Result<()> {
        let cutoff = periods.last().map_or(as_of, |period| {
            // A cutoff at a date leaves that day to the label.
            period.cutoff.and_time(chrono::NaiveTime::MIN).and_utc() - TimeDelta::microseconds(1)
        });
        let mut queries = Vec::new();
        for group in &self.wanted.groups {
            queries.push(catalogue.get(Purpose::Feature, group)?);
        }
        disturb::check(engine, &queries, &self.tables, cutoff).await?;
        // Attributes have no file, and no stamp of their own.
        let is_undated = |name: &str| self.undated.contains(name) || !self.known.contains(name);
        dates::check(frame, periods, as_of, &is_undated, &self.wanted.trusted)?;
        alone::check(frame, periods.len(), &is_undated, &self.wanted.trusted)
    }
}
