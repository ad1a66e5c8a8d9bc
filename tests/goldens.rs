//! Does every report still answer the committed sample as it did when somebody
//! last read its answer? A report is found by its file, so a new one without a
//! golden fails, and so does a golden whose report is gone.

use std::collections::BTreeSet;
use std::fs;

use tenure::ReportRequest;
use tenure::config::Language;
use tenure::reports::Purpose;
use tenure::reports::render::{Format, render};

use crate::common::{block_on, root, sample};

/// What a report is asked with where it has no answer by default.
const SETTINGS: [(&str, &[(&str, &str)]); 1] = [(
    "experiment",
    &[
        ("attribute", "language"),
        ("control", "en"),
        ("starts", "2024-06-01"),
        ("window", "90d"),
        ("aa", "true"),
    ],
)];

#[test]
fn goldens() {
    let folder = root().join("tests/goldens");
    let bless = std::env::var_os("TENURE_BLESS").is_some();
    let tenure = sample();
    let mut expected: BTreeSet<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for query in tenure.catalogue().all(Purpose::Report) {
        let set = SETTINGS.iter().find(|(name, _)| *name == query.name);
        let set = set.map_or(&[][..], |(_, set)| set).iter();
        let params = set.map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let request = ReportRequest { params, ..ReportRequest::default() };
        let report = block_on(tenure.report(&query.name, &request)).unwrap();
        let bytes = render(&report, &query.header, Format::Csv, Language::En).unwrap();
        let file = format!("{}.csv", query.name);
        if bless {
            fs::write(folder.join(&file), &bytes).unwrap();
        }
        assert!(expected.remove(&file) || bless, "{file} is missing; see CONTRIBUTING.md");
        let golden = fs::read_to_string(folder.join(&file)).unwrap();
        let now = String::from_utf8(bytes).unwrap();
        let differs = golden.lines().zip(now.lines()).find(|(a, b)| a != b);
        assert!(golden == now, "{file} changed, first at {differs:?}");
    }
    assert!(expected.is_empty(), "goldens without a report: {expected:?}");
}
