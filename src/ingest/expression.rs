//! How does a mapping compute a value from a row?
//!
//! With an SQL expression, planned and evaluated by DataFusion over the
//! columns of the source: `Quantity * UnitPrice`, `coalesce(AccountId, Id)`,
//! `CASE WHEN IsWon THEN 'won' ELSE 'open' END`. Names keep their case and
//! need quotes only for blanks and signs. An expression sees one row: there
//! are no tables, no subqueries, no aggregates, and nothing that reads the
//! clock or a random number, since the same file must always give the same
//! rows.
//!
//! An expression that fails on a batch is evaluated row by row, so that
//! exactly the rows at fault are set aside, each with its own message.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, new_null_array};
use arrow::compute::concat;
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::DFSchema;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, Volatility};
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::prelude::SessionConfig;
use datafusion::sql::sqlparser::ast::{self, Visit, Visitor};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;

use crate::error::{Error, ErrorKind, Result};

/// An expression whose syntax is sound.
#[derive(Debug, Clone)]
pub struct Sql {
    /// As written.
    pub text: String,
    /// The line of the mapping it stands on.
    pub line: usize,
    /// The names of columns in it, as spelt.
    pub names: BTreeSet<String>,
}

impl Sql {
    /// Parses an expression.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str, line: usize) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| {
            format!("the expression {text:?} can not be read: {error}")
        };
        let mut parser =
            Parser::new(&GenericDialect {}).try_with_sql(text).map_err(|error| failed(&error))?;
        let expr = parser.parse_expr().map_err(|error| failed(&error))?;
        let after = parser.peek_token().token;
        if after != Token::EOF {
            return Err(failed(&format!("{after} is not expected after it")));
        }
        let mut names = Names::default();
        match expr.visit(&mut names) {
            ControlFlow::Break(words) => Err(format!("{words} in {text:?}")),
            ControlFlow::Continue(()) => Ok(Self { text: text.to_owned(), line, names: names.0 }),
        }
    }
}

/// Gathers column names and refuses what is not an expression over a row.
#[derive(Default)]
struct Names(BTreeSet<String>);

impl Visitor for Names {
    type Break = String;

    fn pre_visit_query(&mut self, _: &ast::Query) -> ControlFlow<String> {
        ControlFlow::Break("a subquery is not an expression over a row,".to_owned())
    }

