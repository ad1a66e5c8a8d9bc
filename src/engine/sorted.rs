//! How are rows grouped that already come group by group?
//!
//! DataFusion knows when the input of an aggregation is sorted by its keys, and
//! then emits groups as they end; but it still looks every row's key up in a
//! hash table. [`Sorted`] puts [`SortedAggregateExec`] in its place: a group ends
//! where a key differs from the one before, which a comparison of the key column
//! with itself, shifted by one, finds for a whole batch. The accumulators are the
//! same, so are the answers.

use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, UInt64Array};
use arrow::compute::kernels::cmp::not_distinct;
use arrow::compute::{concat, partition, take};
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, Statistics, internal_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use datafusion::physical_expr::expressions::Literal;
use datafusion::physical_expr::{OrderingRequirements, PhysicalExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode, aggregate_expressions};
use datafusion::physical_plan::execution_plan::{ChildrenPropertiesMode, ReplaceChildrenOptions};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, InputDistributionRequirements, InputOrderMode,
    PlanProperties, StatisticsArgs,
};
use futures::{StreamExt, future, stream};

/// Replaces aggregations over sorted input.
#[derive(Debug)]
pub(super) struct Sorted;

impl PhysicalOptimizerRule for Sorted {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _config: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| match plan.downcast_ref::<AggregateExec>() {
            Some(aggregate) if SortedAggregateExec::can_replace(aggregate) => {
                Ok(Transformed::yes(SortedAggregateExec::over(aggregate.clone())))
            }
            _ => Ok(Transformed::no(plan)),
        })
        .data()
    }

    fn name(&self) -> &'static str {
        "sorted_aggregate"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// An aggregation whose groups follow each other in its input.
#[derive(Debug)]
struct SortedAggregateExec {
    aggregate: AggregateExec,
    metrics: ExecutionPlanMetricsSet,
}

impl SortedAggregateExec {
    fn over(aggregate: AggregateExec) -> Arc<dyn ExecutionPlan> {
        Arc::new(Self { aggregate, metrics: ExecutionPlanMetricsSet::new() })
    }

    fn can_replace(aggregate: &AggregateExec) -> bool {
        let whole =
            matches!(aggregate.mode(), AggregateMode::Single | AggregateMode::SinglePartitioned);
        let keys = aggregate.group_expr();
        let input = aggregate.input_schema();
        // What is equal must look equal: 0 and −0 or two codes of one text
        // would not.
        let plain = |key: &Arc<dyn PhysicalExpr>| {
            key.data_type(&input).is_ok_and(|kind| {
                kind.is_integer()
                    || matches!(kind, DataType::Utf8 | DataType::Date32 | DataType::Timestamp(..))
            })
        };
        whole
            && keys.is_single()
            && *aggregate.input_order_mode() == InputOrderMode::Sorted
            && aggregate.limit_options().is_none()
            && keys.expr().iter().all(|(key, _)| plain(key))
            && aggregate.aggr_expr().iter().all(|function| function.groups_accumulator_supported())
    }
}

impl DisplayAs for SortedAggregateExec {
    fn fmt_as(&self, kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sorted")?;
        self.aggregate.fmt_as(kind, f)
    }
}

impl ExecutionPlan for SortedAggregateExec {
    fn name(&self) -> &'static str {
        "SortedAggregateExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.aggregate.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.aggregate.children()
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        self.aggregate.input_distribution_requirements()
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        self.aggregate.required_input_ordering()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        self.aggregate.maintains_input_order()
    }

    fn apply_expressions(
        &self,
        visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        self.aggregate.apply_expressions(visit)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let over = Arc::new(self.aggregate.clone());
        let anew = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        let plan = over.replace_children(children, anew)?;
        // Over another input the aggregation may no longer be sorted.
        match plan.downcast_ref::<AggregateExec>() {
            Some(aggregate) if Self::can_replace(aggregate) => Ok(Self::over(aggregate.clone())),
            _ => Ok(plan),
        }
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        self.aggregate.statistics_from_inputs(inputs, args)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let input = self.aggregate.input().execute(partition, Arc::clone(&context))?;
        let mut groups = Groups::new(&self.aggregate, partition, &context)?;
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let ended = stream::once(future::ready(None));
        let answers = input.map(Some).chain(ended).map(move |batch| {
            let _timer = metrics.elapsed_compute().timer();
            let answer = match batch {
                Some(batch) => groups.push(&batch?),
                None => groups.finish(),
            };
            if let Ok(Some(rows)) = &answer {
                metrics.record_output(rows.num_rows());
            }
            answer
        });
        let answers = answers.filter_map(|answer| future::ready(answer.transpose()));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), answers)))
    }
}

