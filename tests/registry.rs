//! Which model serves, and does one that can not leave the one that does alone?

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;
use tenure::churn::ChurnSpec;
use tenure::config::Config;
use tenure::tenure::{How, Outcome, Promotion, Reason, State, TrainSummary};
use tenure::{Error, ErrorKind, Tenure};

use crate::common::block_on;
use crate::model::{all_scores, generated};

fn train(tenure: &Tenure, spec: ChurnSpec, as_of: Option<&str>, to: Promotion) -> TrainSummary {
    block_on(tenure.train_as(spec, as_of, to, &mut |_, _| {})).unwrap()
}

/// The built-in spec, or one that knows hardly anything of customers.
fn spec(knows: bool) -> ChurnSpec {
    let mut spec = ChurnSpec::built_in("churn").unwrap();
    if !knows {
        spec.features.groups = vec!["surveys".to_owned()];
        spec.features.attributes = tenure::churn::spec::Attributes::All(false);
    }
    spec
}

/// A store with a served model, and a worse one that was kept.
fn two_models() -> (TempDir, Tenure, String, String) {
    let (folder, tenure) = generated();
    let good = train(&tenure, spec(true), Some("2025-01-31"), Promotion::Earned);
    let poor = train(&tenure, spec(false), Some("2025-01-31"), Promotion::Earned);
    assert_eq!((good.verdict.reason, poor.verdict.reason), (Reason::First, Reason::Worse));
    assert!(good.verdict.promoted && !poor.verdict.promoted, "{:?}", poor.verdict);
    (folder, tenure, good.model, poor.model)
}

fn served(tenure: &Tenure) -> String {
    block_on(tenure.registry()).unwrap().served().unwrap().to_owned()
}

fn file(folder: &TempDir, model: &str) -> PathBuf {
    folder.path().join(format!("store/models/{model}.json"))
}

#[test]
fn a_model_serves_from_its_promotion_to_the_next() {
    let (_folder, tenure, good, poor) = two_models();
    let score = || block_on(tenure.score(None)).unwrap().model;
    assert_eq!(score(), good);
    assert_eq!(block_on(tenure.rollback()).unwrap_err().kind(), ErrorKind::Unknown);
    let change = block_on(tenure.promote(&poor)).unwrap();
    assert_eq!(change.before.as_deref(), Some(good.as_str()));
    assert_eq!(score(), poor);
    let again = block_on(tenure.promote(&poor)).unwrap();
    assert_eq!(again.run_id, None, "it serves already");
    assert_eq!(block_on(tenure.rollback()).unwrap().model.as_deref(), Some(good.as_str()));
    assert_eq!(score(), good);

    let registry = block_on(tenure.registry()).unwrap();
    let terms: Vec<_> =
        registry.terms().iter().map(|it| (it.model.clone(), it.how, it.scorings)).collect();
    let expected = [(&good, How::Trained), (&poor, How::Promoted), (&good, How::RolledBack)];
    assert_eq!(terms, expected.map(|(model, how)| (model.clone(), how, 1)));
    let ends = |from: usize| registry.terms()[from].until_run;
    assert_eq!(ends(0), Some(registry.terms()[1].from_run));
    assert_eq!(ends(2), None);

    let models = block_on(tenure.models()).unwrap();
    let states: Vec<State> = models.iter().map(|model| model.version.state).collect();
    assert_eq!(states, [State::Served, State::Retired]);
    assert!(models.iter().all(|model| model.unusable.is_none() && model.validation.is_some()));

    let error = block_on(tenure.promote(&format!("{}x", &good[..11]))).unwrap_err();
    assert_eq!((error.kind(), error.nearest()), (ErrorKind::Unknown, &[good.clone()][..]));
}

