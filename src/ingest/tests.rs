//! Whole ingests into memory, each of a few lines written on the spot.

use std::collections::BTreeMap;
use std::path::PathBuf;

use arrow::array::AsArray;
use arrow::compute::concat_batches;
use arrow::datatypes::{Decimal128Type, Int64Type, TimestampMicrosecondType};
use arrow::util::display::array_value_to_string;

use super::*;
use crate::error::Error;
use crate::tables::Counts;

/// 2026-01-01.
const NOW: i64 = 1_767_225_600_000_000;

/// A store in memory.
#[derive(Default)]
pub(super) struct Memory {
    batches: BTreeMap<Table, Vec<RecordBatch>>,
    pub(super) loads: Vec<Load>,
}

#[async_trait]
impl Sink for Memory {
    async fn append(&mut self, table: Table, batch: RecordBatch) -> Result<()> {
        assert_eq!(batch.schema(), table.spec().schema());
        self.batches.entry(table).or_default().push(batch);
        Ok(())
    }

    async fn record_load(&mut self, load: Load) -> Result<()> {
        self.loads.push(load);
        Ok(())
    }
}

impl Memory {
    pub(super) fn table(&self, table: Table) -> RecordBatch {
        let none = Vec::new();
        concat_batches(&table.spec().schema(), self.batches.get(&table).unwrap_or(&none)).unwrap()
    }

    /// The cells of some columns as text, row by row.
    fn cells(&self, table: Table, columns: &[&str]) -> Vec<String> {
        let batch = self.table(table);
        let show = |name: &&str, row: usize| {
            array_value_to_string(batch.column_by_name(name).unwrap(), row).unwrap()
        };
        (0..batch.num_rows())
            .map(|row| columns.iter().map(|name| show(name, row)).collect::<Vec<_>>().join("|"))
            .collect()
    }
}

/// A folder of files and a mapping.
struct Case {
    dir: tempfile::TempDir,
    options: IngestOptions,
    base: Base,
}

impl Case {
    fn new(mapping: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("in")).unwrap();
        let path = dir.path().join("map.toml");
        std::fs::write(&path, mapping).unwrap();
        let options =
            IngestOptions { mapping: Some(path.display().to_string()), ..IngestOptions::at(NOW) };
        Self { dir, options, base: Base::default() }
    }

    fn file(self, name: &str, text: &str) -> Self {
        std::fs::write(self.dir.path().join("in").join(name), text).unwrap();
        self
    }

    fn run(&self) -> Result<(Summary, Memory)> {
        let mut memory = Memory::default();
        let summary = run(&[self.dir.path().join("in")], &self.options, &self.base, &mut memory)?;
        for rows in summary.files.iter().map(|file| file.rows).chain([summary.rows]) {
            assert_eq!(rows.read, rows.kept + rows.quarantined + rows.filtered);
        }
        Ok((summary, memory))
    }

    fn error(&self) -> Error {
        self.run().map(|(summary, _)| summary).unwrap_err()
    }
}

pub(super) fn run(
    paths: &[PathBuf],
    options: &IngestOptions,
    base: &Base,
    memory: &mut Memory,
) -> Result<Summary> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(ingest(paths, options, base, memory, &mut ()))
}

const SHOP: &str = r#"
[[source]]
name = "lines"
match = { headers = ["Invoice", "Price"] }
types = { Quantity = "integer", Price = "decimal" }
null = ["NULL"]
where = "Invoice <> 'void'"

[[source.feed]]
table = "orders"
columns.customer_id = "Customer"
columns.order_id = "Invoice"
columns.amount = { sql = "Quantity * Price" }
columns.occurred_at = "Date"
attributes = ["Colour"]

[[source.feed]]
table = "activity"
where = "Customer IS NOT NULL AND Quantity > 0"
columns.customer_id = "Customer"
columns.name = { value = "order" }
columns.occurred_at = "Date"
columns.quantity = { sql = "100 / (Quantity - 7)" }
"#;

const LINES: &str = "Invoice,Customer,Quantity,Price,Date,Colour,Note
1,a,2,1.50,2024-01-01,red,x
void,b,1,oops,2024-01-01,,
2,b,x,1,2024-01-02,,
3,b,7,1,2024-01-02,,
4,,-1,0.1234,2024-01-03,NULL,
5,c,1,1,03/04/2024,,
6,c,1,1,2030-01-01,,
7,c,1,1,,,
8,a,1,1,2023-06-01,,
9,a,1,1,2023-06-01,,,
";

