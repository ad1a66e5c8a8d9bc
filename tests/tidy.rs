//! Do the invariants of the architecture hold? Each is a rule a reader can
//! rely on without looking; `docs/decisions.md` says why.

use std::fs;
use std::path::{Path, PathBuf};

const LONGEST_FILE: usize = 500;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(folder: &str, extension: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|given| given == extension) {
                let shown = path.strip_prefix(root()).unwrap().display().to_string();
                found.push((shown, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no .{extension} files in {folder}");
    found
}

/// The lines of a file that are code: no comments, no tests below the line.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .map(|(index, line)| (index + 1, line))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// Source files that are part of the program: no tests, no laws tests obey.
fn program(folder: &str) -> Vec<(String, String)> {
    let is_test = |file: &str| {
        file.contains("/tests/") || file.ends_with("tests.rs") || file.ends_with("laws.rs")
    };
    files(folder, "rs").into_iter().filter(|(file, _)| !is_test(file)).collect()
}

/// Asserts that `word` stands only in files that `allowed` accepts.
fn only(word: &str, allowed: impl Fn(&str) -> bool, why: &str) {
    for (file, text) in program("src") {
        if allowed(&file) {
            continue;
        }
        for (line, code) in code(&text) {
            assert!(!code.contains(word), "{file}:{line} names `{word}`: {why}");
        }
    }
}

#[test]
fn every_module_opens_with_the_question_it_answers() {
    for (file, text) in program("src").into_iter().chain(files("tests", "rs")) {
        assert!(text.starts_with("//! "), "{file} does not open with a `//!` line");
    }
}

#[test]
fn no_file_is_longer_than_a_head_can_hold() {
    for folder in ["src", "tests", "benches"] {
        for (file, text) in files(folder, "rs") {
            let lines = text.lines().count();
            assert!(lines <= LONGEST_FILE, "{file} has {lines} lines; split it by meaning");
        }
    }
}

#[test]
fn the_model_knows_arrays_and_nothing_else() {
    for (file, text) in program("src/churn") {
        for (line, code) in code(&text) {
            for word in ["datafusion", "axum", "tokio", "deltalake", "parquet"] {
                assert!(!code.contains(word), "{file}:{line} names `{word}`");
            }
            let touches_files = code.contains("std::fs") || code.contains("File::");
            assert!(!touches_files || file.ends_with("artifact.rs"), "{file}:{line} touches files");
        }
    }
}

#[test]
fn only_the_service_speaks_http() {
    only("axum", |file| file.starts_with("src/serve"), "only serve speaks HTTP");
}

#[test]
fn only_the_command_line_prints_and_parses_flags() {
    let cli = |file: &str| file.starts_with("src/cli") || file == "src/main.rs";
    for word in ["clap::", "println!", "eprintln!", "print!(", "indicatif"] {
        only(word, cli, "only cli talks to a terminal");
    }
}

#[test]
fn no_query_is_built_by_formatting_text() {
    for (file, text) in program("src") {
        for (line, code) in code(&text) {
            let formats = code.contains("format!(");
            let queries = ["\"SELECT ", "\"select ", "\"INSERT ", "\"WITH "];
            let builds = formats && queries.iter().any(|query| code.contains(query));
            assert!(!builds, "{file}:{line} builds SQL with format!; bind a parameter");
        }
    }
}

#[test]
fn the_command_line_and_the_service_hold_no_sql() {
    for folder in ["src/cli", "src/serve"] {
        for (file, text) in program(folder) {
            for (line, code) in code(&text) {
                assert!(!code.contains("SELECT "), "{file}:{line} holds SQL");
            }
        }
    }
}

#[test]
fn no_query_reads_the_clock() {
    for (file, text) in files("queries", "sql") {
        let lower = text.to_lowercase();
        for word in ["now()", "current_date", "current_timestamp", "current_time", "random()"] {
            assert!(!lower.contains(word), "{file} calls {word}; use $as_of");
        }
        assert!(!lower.contains("not in ("), "{file}: write NOT EXISTS, NULLs break NOT IN");
    }
}

#[test]
fn the_readme_names_its_two_commands() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.contains("cargo run --release -- demo"));
    assert!(readme.contains("cargo test"));
}

#[test]
fn every_path_the_readme_links_to_exists() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let targets = readme.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    for target in targets.filter(|target| !target.contains("://") && !target.starts_with('#')) {
        let path: PathBuf = root().join(target.split('#').next().unwrap());
        assert!(path.exists(), "README links to {target}, which does not exist");
    }
}
