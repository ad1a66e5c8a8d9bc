//! Where does a delimited record end, and where do its fields begin?
//!
//! RFC 4180 with the leniency real files need: a quote is special only at the
//! start of a field, a doubled quote inside of quotes stands for one, and text
//! behind a closing quote belongs to the field. A record may therefore span
//! lines, which is why records and not lines are the unit, and why a quote
//! that never closes can swallow a file: that is told apart here.
//!
//! The `csv` crate reads the same language, and a test holds the two together.
//! It does not give the three things quarantine needs: the physical line of a
//! record behind blank lines and CRLF, the record's own bytes, and whether the
//! file ended inside of quotes.

use super::options::Delimiter;

/// A field of a record, as positions in the record's bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Field {
    /// Where the content starts, behind an opening quote.
    pub(super) start: usize,
    /// Where it ends, before a closing quote.
    pub(super) end: usize,
    /// Whether quotes remain in it: [`unquote`] must take them out.
    pub(super) quoted: bool,
}

/// What stands at the start of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Split {
    /// A record: the length of its text, its length with the line end, how
    /// many line ends that includes, and whether nothing is in it.
    Record { text: usize, len: usize, lines: u64, blank: bool },
    /// A record that goes on behind the bytes.
    Partial,
    /// A quote that is open at the end of the input, and how many lines below
    /// the start of the record it was opened.
    OpenQuote { lines: u64 },
}

/// How records are cut.
#[derive(Debug, Clone, Copy)]
pub(super) struct Splitter {
    /// What separates fields.
    pub(super) delimiter: Delimiter,
    /// Whether double quotes are special.
    pub(super) quotes: bool,
    /// What ends a line: a line feed, or a carriage return in old files.
    pub(super) terminator: u8,
}

/// The byte that ends lines: a carriage return only where there is no line
/// feed at all, so that one inside of a cell does not break its row.
pub(super) fn terminator(head: &[u8]) -> u8 {
    if !head.contains(&b'\n') && head.contains(&b'\r') { b'\r' } else { b'\n' }
}

impl Splitter {
    /// Cuts the first record of `bytes` into `fields`; `last` says that no
    /// bytes follow. `bytes` must not be empty.
    pub(super) fn split(&self, bytes: &[u8], last: bool, fields: &mut Vec<Field>) -> Split {
        fields.clear();
        let (mut at, mut lines) = (0, 0);
        loop {
            if self.delimiter == Delimiter::Whitespace {
                at += bytes[at..].iter().take_while(|byte| self.is_delimiter(**byte)).count();
            }
            let mut field = Field { start: at, end: at, quoted: false };
            let mut tail = at;
            if self.quotes && bytes.get(at) == Some(&b'"') {
                match self.close(bytes, at + 1, last, &mut lines) {
                    Ok((close, doubled)) => {
                        field = Field { start: at + 1, end: close, quoted: doubled };
                        tail = close + 1;
                    }
                    Err(split) => return split,
                }
            }
            let stop = bytes[tail..]
                .iter()
                .position(|byte| self.is_delimiter(*byte) || *byte == self.terminator)
                .map(|offset| tail + offset);
            let (end, ended) = match stop {
                Some(stop) => (stop, bytes[stop] == self.terminator),
                None if last => (bytes.len(), true),
                None => return Split::Partial,
            };
            let trimmed = if ended { trim_returns(bytes, tail, end) } else { end };
            if trimmed > tail {
                field.end = trimmed;
                // What follows a closing quote is part of the field.
                field.quoted = tail > field.start;
            }
            let nothing = trimmed == at && self.delimiter == Delimiter::Whitespace;
            if !nothing {
                fields.push(field);
            }
            if ended {
                let len = (end + 1).min(bytes.len());
                // Old systems end a file with Ctrl-Z, which is no row.
                let blank = trimmed == 0
                    || fields.is_empty()
                    || (last && len == bytes.len() && bytes[..trimmed] == *b"\x1a");
                lines += u64::from(stop.is_some());
                return Split::Record { text: trimmed, len, lines, blank };
            }
            at = end + 1;
        }
    }

    /// Finds the closing quote from `at` on, and whether quotes are doubled on
    /// the way there.
    fn close(
        &self,
        bytes: &[u8],
        at: usize,
        last: bool,
        lines: &mut u64,
    ) -> Result<(usize, bool), Split> {
        let opened = *lines;
        let (mut at, mut doubled) = (at, false);
        loop {
            match bytes.get(at) {
                None if last => return Err(Split::OpenQuote { lines: opened }),
                None => return Err(Split::Partial),
                Some(b'"') => match bytes.get(at + 1) {
                    Some(b'"') => {
                        doubled = true;
                        at += 1;
                    }
                    None if !last => return Err(Split::Partial),
                    _ => return Ok((at, doubled)),
                },
                Some(byte) => *lines += u64::from(*byte == self.terminator),
            }
            at += 1;
        }
    }

