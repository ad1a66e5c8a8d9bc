//! Which mappings are at hand?
//!
//! Those compiled in from `datasets/mappings/`, and those in the user's own
//! folder, which win over built-in ones of the same name: a label that a
//! company renamed is then a matter of one edited copy.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};

use super::Mapping;
use crate::error::{Error, ErrorKind, Result};

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/datasets/mappings");

/// The mappings that can be used by name or found by header.
#[derive(Debug)]
pub struct Library {
    mappings: BTreeMap<String, Mapping>,
}

impl Library {
    /// The built-in mappings, overlaid by the `*.toml` files of `folder`.
    ///
    /// # Errors
    /// [`ErrorKind::Input`] when a mapping is wrong or the folder can not be
    /// read; a folder that does not exist holds nothing.
    pub fn open(folder: Option<&Path>) -> Result<Self> {
        let mut mappings = BTreeMap::new();
        for file in BUILT_IN.files() {
            let Some(name) = stem(file.path()) else {
                continue;
            };
            let text = file.contents_utf8().unwrap_or_default();
            let origin = format!("{name} (built in)");
            mappings.insert(name.to_owned(), Mapping::parse(name, &origin, text)?);
        }
        for path in folder.map_or(Ok(Vec::new()), own)? {
            let mapping = read(&path)?;
            mappings.insert(mapping.name.clone(), mapping);
        }
        Ok(Self { mappings })
    }

    /// The mapping called `name`, or read from the file of that path.
    ///
    /// # Errors
    /// [`ErrorKind::Unknown`] with the nearest names, or what is wrong in the
    /// file.
    pub fn take(mut self, name: &str) -> Result<Mapping> {
        if let Some(mapping) = self.mappings.remove(name) {
            return Ok(mapping);
        }
        let path = Path::new(name);
        if path.is_file() || stem(path).is_some() {
            return read(path);
        }
        let wrong = Error::new(ErrorKind::Unknown, format!("no mapping is called {name:?}"))
            .hint_nearest(name, self.mappings.keys().map(String::as_str));
        let names: Vec<&str> = self.mappings.keys().map(String::as_str).collect();
        Err(wrong.hint(format!("mappings are {}, or the path of a .toml file", names.join(", "))))
    }

    /// All mappings, by name.
    pub fn mappings(&self) -> impl Iterator<Item = &Mapping> {
        self.mappings.values()
    }
}

/// The name of a mapping file, if it is one.
fn stem(path: &Path) -> Option<&str> {
    let is_toml = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
    path.file_stem().filter(|_| is_toml).and_then(|stem| stem.to_str())
}

/// The mapping files of the user's folder, sorted.
fn own(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = |error: std::io::Error| {
        Error::new(ErrorKind::Input, format!("reading the folder of mappings {}", folder.display()))
            .caused_by(error)
    };
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if stem(&path).is_some() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// Reads one mapping file.
fn read(path: &Path) -> Result<Mapping> {
    let origin = path.display().to_string();
    let text = fs::read_to_string(path).map_err(|error| {
        Error::new(ErrorKind::Input, format!("reading mapping {origin}")).caused_by(error)
    })?;
    Mapping::parse(stem(path).unwrap_or(&origin), &origin, &text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::expression::Planner;
    use crate::ingest::plan::Plan;

    #[test]
    fn every_built_in_mapping_parses_and_its_expressions_plan() {
        let library = Library::open(None).unwrap();
        let planner = Planner::new();
        let mut sources = 0;
        for mapping in library.mappings() {
            for source in &mapping.sources {
                Plan::of_own_names(&planner, mapping, source).unwrap();
                sources += 1;
            }
        }
        assert!(sources >= 40, "{sources} sources");
    }

    #[test]
    fn the_users_folder_wins_and_unknown_names_are_offered() {
        let folder = tempfile::tempdir().unwrap();
        let text = "[[source]]\nname = \"x\"\nmatch = { files = [\"*\"] }\nignore = \"mine\"\n";
        fs::write(folder.path().join("cdnow.toml"), text).unwrap();
        let library = || Library::open(Some(folder.path())).unwrap();
        assert_eq!(library().take("cdnow").unwrap().sources[0].ignore.as_deref(), Some("mine"));
        let error = library().take("salesforc").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unknown);
        assert_eq!(error.hints()[0], "did you mean \"salesforce\"?");
    }
}
