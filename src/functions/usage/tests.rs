//! Does one pass say what a query per number would?

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::util::pretty::pretty_format_batches;
use datafusion::datasource::MemTable;
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::functions::register;

/// Ninety customers with rows up to three years old, in no order, some after
/// `as_of`; names with a null among them, coded or not.
async fn activity(partitions: usize, coded: bool) -> SessionContext {
    let config = SessionConfig::new()
        .with_target_partitions(partitions)
        .with_batch_size(64)
        .set_usize("datafusion.execution.skip_partial_aggregation_probe_rows_threshold", 200);
    let context = SessionContext::new_with_config(config);
    register(&context);
    let kind = if coded { "Dictionary(Int32, Utf8)" } else { "Utf8" };
    let sql = format!(
        "SELECT CAST(n * 7919 % 90 AS BIGINT) AS customer,
            arrow_cast(CASE n * 104729 % 11 WHEN 10 THEN NULL ELSE concat('name', n * 104729 % 11) END, '{kind}') AS name,
            CASE WHEN n % 5 > 0 THEN CAST(n % 100 AS DOUBLE) END AS quantity,
            arrow_cast(n * 15485863 % 100000000 * 1000000, 'Timestamp(Microsecond, Some(\"UTC\"))') AS occurred_at
        FROM (SELECT unnest(range(0, 8000)) AS n)"
    );
    let batches = context.sql(&sql).await.unwrap().collect().await.unwrap();
    let mut split = vec![Vec::new(); partitions];
    for (number, batch) in batches.iter().enumerate() {
        split[number % partitions].push(batch.clone());
    }
    let rows = MemTable::try_new(batches[0].schema(), split).unwrap();
    context.register_table("activity", Arc::new(rows)).unwrap();
    context
}

async fn answer(context: &SessionContext, sql: &str) -> String {
    let rows: Vec<RecordBatch> = context.sql(sql).await.unwrap().collect().await.unwrap();
    pretty_format_batches(&rows).unwrap().to_string()
}

const AS_OF: &str = "TIMESTAMP '1973-01-01T00:00:00Z'";

/// The definition, number by number.
fn twin(group: &str) -> String {
    let windows = [Some(1), Some(30), Some(64), Some(365), None];
    let age = format!("(CAST({AS_OF} AS BIGINT) - CAST(occurred_at AS BIGINT) / 1000)");
    let age = age.replace(
        &format!("CAST({AS_OF} AS BIGINT)"),
        &format!("CAST({AS_OF} AS BIGINT) / 1000000"),
    );
    let day = format!("({age} / 86400000)");
    let inside = |days: &Option<i32>| match days {
        Some(days) => format!("FILTER (WHERE {age} < {days} * 86400000)"),
        None => String::new(),
    };
    let list = |call: &str| {
        let calls = windows.iter().map(|days| format!("{call} {}", inside(days)));
        format!("make_array({})", calls.collect::<Vec<_>>().join(", "))
    };
    let named = |name: &str| {
        let calls = windows.iter().map(|days| {
            let also = match days {
                Some(days) => format!(" AND {age} < {days} * 86400000"),
                None => String::new(),
            };
            format!("count(*) FILTER (WHERE name = '{name}'{also})")
        });
        calls.collect::<Vec<_>>().join(", ")
    };
    let quantities = list("sum(coalesce(quantity, 0.0))").replace("sum(", "sum(0.0 + ");
    let quantities = quantities
        .trim_start_matches("make_array(")
        .trim_end_matches(')')
        .split(", sum(")
        .map(|call| format!("coalesce(sum({}, 0.0)", call.trim_start_matches("sum(")))
        .collect::<Vec<_>>()
        .join(", ");
    format!(
        "SELECT {group} AS g, min(occurred_at) AS a, max(occurred_at) AS b, {} AS c, {} AS d,
            make_array({quantities}) AS e, {} AS f, make_array({}, {}) AS h
        FROM activity WHERE occurred_at <= {AS_OF} GROUP BY g ORDER BY g",
        list("count(*)"),
        list(&format!("count(DISTINCT {day})")),
        list("count(DISTINCT name)"),
        named("name3"),
        named("name7"),
    )
}

fn asked(group: &str, filter: &str) -> String {
    format!(
        "SELECT g, u['first_at'] AS a, u['last_at'] AS b, u['counts'] AS c, u['days'] AS d,
            u['quantities'] AS e, u['breadth'] AS f, u['by_name'] AS h
        FROM (SELECT {group} AS g,
            usage(name, quantity, occurred_at, {AS_OF}, [1, 30, 64, 365], ['name3', 'name7']) {filter} AS u
            FROM activity GROUP BY g) AS t
        WHERE u IS NOT NULL ORDER BY g"
    )
}

#[tokio::test]
async fn one_pass_says_what_a_query_per_number_says() {
    for group in ["customer", "1"] {
        let expected = answer(&activity(1, false).await, &twin(group)).await;
        assert!(expected.lines().count() > 4, "{expected}");
        for (partitions, coded) in [(1, false), (1, true), (2, true), (3, false), (8, true)] {
            let context = activity(partitions, coded).await;
            let given = answer(&context, &asked(group, "")).await;
            assert_eq!(given, expected, "{partitions} {coded}");
        }
    }
}

/// Added as they come, these differ in the last bit.
#[tokio::test]
async fn quantities_of_one_instant_add_up_to_the_same_bits_in_any_order() {
    let context = activity(1, false).await;
    let sum = async |rows: &str| {
        let sql = format!(
            "SELECT usage('x', CAST(column1 AS DOUBLE), TIMESTAMP '1972-12-01T00:00:00Z', {AS_OF}, [365], [])
               ['quantities'] AS q
            FROM (VALUES {rows})"
        );
        answer(&context, &sql).await
    };
    let expected = sum("(0.1), (0.2), (0.3), (1000000000), (-999999999.5)").await;
    for rows in [
        "(1000000000), (0.3), (0.1), (-999999999.5), (0.2)",
        "(-999999999.5), (0.2), (1000000000), (0.1), (0.3)",
    ] {
        assert_eq!(sum(rows).await, expected);
    }
}

#[tokio::test]
async fn a_filter_counts_only_what_it_keeps() {
    let expected =
        twin("customer").replace("WHERE occurred_at", "WHERE customer % 3 = 1 AND occurred_at");
    let expected = answer(&activity(1, false).await, &expected).await;
    let given = asked("customer", "FILTER (WHERE customer % 3 = 1)");
    assert_eq!(answer(&activity(2, true).await, &given).await, expected);
}

#[tokio::test]
async fn nothing_is_null_and_wrong_windows_are_refused() {
    let context = activity(2, true).await;
    let none = format!(
        "SELECT usage(name, NULL, occurred_at, {AS_OF}, [7], ['a']) IS NULL AS x FROM activity WHERE customer > 1000"
    );
    assert!(answer(&context, &none).await.contains("true"));
    for (arguments, words) in [
        ("[30, 7], ['a']", "ascending"),
        ("[0], ['a']", "ascending"),
        ("[7, NULL], ['a']", "ascending"),
        ("[7], [NULL]", "names"),
        ("[customer], ['a']", "constant"),
    ] {
        let sql = format!("SELECT usage(name, 1, occurred_at, {AS_OF}, {arguments}) FROM activity");
        let error = context.sql(&sql).await.unwrap().collect().await.unwrap_err();
        assert!(error.to_string().contains(words), "{arguments}: {error}");
    }
}
