//! How does a value get into a query without becoming part of its text?
//!
//! The statement is parsed first; then each `$name` in the syntax tree is
//! replaced by a literal node. A value is never parsed as SQL, and since the
//! literals are typed the planner knows every argument of every function.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{
    Array, Expr, Interval, Value as Literal, visit_expressions, visit_expressions_mut,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;

use super::header::ParamKind;
use super::params::{BREAKDOWNS, Value};
use crate::error::{Error, ErrorKind, Result};
use crate::functions::funnel::steps::{Condition, Operator, Path};
use crate::schema::{Kind, Table};

/// The names of all `$name` placeholders in a statement.
#[must_use]
pub fn placeholders(statement: &Statement) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if let Statement::Statement(inner) = statement {
        let _: ControlFlow<()> = visit_expressions(inner.as_ref(), |expression| {
            if let Some(name) = placeholder(expression) {
                names.insert(name.to_owned());
            }
            ControlFlow::Continue(())
        });
    }
    names
}

/// Replaces every placeholder by its value.
///
/// # Errors
///
/// [`ErrorKind::Internal`] if a placeholder has no value: the catalogue
/// refuses such files.
pub fn bind(statement: &mut Statement, values: &BTreeMap<String, Value>) -> Result<()> {
    let Statement::Statement(inner) = statement else {
        return Ok(());
    };
    let outcome = visit_expressions_mut(inner.as_mut(), |expression| {
        let Some(name) = placeholder(expression) else {
            return ControlFlow::Continue(());
        };
        match bound(name, values) {
            Ok(literal) => {
                *expression = literal;
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error),
        }
    });
    match outcome {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

/// What stands for `$name`.
fn bound(name: &str, values: &BTreeMap<String, Value>) -> Result<Expr> {
    if let Some(value) = values.get(name) {
        return literal(value);
    }
    match (values.get(base(name)), name.split_once(OF)) {
        (Some(Value::Breakdown(by)), Some((_, table))) => breakdown(by, table),
        (Some(steps), None) => mask(steps),
        _ => Err(Error::new(ErrorKind::Internal, format!("${name} has no value"))),
    }
}

/// A parameter `steps` of kind [`ParamKind::Steps`] is also there as
/// `$steps_mask`: which of the steps a row of `activity` can serve.
const MASK: &str = "_mask";

/// A parameter `breakdown` of kind [`ParamKind::Breakdown`] is also there as
/// `$breakdown_of_tickets`: by owner, who is in charge of the ticket, not of the
/// customer.
const OF: &str = "_of_";

/// The parameter that `$name` is made from, if it is not one itself.
#[must_use]
pub fn base(name: &str) -> &str {
    let of = name.split_once(OF).map(|(param, _)| param);
    name.strip_suffix(MASK).or(of).unwrap_or(name)
}

fn placeholder(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::Value(value) => match &value.value {
            Literal::Placeholder(name) => name.strip_prefix('$'),
            _ => None,
        },
        _ => None,
    }
}

fn literal(value: &Value) -> Result<Expr> {
    const INSTANT: &str = "Timestamp(Microsecond, Some(\"UTC\"))";
    match value {
        Value::Text(text) => Ok(quoted(text)),
        Value::Breakdown(name) => breakdown(name, "customers"),
        Value::Flag(flag) => Ok(node(Literal::Boolean(*flag))),
        Value::Integer(number) => typed(quoted(&number.to_string()), "Int64"),
        // `{:?}` is the shortest text that reads back as the same number.
        Value::Number(number) => typed(quoted(&format!("{number:?}")), "Float64"),
        Value::Date(date) => typed(quoted(&date.to_string()), "Date32"),
        Value::Instant(at) => {
            typed(quoted(&at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()), INSTANT)
        }
        Value::Duration(length) => Ok(Expr::Interval(Interval {
            value: Box::new(quoted(&format!("{} seconds", length.num_seconds()))),
            leading_field: None,
            leading_precision: None,
            last_field: None,
            fractional_seconds_precision: None,
        })),
        Value::List(items) | Value::Steps(items) => {
            let elem = items.iter().map(|item| quoted(item)).collect();
            typed(Expr::Array(Array { elem, named: true }), "List(Utf8)")
        }
        Value::Null(kind) => typed(
            node(Literal::Null),
            match kind {
                ParamKind::Text
                | ParamKind::Breakdown
                | ParamKind::Property
                | ParamKind::Choice => "Utf8",
                ParamKind::Integer => "Int64",
                ParamKind::Number => "Float64",
                ParamKind::Date => "Date32",
                ParamKind::Duration => "Interval(MonthDayNano)",
                ParamKind::List | ParamKind::Activities | ParamKind::Steps => "List(Utf8)",
                ParamKind::Flag => "Boolean",
            },
        ),
    }
}

/// The column of `customers`, or the attribute, that a breakdown is read from:
/// an expression instead of a value, so that a query reads that column only. The
/// owner is that of `table`.
fn breakdown(name: &str, table: &str) -> Result<Expr> {
    match BREAKDOWNS.iter().find(|(known, _)| *known == name) {
        Some((_, Some(column @ "owner_id"))) => built(&format!("{table}.{column}"), &[]),
        Some((_, Some(column))) => built(&format!("customers.{column}"), &[]),
        // A null the planner does not know to be one: DataFusion 55 loses the
        // order of streams that are partitioned by a constant.
        Some((_, None)) => {
            built("CAST(nullif(customers.customer_key, customers.customer_key) AS VARCHAR)", &[])
        }
        None => built("attribute(customers.attributes, $name)", &[("name", quoted(name))]),
    }
}

/// Whether `$name`, no parameter itself, can be made from one of this kind.
#[must_use]
pub fn is_made_from(name: &str, kind: ParamKind) -> bool {
    match kind {
        ParamKind::Steps => name.ends_with(MASK),
        ParamKind::Breakdown => name.contains(OF),
        _ => false,
    }
}

/// The mask of the steps that a row of `activity` can serve, as an expression
/// that reads no column it does not need.
fn mask(value: &Value) -> Result<Expr> {
    let Value::Steps(texts) = value else {
        return Err(Error::new(ErrorKind::Internal, "a mask of what is no list of steps"));
    };
    let path = Path::parse(texts)?;
    let mut names = Vec::new();
    let mut conditional = Vec::new();
    for (bit, pattern) in path.patterns().enumerate() {
        match pattern.conditions.is_empty() {
            true => names.push(quoted(&pattern.name)),
            false => {
                names.push(node(Literal::Null));
                conditional.push((bit, pattern));
            }
        }
    }
    let names = typed(Expr::Array(Array { elem: names, named: true }), "List(Utf8)")?;
    let mut mask = built("step_mask(activity.name, $names)", &[("names", names)])?;
    for (bit, pattern) in conditional {
        let mut holds = built("activity.name = $name", &[("name", quoted(&pattern.name))])?;
        for condition in &pattern.conditions {
            let both = [("all", holds), ("one", compared(condition)?)];
            holds = built("($all) AND ($one)", &both)?;
        }
        let bit = typed(quoted(&(1_u64 << bit).to_string()), "Int64")?;
        let added = [("mask", mask), ("holds", holds), ("bit", bit)];
        mask = built("($mask) + CASE WHEN $holds THEN $bit ELSE 0 END", &added)?;
    }
    Ok(mask)
}

/// A condition of a step. What has an order is compared as a number.
fn compared(condition: &Condition) -> Result<Expr> {
    let column = match Table::Activity.spec().column(&condition.column) {
        Some(column) if matches!(column.kind, Kind::Text | Kind::Number) => {
            built(&format!("activity.{}", column.name), &[])?
        }
        Some(column) => {
            return Err(Error::new(
                ErrorKind::Usage,
                format!("steps: {} can not be compared with a value", column.name),
            ));
        }
        None => {
            let name = quoted(&condition.column);
            built("attribute(activity.attributes, $name)", &[("name", name)])?
        }
    };
    let is_number =
        Table::Activity.spec().column(&condition.column).is_some_and(|it| it.kind == Kind::Number);
    let sides = |value| [("column", column), ("value", value)];
    if !is_number && condition.operator == Operator::Equal {
        return built("$column = $value", &sides(quoted(&condition.value)));
    }
    if !is_number && condition.operator == Operator::NotEqual {
        return built("NOT coalesce($column = $value, false)", &sides(quoted(&condition.value)));
    }
    let number: f64 = condition.value.parse().map_err(|_| {
        let Condition { column, value, .. } = condition;
        Error::new(ErrorKind::Usage, format!("steps: {column}: \"{value}\" is not a number"))
    })?;
    let value = literal(&Value::Number(number))?;
    let text = match condition.operator {
        Operator::Equal => "TRY_CAST($column AS DOUBLE) = $value",
        Operator::NotEqual => "NOT coalesce(TRY_CAST($column AS DOUBLE) = $value, false)",
        Operator::Less => "TRY_CAST($column AS DOUBLE) < $value",
        Operator::LessOrEqual => "TRY_CAST($column AS DOUBLE) <= $value",
        Operator::Greater => "TRY_CAST($column AS DOUBLE) > $value",
        Operator::GreaterOrEqual => "TRY_CAST($column AS DOUBLE) >= $value",
    };
    built(text, &sides(value))
}

fn node(literal: Literal) -> Expr {
    Expr::Value(literal.with_empty_span())
}

fn quoted(text: &str) -> Expr {
    node(Literal::SingleQuotedString(text.to_owned()))
}

/// `arrow_cast(value, type)`.
fn typed(value: Expr, data_type: &str) -> Result<Expr> {
    built("arrow_cast($value, $type)", &[("value", value), ("type", quoted(data_type))])
}

/// An expression parsed from a constant text, its arguments put in as nodes.
fn built(text: &str, arguments: &[(&str, Expr)]) -> Result<Expr> {
    let mut built = Parser::new(&GenericDialect {})
        .try_with_sql(text)
        .and_then(|mut parser| parser.parse_expr())
        .map_err(|error| Error::new(ErrorKind::Internal, "building a literal").caused_by(error))?;
    let _: ControlFlow<()> = visit_expressions_mut(&mut built, |expression| {
        let name = placeholder(expression);
        if let Some((_, node)) = arguments.iter().find(|(known, _)| name == Some(known)) {
            *expression = node.clone();
        }
        ControlFlow::Continue(())
    });
    Ok(built)
}
