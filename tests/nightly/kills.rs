//! Where was the night killed? Afterwards nobody can tell.
//!
//! The real binary is started on a copy of a store, killed after a random share of
//! the time a night takes, and started again until it ends by itself. Facts,
//! ledger, scores and alerts must then be those of a night nobody disturbed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tenure::Tenure;
use tenure::reports::render::rows;
use tenure::schema::Table;

use super::{arrive, company, spec};
use crate::common::block_on;

/// Numbers of runs, clock times and what follows from them.
const ASIDE: [&str; 2] = ["run_id", "known_at"];

struct Site {
    folder: TempDir,
}

impl Site {
    fn night(&self, store: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tenure"));
        command.args(["nightly", "--format", "json", "--from"]);
        command.arg(self.folder.path().join("nights")).arg("--store").arg(store);
        command.arg("--spec").arg(self.folder.path().join("spec.toml"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).stdin(Stdio::null());
        command
    }

    /// Runs a night to its end; how long it took, and what it said.
    fn whole_night(&self, store: &Path) -> (Duration, Json) {
        let started = Instant::now();
        let output = self.night(store).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        (started.elapsed(), serde_json::from_slice(&output.stdout).unwrap())
    }

    /// A copy of a store, under the name `to`.
    fn copy(&self, from: &Path, to: &str) -> PathBuf {
        let to = self.folder.path().join(to);
        copy(from, &to);
        to
    }

    fn new(customers: u64) -> Self {
        let folder = TempDir::new().unwrap();
        company(folder.path(), customers);
        let toml = toml::to_string(&spec()).unwrap();
        fs::write(folder.path().join("spec.toml"), toml).unwrap();
        Self { folder }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    if !from.exists() {
        return;
    }
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// What is published: the rows of all tables but for [`ASIDE`], the ledger of
/// loads, and the models. A model's name is a digest that counts versions of
/// tables, which taking back half a run adds to, as it does to runs: names give
/// way to what the models say.
fn published(store: &Path) -> BTreeMap<String, Vec<String>> {
    let mut models: BTreeMap<String, String> = BTreeMap::new();
    let tenure = Tenure::open(store.to_str().unwrap()).unwrap();
    let registry = block_on(tenure.registry()).unwrap();
    let mut state = BTreeMap::new();
    let mut known = Vec::new();
    for version in registry.versions() {
        let file = store.join(format!("models/{}.json", version.model));
        let mut artifact: Json = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
        let content = artifact["content"].as_object_mut().unwrap();
        content["provenance"].as_object_mut().unwrap().remove("data_versions");
        known.push(json!(content).to_string());
        models.insert(version.model.clone(), format!("model {}", known.len()));
    }
    state.insert("models".to_owned(), known);
    block_on(async {
        let engine = tenure.engine().await.unwrap();
        let loads = engine.snapshot().loads();
        let load = |load: &tenure::tables::Load| {
            format!(
                "{} {} {} {:?} {:?}",
                load.load_id, load.digest, load.file, load.rows, load.tables
            )
        };
        state.insert("loads".to_owned(), loads.map(load).collect());
        for table in Table::all().filter(|table| *table != Table::Runs) {
            let view = engine.whole();
            let frame = view.sql(&["SELECT * FROM ", table.name()].concat()).await.unwrap();
            let mut lines: Vec<String> = Vec::new();
            for mut row in rows(&view.collect(frame).await.unwrap().1).unwrap() {
                row.retain(|name, _| !ASIDE.contains(&name.as_str()));
                if let Some(model) = row.get("model").and_then(Json::as_str) {
                    row["model"] = json!(models[model]);
                }
                lines.push(json!(row).to_string());
            }
            lines.sort_unstable();
            state.insert(table.name().to_owned(), lines);
        }
    });
    state
}

/// Kills so many nights from `before` at moments spread over their whole length;
/// in how many something was left to do.
fn kill(site: &Site, before: &Path, kills: u32) -> u32 {
    let undisturbed = site.copy(before, "undisturbed");
    let (length, _) = site.whole_night(&undisturbed);
    let expected = published(&undisturbed);
    assert!(!expected["scores"].is_empty() && !expected["alerts"].is_empty());
    let mut half_done = 0;
    for kill in 0..kills {
        let store = site.copy(before, &format!("killed-{kill}"));
        // The golden ratio spreads any number of moments evenly.
        let share = (0.5 + f64::from(kill) * 0.618_033_988_75).fract();
        let mut child = site.night(&store).spawn().unwrap();
        std::thread::sleep(length.mul_f64(share));
        let ended = child.try_wait().unwrap().is_some();
        child.kill().unwrap();
        child.wait().unwrap();
        let (took, said) = site.whole_night(&store);
        let did = said["summary"]["scored"].is_object();
        half_done += u32::from(did);
        println!("killed at {share:.2} (ended: {ended}); the next took {took:.1?}, scored: {did}");
        let now = published(&store);
        for (table, rows) in &expected {
            let differ = rows.iter().zip(&now[table]).find(|(a, b)| a != b);
            assert!(now[table] == *rows, "killed at {share:.2}: {table} differs: {differ:?}");
        }
        // And the one after that has nothing to do.
        if kill % 10 == 0 {
            let (_, said) = site.whole_night(&store);
            assert!(said["summary"]["unchanged_since"].is_number(), "{said}");
        }
        fs::remove_dir_all(store).unwrap();
    }
    fs::remove_dir_all(undisturbed).unwrap();
    half_done
}

#[test]
fn a_night_that_was_killed_is_finished_by_the_next() {
    let site = Site::new(120);
    let first = site.folder.path().join("first");
    site.whole_night(&first);
    arrive(site.folder.path(), 2);
    assert!(kill(&site, &first, 5) > 0, "some were killed before they had scored");
}

/// `cargo test --test it -- --ignored --nocapture fifty_nights`: minutes.
#[test]
#[ignore = "takes minutes; the test above is the same with fewer kills"]
fn fifty_nights_killed_over_their_whole_length_end_alike() {
    let site = Site::new(120);
    let (empty, first) = (site.folder.path().join("none"), site.folder.path().join("first"));
    // From nothing, with the training, and then from one night to the next.
    let mut left = kill(&site, &empty, 25);
    site.whole_night(&first);
    arrive(site.folder.path(), 2);
    left += kill(&site, &first, 25);
    println!("50 nights killed, {left} of them before they had scored; all ended alike");
    assert!(left >= 25, "{left}");
}
