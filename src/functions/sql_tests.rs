//! The functions as SQL sees them: through the planner, at any parallelism.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::util::pretty::pretty_format_batches;
use datafusion::datasource::MemTable;
use datafusion::prelude::{SessionConfig, SessionContext};

use super::register;
use crate::error::{Error, ErrorKind};

fn context(partitions: usize) -> SessionContext {
    let config = SessionConfig::new()
        .with_target_partitions(partitions)
        // Small batches and an eager probe take every path: several batches
        // per partition, partial states, and rows passed on as states.
        .with_batch_size(64)
        .set_usize("datafusion.execution.skip_partial_aggregation_probe_rows_threshold", 200);
    let context = SessionContext::new_with_config(config);
    register(&context);
    context
}

async fn collect(context: &SessionContext, sql: &str) -> Result<Vec<RecordBatch>, Error> {
    Ok(context.sql(sql).await?.collect().await?)
}

/// The rows of the answer, as text, without the frame.
async fn answer(sql: &str) -> Vec<String> {
    table(&collect(&context(1), sql).await.unwrap())
}

fn table(batches: &[RecordBatch]) -> Vec<String> {
    let text = pretty_format_batches(batches).unwrap().to_string();
    let lines = text.lines().filter(|line| line.starts_with('|')).skip(1);
    let cells = lines.map(|line| line.trim_matches('|').trim().replace("  ", ""));
    cells.collect()
}

async fn failure(sql: &str) -> Error {
    collect(&context(1), sql).await.unwrap_err()
}

#[tokio::test]
async fn period_takes_every_kind_of_instant_and_null() {
    let sql = "SELECT period('month', t, 'Asia/Shanghai') FROM (VALUES
        (TIMESTAMP '2024-01-31T16:00:00Z'), (TIMESTAMP '2024-01-31T15:59:59Z'), (NULL)) AS v(t)";
    assert_eq!(answer(sql).await, ["2024-02-01", "2024-01-01", ""]);
    let sql = "SELECT period('week', arrow_cast('2024-03-03T23:59:59', 'Timestamp(Second, None)'), 'UTC')";
    assert_eq!(answer(sql).await, ["2024-02-26"]);
    assert_eq!(answer("SELECT period('all', now(), 'UTC')").await, ["1970-01-01"]);
    assert_eq!(answer("SELECT period_add('quarter', DATE '2023-11-30', 1)").await, ["2024-01-01"]);
    assert_eq!(
        answer("SELECT period_index('month', DATE '2024-03-31') - period_index('month', DATE '2023-12-01')").await,
        ["3"]
    );
    assert_eq!(
        answer("SELECT period_complete('month', DATE '2024-02-01', TIMESTAMP '2024-02-29T23:59:59.999999Z', 'UTC')").await,
        ["true"]
    );
}

#[tokio::test]
async fn wrong_arguments_are_usage_errors_with_hints() {
    let error = failure("SELECT period('monht', now(), 'UTC')").await;
    assert_eq!(error.kind(), ErrorKind::Usage);
    assert!(error.hints()[0].contains("\"month\""), "{error} {:?}", error.hints());
    let error = failure("SELECT period('month', now(), 'Asia/Shangai')").await;
    assert!(error.hints()[0].contains("Asia/Shanghai"), "{:?}", error.hints());
    let rows = "(VALUES ('a', now())) AS v(name, t)";
    for (call, words) in [
        ("funnel(name, t, ['a'], INTERVAL '1 month')", "month"),
        ("funnel(name, t, ['a'], 30)", "interval"),
        ("funnel(name, t, [name], INTERVAL '1 day')", "constant"),
        ("funnel(DISTINCT name, t, ['a'], INTERVAL '1 day')", "DISTINCT"),
        ("retention(t, 'mouth', 'UTC')", "mouth"),
        ("retention(t, name, 'UTC')", "constant"),
        ("period(name, t, 'UTC')", "constant"),
        ("nth([1], 0)", "from 1 up"),
        ("retained([1], 'inn')", "inn"),
        ("retained([-1], 'on')", "-1 is no age"),
        ("latest(1.0, t)", "four arguments"),
        ("attribute(name, 'x')", "map"),
        ("wilson(5, 3)", "5 successes of 3"),
    ] {
        let error = failure(&format!("SELECT {call} FROM {rows}")).await;
        assert!(error.to_string().contains(words), "{call}: {error}");
    }
}

