//! Are features refused that know the future, and no others?

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tempfile::TempDir;
use tenure::config::Config;
use tenure::features::guard::disturb;
use tenure::generate::{Plan, write};
use tenure::ingest::{IngestOptions, Known};
use tenure::reports::Purpose;
use tenure::schema::Table;
use tenure::{ChurnSpec, Error, ErrorKind, Tenure};

use crate::common::{block_on, real_data, store_of};
use crate::model::all_scores;

/// The same store with feature groups of one's own, each with the feature `leak`.
fn with_groups(folder: &Path, groups: &[(&str, &str)]) -> Tenure {
    const HEAD: &str = "--! title = { en = \"Ours\", zh = \"自定义\" }
--! description = { en = \"A group of one's own.\", zh = \"自定义特征组。\" }
--! grain = \"one row per customer\"
--! [columns.leak]
--! title = { en = \"Leak\", zh = \"泄漏\" }
--! unit = \"number\"
";
    let features = folder.join("queries/features");
    fs::create_dir_all(&features).unwrap();
    for (name, sql) in groups {
        fs::write(features.join(format!("{name}.sql")), format!("{HEAD}{sql}\n")).unwrap();
    }
    let mut config = Config::defaults().unwrap();
    config.store = folder.join("store").display().to_string();
    config.queries = Some(folder.join("queries"));
    Tenure::with_config(config).unwrap()
}

fn train(tenure: &Tenure, spec: ChurnSpec) -> Result<String, Error> {
    block_on(tenure.train(spec, None, &mut |_, _| {})).map(|trained| trained.model)
}

/// Exports of a generated company, loaded.
fn generated(customers: u64) -> (TempDir, Tenure) {
    let folder = TempDir::new().unwrap();
    let plan = Plan::new(customers, 11, 14, Plan::default().start()).unwrap();
    write(&plan, folder.path(), &mut |_, _| {}).unwrap();
    let tenure = Tenure::open(folder.path().join("store").to_str().unwrap()).unwrap();
    let exports = [folder.path().join("exports")];
    block_on(tenure.ingest(&exports, &IngestOptions::default(), &mut ())).unwrap();
    (folder, tenure)
}

fn of_activity(leak: &str) -> ChurnSpec {
    let mut spec = ChurnSpec::built_in("churn").unwrap();
    spec.features.groups = vec!["activity".to_owned(), leak.to_owned()];
    spec.features.attributes = tenure::churn::spec::Attributes::All(false);
    spec
}

/// Leaks that the plan of the query gives away.
const PLANTED: [(&str, &str, &str); 10] = [
    (
        "outcome",
        "SELECT customer_id, CAST(value AS INT) AS leak FROM labels ORDER BY customer_id",
        "reads the table labels",
    ),
    (
        "old_score",
        "SELECT c.customer_id, max(s.probability) AS leak\n\
         FROM customers c LEFT JOIN scores s ON s.customer_id = c.customer_id\n\
         GROUP BY c.customer_id ORDER BY c.customer_id",
        "old_score.sql:8: reads the table scores",
    ),
    (
        "clock",
        "SELECT customer_id, max(CAST(now() AS BIGINT) - CAST(occurred_at AS BIGINT)) AS leak\n\
         FROM activity GROUP BY customer_id ORDER BY customer_id",
        "clock.sql:7: calls now()",
    ),
    (
        "chance",
        "SELECT customer_id, random() AS leak FROM customers ORDER BY customer_id",
        "calls random()",
    ),
    (
        "newest_export",
        "WITH seen AS (SELECT *, load_id AS export FROM activity)\n\
         SELECT customer_id, max(export) AS leak FROM seen GROUP BY customer_id ORDER BY customer_id",
        "newest_export.sql:7: the feature \"leak\" depends on activity.load_id",
    ),
    (
        "place_in_the_export",
        "SELECT customer_id, count(*) AS leak FROM customers WHERE row_no < 100\n\
         GROUP BY customer_id ORDER BY customer_id",
        "depends on customers.row_no",
    ),
    (
        "refused_rows",
        "SELECT customer_id, (SELECT count(*) FROM quarantine) AS leak\n\
         FROM customers ORDER BY customer_id",
        "reads the table quarantine",
    ),
    (
        "status",
        "SELECT a.customer_id, count(*) AS leak FROM activity a\n\
         WHERE EXISTS (SELECT 1 FROM customers c\n\
           WHERE c.customer_id = a.customer_id AND c.status = 'closed')\n\
         GROUP BY a.customer_id ORDER BY a.customer_id",
        "status.sql:9: the feature \"leak\" depends on customers.status",
    ),
    (
        "retention_desk",
        "SELECT customer_id, CASE WHEN c.owner_id = 'retention' THEN 1 ELSE 0 END AS leak\n\
         FROM customers c ORDER BY customer_id",
        "depends on customers.owner_id",
    ),
    (
        "past_the_cut",
        "SELECT customer_id, count(*) AS leak FROM 'store/tables/activity/1.parquet'\n\
         GROUP BY customer_id ORDER BY customer_id",
        "not found",
    ),
];

#[test]
fn planted_leaks_are_refused_and_the_model_stays() {
    let (folder, tenure) = generated(250);
    let served = train(&tenure, of_activity("orders")).unwrap();
    block_on(tenure.score(None)).unwrap();
    let groups: Vec<_> = PLANTED.iter().map(|(name, sql, _)| (*name, *sql)).collect();
    let tenure = with_groups(folder.path(), &groups);
    for (name, _, says) in PLANTED {
        let error = train(&tenure, of_activity(name)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Query, "{name}: {error}");
        let words = error.to_string();
        assert!(words.contains(says) && words.contains(&format!("{name}.sql")), "{name}: {words}");
        assert!(!error.hints().is_empty(), "{name} does not say what to do");
    }
    let engine = block_on(tenure.engine()).unwrap();
    assert_eq!(block_on(tenure.model(&engine)).unwrap().id(), served);
    // And `check` names every one of them.
    let checks = block_on(tenure.check()).unwrap();
    let leaks = checks.iter().find(|check| check.name == "feature_leaks").unwrap();
    assert_eq!(leaks.table.rows(), PLANTED.len());
}

/// Features that touch what leaks are made of, honestly.
#[test]
fn honest_features_pass() {
    let honest = [
        (
            "last_answer",
            "WITH ranked AS (SELECT *, row_number() OVER (PARTITION BY customer_id\n\
               ORDER BY occurred_at DESC, load_id DESC, row_no DESC) AS nth FROM surveys)\n\
             SELECT customer_id, max(score) AS leak FROM ranked WHERE nth = 1\n\
             GROUP BY customer_id ORDER BY customer_id",
        ),
        (
            "ends",
            "SELECT t.customer_id, count(t.closed_at) + count(s.ended_at) AS leak\n\
             FROM tickets t LEFT JOIN subscriptions s ON s.customer_key = t.customer_key\n\
               AND s.started_at > $as_of - INTERVAL '400 days'\n\
             WHERE t.customer_id IS NOT NULL GROUP BY t.customer_id ORDER BY t.customer_id",
        ),
        (
            "language",
            "SELECT customer_id, CASE WHEN attribute(attributes, 'language') = 'zh' THEN 1 ELSE 0 END\n\
               AS leak FROM customers ORDER BY customer_id",
        ),
    ];
    let (folder, _) = generated(250);
    let tenure = with_groups(folder.path(), &honest);
    for (name, _) in honest {
        train(&tenure, of_activity(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let checks = block_on(tenure.check()).unwrap();
    let leaks = checks.iter().find(|check| check.name == "feature_leaks").unwrap();
    assert_eq!(leaks.table.rows(), 0);
}

/// What a plan gives away moves features as well.
#[test]
fn a_feature_that_knows_what_came_later_moves() {
    let (folder, _) = generated(60);
    let tenure = with_groups(folder.path(), &PLANTED.map(|(name, sql, _)| (name, sql)));
    let engine = block_on(tenure.engine()).unwrap();
    let cutoff = "2025-01-01T00:00:00Z".parse().unwrap();
    let tables = BTreeSet::from([Table::Activity, Table::Customers]);
    let moves = |name: &str| {
        let query = tenure.catalogue().get(Purpose::Feature, name).unwrap();
        block_on(disturb::check(&engine, &[query], &tables, cutoff))
    };
    for name in ["clock", "chance", "newest_export"] {
        let words = moves(name).unwrap_err().to_string();
        assert!(words.contains("the feature \"leak\" knows what came after the cutoff"), "{words}");
        assert!(words.contains("of customer \"C0"), "{words}");
    }
    moves("activity").unwrap();
    moves("status").unwrap();
}

/// 400 customers of whom three of ten left, and what a source wrote down then.
fn told_afterwards() -> (TempDir, Tenure) {
    let left = |n: usize| n * 7_919 % 10 < 3;
    let customers = (0..400).fold(
        "customer_id,created_at,size,account,cancelled_on\n".to_owned(),
        |text, n| {
            let (size, account) =
                (["S", "M", "L"][n * 31 % 3], if left(n) { "closed" } else { "live" });
            // Half of those who leave say so.
            let on = if left(n) && n.is_multiple_of(2) {
                format!("2025-0{}-11", 1 + n % 5)
            } else {
                String::new()
            };
            text + &format!("C{n},2024-01-01,{size},{account},{on}\n")
        },
    );
    let activity = (0..400).fold("customer_id,name,occurred_at,next_at\n".to_owned(), |text, n| {
        // The event after the one in the row: known when the export was written.
        let next = if left(n) { 0 } else { 30 + n % 40 };
        text + &format!("C{n},login,2024-0{}-05T08:00:00Z,{next}\n", 1 + n % 9)
    });
    let labels = (0..400).fold("customer_id,name,value\n".to_owned(), |text, n| {
        text + &format!("C{n},churn,{}\n", left(n))
    });
    store_of(&[("customers", &customers), ("activity", &activity), ("labels", &labels)])
}

#[test]
fn what_was_filled_in_when_customers_left_is_named() {
    const SPEC: &str = r#"
name = "told"
title = { en = "Told", zh = "给定" }
[label]
kind = "given"
label = "churn"
[cutoffs]
kind = "folds"
n = 5
"#;
    let (folder, _) = told_afterwards();
    let account = "SELECT customer_id, CASE WHEN attribute(attributes, 'account') = 'closed' THEN 1 ELSE 0 END\n\
           AS leak FROM customers ORDER BY customer_id";
    let next = "SELECT customer_id, max(CAST(attribute(attributes, 'next_at') AS DOUBLE)) AS leak\n\
                FROM activity GROUP BY customer_id ORDER BY customer_id";
    let said = "SELECT customer_id, count(attribute(attributes, 'cancelled_on')) AS leak\n\
                FROM customers GROUP BY customer_id ORDER BY customer_id";
    let tenure =
        with_groups(folder.path(), &[("account", account), ("next", next), ("said", said)]);
    let spec = |groups: &[&str], attributes: bool, exclude: &[&str], trusted: &[&str]| {
        let mut spec = ChurnSpec::parse(SPEC, "told.toml").unwrap();
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        spec.features.groups = owned(groups);
        spec.features.attributes = tenure::churn::spec::Attributes::All(attributes);
        spec.features.exclude = owned(exclude);
        spec.features.trusted = owned(trusted);
        spec
    };
    for (spec, says) in [
        (spec(&[], true, &[], &[]), "\"account\" alone ranks"),
        (spec(&[], true, &["account"], &[]), "\"cancelled_on\" has no date and marks leavers"),
        (spec(&["account"], false, &[], &[]), "\"leak\" alone ranks"),
        (spec(&["next"], false, &[], &[]), "\"leak\" alone ranks"),
        (spec(&["said"], false, &[], &[]), "\"leak\" has no date and marks leavers: 80 of the 80"),
    ] {
        let Err(error) = train(&tenure, spec) else { panic!("passes: {says}") };
        assert_eq!(error.kind(), ErrorKind::Insufficient, "{error}");
        assert!(error.to_string().contains(says), "{says}: {error}");
    }
    train(&tenure, spec(&["activity"], true, &["account", "cancelled_on"], &[])).unwrap();
    train(&tenure, spec(&["said"], false, &[], &["leak"])).unwrap();
}

/// A table that nobody told us about. (The other real sets are trained in
/// `real_data`, generated ones in `model`.)
#[test]
fn a_clean_set_passes() {
    let Some(path) = real_data("mlc_churn/mlc_churn.csv") else { return };
    let folder = TempDir::new().unwrap();
    let mapping = folder.path().join("mlc.toml");
    let text = r#"
title = "mlc_churn"
[[source]]
name = "customers"
match = { headers = ["state", "account_length", "churn"] }
[[source.feed]]
table = "customers"
columns.customer_id = { sql = "concat('C', _row)" }
columns.created_at = { value = "2020-01-01" }
attributes = "rest"
[[source.feed]]
table = "labels"
columns.customer_id = { sql = "concat('C', _row)" }
columns.name = { value = "churn" }
columns.value = "churn"
"#;
    fs::write(&mapping, text).unwrap();
    let tenure = Tenure::open(folder.path().join("store").to_str().unwrap()).unwrap();
    let mapping = Some(mapping.display().to_string());
    let options = IngestOptions { mapping, ..IngestOptions::default() };
    block_on(tenure.ingest(&[path], &options, &mut ())).unwrap();
    train(&tenure, ChurnSpec::built_in("ibm_telco").unwrap()).unwrap();
}

/// The artifact without the versions of tables, and the scores without what
/// names the artifact: all that can be said of the past.
fn past(tenure: &Tenure, as_of: &str) -> (String, String) {
    let mut spec = ChurnSpec::built_in("churn").unwrap();
    spec.min_churners = 5;
    block_on(tenure.train(spec, Some(as_of), &mut |_, _| {})).unwrap();
    let engine = block_on(tenure.engine()).unwrap();
    let mut content = block_on(tenure.model(&engine)).unwrap().content().clone();
    assert!(!content.provenance.data_versions.is_empty());
    content.provenance.data_versions.clear();
    block_on(tenure.score(Some(as_of))).unwrap();
    let mut scores = all_scores(tenure);
    assert!(scores.len() > 20);
    for score in &mut scores {
        assert!(score.remove("model").is_some());
        // A page shows the name that the customer has today.
        score.remove("name");
    }
    (serde_json::to_string(&content).unwrap(), serde_json::to_string(&scores).unwrap())
}

/// Asserts that two texts are the same, and says where they are not.
fn assert_same(found: &(String, String), expected: &(String, String), what: &str) {
    for (found, expected) in [(&found.0, &expected.0), (&found.1, &expected.1)] {
        let differs = found.chars().zip(expected.chars()).position(|(one, other)| one != other);
        if let Some(at) = differs {
            let near = |text: &str| {
                text.chars().skip(at.saturating_sub(150)).take(220).collect::<String>()
            };
            panic!("{what}: {}\n instead of {}", near(found), near(expected));
        }
        assert_eq!(found.len(), expected.len(), "{what}");
    }
}

#[test]
fn rows_known_later_leave_training_and_scores_as_they_were() {
    const AS_OF: &str = "2024-12-15";
    let (folder, tenure) = generated(300);
    let before = past(&tenure, AS_OF);
    let file = |name: &str, text: &str| {
        let path = folder.path().join(format!("{name}.csv"));
        fs::write(&path, text).unwrap();
        path
    };
    let rows = |head: &str, row: &dyn Fn(u32) -> String| {
        (1..=200).fold(format!("{head}\n"), |text, n| text + &row(n) + "\n")
    };
    // What happened later, of old customers and new ones.
    let later = [
        file(
            "later",
            &rows("customer_id,name,occurred_at", &|n| {
                format!("C{:06},login,2024-12-{}T10:00:00Z", n + 200, 16 + n % 15)
            }),
        ),
        file(
            "later_orders",
            &rows("order_id,customer_id,amount,currency,ordered_at", &|n| {
                format!("LATER{n},C{n:06},99.5,USD,2025-01-{:02}T10:00:00Z", 1 + n % 28)
            }),
        ),
    ];
    block_on(tenure.ingest(&later, &IngestOptions::default(), &mut ())).unwrap();
    assert_same(&past(&tenure, AS_OF), &before, "rows that happened later");

    // What happened before, and arrives later: new rows and new versions of old
    // ones, with other values in every column.
    let arriving = [
        file(
            "arriving",
            &rows("customer_id,name,occurred_at", &|n| {
                format!("C{n:06},login,2024-{:02}-07T10:00:00Z", 1 + n % 12)
            }),
        ),
        file(
            "customers",
            &rows("customer_id,owner_id,segment,region,created_at,plan_size,language", &|n| {
                format!("C{n:06},U9,Z,nowhere,2024-01-02,huge,xx")
            }),
        ),
        file(
            "orders",
            &rows("order_id,line,customer_id,amount,currency,ordered_at", &|n| {
                format!("O{n:06}-1,1,C{n:06},7777,USD,2024-11-07T10:00:00Z")
            }),
        ),
        file(
            "contracts",
            &rows("subscription_id,customer_id,mrr,currency,started_at,ends_at,ended_at", &|n| {
                format!("S{n:06}-1,C{n:06},5555,USD,2024-06-01,2024-12-31,2024-12-01")
            }),
        ),
        file(
            "tickets",
            &rows("ticket_id,customer_id,category,opened_at,closed_at,satisfaction", &|n| {
                format!("T{n:06}-1,C{n:06},complaint,2024-12-01,2024-12-02,1")
            }),
        ),
        file(
            "surveys",
            &rows("response_id,customer_id,kind,score,responded_at", &|n| {
                format!("A{n:06}-1,C{n:06},nps,0,2024-12-10")
            }),
        ),
    ];
    let options = IngestOptions { known: Known::Arrival, ..IngestOptions::default() };
    block_on(tenure.ingest(&arriving, &options, &mut ())).unwrap();
    let snapshot = block_on(tenure.store().snapshot()).unwrap();
    assert!(snapshot.manifest().versioned.len() > 3, "{:?}", snapshot.manifest().versioned);
    assert_same(&past(&tenure, AS_OF), &before, "rows that arrived later");

    // They do change what is said today.
    assert_ne!(past(&tenure, "2025-02-20").1, before.1);
}