#[test]
fn every_row_is_kept_quarantined_or_filtered() {
    let (summary, memory) = Case::new(SHOP).file("lines.csv", LINES).run().unwrap();
    let file = &summary.files[0];
    assert_eq!(
        (file.rows.read, file.rows.kept, file.rows.quarantined, file.rows.filtered),
        (10, 3, 7, 0)
    );
    assert_eq!(
        memory.cells(Table::Quarantine, &["line", "column", "reason"]),
        [
            "3|Price|bad_number",
            "4|Quantity|bad_number",
            "5|activity.quantity|bad_expression",
            "7|Date|bad_time",
            "8|Date|future_time",
            "9|Date|missing_value",
            "11||ragged_row",
        ]
    );
    let raw = memory.cells(Table::Quarantine, &["raw"]);
    assert_eq!(raw[2], "3,b,7,1,2024-01-02,,");
    assert_eq!(file.nulls, BTreeMap::from([("Colour".to_owned(), 1)]));
    assert_eq!(file.unused, ["Note"]);
    assert_eq!(
        memory.cells(
            Table::Orders,
            &["order_id", "customer_key", "amount", "attributes", "row_no", "known_at"]
        ),
        [
            "1|0|3.0000|{Colour: red}|0|2024-01-01T00:00:00Z",
            "4||-0.1234|{}|4|2024-01-03T00:00:00Z",
            "8|0|1.0000|{}|8|2023-06-01T00:00:00Z",
        ]
    );
    // The anonymous line reached one table, which is enough to be kept.
    assert_eq!(memory.cells(Table::Activity, &["customer_id", "row_no"]), ["a|0", "a|8"]);
    // Quarantined rows introduce no customers, and the first sight is by time.
    assert_eq!(
        memory.cells(
            Table::Customers,
            &["customer_key", "customer_id", "implied", "created_at", "row_no"]
        ),
        ["0|a|true|2023-06-01T00:00:00Z|8"]
    );
    assert_eq!(
        summary.tables,
        BTreeMap::from([
            ("activity".into(), 2),
            ("customers".into(), 1),
            ("orders".into(), 3),
            ("quarantine".into(), 7)
        ])
    );
}

#[test]
fn rows_a_filter_refuses_are_counted_by_filter() {
    let lines = "Invoice,Customer,Quantity,Price,Date,Colour\nvoid,a,1,1,2024-01-01,\n1,a,1,1,2024-01-01,\n";
    let only_activity = SHOP.split("[[source.feed]]").collect::<Vec<_>>();
    let mapping = format!("{}[[source.feed]]{}", only_activity[0], only_activity[2])
        .replace("Quantity > 0", "Quantity > 1");
    let (summary, _) = Case::new(&mapping).file("lines.csv", lines).run().unwrap();
    let file = &summary.files[0];
    assert_eq!(
        file.filters,
        BTreeMap::from([("no feed wants the row".into(), 1), ("the source's where".into(), 1)])
    );
    assert_eq!(summary.rows.filtered, 2);
}

#[test]
fn the_same_content_is_loaded_once() {
    let lines = "Invoice,Customer,Quantity,Price,Date,Colour\n1,a,1,1,2024-01-01,\n";
    let mut case = Case::new(SHOP).file("a.csv", lines).file("b.csv", lines);
    let (summary, memory) = case.run().unwrap();
    assert_eq!(summary.files[1].already_loaded.as_deref(), Some("a.csv"));
    assert_eq!((summary.rows.read, memory.loads.len()), (1, 1));
    assert_eq!((memory.loads[0].load_id, memory.loads[0].loaded_at), (1, NOW));
    case.base.loads.insert(memory.loads[0].digest.clone(), 1);
    case.base.last_load = 1;
    let (summary, memory) = case.run().unwrap();
    assert_eq!(summary.files[0].already_loaded.as_deref(), Some("load 1"));
    assert_eq!((summary.rows, memory.loads.len(), memory.batches.len()), (Counts::default(), 0, 0));
}

