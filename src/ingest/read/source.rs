//! Which files are meant by the paths somebody gave, and what identifies them?
//!
//! A load is identified by what was in the file, not by its name or age: the
//! SHA-256 of the bytes on disk, so that the same export under another name
//! adds nothing, and a corrected one under the same name does.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind, Result};

/// Extensions of files taken out of a directory, before `.gz` or `.zst`.
const DATA_EXTENSIONS: [&str; 16] = [
    "csv", "tsv", "tab", "psv", "txt", "dat", "json", "jsonl", "ndjson", "parquet", "pq", "xlsx",
    "xlsm", "xlsb", "xls", "ods",
];

/// One file to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFile {
    /// Where it is.
    pub path: PathBuf,
    /// What people call it: the path below the directory they gave, or the
    /// file's name. Does not depend on where the directory lies.
    pub name: String,
    /// Its size on disk.
    pub bytes: u64,
    /// The SHA-256 of its bytes on disk, in lower-case hex.
    pub digest: String,
}

/// What [`discover`] found.
#[derive(Debug, Clone, Default)]
pub struct Discovery {
    /// The files to read, sorted by name.
    pub files: Vec<InputFile>,
    /// Names of visible files in directories that are no data, sorted.
    pub skipped: Vec<String>,
}

/// Finds the files behind paths, directories being searched to the bottom.
///
/// A file that is named is always taken. From directories come the files with
/// a known extension; hidden files and the lock files of office programs
/// (`~$…`) are passed over, and everything else is listed as skipped. A file
/// reached by two paths is taken once. The order is that of the names and
/// depends neither on the order of `paths` nor on the file system.
///
/// # Errors
/// [`ErrorKind::Input`] when a path does not exist, may not be read, or is a
/// directory without data files.
pub fn discover(paths: &[PathBuf]) -> Result<Discovery> {
    let mut found = Vec::new();
    let mut skipped = BTreeSet::new();
    for path in paths {
        let shown = path.display().to_string();
        let meta = fs::metadata(path).map_err(|error| missing(path, &error))?;
        if !meta.is_dir() {
            let name = path.file_name().map_or(shown, |name| name.to_string_lossy().into_owned());
            found.push((name, path.clone()));
            continue;
        }
        let before = found.len();
        let mut visited = BTreeSet::new();
        walk(path, "", &mut visited, &mut found, &mut skipped)?;
        if found.len() == before {
            return Err(Error::new(
                ErrorKind::Input,
                format!("{shown}: no data files in this directory"),
            )
            .hint(format!(
                "files ending in {} are read, also with .gz or .zst after it",
                DATA_EXTENSIONS.join(", ")
            )));
        }
    }
    Ok(Discovery { files: identify(found)?, skipped: skipped.into_iter().collect() })
}

/// Collects the files below `directory`; `prefix` is its name as shown.
fn walk(
    directory: &Path,
    prefix: &str,
    visited: &mut BTreeSet<PathBuf>,
    found: &mut Vec<(String, PathBuf)>,
    skipped: &mut BTreeSet<String>,
) -> Result<()> {
    let at = |error: io::Error| io_error(&directory.display().to_string(), &error);
    // A link to a directory above would otherwise be followed for ever.
    if !visited.insert(directory.canonicalize().map_err(at)?) {
        return Ok(());
    }
    for entry in fs::read_dir(directory).map_err(at)? {
        let path = entry.map_err(at)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with('.') || name.starts_with("~$") {
            continue;
        }
        let shown = format!("{prefix}{name}");
        let meta = fs::metadata(&path).map_err(|error| io_error(&shown, &error))?;
        if meta.is_dir() {
            walk(&path, &format!("{shown}/"), visited, found, skipped)?;
        } else if is_data(&name) {
            found.push((shown, path));
        } else {
            skipped.insert(shown);
        }
    }
    Ok(())
}

/// Whether a file in a directory is taken, going by its name.
fn is_data(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(&name);
    name.rsplit_once('.').is_some_and(|(_, extension)| DATA_EXTENSIONS.contains(&extension))
}

/// Sorts, drops what was reached twice, and reads every file for its digest.
fn identify(mut found: Vec<(String, PathBuf)>) -> Result<Vec<InputFile>> {
    found.sort();
    let mut seen = BTreeSet::new();
    let mut files: Vec<InputFile> = Vec::with_capacity(found.len());
    for (name, path) in found {
        let real = path.canonicalize().map_err(|error| io_error(&name, &error))?;
        if !seen.insert(real) {
            continue;
        }
        let (digest, bytes) = digest(&path).map_err(|error| io_error(&name, &error))?;
        files.push(InputFile { path, name, bytes, digest });
    }
    // Two directories may hold the same name: those are called by their paths.
    for at in 1..files.len() {
        if files[at].name == files[at - 1].name {
            let first = at - 1;
            for file in &mut files[first..=at] {
                file.name = file.path.display().to_string();
            }
        }
    }
    Ok(files)
}

