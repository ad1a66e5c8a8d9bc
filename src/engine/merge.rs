//! How do sorted runs become one sorted stream per range of customers?
//!
//! [`MergeExec`] reads, for one range at a time, the part of each run that lies
//! in it, cuts off what belongs to the neighbours, merges what is left by the
//! table's order, and hands on the columns that were asked for. It is a leaf of
//! the plan: the scans below it must keep the partitions they were given.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::SortOptions;
use arrow::datatypes::{Int64Type, SchemaRef};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, ScalarValue, SplitPoint, Statistics, stats::Precision};
use datafusion::execution::{SendableRecordBatchStream, TaskContext, memory_pool::MemoryConsumer};
use datafusion::physical_expr::{
    EquivalenceProperties, LexOrdering, Partitioning, PhysicalExpr, PhysicalSortExpr,
    RangePartitioning, expressions::Column,
};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::sorts::streaming_merge::StreamingMergeBuilder;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, StatisticsArgs,
};
use futures::StreamExt;

/// The keys `[from, to)`; without `to`, all from `from`, rows of nobody included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Slice {
    pub from: i64,
    pub to: Option<i64>,
}

impl Slice {
    /// Whether some key of `first..=last` is in it.
    pub(super) fn meets(self, first: i64, last: i64) -> bool {
        last >= self.from && self.to.is_none_or(|to| first < to)
    }

    /// Whether every key of `first..=last` is in it.
    pub(super) fn covers(self, first: i64, last: i64) -> bool {
        first >= self.from && self.to.is_none_or(|to| last < to)
    }

    /// The rows of a batch sorted by the keys in `column`, nulls last, that are
    /// in it.
    fn cut(self, batch: &RecordBatch, column: usize) -> RecordBatch {
        let keys = batch.column(column).as_primitive::<Int64Type>();
        let known = keys.len() - keys.null_count();
        let below = |border: i64| keys.values()[..known].partition_point(|key| *key < border);
        let start = below(self.from);
        let end = self.to.map_or(keys.len(), below);
        batch.slice(start, end.saturating_sub(start))
    }
}

