//! Which source is a file, judged by its header?
//!
//! A source applies when all the headers it asks for are there and the file's
//! name matches, if it cares. Of several the one that asks for most is taken.
//! A tie is an error and not a guess: loading a file as something it is not
//! would put wrong numbers under every report. A file that no source knows is
//! an error where somebody named it; a folder of exports holds many such files.

use std::collections::BTreeSet;

use super::{Mapping, Source};
use crate::error::{Error, ErrorKind, Result};
use crate::ingest::header::{Header, matches_glob};
use crate::ingest::read::{self, InputFile, ReadOptions};

/// The source chosen for a file.
#[derive(Debug, Clone, Copy)]
pub struct Choice<'a> {
    /// Its mapping.
    pub mapping: &'a Mapping,
    /// The source.
    pub source: &'a Source,
}

/// What the mappings make of a file.
#[derive(Debug)]
pub enum Recognised<'a> {
    /// The one source that knows it.
    As(Choice<'a>),
    /// No source does; the error says what came near.
    Not(Error),
}

/// Looks for the source of `file` among those of `mappings`.
///
/// `named` says that the user asked for the (one) mapping by name; a source
/// that goes by file name alone is only considered then.
///
/// # Errors
/// The file can not be read as what its name says, or several sources apply.
pub fn recognise<'a>(
    file: &InputFile,
    mappings: &[&'a Mapping],
    named: bool,
) -> Result<Recognised<'a>> {
    let mut headers = Headers { file, seen: Vec::new() };
    let mut found: Vec<(usize, bool, Choice<'a>)> = Vec::new();
    let mut near: Vec<Near<'a>> = Vec::new();
    for &mapping in mappings {
        for source in &mapping.sources {
            if !by_name(source, &file.name) || (source.headers.is_empty() && !named) {
                continue;
            }
            let missing = if source.headers.is_empty() {
                Vec::new()
            } else {
                // A file that can not be read this way is not of this source.
                let Some(header) = headers.under(&source.read) else {
                    continue;
                };
                missing(source, header)
            };
            let choice = Choice { mapping, source };
            if missing.is_empty() {
                found.push((source.headers.len(), !source.files.is_empty(), choice));
            } else {
                near.push(Near { choice, missing });
            }
        }
    }
    let rank = |found: &(usize, bool, Choice)| (found.0, found.1);
    let Some(best) = found.iter().map(rank).max() else {
        // Read plainly once more, for the header or the reason why there is none.
        let header = Header::new(read::probe(file, &ReadOptions::default())?.headers);
        return Ok(Recognised::Not(unknown(file, &header, near, named)));
    };
    let tied: Vec<Choice> = found.iter().filter(|one| rank(one) == best).map(|one| one.2).collect();
    match tied.as_slice() {
        [only] => Ok(Recognised::As(*only)),
        _ => Err(tie(file, &tied)),
    }
}

/// The headers of a file under each way of reading it, opened once each; none
/// where it can not be read that way.
struct Headers<'f> {
    file: &'f InputFile,
    seen: Vec<(ReadOptions, Option<Header>)>,
}

impl Headers<'_> {
    fn under(&mut self, options: &ReadOptions) -> Option<&Header> {
        let known = self.seen.iter().position(|(seen, _)| seen == options);
        let at = known.unwrap_or_else(|| {
            let header =
                read::probe(self.file, options).ok().map(|probe| Header::new(probe.headers));
            self.seen.push((options.clone(), header));
            self.seen.len() - 1
        });
        self.seen[at].1.as_ref()
    }
}

fn by_name(source: &Source, name: &str) -> bool {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    source.files.is_empty() || source.files.iter().any(|pattern| matches_glob(pattern, name))
}

/// The first spelling of every header that is asked for and not there.
fn missing<'a>(source: &'a Source, header: &Header) -> Vec<&'a str> {
    let there = |name: &String| source.spellings(name).any(|name| header.find(name).is_some());
    let absent = source.headers.iter().filter(|names| !names.iter().any(there));
    absent.filter_map(|names| names.first().map(String::as_str)).collect()
}

/// A source that lacked something.
struct Near<'a> {
    choice: Choice<'a>,
    missing: Vec<&'a str>,
}