#[test]
fn a_folder_may_hold_files_nobody_knows_but_a_named_one_must_be_known() {
    let case = Case::new(SHOP).file("lines.csv", LINES).file("colours.csv", "hue,tone\nred,dark\n");
    let (summary, _) = case.run().unwrap();
    assert_eq!(summary.files.len(), 1);
    let [strange] = summary.unrecognised.as_slice() else { panic!("{summary:?}") };
    assert_eq!(strange.file, "colours.csv");
    assert!(strange.reason.contains("no mapping knows these columns: hue, tone"), "{strange:?}");

    let named = [case.dir.path().join("in"), case.dir.path().join("in/colours.csv")];
    let error = run(&named, &case.options, &case.base, &mut Memory::default()).unwrap_err();
    assert!(error.to_string().starts_with("colours.csv: no mapping knows"), "{error}");

    // A folder of which nothing is known is most likely the wrong folder.
    let error = Case::new(SHOP).file("colours.csv", "hue,tone\nred,dark\n").error();
    assert!(error.to_string().starts_with("colours.csv: no mapping knows"), "{error}");
}

#[test]
fn a_dry_run_accounts_and_writes_nothing() {
    let mut case = Case::new(SHOP).file("lines.csv", LINES);
    let (real, _) = case.run().unwrap();
    case.options.dry_run = true;
    let (dry, memory) = case.run().unwrap();
    assert_eq!((dry.rows, &dry.tables), (real.rows, &real.tables));
    assert!(memory.batches.is_empty() && memory.loads.is_empty());
}

#[test]
fn batches_of_any_size_give_the_same_rows() {
    let mut case = Case::new(SHOP).file("lines.csv", LINES);
    let (whole, one) = case.run().unwrap();
    for size in [1, 2, 3, 7] {
        case.options.batch_rows = size;
        let (summary, memory) = case.run().unwrap();
        assert_eq!(summary, whole);
        for table in Table::all() {
            assert_eq!(
                memory.table(table),
                one.table(table),
                "{} in batches of {size}",
                table.name()
            );
        }
    }
}

const PEOPLE: &str = r#"
[[source]]
name = "people"
match = { headers = ["id", "plan"] }
[[source.feed]]
table = "customers"
columns.customer_id = "id"
columns.segment = "plan"
columns.created_at = "since"
[[source]]
name = "logins"
match = { headers = ["who", "when"] }
[[source.feed]]
table = "activity"
columns.customer_id = "who"
columns.name = { value = "login" }
columns.occurred_at = "when"
"#;

fn customers(memory: &Memory) -> Vec<String> {
    memory.cells(
        Table::Customers,
        &["customer_key", "customer_id", "segment", "implied", "created_at", "known_at", "load_id"],
    )
}

#[test]
fn explicit_customers_wait_for_the_first_sight_if_they_do_not_say() {
    let (summary, memory) = Case::new(PEOPLE)
        .file("a.csv", "who,when\nz,2024-02-01\nu,2024-02-01\ny,2024-01-05\ny,2024-01-04\n")
        .file("b.csv", "id,plan,since\nx,A,2020-01-01\ny,A,\nz,B,\nz,B,\nz,C,\nw,D,\n")
        .run()
        .unwrap();
    assert_eq!(
        customers(&memory),
        [
            "3|x|A|false|2020-01-01T00:00:00Z|2020-01-01T00:00:00Z|2",
            "0|z|C|false|2024-02-01T00:00:00Z|2024-02-01T00:00:00Z|2",
            "2|y|A|false|2024-01-04T00:00:00Z|2024-01-04T00:00:00Z|2",
            "4|w|D|false||2026-01-01T00:00:00Z|2",
            "1|u||true|2024-02-01T00:00:00Z|2024-02-01T00:00:00Z|1",
        ]
    );
    assert_eq!(summary.files[1].unchanged, BTreeMap::from([("customers".into(), 1)]));
    assert_eq!((summary.new_customers, summary.implied_customers), (5, 1));
    assert_eq!(summary.files[1].tables, BTreeMap::from([("customers".into(), 4)]));
}