#[tokio::test]
async fn intervals_are_structs_and_null_for_nothing() {
    let sql = "SELECT round(i['low'], 4), round(i['high'], 4) FROM
        (SELECT wilson(s, n) AS i FROM (VALUES (3, 4), (0, 0), (NULL, 4)) AS v(s, n))";
    assert_eq!(answer(sql).await, ["0.3006 | 0.9544", "|", "|"]);
    let sql = "SELECT round(nps_interval(50, 20, 100)['low'], 2), round(nps_interval(50, 20, 100)['high'], 2)";
    assert_eq!(answer(sql).await, ["14.05 | 44.2"]);
}

#[tokio::test]
async fn attributes_are_found_in_maps() {
    let sql = "SELECT attribute(MAP {'tier': 'gold', 'size': '3'}, 'tier')";
    assert_eq!(answer(sql).await, ["gold"]);
}

#[tokio::test]
async fn nth_is_the_element_or_null() {
    let lists = "(VALUES ([1, 2, 3]), ([4]), (NULL), ([NULL, 5])) AS v(list)";
    let sql =
        format!("SELECT nth(list, 2) IS NOT DISTINCT FROM list[2], nth(list, 2) FROM {lists}");
    assert_eq!(answer(&sql).await, ["true | 2", "true |", "true |", "true | 5"]);
    assert_eq!(answer("SELECT nth(['a', 'b'], 2)").await, ["b"]);
}

#[tokio::test]
async fn retained_counts_customers_by_age() {
    let ages = "(VALUES ('a', [0, 1, 3]), ('a', [0, 2]), ('a', NULL), ('b', [0]), ('c', NULL)) AS v(cohort, ages)";
    for (kind, expected) in [
        ("on", ["a| [2, 1, 1, 1]", "b| [1]", "c| []"]),
        ("on_or_after", ["a| [2, 2, 2, 1]", "b| [1]", "c| []"]),
        ("every", ["a| [2, 1]", "b| [1]", "c| []"]),
    ] {
        let call = format!("retained(ages, '{kind}')");
        let sql = format!("SELECT cohort, {call} FROM {ages} GROUP BY cohort ORDER BY cohort");
        assert_eq!(answer(&sql).await, expected, "{kind}");
        let sql = format!("SELECT {call} FROM {ages} WHERE cohort = 'a'");
        assert_eq!(answer(&sql).await, [expected[0].trim_start_matches("a| ")], "{kind}");
    }
}

#[tokio::test]
async fn the_latest_answer_is_one_whatever_the_order() {
    // In order of weight: each row but the last is beaten by the next.
    let rows = [
        "(9.5, NULL, 9, 'z')",
        "(NULL, 9, 9, 'z')",
        "(7.0, 1, 9, 'z')",
        "(6.0, 2, NULL, 'z')",
        "(5.0, 2, 3, NULL)",
        "(4.0, 2, 3, 'a')",
        "(1.0, 2, 3, 'b')",
        "(2.0, 2, 3, 'b')",
    ];
    let call = "latest(score, to_timestamp(at), to_timestamp(known), id)";
    for n in 1..=rows.len() {
        let expected = ["", "", "7.0", "6.0", "5.0", "4.0", "1.0", "2.0"][n - 1];
        let mut forwards = rows[..n].to_vec();
        let backwards: Vec<_> = forwards.iter().rev().copied().collect();
        forwards.rotate_left(n / 2);
        for rows in [forwards, backwards] {
            let rows = format!("(VALUES {}) AS v(score, at, known, id)", rows.join(", "));
            assert_eq!(answer(&format!("SELECT {call} FROM {rows}")).await, [expected], "{rows}");
            let grouped = format!("SELECT {call} FROM {rows} GROUP BY 1 = 1");
            assert_eq!(answer(&grouped).await, [expected], "{rows}");
        }
    }
}