fn unknown(file: &InputFile, header: &Header, mut near: Vec<Near<'_>>, named: bool) -> Error {
    let shown: Vec<&str> = header.names().iter().map(String::as_str).take(12).collect();
    let more = header.names().len().saturating_sub(shown.len());
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    let mut error = Error::new(
        ErrorKind::Input,
        format!("{}: no mapping knows these columns: {}{tail}", file.name, shown.join(", ")),
    );
    // Only a source most of whose headers are there is worth naming.
    near.retain(|near| near.missing.len() * 2 <= near.choice.source.headers.len());
    near.sort_by_key(|near| (near.missing.len(), usize::MAX - near.choice.source.headers.len()));
    for near in near.iter().take(3) {
        let Choice { mapping, source } = near.choice;
        error = error.hint(format!(
            "source {} of mapping {} lacks {}",
            source.name,
            mapping.name,
            near.missing.join(", ")
        ));
    }
    error.hint(if named {
        "name only the files this mapping is for, or add a [[source]] for this one"
    } else {
        "name a mapping with --map NAME, or write one and give its path: --map FILE.toml"
    })
}

fn tie(file: &InputFile, tied: &[Choice<'_>]) -> Error {
    let names: Vec<String> = tied
        .iter()
        .map(|choice| format!("{} of {}", choice.source.name, choice.mapping.name))
        .collect();
    let mappings: BTreeSet<&str> = tied.iter().map(|choice| choice.mapping.name.as_str()).collect();
    let advice = match mappings.len() {
        1 => "give one of the sources another header or file name to match".to_owned(),
        _ => format!(
            "choose with --map {}",
            mappings.into_iter().collect::<Vec<_>>().join(" or --map ")
        ),
    };
    Error::new(
        ErrorKind::Input,
        format!("{}: several sources know these columns: {}", file.name, names.join(", ")),
    )
    .hint(advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(dir: &tempfile::TempDir, name: &str, text: &str) -> InputFile {
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        read::discover(&[path]).unwrap().files.remove(0)
    }

    fn choose<'a>(file: &InputFile, mappings: &[&'a Mapping], named: bool) -> Result<Choice<'a>> {
        match recognise(file, mappings, named)? {
            Recognised::As(choice) => Ok(choice),
            Recognised::Not(error) => Err(error),
        }
    }

    fn mapping(name: &str, sources: &[(&str, &str)]) -> Mapping {
        let text: Vec<String> = sources
            .iter()
            .map(|(name, matching)| {
                format!("[[source]]\nname = \"{name}\"\nmatch = {matching}\nignore = \"test\"\n")
            })
            .collect();
        Mapping::parse(name, name, &text.concat()).unwrap()
    }

    #[test]
    fn the_most_specific_source_is_taken_whatever_the_spelling() {
        let dir = tempfile::tempdir().unwrap();
        let deals = file(&dir, "deals.csv", "Deal-Name,deal stage,Amount\na,b,1\n");
        let a = mapping(
            "a",
            &[
                ("general", "{ headers = [\"Amount\"] }"),
                ("deals", "{ headers = [\"Deal Name\", [\"Stage\", \"Deal Stage\"]] }"),
            ],
        );
        assert_eq!(choose(&deals, &[&a], false).unwrap().source.name, "deals");
    }

    #[test]
    fn a_tie_is_an_error_that_says_how_to_choose() {
        let dir = tempfile::tempdir().unwrap();
        let deals = file(&dir, "deals.csv", "x,y\n1,2\n");
        let (a, b) = (
            mapping("a", &[("s", "{ headers = [\"x\"] }")]),
            mapping("b", &[("t", "{ headers = [\"y\"] }")]),
        );
        let error = choose(&deals, &[&a, &b], false).unwrap_err();
        assert!(
            error.to_string().contains("several sources know these columns: s of a, t of b"),
            "{error}"
        );
        assert_eq!(error.hints(), ["choose with --map a or --map b"]);
    }

    #[test]
    fn an_unknown_header_is_shown_with_what_came_near() {
        let dir = tempfile::tempdir().unwrap();
        let deals = file(&dir, "deals.csv", "x,y\n1,2\n");
        let a = mapping(
            "a",
            &[("s", "{ headers = [\"x\", \"z\"] }"), ("byname", "{ files = [\"*\"] }")],
        );
        let error = choose(&deals, &[&a], false).unwrap_err();
        assert!(error.to_string().ends_with("no mapping knows these columns: x, y"), "{error}");
        assert_eq!(error.hints()[0], "source s of mapping a lacks z");
        assert_eq!(choose(&deals, &[&a], true).unwrap().source.name, "byname");
    }
}