#[test]
fn keys_are_stable_and_an_earlier_sight_is_a_new_version() {
    let known = |customer_id: &str, customer_key, implied, created_at| KnownCustomer {
        customer_id: customer_id.into(),
        customer_key,
        implied,
        created_at,
    };
    let day = |day: i64| Some(day * 86_400_000_000);
    let mut case = Case::new(PEOPLE).file(
        "a.csv",
        "who,when\nnew,1970-01-05\nimplied,1970-01-03\nlater,1970-01-09\nexplicit,1970-01-02\n",
    );
    case.base.customers = vec![
        known("later", 7, true, day(5)),
        known("implied", 4, true, day(5)),
        known("explicit", 9, false, day(5)),
    ];
    let (summary, memory) = case.run().unwrap();
    let keys = memory.table(Table::Activity);
    let keys =
        keys.column_by_name("customer_key").unwrap().as_primitive::<Int64Type>().values().to_vec();
    assert_eq!(keys, [10, 4, 7, 9]);
    assert_eq!(
        memory.cells(Table::Customers, &["customer_key", "customer_id", "created_at"]),
        ["4|implied|1970-01-03T00:00:00Z", "10|new|1970-01-05T00:00:00Z"]
    );
    assert_eq!(summary.new_customers, 1);
}

#[test]
fn arrivals_are_known_from_the_load_on() {
    let mut case = Case::new(PEOPLE)
        .file("a.csv", "who,when\na,2024-01-01\n")
        .file("b.csv", "id,plan,since\nb,A,2020-01-01\nc,A,\n");
    case.options.known = Known::Arrival;
    let (_, memory) = case.run().unwrap();
    for table in [Table::Activity, Table::Customers] {
        let batch = memory.table(table);
        let known = batch
            .column_by_name("known_at")
            .unwrap()
            .as_primitive::<TimestampMicrosecondType>()
            .clone();
        assert!(known.iter().all(|at| at == Some(NOW)), "{}", table.name());
    }
}

#[test]
fn a_column_the_file_lacks_is_an_error_that_names_the_line() {
    let case = Case::new(PEOPLE).file("b.csv", "id,plan,sinse\nx,A,2020-01-01\n");
    let error = case.error();
    assert!(
        error
            .to_string()
            .ends_with("map.toml, line 9: source \"people\": the file has no column \"since\""),
        "{error}"
    );
    assert_eq!(error.hints()[0], "did you mean \"sinse\"?");
    let case = Case::new(
        &PEOPLE.replace("table = \"customers\"", "table = \"customers\"\noptional = true"),
    )
    .file("b.csv", "id,plan\nx,A\n");
    let (summary, _) = case.run().unwrap();
    assert_eq!(summary.files[0].absent, ["since"]);
}

#[test]
fn new_columns_of_later_json_rows_are_found() {
    let mapping = "[[source]]\nname = \"e\"\nmatch = { headers = [\"who\"] }\n[[source.feed]]\ntable = \"activity\"\ncolumns.customer_id = \"who\"\ncolumns.name = { value = \"x\" }\ncolumns.occurred_at = \"at\"\nattributes = \"rest\"\n";
    let mut case = Case::new(mapping).file("e.ndjson", "{\"who\":\"a\",\"at\":\"2024-01-01\"}\n{\"who\":\"a\",\"at\":\"2024-01-02\",\"p\":{\"q\":1}}\n{bad\n");
    case.options.batch_rows = 1;
    let (summary, memory) = case.run().unwrap();
    assert_eq!(memory.cells(Table::Activity, &["row_no", "attributes"]), ["0|{}", "1|{p.q: 1}"]);
    assert_eq!(summary.reasons, BTreeMap::from([("bad_json".into(), 1)]));
    assert!(summary.files[0].unused.is_empty(), "an object is kept by its parts");
}

#[test]
fn pseudo_columns_say_where_a_row_stands() {
    let mapping = PEOPLE.replace(
        "columns.name = { value = \"login\" }",
        "columns.name = { sql = \"concat(_file, ' ', _line, ' ', _row)\" }",
    );
    let (_, memory) = Case::new(&mapping)
        .file("a.csv", "who,when\na,2024-01-01\na,2024-01-01,,,\na,2024-01-01\n")
        .run()
        .unwrap();
    assert_eq!(memory.cells(Table::Activity, &["name"]), ["a.csv 2 0", "a.csv 4 2"]);
}

#[test]
fn decimals_are_summed_exactly() {
    let (_, memory) = Case::new(SHOP).file("l.csv", "Invoice,Customer,Quantity,Price,Date,Colour\n1,a,3,0.1,2024-01-01,\n2,a,10,0.001,2024-01-01,\n").run().unwrap();
    let orders = memory.table(Table::Orders);
    let amounts =
        orders.column_by_name("amount").unwrap().as_primitive::<Decimal128Type>().values().to_vec();
    assert_eq!(amounts, [3_000, 100]);
}
