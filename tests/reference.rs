//! Does the reference of reports say what the query files say, and do they say
//! enough?

use std::collections::BTreeSet;
use std::fs;

use arrow::datatypes::DataType;
use tenure::ReportRequest;
use tenure::reports::header::ChartKind;
use tenure::reports::{Purpose, reference};

use crate::common::{block_on, root, sample};

#[test]
fn the_reference_is_made_from_the_query_files() {
    let file = root().join("docs/reports.md");
    let now = reference::markdown(sample().catalogue());
    if std::env::var_os("TENURE_BLESS").is_some() {
        fs::write(&file, &now).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap();
    let differs = written.lines().zip(now.lines()).find(|(a, b)| a != b);
    assert!(written == now, "docs/reports.md is not what the query files say: {differs:?}");
}

/// Each column is described, each description is of a column, and what the head
/// says of codes and charts fits the answer.
#[test]
fn every_column_of_every_report_is_described() {
    let tenure = sample();
    for query in tenure.catalogue().all(Purpose::Report) {
        let (name, header) = (&query.name, &query.header);
        let report = block_on(tenure.report(name, &ReportRequest::default())).unwrap();
        let fields = report.schema.fields();
        let columns: Vec<&str> = fields.iter().map(|field| field.name().as_str()).collect();
        assert_eq!(query.columns, columns, "{name}");
        let described: BTreeSet<&str> = header.columns.keys().map(String::as_str).collect();
        let there: BTreeSet<&str> = columns.iter().copied().collect();
        assert_eq!(described, there, "{name}: described and returned columns");
        for field in fields {
            let unit = header.columns[field.name()].unit.as_str();
            let fits = match unit {
                "count" => field.data_type().is_integer(),
                "share" | "points" | "hours" => field.data_type() == &DataType::Float64,
                "money" | "days" | "score" | "number" | "by_row" | "change_by_row" => {
                    field.data_type().is_numeric()
                }
                "date" => field.data_type().is_temporal(),
                "text" | "code" => field.data_type() == &DataType::Utf8,
                "flag" => field.data_type() == &DataType::Boolean,
                _ => false,
            };
            assert!(fits, "{name}.{}: {unit} for {}", field.name(), field.data_type());
        }
        let chart = header.chart.as_ref().unwrap_or_else(|| panic!("{name} has no chart"));
        let x = Some(&chart.x).filter(|_| chart.kind != ChartKind::Table);
        let drawn = [x, chart.series.as_ref(), chart.facet.as_ref(), chart.low.as_ref()];
        let more = [&chart.high, &chart.complete, &chart.count, &chart.open].map(Option::as_ref);
        for column in drawn.into_iter().chain(more).flatten().chain(&chart.y) {
            assert!(there.contains(column.as_str()), "{name}: the chart's {column}");
        }
        for code in &header.voids {
            assert!(header.words("note", code).is_some(), "{name}: no words for {code}");
        }
        for param in header.params.values() {
            assert!(!param.doc.zh.is_empty(), "{name}");
            for choice in &param.choices {
                assert!(header.labels.contains_key(choice), "{name}: no words for {choice}");
            }
        }
    }
}