#[test]
fn a_model_takes_over_if_it_is_not_worse_on_rows_neither_has_seen() {
    let (_folder, tenure) = generated();
    let early = train(&tenure, spec(true), Some("2025-01-31"), Promotion::Earned);
    let later = train(&tenure, spec(true), Some("2025-02-28"), Promotion::Earned);
    assert_eq!(later.verdict.reason, Reason::NotWorse, "{:?}", later.verdict);
    assert_eq!(later.verdict.served.as_deref(), Some(early.model.as_str()));
    let found = later.verdict.comparison.unwrap();
    // One of the three months tested on ended after the data of the first.
    assert!(found.rows < later.validation.metrics.rows && found.rows > 30, "{found:?}");
    assert!(!found.worse && found.auc.is_none(), "{found:?}");
    assert_eq!(served(&tenure), later.model);

    // Trained on older data it has nothing to show that the served one lacks.
    let mut older = spec(true);
    older.seed = 7;
    let older = train(&tenure, older, Some("2025-01-31"), Promotion::Earned);
    assert_eq!((older.verdict.reason, older.verdict.promoted), (Reason::NotCompared, false));
    let mut other = spec(true);
    other.name = "other".to_owned();
    let other = train(&tenure, other, Some("2025-02-28"), Promotion::Earned);
    assert_eq!((other.verdict.reason, other.verdict.promoted), (Reason::OtherQuestion, false));
    assert_eq!(served(&tenure), later.model);
    let asked = train(&tenure, spec(false), None, Promotion::Always);
    assert_eq!((asked.verdict.reason, asked.verdict.promoted), (Reason::Asked, true));
    assert_eq!(served(&tenure), asked.model);
    assert!(!train(&tenure, spec(true), None, Promotion::Never).verdict.promoted);
    assert_eq!(served(&tenure), asked.model);
}

#[test]
fn a_model_that_can_not_score_is_refused_and_the_served_one_is_left_alone() {
    let (folder, tenure, good, poor) = two_models();
    block_on(tenure.score(None)).unwrap();
    let before = all_scores(&tenure);
    let runs = || block_on(tenure.store().snapshot()).unwrap().run_id();
    let n_runs = runs();
    let whole = fs::read_to_string(file(&folder, &poor)).unwrap();
    let refused = |says: &str| {
        let models = block_on(tenure.models()).unwrap();
        assert!(models[1].unusable.as_ref().unwrap().contains(says), "{:?}", models[1].unusable);
        for error in [
            block_on(tenure.promote(&poor)).unwrap_err(),
            block_on(tenure.shadow(Some(&poor))).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Input);
            assert!(error.to_string().contains(says), "{error}");
            assert!(!error.hints().is_empty());
        }
        assert_eq!((served(&tenure), runs()), (good.clone(), n_runs));
    };
    let with = |text: String| fs::write(file(&folder, &poor), text).unwrap();
    let with_other = |place: &str, value: u32| {
        let mut json: serde_json::Value = serde_json::from_str(&whole).unwrap();
        *json.pointer_mut(place).unwrap() = value.into();
        with(json.to_string());
    };
    with_other("/format", 99);
    refused("the artifact has format 99");
    with_other("/content/spec/seed", 43);
    refused("the content was changed");
    with(whole[..whole.len() / 2].to_owned());
    refused("not a model artifact");
    fs::copy(file(&folder, &good), file(&folder, &poor)).unwrap();
    refused(&format!("holds the model {good}"));
    fs::remove_file(file(&folder, &poor)).unwrap();
    refused("is missing");
    assert_eq!(all_scores(&tenure), before);
    with(whole);
    block_on(tenure.promote(&poor)).unwrap();

    // The one to go back to is as little taken on trust.
    fs::rename(file(&folder, &good), folder.path().join("aside")).unwrap();
    let error = block_on(tenure.rollback()).unwrap_err();
    assert!(error.to_string().contains("is missing"), "{error}");
    assert_eq!(served(&tenure), poor);
    // And the one that serves may fail, too: nobody is scored by another.
    fs::remove_file(file(&folder, &poor)).unwrap();
    assert_eq!(block_on(tenure.score(None)).unwrap_err().kind(), ErrorKind::Input);
    assert_eq!(all_scores(&tenure), before);
    // Training is the way out, whatever the quality.
    fs::rename(folder.path().join("aside"), file(&folder, &good)).unwrap();
    let again = train(&tenure, spec(true), None, Promotion::Earned);
    assert_eq!((again.verdict.reason, again.verdict.promoted), (Reason::Unusable, true));
    block_on(tenure.score(None)).unwrap();
}

