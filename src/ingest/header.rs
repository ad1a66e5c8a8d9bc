//! When do two spellings name the same column of an export?
//!
//! CRM labels are localised and edited by users, and every tool that touches a
//! file respells them: `Close Date`, `close_date`, `CLOSE-DATE`, a byte order
//! mark glued to the first one. Names are therefore compared folded: without a
//! byte order mark, trimmed, in Unicode's compatibility form (so that
//! full-width letters equal plain ones), in lower case, and with `_`, space
//! and `-` alike. An exact spelling always wins over a folded one.

use std::collections::BTreeMap;

use unicode_normalization::UnicodeNormalization;

/// The form in which names are compared.
///
/// ```
/// use tenure::ingest::header::fold;
///
/// assert_eq!(fold("\u{feff} Close-Date "), fold("close_date"));
/// assert_eq!(fold("客户名称"), "客户名称");
/// ```
#[must_use]
pub fn fold(name: &str) -> String {
    name.trim_start_matches('\u{feff}')
        .trim()
        .nfkc()
        .flat_map(char::to_lowercase)
        .map(|c| if matches!(c, ' ' | '-') { '_' } else { c })
        .collect()
}

/// The columns of a file, to be found under any spelling.
#[derive(Debug, Clone)]
pub struct Header {
    names: Vec<String>,
    exact: BTreeMap<String, usize>,
    folded: BTreeMap<String, usize>,
}

impl Header {
    /// Takes the names in file order. Of two names that fold alike the first
    /// is found by other spellings, and each by its own.
    #[must_use]
    pub fn new(names: Vec<String>) -> Self {
        let mut exact = BTreeMap::new();
        let mut folded = BTreeMap::new();
        for (at, name) in names.iter().enumerate() {
            exact.entry(name.clone()).or_insert(at);
            folded.entry(fold(name)).or_insert(at);
        }
        Self { names, exact, folded }
    }

    /// The names in file order, as they stand in the file.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// The position of the column called `name`.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<usize> {
        let exact = self.exact.get(name);
        exact.or_else(|| self.folded.get(&fold(name))).copied()
    }
}

/// Whether a file name matches a pattern of `*` (anything) and `?` (one
/// character), whatever the case.
#[must_use]
pub fn matches_glob(pattern: &str, name: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let name: Vec<char> = name.to_lowercase().chars().collect();
    // `star` remembers the last `*` and how much of the name it has taken, so
    // that a dead end can be retried with one character more: linear memory,
    // and no recursion on hostile patterns.
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(&c) if c == '?' || c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    n = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_spelling_wins_over_a_folded_one() {
        let header = Header::new(vec!["a b".into(), "A_B".into(), "Ｎａｍｅ".into()]);
        assert_eq!(header.find("A_B"), Some(1));
        assert_eq!(header.find("A-b"), Some(0));
        assert_eq!(header.find("name"), Some(2));
        assert_eq!(header.find("nam"), None);
    }

    #[test]
    fn globs_match_whole_names() {
        for (pattern, name, expected) in [
            ("*sample*", "CDNOW_sample.txt", true),
            ("*.csv*", "orders.csv.gz", true),
            ("orders.csv", "my_orders.csv", false),
            ("a*b*c", "aXbYbZc", true),
            ("a?c", "ac", false),
            ("*", "", true),
        ] {
            assert_eq!(matches_glob(pattern, name), expected, "{pattern} {name}");
        }
    }
}