    fn is_delimiter(&self, byte: u8) -> bool {
        match self.delimiter {
            Delimiter::Byte(delimiter) => byte == delimiter,
            Delimiter::Whitespace => byte == b' ' || byte == b'\t',
        }
    }
}

/// The end of a line's text: carriage returns before the line end go with it.
fn trim_returns(bytes: &[u8], from: usize, end: usize) -> usize {
    let kept = bytes[from..end].iter().rev().skip_while(|byte| **byte == b'\r').count();
    from + kept
}

/// Writes a quoted field's content into `out`, from behind its opening quote.
pub(super) fn unquote(field: &str, out: &mut String) {
    out.clear();
    let mut rest = field;
    while let Some(at) = rest.find('"') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        match rest.strip_prefix('"') {
            Some(inside) => {
                out.push('"');
                rest = inside;
            }
            // The closing quote: the rest is as it stands.
            None => break,
        }
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMA: Splitter =
        Splitter { delimiter: Delimiter::Byte(b','), quotes: true, terminator: b'\n' };

    /// The cells of all records, and the line each record starts at.
    fn all(splitter: Splitter, text: &str) -> (Vec<Vec<String>>, Vec<u64>) {
        let (mut rows, mut starts, mut line, mut rest) = (Vec::new(), Vec::new(), 1, text);
        let mut fields = Vec::new();
        while !rest.is_empty() {
            match splitter.split(rest.as_bytes(), true, &mut fields) {
                Split::Record { len, lines, blank, .. } => {
                    if !blank {
                        rows.push(fields.iter().map(|field| cell(rest, *field)).collect());
                        starts.push(line);
                    }
                    line += lines;
                    rest = &rest[len..];
                }
                other => panic!("{other:?}"),
            }
        }
        (rows, starts)
    }

    fn cell(text: &str, field: Field) -> String {
        let mut out = text[field.start..field.end].to_owned();
        if field.quoted {
            unquote(&text[field.start..field.end], &mut out);
        }
        out
    }

    #[test]
    fn quotes_lines_and_blanks_are_kept_apart() {
        let (rows, lines) = all(COMMA, "a,b\r\n\r\n\"x\n\"\"y\"\"\",2\n\"p\"q,\"\"\nlast,");
        assert_eq!(rows, [["a", "b"], ["x\n\"y\"", "2"], ["pq", ""], ["last", ""]]);
        assert_eq!(lines, [1, 3, 5, 6]);
    }

    #[test]
    fn blanks_at_either_end_of_a_line_separate_nothing() {
        let blanks = Splitter { delimiter: Delimiter::Whitespace, ..COMMA };
        let (rows, lines) = all(blanks, " id  date\r\n 1\t\"New York\" \n   \n2 x");
        assert_eq!(rows, [["id", "date"], ["1", "New York"], ["2", "x"]]);
        assert_eq!(lines, [1, 2, 4]);
    }

    #[test]
    fn an_open_quote_is_told_with_its_line() {
        let mut fields = Vec::new();
        let text = b"1,\"a\nb\",\"open\n2,3\n";
        assert_eq!(COMMA.split(text, true, &mut fields), Split::OpenQuote { lines: 1 });
        assert_eq!(COMMA.split(text, false, &mut fields), Split::Partial);
    }

    /// Texts over an alphabet that makes every rule meet every other, compared
    /// with the `csv` crate.
    #[test]
    fn random_texts_read_as_the_csv_crate_reads_them() {
        let mut state = 1_u64;
        let mut compared = 0;
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..24 {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1_442_695_040_888_963_407);
                let pieces = ["a", "é", ",", ",", "\"", "\"", "\n", "\r\n", " "];
                text.push_str(pieces[(state >> 33) as usize % pieces.len()]);
            }
            let mut fields = Vec::new();
            let mut rest = text.as_bytes();
            let mut open = false;
            while !rest.is_empty() && !open {
                match COMMA.split(rest, true, &mut fields) {
                    Split::Record { len, .. } => rest = &rest[len..],
                    _ => open = true,
                }
            }
            if open {
                continue;
            }
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .from_reader(text.as_bytes());
            let theirs: Vec<Vec<String>> = reader
                .records()
                .map(|row| row.unwrap().iter().map(str::to_owned).collect())
                .collect();
            assert_eq!(all(COMMA, &text).0, theirs, "{text:?}");
            compared += 1;
        }
        assert!(compared > 5_000, "{compared}");
    }
}
