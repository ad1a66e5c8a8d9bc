//! Which columns of which tables does each column of a plan come from?
//!
//! Walks a logical plan from the tables up. A column depends on what it is
//! computed from; every column depends on what decides which rows there are.
//! Where a node is not known in detail, all its columns depend on all that goes
//! in: rather too much than too little. An order only decides between rows that
//! are otherwise equal, so a load or row number after the first key of an
//! `ORDER BY` is no dependence.

use std::collections::BTreeSet;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DataFusionError};
use datafusion::logical_expr::expr::Sort;
use datafusion::logical_expr::{Expr, LogicalPlan, Subquery, Volatility};

use crate::error::Error;
use crate::schema::Table;

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Source {
    pub table: Table,
    pub column: &'static str,
}

type Sources = BTreeSet<Source>;

/// What a plan hands on.
#[derive(Debug, Clone, Default)]
pub(super) struct Flow {
    /// What each column of its schema comes from.
    pub columns: Vec<Sources>,
    /// What decides which rows there are.
    pub rows: Sources,
}

impl Flow {
    fn all(&self) -> impl Iterator<Item = Source> {
        self.columns.iter().flatten().chain(&self.rows).copied()
    }
}

/// Why a plan can not be followed to cut tables.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Calls a clock or chance.
    Function(String),
    /// Reads what is no table of the view.
    Table(String),
    /// Anything else that went wrong.
    Error(Error),
}

/// Columns that may decide between rows that are otherwise equal.
const TIE_BREAKERS: [&str; 2] = ["load_id", "row_no"];

/// Follows plans over the tables of a view.
pub(super) struct Lineage<'a> {
    /// How the view cuts each table.
    cuts: &'a [(Table, LogicalPlan)],
    tables: BTreeSet<Table>,
}

impl<'a> Lineage<'a> {
    pub(super) fn new(cuts: &'a [(Table, LogicalPlan)]) -> Self {
        Self { cuts, tables: BTreeSet::new() }
    }

    /// The tables met so far.
    pub(super) const fn tables(&self) -> &BTreeSet<Table> {
        &self.tables
    }

    /// What the columns of `plan` come from.
    pub(super) fn flow(&mut self, plan: &LogicalPlan) -> Result<Flow, Refusal> {
        if let Some((table, _)) = self.cuts.iter().find(|(_, cut)| cut == plan) {
            self.tables.insert(*table);
            let columns = table.spec().columns.iter();
            let source =
                |column: &crate::schema::Column| Source { table: *table, column: column.name };
            let columns = columns.map(|column| BTreeSet::from([source(column)])).collect();
            return Ok(Flow { columns, rows: BTreeSet::new() });
        }
        if let LogicalPlan::TableScan(scan) = plan {
            return Err(Refusal::Table(scan.table_name.table().to_owned()));
        }
        let mut inputs = Vec::new();
        for input in plan.inputs() {
            inputs.push((input, self.flow(input)?));
        }
        let mut flow = Flow::default();
        flow.rows.extend(inputs.iter().flat_map(|(_, input)| &input.rows));
        match (plan, inputs.as_slice()) {
            (LogicalPlan::SubqueryAlias(_) | LogicalPlan::Distinct(_), [(_, input)]) => {
                flow.columns.clone_from(&input.columns);
            }
            (LogicalPlan::Projection(projection), inputs) => {
                for expr in &projection.expr {
                    flow.columns.push(self.of(expr, inputs)?);
                }
            }
            (LogicalPlan::Filter(filter), inputs @ [(_, input)]) => {
                flow.columns.clone_from(&input.columns);
                flow.rows.extend(self.of(&filter.predicate, inputs)?);
            }
            (LogicalPlan::Sort(sort), inputs @ [(_, input)]) => {
                flow.columns.clone_from(&input.columns);
                flow.rows.extend(self.order(&sort.expr, inputs)?);
            }
            (LogicalPlan::Limit(_), [(_, input)]) => flow.columns.clone_from(&input.columns),
            (LogicalPlan::Aggregate(aggregate), inputs) => {
                for group in &aggregate.group_expr {
                    flow.rows.extend(self.of(group, inputs)?);
                }
                // Grouping sets have a column more than expressions.
                flow.columns.resize(
                    plan.schema().fields().len().saturating_sub(aggregate.aggr_expr.len()),
                    BTreeSet::new(),
                );
                for expr in &aggregate.aggr_expr {
                    flow.columns.push(self.of(expr, inputs)?);
                }
            }
            (LogicalPlan::Window(window), inputs @ [(_, input)]) => {
                flow.columns.clone_from(&input.columns);
                for expr in &window.window_expr {
                    flow.columns.push(self.of(expr, inputs)?);
                }
            }
            (LogicalPlan::Join(join), inputs @ [(_, left), (_, right)]) => {
                for (one, other) in &join.on {
                    flow.rows.extend(self.of(one, inputs)?);
                    flow.rows.extend(self.of(other, inputs)?);
                }
                if let Some(filter) = &join.filter {
                    flow.rows.extend(self.of(filter, inputs)?);
                }
                flow.columns = left.columns.iter().chain(&right.columns).cloned().collect();
            }
            (LogicalPlan::Union(_), inputs) => {
                for (_, input) in inputs {
                    flow.columns.resize(input.columns.len(), BTreeSet::new());
                    for (column, more) in flow.columns.iter_mut().zip(&input.columns) {
                        column.extend(more);
                    }
                }
            }
            (_, inputs) => {
                for expr in plan.expressions() {
                    flow.rows.extend(self.of(&expr, inputs)?);
                }
                flow.rows.extend(inputs.iter().flat_map(|(_, input)| input.all()));
            }
        }
        // What the arms above do not know by place may come from anywhere.
        if flow.columns.len() != plan.schema().fields().len() {
            flow.rows.extend(inputs.iter().flat_map(|(_, input)| input.all()));
            flow.columns = vec![BTreeSet::new(); plan.schema().fields().len()];
        }
        Ok(flow)
    }

