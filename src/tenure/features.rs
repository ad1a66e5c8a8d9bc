//! What does a model see of each customer?

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};

use super::Tenure;
use crate::churn::spec::{Attributes, Features};
use crate::churn::{Column, Values};
use crate::engine::Engine;
use crate::error::Result;
use crate::features::{Gathered, run};
use crate::reports::header::{ColumnNote, Header};
use crate::reports::{self, Purpose, ReportTable, params};
use crate::text::Text;

/// Customers × features at one moment.
#[derive(Debug, Clone)]
pub struct FeatureTable {
    /// What the columns mean.
    pub header: Header,
    /// `customer_id`, then a column per feature by name: numbers as floats,
    /// categories as text, what is missing as null.
    pub table: ReportTable,
}

impl Tenure {
    /// The features of every customer at `as_of`, from what was known then: what a
    /// model learns from; or, if absent, at the end of the data from all that is
    /// loaded: what it scores with. `wanted` are the features of a spec; without it all groups
    /// and attributes there are.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unknown`](crate::ErrorKind::Unknown) for a feature group
    /// that does not exist, [`ErrorKind::Query`](crate::ErrorKind::Query) for one
    /// that does not run or is not one row per customer.
    pub async fn features(
        &self,
        engine: &Engine,
        wanted: Option<&Features>,
        as_of: Option<&str>,
    ) -> Result<FeatureTable> {
        let tz = params::time_zone(&self.config().tz)?;
        let moment = self.moment(as_of, reports::default_as_of(engine))?;
        let cutoff = moment.as_of;
        let wanted = wanted.cloned().unwrap_or_else(|| self.all_features());
        let everyone = self.catalogue().get(Purpose::Churn, "everyone")?;
        let view = engine.at(moment);
        let mut ids = Vec::new();
        for batch in run(&view, everyone, cutoff, BTreeMap::new()).await? {
            ids.extend(batch.column(0).as_string::<i32>().iter().flatten().map(str::to_owned));
        }
        let mut gathered = Gathered::default();
        gathered.add(engine, self.catalogue(), &wanted, moment, &ids).await?;
        let columns = gathered.into_columns();
        let header = self.features_header(&wanted, &columns)?;
        let batch = table(&ids, columns)?;
        let table = ReportTable::new(batch.schema(), vec![batch], cutoff, tz, BTreeMap::new());
        Ok(FeatureTable { header, table })
    }

    fn all_features(&self) -> Features {
        let groups = self.catalogue().all(Purpose::Feature).map(|query| query.name.clone());
        Features {
            groups: groups.collect(),
            attributes: Attributes::All(true),
            ..Features::default()
        }
    }

    /// What the groups say of their columns; attributes are called by their names.
    fn features_header(&self, wanted: &Features, columns: &[Column]) -> Result<Header> {
        let mut notes = BTreeMap::new();
        for column in columns {
            let (title, unit) = (column.title.clone(), String::new());
            notes.insert(
                column.name.clone(),
                ColumnNote { title, absent: None, unit, doc: None, of: None },
            );
        }
        for group in &wanted.groups {
            let query = self.catalogue().get(Purpose::Feature, group)?;
            notes.extend(query.header.columns.clone());
        }
        Ok(Header {
            title: Text::new("Features of customers", "客户特征"),
            description: Text::new(
                "What a model sees of each customer, as known at the moment.",
                "截至该时刻已知信息下，模型所见的客户特征。",
            ),
            group: String::new(),
            grain: "one row per customer".to_owned(),
            severity: None,
            chart: None,
            params: BTreeMap::new(),
            columns: notes,
            themes: BTreeMap::new(),
            labels: BTreeMap::new(),
            voids: Vec::new(),
            hint: None,
        })
    }
}

/// The columns beside the ids.
fn table(ids: &[String], columns: Vec<Column>) -> Result<RecordBatch> {
    let mut fields = vec![Field::new("customer_id", DataType::Utf8, false)];
    let mut arrays: Vec<ArrayRef> = vec![Arc::new(StringArray::from_iter_values(ids))];
    for column in columns {
        let array: ArrayRef = match column.values {
            Values::Numeric(numbers) => {
                let known = numbers.into_iter().map(|number| Some(number).filter(|n| !n.is_nan()));
                Arc::new(known.collect::<Float64Array>())
            }
            Values::Categorical { levels, codes } => {
                let level = |code: Option<u32>| levels.get(code? as usize).map(String::as_str);
                Arc::new(codes.into_iter().map(level).collect::<StringArray>())
            }
        };
        fields.push(Field::new(column.name, array.data_type().clone(), true));
        arrays.push(array);
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}
