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

/// Two loads of other customers, each with sales to nobody: their rows are one
/// group, although each file has its nulls at its end.
#[test]
fn anonymous_orders_of_several_loads_are_one_group() {
    let (folder, tenure) = empty_store();
    for load in 0..3 {
        let path = folder.path().join(format!("orders_{load}.csv"));
        let lines: String = (0..4)
            .map(|line| {
                let customer = if line < 2 { format!("C{load}{line}") } else { String::new() };
                format!("O{load}{line},1,{customer},P,1,1.00,USD,2025-03-0{}T00:00:00Z\n", line + 1)
            })
            .collect();
        fs::write(&path, format!("{HEADER}{lines}")).unwrap();
        block_on(tenure.ingest(&[path], &IngestOptions::default(), &mut ())).unwrap();
    }
    for partitions in [1, 2, 3] {
        let mut config = tenure.config().engine.clone();
        config.partitions = Some(partitions);
        let snapshot = block_on(tenure.store().snapshot()).unwrap();
        let engine = tenure::engine::Engine::new(snapshot, &config).unwrap();
        let view = engine.at(tenure::engine::Moment::LATEST);
        let groups = block_on(async {
            let sql = "SELECT customer_key, count(*) AS n FROM orders GROUP BY customer_key";
            let frame = view.sql(&format!("{sql} ORDER BY customer_key")).await?;
            view.collect(frame).await
        });
        let groups = rows(&groups.unwrap().1).unwrap();
        assert_eq!(groups.len(), 7, "{partitions} partitions: {groups:?}");
        assert_eq!(groups[6]["n"].as_i64(), Some(6), "{partitions} partitions: {groups:?}");
    }
}