/// A thousand customers' histories, each row in a place no one chose.
async fn scattered_activity(partitions: usize) -> SessionContext {
    let context = context(partitions);
    let sql = "SELECT
            CAST(n * 7919 % 1009 AS BIGINT) AS customer,
            CASE n * 104729 % 7 WHEN 0 THEN 'signup' WHEN 1 THEN 'trial' WHEN 2 THEN 'trial'
                WHEN 3 THEN 'purchase' END AS name,
            to_timestamp(n * 15485863 % 20000000) AS occurred_at
        FROM (SELECT unnest(range(0, 20000)) AS n)";
    let batches = context.sql(sql).await.unwrap().collect().await.unwrap();
    let mut split = vec![Vec::new(); partitions];
    for (number, batch) in batches.iter().enumerate() {
        split[number % partitions].push(batch.clone());
    }
    let rows = MemTable::try_new(batches[0].schema(), split).unwrap();
    context.register_table("activity", Arc::new(rows)).unwrap();
    context
}

#[tokio::test]
async fn any_number_of_partitions_gives_the_same_answer() {
    let questions = [
        "SELECT customer, funnel(name, occurred_at, ['signup', 'trial', 'trial', 'purchase'], INTERVAL '60 days')
            FILTER (WHERE customer % 10 <> 3) AS chain FROM activity GROUP BY customer ORDER BY customer",
        "SELECT customer, retention(occurred_at, 'week', 'Europe/Berlin') AS history
            FROM activity GROUP BY customer ORDER BY customer",
        "SELECT cohort, retained(ages, 'on_or_after') AS retained FROM
            (SELECT history['cohort'] AS cohort, history['ages'] AS ages FROM
            (SELECT customer, retention(occurred_at, 'week', 'UTC') AS history FROM activity GROUP BY customer) AS h) AS h
            GROUP BY cohort ORDER BY cohort",
        "SELECT customer % 100 AS hundred, latest(customer, occurred_at, NULL, name) AS value
            FROM activity GROUP BY hundred ORDER BY hundred",
        "SELECT funnel(name, occurred_at, ['signup', 'purchase'], NULL) AS chain,
            retention(occurred_at, 'day', 'UTC')['cohort'] AS cohort FROM activity",
    ];
    for sql in questions {
        let expected = table(&collect(&scattered_activity(1).await, sql).await.unwrap());
        assert!(!expected.is_empty());
        for partitions in [2, 3, 8] {
            let context = scattered_activity(partitions).await;
            assert_eq!(table(&collect(&context, sql).await.unwrap()), expected, "{partitions}");
        }
        // Sorted input streams: groups are emitted while rows still come.
        let context = scattered_activity(2).await;
        let sorted = sql.replace(
            "FROM activity",
            "FROM (SELECT * FROM activity ORDER BY customer, occurred_at, name) AS sorted",
        );
        assert_eq!(table(&collect(&context, &sorted).await.unwrap()), expected);
    }
}

