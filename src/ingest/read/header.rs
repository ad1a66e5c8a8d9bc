//! What are the columns called?
//!
//! Headers come with byte order marks, blanks around them, the same name twice
//! (a CRM lets two fields share a label) and no name at all. Every column gets
//! a name that is unique and not empty, because rows are addressed by it.

use std::collections::BTreeSet;

use crate::error::{Error, ErrorKind, Result};

/// The names of the columns under a header row on `line`.
///
/// Blanks around a name go; a column without name is called by its position,
/// `column_3`; a name that was there before gets a number, `Email_2`.
///
/// # Errors
/// No cell of the header row has a name, or all of them are numbers, in which
/// case it is no header row but the first row of the data.
pub(super) fn names<'a>(
    file: &str,
    line: u64,
    cells: impl IntoIterator<Item = &'a str>,
) -> Result<Vec<String>> {
    let cells: Vec<&str> = cells.into_iter().map(str::trim).collect();
    if cells.iter().all(|cell| cell.is_empty()) {
        return Err(Error::new(
            ErrorKind::Input,
            format!("{file}: line {line}: the header row is blank"),
        )
        .hint(
            "put the column names into the first row, or set `header = false` and give `columns`",
        ));
    }
    if cells.iter().all(|cell| cell.parse::<f64>().is_ok()) {
        return Err(Error::new(
            ErrorKind::Input,
            format!("{file}: line {line}: the first row holds numbers only, so it is no header"),
        )
        .hint("set `header = false` and give the names as `columns`"));
    }
    Ok(unique(&cells))
}

/// Names for the columns of a file without a header row: those given, or as
/// many as its first row has fields.
pub(super) fn given(given: Option<&[String]>, width: usize) -> Vec<String> {
    match given {
        Some(given) => unique(&given.iter().map(String::as_str).collect::<Vec<_>>()),
        None => unique(&vec![""; width]),
    }
}

/// Makes names unique and non-empty, changing no name that is both already.
pub(super) fn unique(names: &[&str]) -> Vec<String> {
    let original: BTreeSet<&str> = names.iter().copied().collect();
    let mut taken = BTreeSet::new();
    let mut out = Vec::with_capacity(names.len());
    for (at, name) in names.iter().enumerate() {
        let base = if name.is_empty() { format!("column_{}", at + 1) } else { (*name).to_owned() };
        let mut chosen = base.clone();
        let mut number = 2;
        while taken.contains(&chosen) || (chosen != *name && original.contains(chosen.as_str())) {
            chosen = format!("{base}_{number}");
            number += 1;
        }
        taken.insert(chosen.clone());
        out.push(chosen);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_numbered_and_never_empty() {
        let cells = [" Id ", "Email", "", "Email", "Email_2", "Email"];
        let names = names("a.csv", 1, cells).unwrap();
        assert_eq!(names, ["Id", "Email", "column_3", "Email_3", "Email_2", "Email_4"]);
    }

    #[test]
    fn rows_that_are_no_header_are_refused() {
        let error = names("a.csv", 2, ["", " "]).unwrap_err();
        assert_eq!(error.to_string(), "a.csv: line 2: the header row is blank");
        let error = names("a.csv", 1, ["00004", "1", "29.33"]).unwrap_err();
        assert!(error.hints()[0].contains("header = false"));
        assert_eq!(given(Some(&["a".into(), "a".into()]), 3), ["a", "a_2"]);
        assert_eq!(given(None, 2), ["column_1", "column_2"]);
    }
}