#[test]
fn a_model_is_refused_where_features_are_computed_otherwise() {
    let (folder, tenure, good, _) = two_models();
    let queries = folder.path().join("queries/features");
    fs::create_dir_all(&queries).unwrap();
    let built_in = concat!(env!("CARGO_MANIFEST_DIR"), "/queries/features/orders.sql");
    let sql = fs::read_to_string(built_in).unwrap();
    fs::write(queries.join("orders.sql"), sql.replace("age < 30)", "age < 31)")).unwrap();
    let mut config = Config::defaults().unwrap();
    config.store.clone_from(&tenure.config().store);
    config.queries = Some(folder.path().join("queries"));
    let changed = Tenure::with_config(config).unwrap();
    let says = |error: &Error| {
        assert_eq!(error.kind(), ErrorKind::Input);
        assert!(error.to_string().contains("orders.sql"), "{error}");
        assert!(error.hints().iter().any(|hint| hint.contains("--queries")), "{:?}", error.hints());
    };
    says(&block_on(changed.score(None)).unwrap_err());
    says(&block_on(changed.promote(&good)).unwrap_err());
    block_on(tenure.score(None)).unwrap();
    let replayed = block_on(changed.replay(&Default::default(), &mut |_, _| {})).unwrap();
    assert!(replayed.runs[0].refused.as_ref().unwrap().contains("orders.sql"), "{replayed:?}");
    assert!(!replayed.all_equal());
    // A model of the queries there are takes the place of one that can not score.
    let again = train(&changed, spec(true), None, Promotion::Earned);
    assert_eq!((again.verdict.reason, again.verdict.promoted), (Reason::Unusable, true));
    block_on(changed.score(None)).unwrap();
}

#[test]
fn a_model_on_trial_scores_and_nobody_sees_it() {
    let (folder, tenure, good, poor) = two_models();
    let compare = || block_on(async { tenure.compare_models(&tenure.engine().await?).await });
    assert_eq!(compare().unwrap_err().kind(), ErrorKind::Insufficient);
    block_on(tenure.score(None)).unwrap();
    let alone = all_scores(&tenure);
    assert_eq!(block_on(tenure.shadow(Some(&good))).unwrap_err().kind(), ErrorKind::Usage);
    block_on(tenure.shadow(Some(&poor))).unwrap();
    assert!(compare().unwrap_err().to_string().contains("has scored nobody yet"));

    // The label of this cutoff was known when both were trained.
    block_on(tenure.score(Some("2024-10-15"))).unwrap();
    assert!(matches!(compare().unwrap().outcome, Outcome::Pending { known_from: None }));
    // A cutoff whose 90 days end after that and before the data does, then the newest.
    let past = block_on(tenure.score(Some("2024-11-15"))).unwrap();
    let scored = block_on(tenure.score(None)).unwrap();
    let shadow = scored.shadow.clone().unwrap();
    assert_eq!((shadow.model.as_str(), shadow.customers), (poor.as_str(), scored.customers));
    assert_eq!(all_scores(&tenure), alone, "the scores are those of the served model");
    let found = compare().unwrap();
    assert_eq!((found.run_id, found.customers), (scored.run_id, scored.customers));
    let counted: usize = found.bands.values().flat_map(|row| row.values()).sum();
    assert_eq!(counted, found.customers);
    assert!(found.rank_correlation.unwrap().abs() < 0.9, "{found:?}");
    let Outcome::Matured { run_id, served, shadow, comparison, .. } = found.outcome else {
        panic!("the label of the first run is known");
    };
    assert_eq!(run_id, past.run_id);
    let (served, shadow) = (served.unwrap(), shadow.unwrap());
    assert_eq!((served.rows, served.churners), (past.customers, shadow.churners));
    assert!(served.log_loss < shadow.log_loss);
    let comparison = comparison.unwrap();
    assert!((comparison.log_loss - shadow.log_loss).abs() < 1e-9);
    assert!((comparison.served_log_loss - served.log_loss).abs() < 1e-9);

    // What becomes of the trial does not touch the scores.
    fs::remove_file(file(&folder, &poor)).unwrap();
    let scored = block_on(tenure.score(None)).unwrap();
    assert!(scored.shadow.unwrap().refused.unwrap().contains("is missing"));
    assert_eq!(all_scores(&tenure), alone);
    block_on(tenure.shadow(None)).unwrap();
    assert!(block_on(tenure.score(None)).unwrap().shadow.is_none());
}