    /// What an expression over `inputs` comes from.
    fn of(&mut self, expr: &Expr, inputs: &[(&LogicalPlan, Flow)]) -> Result<Sources, Refusal> {
        let mut found = BTreeSet::new();
        let mut refused = None;
        let walked = expr.apply(|node| match self.node(node, inputs, &mut found) {
            Ok(next) => Ok(next),
            Err(refusal) => {
                refused = Some(refusal);
                Ok(TreeNodeRecursion::Stop)
            }
        });
        match (refused, walked) {
            (Some(refusal), _) => Err(refusal),
            (None, Err(error)) => Err(error.into()),
            (None, Ok(_)) => Ok(found),
        }
    }

    /// Adds what one node of an expression comes from.
    fn node(
        &mut self,
        node: &Expr,
        inputs: &[(&LogicalPlan, Flow)],
        found: &mut Sources,
    ) -> Result<TreeNodeRecursion, Refusal> {
        match node {
            Expr::Column(column) => found.extend(place(column, inputs)),
            Expr::ScalarFunction(call)
                if call.func.signature().volatility != Volatility::Immutable =>
            {
                return Err(Refusal::Function(call.func.name().to_owned()));
            }
            Expr::AggregateFunction(call) => {
                let (args, filter) = (&call.params.args, &call.params.filter);
                for expr in args.iter().chain(filter.as_deref()) {
                    found.extend(self.of(expr, inputs)?);
                }
                found.extend(self.order(&call.params.order_by, inputs)?);
                return Ok(TreeNodeRecursion::Jump);
            }
            Expr::WindowFunction(call) => {
                let params = &call.params;
                let exprs = params.args.iter().chain(&params.partition_by);
                for expr in exprs.chain(params.filter.as_deref()) {
                    found.extend(self.of(expr, inputs)?);
                }
                found.extend(self.order(&params.order_by, inputs)?);
                return Ok(TreeNodeRecursion::Jump);
            }
            Expr::ScalarSubquery(inner) => found.extend(self.inner(inner, inputs)?),
            Expr::Exists(inner) => found.extend(self.inner(&inner.subquery, inputs)?),
            Expr::InSubquery(inner) => found.extend(self.inner(&inner.subquery, inputs)?),
            Expr::SetComparison(inner) => found.extend(self.inner(&inner.subquery, inputs)?),
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    }

    /// What a query inside an expression comes from, and what it is told.
    fn inner(
        &mut self,
        inner: &Subquery,
        inputs: &[(&LogicalPlan, Flow)],
    ) -> Result<Sources, Refusal> {
        let mut found: Sources = self.flow(&inner.subquery)?.all().collect();
        for told in &inner.outer_ref_columns {
            if let Expr::OuterReferenceColumn(_, column) = told {
                found.extend(place(column, inputs));
            }
        }
        Ok(found)
    }

    fn order(
        &mut self,
        keys: &[Sort],
        inputs: &[(&LogicalPlan, Flow)],
    ) -> Result<Sources, Refusal> {
        let mut found = BTreeSet::new();
        for (index, key) in keys.iter().enumerate() {
            let mut sources = self.of(&key.expr, inputs)?;
            if index > 0 {
                sources.retain(|source| !TIE_BREAKERS.contains(&source.column));
            }
            found.extend(sources);
        }
        Ok(found)
    }
}

fn place(column: &Column, inputs: &[(&LogicalPlan, Flow)]) -> Sources {
    let at = |(plan, flow): &(&LogicalPlan, Flow)| {
        flow.columns.get(plan.schema().maybe_index_of_column(column)?).cloned()
    };
    inputs.iter().find_map(at).unwrap_or_default()
}

impl From<DataFusionError> for Refusal {
    fn from(error: DataFusionError) -> Self {
        Self::Error(error.into())
    }
}