/// The groups that are being counted: all but the last have ended.
struct Groups {
    schema: SchemaRef,
    keys: Vec<Arc<dyn PhysicalExpr>>,
    arguments: Vec<Vec<Argument>>,
    filters: Vec<Option<Arc<dyn PhysicalExpr>>>,
    accumulators: Vec<Box<dyn GroupsAccumulator>>,
    /// The keys of the groups, column by column, in parts of a batch each.
    begun: Vec<Vec<ArrayRef>>,
    n_groups: usize,
    /// The keys of the last row seen.
    last: Option<Vec<ArrayRef>>,
    /// The group of each row of a batch: memory that one batch leaves the next.
    indices: Vec<usize>,
    /// Groups that have ended are handed on when there are as many as this.
    batch_size: usize,
    memory: MemoryReservation,
}

/// What an aggregate function is called with.
struct Argument {
    value: Arc<dyn PhysicalExpr>,
    /// A constant for each of many rows: spread once and not for every batch, as
    /// a list for every row costs more than what is counted with it.
    constant: Option<ArrayRef>,
}

impl Argument {
    fn rows(&mut self, batch: &RecordBatch) -> Result<ArrayRef> {
        let n = batch.num_rows();
        match &self.constant {
            Some(constant) if constant.len() >= n => return Ok(constant.slice(0, n)),
            _ => {}
        }
        let rows = self.value.evaluate(batch)?.into_array(n)?;
        if self.value.downcast_ref::<Literal>().is_some() {
            self.constant = Some(Arc::clone(&rows));
        }
        Ok(rows)
    }
}

/// The columns of a batch, evaluated.
struct Columns {
    keys: Vec<ArrayRef>,
    arguments: Vec<Vec<ArrayRef>>,
    filters: Vec<Option<BooleanArray>>,
}

impl Groups {
    fn new(aggregate: &AggregateExec, partition: usize, context: &TaskContext) -> Result<Self> {
        let functions = aggregate.aggr_expr();
        let keys = aggregate.group_expr().expr().iter().map(|(key, _)| Arc::clone(key));
        let keys: Vec<_> = keys.collect();
        let arguments = aggregate_expressions(functions, aggregate.mode(), 0)?;
        let argument = |value| Argument { value, constant: None };
        Ok(Self {
            schema: aggregate.schema(),
            begun: vec![Vec::new(); keys.len()],
            keys,
            arguments: arguments
                .into_iter()
                .map(|values| values.into_iter().map(argument).collect())
                .collect(),
            filters: aggregate.filter_expr().to_vec(),
            accumulators: functions
                .iter()
                .map(|function| function.create_groups_accumulator())
                .collect::<Result<_>>()?,
            n_groups: 0,
            last: None,
            indices: Vec::new(),
            batch_size: context.session_config().batch_size(),
            memory: MemoryConsumer::new(format!("SortedAggregate[{partition}]"))
                .register(context.memory_pool()),
        })
    }

