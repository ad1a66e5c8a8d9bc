//! What does `tenure check` say of feature queries that a training would refuse?
//!
//! One row per refused group, in the columns of the other checks.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use chrono::{DateTime, Utc};

use super::plan;
use crate::churn::spec::Features;
use crate::engine::Engine;
use crate::error::{ErrorKind, Result};
use crate::reports::header::{self, Header};
use crate::reports::{Catalogue, Purpose};

/// The name of the check.
pub const NAME: &str = "feature_leaks";

const HEAD: &str = r#"
--! title = { en = "Features that know the future", zh = "泄漏未来信息的特征" }
--! description = { en = "Feature groups that read outcomes, scores, a clock, or columns that a source fills in after the fact: a model trained on them looks better than it is, so training refuses them. Features of which only the values give a leak away are found in training.", zh = "读取了结果、评分、系统时间，或由来源系统事后回填字段的特征组：用它们训练的模型看上去比实际更好，因此训练时会被拒绝。只能从取值看出的泄漏会在训练时发现。" }
--! severity = "error"
--! grain = "one row per feature group"
"#;

/// What the check says about itself.
///
/// # Errors
///
/// None; the head is a constant.
pub fn header(catalogue: &Catalogue) -> Result<Header> {
    let mut header = header::parse(NAME, HEAD)?;
    let columns = ["finding", "table", "key", "detail", "rows"].map(str::to_owned);
    catalogue.vocabulary().complete(&mut header, &Default::default(), &columns);
    Ok(header)
}

/// Every feature group whose plan is refused at `as_of`: `finding, table, key,
/// detail, rows`.
///
/// # Errors
///
/// Those that are no refusals, such as [`ErrorKind::Storage`].
pub async fn rows(
    engine: &Engine,
    catalogue: &Catalogue,
    as_of: DateTime<Utc>,
) -> Result<RecordBatch> {
    let (mut groups, mut details) = (Vec::new(), Vec::new());
    for query in catalogue.all(Purpose::Feature) {
        match plan::check(engine, query, &Features::default(), as_of).await {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::Query => {
                groups.push(query.name.clone());
                details.push(error.to_string());
            }
            Err(error) => return Err(error),
        }
    }
    let n = groups.len();
    let columns: [(&str, ArrayRef); 5] = [
        ("finding", Arc::new(StringArray::from(vec![NAME; n]))),
        ("table", Arc::new(StringArray::from(vec!["features"; n]))),
        ("key", Arc::new(StringArray::from(groups))),
        ("detail", Arc::new(StringArray::from(details))),
        ("rows", Arc::new(Int64Array::from(vec![1; n]))),
    ];
    Ok(RecordBatch::try_from_iter(columns)?)
}
