//! What does a page show that no report answers?
//!
//! The queries in `queries/pages`: one customer's profile and history, the
//! sizes of the bands, the names of owners. Unless told otherwise they stand at no
//! moment but see everything stored, the newest version of each row.

use std::collections::BTreeMap;

use arrow::array::AsArray;

use super::Tenure;
use crate::engine::{Engine, Moment};
use crate::error::Result;
use crate::reports::{self, Purpose, ReportTable, Value, params};

impl Tenure {
    /// Answers the page query `name`; parameters that are not `given` take
    /// their defaults.
    ///
    /// # Errors
    ///
    /// As [`reports::run`].
    pub async fn page(
        &self,
        engine: &Engine,
        name: &str,
        given: BTreeMap<String, Value>,
    ) -> Result<ReportTable> {
        self.page_at(engine, name, given, Moment::LATEST).await
    }

    /// The same, of what there was at `moment`.
    ///
    /// # Errors
    ///
    /// As [`reports::run`].
    pub async fn page_at(
        &self,
        engine: &Engine,
        name: &str,
        given: BTreeMap<String, Value>,
        moment: Moment,
    ) -> Result<ReportTable> {
        let query = self.catalogue().get(Purpose::Page, name)?;
        let as_of = reports::default_as_of(engine);
        let tz = params::time_zone(&self.config().tz)?;
        let mut values = BTreeMap::new();
        for (name, param) in &query.header.params {
            values.insert(name.clone(), params::value(name, param, None)?);
        }
        values.extend(given);
        let mut bound = values.clone();
        bound.insert("as_of".to_owned(), Value::Instant(as_of));
        bound.insert("tz".to_owned(), Value::Text(tz.name().to_owned()));
        let (schema, batches) = reports::collect(&engine.at(moment), query, &bound).await?;
        Ok(ReportTable::new(schema, batches, as_of, tz, values))
    }

    /// What owners are called, by id.
    pub(super) async fn owner_names(&self, engine: &Engine) -> Result<BTreeMap<String, String>> {
        let found = self.page(engine, "owner_names", BTreeMap::new()).await?;
        let pairs = found.batches.iter().flat_map(|batch| {
            let [ids, names] = [0, 1].map(|place| batch.column(place).as_string::<i32>());
            ids.iter().zip(names).filter_map(|(id, name)| Some((id?.to_owned(), name?.to_owned())))
        });
        Ok(pairs.collect())
    }
}