/// What the two functions of stages say, by windows: hand-written SQL, as a twin.
const STAGES_BY_WINDOWS: &str = "
    WITH ranked AS (
        SELECT *, row_number() OVER (
            PARTITION BY customer, name ORDER BY occurred_at, amount NULLS LAST
        ) AS nth
        FROM deals WHERE name IS NOT NULL
    ),
    placed AS (
        SELECT *, row_number() OVER (PARTITION BY customer ORDER BY occurred_at, name) AS place
        FROM ranked WHERE nth = 1
    ),
    numbered AS (
        SELECT placed.*, stage_no FROM placed JOIN (
            SELECT name, row_number() OVER (ORDER BY avg(place), name) AS stage_no
            FROM placed GROUP BY name
        ) AS numbers ON numbers.name = placed.name
    )
    SELECT customer, name, occurred_at, amount, stage_no, min(occurred_at) OVER (
        PARTITION BY customer ORDER BY stage_no DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS later_at
    FROM numbered ORDER BY customer, occurred_at, name";

const STAGES_BY_FUNCTIONS: &str = "
    WITH histories AS (
        SELECT customer, stage_history(name, occurred_at, amount) FILTER (WHERE name IS NOT NULL) AS entries
        FROM deals GROUP BY customer
    ),
    stages AS (
        SELECT array_agg(name ORDER BY mean_place, name) AS stages
        FROM (
            SELECT entry['stage'] AS name, avg(entry['place']) AS mean_place
            FROM (SELECT unnest(entries) AS entry FROM histories) GROUP BY 1
        )
    )
    SELECT customer, move['stage'] AS name, move['entered_at'] AS occurred_at,
        move['amount'] AS amount, move['stage_no'] AS stage_no, move['later_at'] AS later_at
    FROM (
        SELECT customer, unnest(stage_moves(entries, stages)) AS move
        FROM stages CROSS JOIN histories
    ) ORDER BY customer, occurred_at, name";

#[tokio::test]
async fn stages_are_entered_and_left_as_windows_say() {
    let deals = "SELECT customer, name,
        arrow_cast(occurred_at, 'Timestamp(Microsecond, Some(\"UTC\"))') AS occurred_at,
        CAST(CASE WHEN extract(epoch FROM occurred_at) % 5 < 3
            THEN extract(epoch FROM occurred_at) % 7 END AS DECIMAL(18, 4)) AS amount
        FROM (
            SELECT customer, name, date_trunc('month', occurred_at) AS occurred_at FROM activity
            WHERE occurred_at < to_timestamp(4000000)
            UNION ALL SELECT customer, name, occurred_at FROM activity
        )";
    let view = format!("CREATE VIEW deals AS {deals}");
    let expected = {
        let context = scattered_activity(1).await;
        collect(&context, &view).await.unwrap();
        table(&collect(&context, STAGES_BY_WINDOWS).await.unwrap())
    };
    assert!(expected.len() > 2500, "{}", expected.len());
    for partitions in [1, 2, 8] {
        let context = scattered_activity(partitions).await;
        collect(&context, &view).await.unwrap();
        let got = table(&collect(&context, STAGES_BY_FUNCTIONS).await.unwrap());
        assert_eq!(got, expected, "{partitions}");
    }
}

#[tokio::test]
async fn stages_unknown_or_nulls_are_left_out() {
    let history = "(SELECT stage_history(s, to_timestamp(t), a) AS h FROM
        (VALUES ('x', 3, NULL), ('y', 2, 5.5), ('x', 3, 7), (NULL, 1, 1), ('z', NULL, 1), ('x', 4, 1))
        AS v(s, t, a))";
    let entries = format!(
        "SELECT e['stage'], e['place'], e['amount'] FROM (SELECT unnest(h) AS e FROM {history})"
    );
    assert_eq!(answer(&entries).await, ["y| 1| 5.5000", "x| 2| 7.0000"]);
    for (stages, expected) in [
        ("['y', 'x']", vec!["y | 1 | 1970-01-01T00:00:03Z", "x | 2 |"]),
        ("['x', 'y']", vec!["y | 2 |", "x | 1 | 1970-01-01T00:00:02Z"]),
        ("['y']", vec!["y | 1 |"]),
        ("NULL", vec![]),
    ] {
        let sql = format!(
            "SELECT concat_ws(' | ', m['stage'], m['stage_no'], coalesce(CAST(m['later_at'] AS VARCHAR), ''))
            FROM (SELECT unnest(stage_moves(h, {stages})) AS m FROM {history})"
        );
        let got: Vec<String> =
            answer(&sql).await.iter().map(|line| line.trim().to_owned()).collect();
        assert_eq!(got, expected, "{stages}");
    }
}

#[tokio::test]
async fn a_growing_window_is_answered_row_by_row() {
    let sql = "SELECT array_length(funnel(name, t, ['a', 'b'], INTERVAL '1 day') OVER (ORDER BY t))
        FROM (VALUES ('a', to_timestamp(1)), ('c', to_timestamp(2)), ('b', to_timestamp(3))) AS v(name, t)";
    assert_eq!(answer(sql).await, ["1", "1", "2"]);
}