    fn evaluate(&mut self, batch: &RecordBatch) -> Result<Columns> {
        let n = batch.num_rows();
        let array = |column: &Arc<dyn PhysicalExpr>| column.evaluate(batch)?.into_array(n);
        let arrays = |columns: &Vec<_>| columns.iter().map(array).collect::<Result<Vec<_>>>();
        let filter = |filter: &Option<Arc<dyn PhysicalExpr>>| {
            filter.as_ref().map(|filter| Ok(array(filter)?.as_boolean().clone())).transpose()
        };
        Ok(Columns {
            keys: arrays(&self.keys)?,
            arguments: self
                .arguments
                .iter_mut()
                .map(|of| of.iter_mut().map(|argument| argument.rows(batch)).collect())
                .collect::<Result<_>>()?,
            filters: self.filters.iter().map(filter).collect::<Result<_>>()?,
        })
    }

    /// Counts the rows of `batch`; hands on groups that have ended once there
    /// are enough of them.
    fn push(&mut self, batch: &RecordBatch) -> Result<Option<RecordBatch>> {
        let n_rows = batch.num_rows();
        if n_rows == 0 {
            return Ok(None);
        }
        let columns = self.evaluate(batch)?;
        // Where groups begin in the batch; the first row may go on with one.
        let mut starts: Vec<usize> =
            partition(&columns.keys)?.ranges().into_iter().map(|range| range.start).collect();
        if self.goes_on(&columns.keys)? {
            starts.remove(0);
        }
        let last_row = columns.keys.iter().map(|key| key.slice(n_rows - 1, 1)).collect();
        self.last = Some(last_row);

        let mut ended = None;
        let mut from = 0;
        if let Some(&open) = starts.last()
            && self.n_groups + starts.len() > self.batch_size
        {
            let complete = starts.len() - 1;
            self.count(&columns, &starts[..complete], 0..open)?;
            ended = Some(self.emit()?);
            starts.drain(..complete);
            from = open;
        }
        self.count(&columns, &starts, from..n_rows)?;
        let size = self.accumulators.iter().map(|accumulator| accumulator.size()).sum();
        self.memory.try_resize(size)?;
        Ok(ended)
    }

