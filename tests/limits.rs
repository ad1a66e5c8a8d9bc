//! Is the memory limit of the configuration kept?

use tenure::ReportRequest;
use tenure::config::Config;
use tenure::engine::Engine;
use tenure::error::ErrorKind;
use tenure::reports::Purpose;
use tenure::reports::render::rows;

use crate::common::{block_on, sample};

/// Under any limit a report answers as without one, or says what it lacks.
#[test]
fn a_report_answers_the_same_within_its_memory_or_says_that_it_can_not() {
    let tenure = sample();
    let snapshot = block_on(tenure.store().snapshot()).unwrap();
    let (mut answered, mut refused) = (0, 0);
    for query in tenure.catalogue().all(Purpose::Report) {
        let answer = |limit: &str| {
            let variable = ("TENURE_ENGINE_MEMORY_LIMIT".to_owned(), limit.to_owned());
            let config = Config::resolve(None, [variable].into_iter()).unwrap().engine;
            let engine = Engine::new(snapshot.clone(), &config).unwrap();
            let request = ReportRequest::default();
            let report = block_on(tenure.report_on(&engine, &query.name, &request))?;
            Ok::<_, tenure::Error>(rows(&report.batches).unwrap())
        };
        let expected = answer("2GiB").unwrap();
        // These need to be told which attribute holds an experiment's arm, those need
        // scores, of which the sample has none.
        let is_silent = matches!(query.name.as_str(), "experiment" | "uplift" | "alerts" | "calls");
        assert_eq!(expected.is_empty(), is_silent, "{}", query.name);
        for limit in ["100", "1MiB", "20MiB", "40MiB", "80MiB"] {
            match answer(limit) {
                Ok(rows) => {
                    assert_eq!(rows, expected, "{} within {limit}", query.name);
                    answered += 1;
                }
                Err(error) => {
                    let shown = format!("{}, {limit}: {error}", query.name);
                    assert_eq!(error.kind(), ErrorKind::Limit, "{shown}");
                    let hinted = error.hints().iter().any(|hint| hint.contains("memory_limit"));
                    assert!(hinted, "{shown} {:?}", error.hints());
                    refused += 1;
                }
            }
        }
    }
    println!("{answered} answered, {refused} refused");
    assert!(answered > 0 && refused > 0, "{answered} answered, {refused} refused");
}