/// The SHA-256 and the size of a file, read once in pieces.
fn digest(path: &Path) -> io::Result<(String, u64)> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut piece = vec![0; 1 << 18];
    let mut bytes = 0;
    loop {
        let n = match file.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&piece[..n]);
        bytes += n as u64;
    }
    let hex = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((hex, bytes))
}

/// The error of a path that was given and can not be used, with the names
/// beside it that it may have meant.
fn missing(path: &Path, error: &io::Error) -> Error {
    let shown = path.display().to_string();
    let wrong = io_error(&shown, error);
    if error.kind() != io::ErrorKind::NotFound {
        return wrong;
    }
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let Ok(entries) = fs::read_dir(parent) else {
        return wrong;
    };
    let mut names: Vec<String> =
        entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let given = path.file_name().unwrap_or_default().to_string_lossy();
    wrong.hint_nearest(&given, names.iter().map(String::as_str))
}

/// Says in the user's terms what the operating system refused.
///
/// Decompression reports through the same type, so a stream that breaks off
/// is told from one that is damaged here as well.
pub(super) fn io_error(name: &str, error: &io::Error) -> Error {
    use io::ErrorKind as Io;
    let (what, hint) = match error.kind() {
        Io::NotFound => ("no such file or directory".into(), None),
        Io::PermissionDenied => (
            "no right to read it".into(),
            Some(
                "give the user who runs tenure the right to read it: chmod +r FILE, chmod +rx DIRECTORY",
            ),
        ),
        Io::UnexpectedEof => (
            "input ends early: the compressed stream breaks off".into(),
            Some("the file was cut, often by a full disk or a broken transfer: fetch it again"),
        ),
        Io::InvalidData | Io::InvalidInput | Io::Other => (
            format!("the content is damaged: {error}"),
            Some("fetch the file again; `gzip -t FILE` or `zstd -t FILE` checks a compressed one"),
        ),
        _ => (format!("can not be read: {error}"), None),
    };
    let wrong = Error::new(ErrorKind::Input, format!("{name}: {what}"));
    match hint {
        Some(hint) => wrong.hint(hint),
        None => wrong,
    }
}

/// The error of a file with nothing in it.
pub(super) fn empty_file(name: &str) -> Error {
    Error::new(ErrorKind::Input, format!("{name}: the file is empty"))
        .hint("the export may have failed or still be running: make it again")
}

/// The error of a file with a header and nothing below it.
pub(super) fn no_rows(name: &str) -> Error {
    Error::new(ErrorKind::Input, format!("{name}: no rows, only a header"))
        .hint("check the filter of the export; a file that is meant to be empty can be left out")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(found: &Discovery) -> Vec<&str> {
        found.files.iter().map(|file| file.name.as_str()).collect()
    }

    #[test]
    fn directories_are_walked_in_name_order_and_files_taken_once() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        fs::create_dir_all(root.join("truth/deep")).unwrap();
        for name in
            ["b.csv", "a.CSV.gz", ".hidden.csv", "~$b.xlsx", "README.md", "truth/deep/c.ndjson.zst"]
        {
            fs::write(root.join(name), name).unwrap();
        }
        std::os::unix::fs::symlink(root, root.join("truth/loop")).unwrap();
        let found = discover(&[root.join("b.csv"), root.to_path_buf()]).unwrap();
        assert_eq!(names(&found), ["a.CSV.gz", "b.csv", "truth/deep/c.ndjson.zst"]);
        assert_eq!(found.skipped, ["README.md"]);
    }

    #[test]
    fn the_digest_is_the_published_one_and_same_names_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        for part in ["x", "y"] {
            fs::create_dir(dir.path().join(part)).unwrap();
            fs::write(dir.path().join(part).join("a.csv"), "abc").unwrap();
        }
        let found = discover(&[dir.path().join("y"), dir.path().join("x")]).unwrap();
        // The vector of FIPS 180-2 for the message "abc".
        let vector = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert!(found.files.iter().all(|file| file.digest == vector && file.bytes == 3));
        assert!(found.files[0].name.ends_with("x/a.csv"));
        assert!(found.files[1].name.ends_with("y/a.csv"));
    }

    #[test]
    fn paths_that_can_not_be_used_say_why() {
        let dir = tempfile::tempdir().unwrap();
        let error = discover(&[dir.path().to_path_buf()]).unwrap_err();
        assert!(error.to_string().contains("no data files"), "{error}");
        fs::write(dir.path().join("orders.csv"), "a").unwrap();
        let error = discover(&[dir.path().join("order.csv")]).unwrap_err();
        assert!(error.to_string().contains("no such file"), "{error}");
        assert_eq!(error.hints(), ["did you mean \"orders.csv\"?"]);
    }

    #[test]
    fn refusals_of_the_system_become_advice() {
        let words = |kind: io::ErrorKind| {
            let error = io_error("deals.csv", &kind.into());
            assert_eq!(error.kind(), ErrorKind::Input);
            assert_eq!(error.hints().len(), 1);
            error.to_string()
        };
        assert_eq!(words(io::ErrorKind::PermissionDenied), "deals.csv: no right to read it");
        assert!(words(io::ErrorKind::UnexpectedEof).contains("input ends early"));
    }
}