    /// Whether the first of some rows belongs to the group of the last row seen.
    fn goes_on(&self, keys: &[ArrayRef]) -> Result<bool> {
        let Some(last) = &self.last else { return Ok(false) };
        for (last, key) in last.iter().zip(keys) {
            if !not_distinct(last, &key.slice(0, 1))?.value(0) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Counts some rows, in which new groups begin at `starts`.
    fn count(
        &mut self,
        columns: &Columns,
        starts: &[usize],
        rows: std::ops::Range<usize>,
    ) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        if !starts.is_empty() {
            let places: UInt64Array = starts.iter().map(|start| *start as u64).collect();
            for (begun, key) in self.begun.iter_mut().zip(&columns.keys) {
                begun.push(take(key, &places, None)?);
            }
        }
        self.indices.clear();
        for start in starts.iter().copied().chain([rows.end]) {
            // Rows before the first start go on with the group before.
            let group = self.n_groups.saturating_sub(1);
            let length = start - rows.start;
            if length > self.indices.len() {
                self.indices.resize(length, group);
            }
            if start < rows.end {
                self.n_groups += 1;
            }
        }
        let cut = |array: &ArrayRef| array.slice(rows.start, rows.len());
        for ((accumulator, arguments), filter) in
            self.accumulators.iter_mut().zip(&columns.arguments).zip(&columns.filters)
        {
            let arguments: Vec<ArrayRef> = arguments.iter().map(cut).collect();
            let filter = filter.as_ref().map(|filter| filter.slice(rows.start, rows.len()));
            accumulator.update_batch(&arguments, &self.indices, filter.as_ref(), self.n_groups)?;
        }
        Ok(())
    }

    /// The answers of all groups begun.
    fn emit(&mut self) -> Result<RecordBatch> {
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for parts in &mut self.begun {
            let parts = std::mem::take(parts);
            columns.push(concat(&parts.iter().map(AsRef::as_ref).collect::<Vec<_>>())?);
        }
        for accumulator in &mut self.accumulators {
            columns.push(accumulator.evaluate(EmitTo::All)?);
        }
        let n_groups = std::mem::take(&mut self.n_groups);
        if columns.iter().any(|column| column.len() != n_groups) {
            return internal_err!("an aggregate did not answer for each of {n_groups} groups");
        }
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }

    /// Hands on the groups that the end of the input has ended.
    fn finish(&mut self) -> Result<Option<RecordBatch>> {
        (self.n_groups > 0).then(|| self.emit()).transpose()
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, RecordBatch};
    use arrow::util::pretty::pretty_format_batches;
    use datafusion::datasource::MemTable;
    use datafusion::execution::SessionStateBuilder;
    use datafusion::logical_expr::col;
    use datafusion::physical_plan::displayable;
    use datafusion::prelude::{SessionConfig, SessionContext};

    use super::*;

    /// A table sorted by `key`, in batches cut at every `size` rows.
    fn context(keys: &[Option<i64>], size: usize, batch_size: usize, rule: bool) -> SessionContext {
        let config = SessionConfig::new().with_target_partitions(1).with_batch_size(batch_size);
        let mut state = SessionStateBuilder::new().with_config(config).with_default_features();
        if rule {
            state = state.with_physical_optimizer_rule(Arc::new(Sorted));
        }
        let context = SessionContext::new_with_state(state.build());
        let rows = RecordBatch::try_from_iter([
            ("key", Arc::new(Int64Array::from(keys.to_vec())) as ArrayRef),
            ("n", Arc::new(Int64Array::from_iter_values(0..keys.len() as i64))),
        ])
        .unwrap();
        let cut = (0..keys.len()).step_by(size);
        let batches = cut.map(|from| rows.slice(from, size.min(keys.len() - from))).collect();
        let table = MemTable::try_new(rows.schema(), vec![batches]).unwrap();
        let table = table.with_sort_order(vec![vec![col("key").sort(true, false)]]);
        context.register_table("t", Arc::new(table)).unwrap();
        context
    }

    async fn answer(context: &SessionContext, sql: &str) -> String {
        let rows = context.sql(sql).await.unwrap().collect().await.unwrap();
        pretty_format_batches(&rows).unwrap().to_string()
    }

    #[tokio::test]
    async fn groups_are_those_of_the_hash_table_however_batches_are_cut() {
        let sql = "SELECT key, count(*), sum(n), min(n) FILTER (WHERE n % 3 = 0), array_agg(n), array_agg([1, 2]), sum(2)
            FROM t GROUP BY key ORDER BY key";
        // Long and short groups, one that spans batches, nulls last.
        let lengths = [1, 1, 5, 2, 9, 1, 3, 1, 1, 4];
        let keys = lengths.iter().zip(10..).flat_map(|(n, key)| std::iter::repeat_n(Some(key), *n));
        let keys: Vec<_> = keys.chain([None, None]).collect();
        for keys in [&keys[..], &keys[..1], &keys[..7], &keys[28..], &[]] {
            let expected = answer(&context(keys, 100, 8192, false), sql).await;
            for size in 1..=9 {
                for batch_size in [1, 2, 3, 8, 8192] {
                    let context = context(keys, size, batch_size, true);
                    assert_eq!(answer(&context, sql).await, expected, "{size} {batch_size}");
                }
            }
        }
    }

    #[tokio::test]
    async fn only_whole_sorted_groups_of_plain_keys_are_replaced() {
        let context = context(&[Some(1), Some(1), Some(2)], 2, 8192, true);
        for (sql, sorted) in [
            ("SELECT key, sum(n) FROM t GROUP BY key", true),
            ("SELECT n, sum(key) FROM t GROUP BY n", false),
            ("SELECT sum(n) FROM t", false),
            ("SELECT key, sum(n) FROM t GROUP BY GROUPING SETS ((key), ())", false),
            (
                "SELECT x, sum(n) FROM (SELECT CAST(key AS DOUBLE) AS x, n FROM t) AS t GROUP BY x",
                false,
            ),
        ] {
            let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
            let plan = displayable(plan.as_ref()).indent(false).to_string();
            assert_eq!(plan.contains("SortedAggregateExec"), sorted, "{sql}\n{plan}");
        }
    }
}