/// Reads runs range by range.
#[derive(Debug)]
pub(super) struct MergeExec {
    /// A scan per run with a partition per range, and whether one of its row
    /// groups holds rows of two ranges.
    runs: Vec<(Arc<dyn ExecutionPlan>, bool)>,
    ranges: Vec<Slice>,
    /// The order to merge the runs by, in columns of the scans; none if one run may
    /// follow the other.
    order: Option<LexOrdering>,
    /// Where the customer's key is in the scans, if they have it.
    key: Option<usize>,
    /// How many of the scans' columns are handed on: the first ones.
    width: usize,
    rows: usize,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl MergeExec {
    /// Reads `runs`, each sorted by as many columns of `order` as it has, and
    /// hands on their first `width` columns; `rows` is how many there are. They are
    /// merged if `in_order`, else, if nobody wants the customers' key, one run follows
    /// the other.
    pub(super) fn new(
        runs: Vec<(Arc<dyn ExecutionPlan>, bool)>,
        ranges: Vec<Slice>,
        order: &[&str],
        in_order: bool,
        width: usize,
        rows: usize,
    ) -> Result<Self> {
        let read = runs.first().map(|(run, _)| run.schema());
        let read = read.unwrap_or_else(|| Arc::new(arrow::datatypes::Schema::empty()));
        let schema: SchemaRef = Arc::new(read.project(&(0..width).collect::<Vec<_>>())?);
        let eq = match ordering(order, &schema)? {
            Some(ordering) => {
                EquivalenceProperties::new_with_orderings(Arc::clone(&schema), [ordering])
            }
            None => EquivalenceProperties::new(Arc::clone(&schema)),
        };
        let properties = PlanProperties::new(
            eq,
            partitioning(&ranges, order, &schema)?,
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Self {
            order: if in_order { ordering(order, &read)? } else { None },
            key: order.first().and_then(|key| read.index_of(key).ok()),
            runs,
            ranges,
            width,
            rows,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }
}

/// The leading columns of `order` that `schema` has, ascending with nulls last
/// as `tables::files` sorts them.
fn ordering(order: &[&str], schema: &SchemaRef) -> Result<Option<LexOrdering>> {
    let options = SortOptions { descending: false, nulls_first: false };
    let there = order.iter().map_while(|name| schema.index_of(name).ok().map(|at| (name, at)));
    let columns = there.map(|(name, at)| {
        PhysicalSortExpr::new(Arc::new(Column::new(name, at)) as Arc<dyn PhysicalExpr>, options)
    });
    Ok(LexOrdering::new(columns))
}

fn partitioning(ranges: &[Slice], order: &[&str], schema: &SchemaRef) -> Result<Partitioning> {
    let key = ordering(order.get(..1).unwrap_or_default(), schema)?;
    let (Some(key), true) = (key, ranges.len() > 1) else {
        return Ok(Partitioning::UnknownPartitioning(ranges.len()));
    };
    let borders = ranges.iter().filter_map(|range| range.to);
    let points = borders.map(|border| SplitPoint::new(vec![ScalarValue::Int64(Some(border))]));
    Ok(Partitioning::Range(RangePartitioning::try_new(key, points.collect())?))
}

impl DisplayAs for MergeExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MergeExec: runs={}, ranges={}", self.runs.len(), self.ranges.len())?;
        let columns = self.schema();
        let names: Vec<&str> = columns.fields().iter().map(|field| field.name().as_str()).collect();
        write!(f, ", columns=[{}]", names.join(", "))
    }
}

impl ExecutionPlan for MergeExec {
    fn name(&self) -> &'static str {
        "MergeExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(
        &self,
        _: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let mut statistics = Statistics::new_unknown(&self.schema());
        if args.partition().is_none() {
            // Pruned row groups may be among them.
            statistics.num_rows = Precision::Inexact(self.rows);
        }
        Ok(Arc::new(statistics))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let range = self.ranges[partition];
        let mut streams = Vec::with_capacity(self.runs.len());
        for (run, across) in &self.runs {
            let stream = run.execute(partition, Arc::clone(&context))?;
            streams.push(match self.key {
                Some(key) if *across => cut(stream, range, key),
                _ => stream,
            });
        }
        let merged = match (&self.order, streams.len()) {
            (Some(order), 2..) => StreamingMergeBuilder::new()
                .with_schema(self.runs[0].0.schema())
                .with_streams(streams)
                .with_expressions(order)
                .with_metrics(BaselineMetrics::new(&self.metrics, partition))
                .with_batch_size(context.session_config().batch_size())
                .with_reservation(
                    MemoryConsumer::new("merging runs").register(context.memory_pool()),
                )
                // Equal rows come in the order of the runs, every time.
                .with_round_robin_tie_breaker(false)
                .build()?,
            (None, 2..) => {
                let schema = self.runs[0].0.schema();
                let rows = futures::stream::iter(streams).flatten();
                Box::pin(RecordBatchStreamAdapter::new(schema, rows))
            }
            _ => match streams.pop() {
                Some(stream) => stream,
                None => return Err(datafusion::common::internal_datafusion_err!("no run to read")),
            },
        };
        if merged.schema().fields().len() == self.width {
            return Ok(merged);
        }
        let wanted: Vec<usize> = (0..self.width).collect();
        let projected = merged.map(move |batch| Ok(batch?.project(&wanted)?));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), projected)))
    }
}

/// The rows of a stream that are in `range`.
fn cut(stream: SendableRecordBatchStream, range: Slice, key: usize) -> SendableRecordBatchStream {
    let schema = stream.schema();
    let rows = stream.filter_map(move |batch| {
        let kept = batch.map(|batch| range.cut(&batch, key));
        let some = kept.as_ref().map_or(true, |batch| batch.num_rows() > 0);
        futures::future::ready(some.then_some(kept))
    });
    Box::pin(RecordBatchStreamAdapter::new(schema, rows))
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, Int64Array};

    use super::*;
    use crate::tables::NOBODY;

    const EVERYBODY: Slice = Slice { from: i64::MIN, to: None };

    #[test]
    fn a_batch_is_cut_at_both_ends_and_nobody_is_in_the_last_range() {
        let keys = Int64Array::from(vec![Some(1), Some(3), Some(3), Some(5), None, None]);
        let batch =
            RecordBatch::try_from_iter([("customer_key", Arc::new(keys) as ArrayRef)]).unwrap();
        let rows = |from, to| Slice { from, to }.cut(&batch, 0).num_rows();
        assert_eq!(rows(i64::MIN, Some(3)), 1);
        assert_eq!(rows(3, Some(4)), 2);
        assert_eq!(rows(4, None), 3);
        assert_eq!(rows(6, None), 2);
        assert_eq!(rows(6, Some(9)), 0);
        assert_eq!(EVERYBODY.cut(&batch, 0).num_rows(), 6);
        assert!(EVERYBODY.covers(0, NOBODY));
        assert!(!Slice { from: 0, to: Some(NOBODY) }.covers(0, NOBODY));
    }
}