    fn pre_visit_expr(&mut self, expr: &ast::Expr) -> ControlFlow<String> {
        match expr {
            ast::Expr::Identifier(name) => {
                self.0.insert(name.value.clone());
            }
            ast::Expr::CompoundIdentifier(parts) => {
                let parts: Vec<&str> = parts.iter().map(|part| part.value.as_str()).collect();
                let name = parts.join(".");
                return ControlFlow::Break(format!("a name with a dot needs quotes (\"{name}\")"));
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Plans expressions; made once per ingest.
pub struct Planner {
    state: SessionState,
}

impl Planner {
    /// A planner with DataFusion's built-in functions.
    #[must_use]
    pub fn new() -> Self {
        let mut config = SessionConfig::new();
        let parser = &mut config.options_mut().sql_parser;
        parser.enable_ident_normalization = false;
        // So that `UnitPrice * 1.2` stays exact.
        parser.parse_float_as_decimal = true;
        let state = SessionStateBuilder::new_with_default_features().with_config(config).build();
        Self { state }
    }

    /// Plans an expression over rows of `schema`.
    ///
    /// # Errors
    /// An unknown function, types that do not go together, or an expression
    /// whose value does not depend on the row alone.
    pub fn plan(&self, sql: &Sql, schema: &SchemaRef) -> Result<Expression> {
        let schema = DFSchema::try_from(Arc::clone(schema))?;
        let expr = self.state.create_logical_expr(&sql.text, &schema)?;
        if let Some(words) = refusal(&expr)? {
            return Err(Error::new(ErrorKind::Input, format!("{words} in {:?}", sql.text)));
        }
        // Some functions, coalesce() among them, only exist for the simplifier
        // to write them in terms of others.
        let context = SimplifyContext::builder()
            .with_schema(Arc::new(schema.clone()))
            .with_config_options(Arc::clone(self.state.config_options()))
            .build();
        let simplifier = ExprSimplifier::new(context);
        let expr = simplifier.simplify(simplifier.coerce(expr, &schema)?)?;
        let physical = self.state.create_physical_expr(expr, &schema)?;
        let data_type = physical.data_type(schema.as_arrow())?;
        Ok(Expression { physical, data_type })
    }
}

impl Default for Planner {
    fn default() -> Self {
        Self::new()
    }
}

/// Why an expression may not be used, if so.
fn refusal(expr: &Expr) -> Result<Option<String>> {
    use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
    let mut words = None;
    expr.apply(|node| {
        words = match node {
            Expr::ScalarFunction(call)
                if call.func.signature().volatility != Volatility::Immutable =>
            {
                Some(format!(
                    "{}() gives another value on another day and can not be used",
                    call.func.name()
                ))
            }
            Expr::AggregateFunction(call) => {
                Some(format!("{}() needs many rows and can not be used", call.func.name()))
            }
            Expr::WindowFunction(_) => {
                Some("a window function needs many rows and can not be used".to_owned())
            }
            _ => return Ok(TreeNodeRecursion::Continue),
        };
        Ok(TreeNodeRecursion::Stop)
    })?;
    Ok(words)
}

/// A planned expression.
#[derive(Debug)]
pub struct Expression {
    physical: Arc<dyn PhysicalExpr>,
    data_type: DataType,
}

/// The values of an expression, and the rows it failed on with the message.
pub type Evaluated = (ArrayRef, Vec<(usize, String)>);

impl Expression {
    /// Evaluates over a batch of the planned schema; rows at fault are null.
    ///
    /// # Errors
    /// A defect: Arrow can not put the rows together again.
    pub fn evaluate(&self, batch: &RecordBatch) -> Result<Evaluated> {
        if let Ok(values) = self.try_evaluate(batch) {
            return Ok((values, Vec::new()));
        }
        let mut faults = Vec::new();
        let mut rows = Vec::with_capacity(batch.num_rows());
        for row in 0..batch.num_rows() {
            rows.push(self.try_evaluate(&batch.slice(row, 1)).unwrap_or_else(|error| {
                faults.push((row, error.to_string()));
                new_null_array(&self.data_type, 1)
            }));
        }
        let rows: Vec<&dyn Array> = rows.iter().map(AsRef::as_ref).collect();
        Ok((concat(&rows)?, faults))
    }

    fn try_evaluate(&self, batch: &RecordBatch) -> Result<ArrayRef> {
        Ok(self.physical.evaluate(batch)?.into_array_of_size(batch.num_rows())?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{AsArray, Int64Array, StringArray};
    use arrow::datatypes::{Field, Int64Type, Schema};

    fn batch() -> RecordBatch {
        let schema = Schema::new(vec![
            Field::new("Quantity", DataType::Int64, true),
            Field::new("Unit Price", DataType::Utf8, true),
        ]);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from(vec![Some(6), Some(0), None])),
            Arc::new(StringArray::from(vec![Some("a"), Some("7"), None])),
        ];
        RecordBatch::try_new(Arc::new(schema), columns).unwrap()
    }

    fn evaluate(text: &str) -> Evaluated {
        let sql = Sql::parse(text, 1).unwrap();
        Planner::new().plan(&sql, &batch().schema()).unwrap().evaluate(&batch()).unwrap()
    }

    #[test]
    fn only_the_rows_at_fault_are_set_aside() {
        let (values, faults) = evaluate("12 / Quantity");
        assert_eq!(
            values.as_primitive::<Int64Type>().iter().collect::<Vec<_>>(),
            [Some(2), None, None]
        );
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].0, 1);
        assert!(faults[0].1.contains("ivide by zero"), "{}", faults[0].1);
        let (values, faults) = evaluate("coalesce(Quantity, 9)");
        assert_eq!((values.as_primitive::<Int64Type>().value(2), faults.len()), (9, 0));
        let (_, faults) = evaluate("CAST(\"Unit Price\" AS bigint)");
        assert_eq!(faults.iter().map(|fault| fault.0).collect::<Vec<_>>(), [0]);
    }

    #[test]
    fn names_are_gathered_as_spelt() {
        let sql =
            Sql::parse("coalesce(Quantity, \"Unit Price\", extract(year FROM Day))", 1).unwrap();
        assert_eq!(sql.names.into_iter().collect::<Vec<_>>(), ["Day", "Quantity", "Unit Price"]);
    }

    #[test]
    fn what_does_not_depend_on_the_row_alone_is_refused() {
        for text in ["(SELECT 1)", "Quantity IN (SELECT 1)", "a.b", "1 +", "1 2"] {
            assert!(Sql::parse(text, 1).is_err(), "{text}");
        }
        for text in [
            "now()",
            "random()",
            "uuid()",
            "sum(Quantity)",
            "Quantity + row_number() OVER ()",
            "nosuch(1)",
            "Nosuch",
        ] {
            let sql = Sql::parse(text, 1).unwrap();
            assert!(Planner::new().plan(&sql, &batch().schema()).is_err(), "{text}");
        }
    }
}
