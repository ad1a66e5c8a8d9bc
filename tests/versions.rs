//! Does a corrected row replace the one it corrects, at every moment?

use std::fs;

use tenure::ReportRequest;
use tenure::ingest::IngestOptions;
use tenure::reports::render::rows;

use crate::common::{block_on, empty_store};

const HEADER: &str = "order_id,line,customer_id,product,quantity,amount,currency,ordered_at\n";

/// The revenue of everything up to a day, or `None` if nothing was sold.
fn revenue(tenure: &tenure::Tenure, as_of: &str) -> Option<f64> {
    let request = ReportRequest {
        params: [("period".to_owned(), "all".to_owned())].into(),
        as_of: Some(as_of.to_owned()),
        ..ReportRequest::default()
    };
    let report = block_on(tenure.report("revenue", &request)).unwrap();
    rows(&report.batches).unwrap().first().map(|row| row["revenue"].as_f64().unwrap())
}

#[test]
fn a_correction_wins_whichever_way_it_moves_the_date() {
    let (folder, tenure) = empty_store();
    let load = |name: &str, line: &str| {
        let path = folder.path().join(name);
        fs::write(&path, format!("{HEADER}{line}\n")).unwrap();
        block_on(tenure.ingest(&[path], &IngestOptions::default(), &mut ())).unwrap();
    };
    load("orders_1.csv", "O1,1,C1,P,1,10.00,USD,2025-03-05T00:00:00Z");
    assert_eq!(revenue(&tenure, "2025-03-31"), Some(10.0));

    load("orders_2.csv", "O1,1,C1,P,1,7.00,USD,2025-03-02T00:00:00Z");
    assert_eq!(revenue(&tenure, "2025-03-31"), Some(7.0));
    assert_eq!(revenue(&tenure, "2025-03-03"), Some(7.0));

    load("orders_3.csv", "O1,1,C1,P,1,8.00,USD,2025-03-20T00:00:00Z");
    assert_eq!(revenue(&tenure, "2025-03-10"), None, "the old version must not come back");
    assert_eq!(revenue(&tenure, "2025-03-31"), Some(8.0));
}
