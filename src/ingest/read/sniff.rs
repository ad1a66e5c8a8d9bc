//! What is this file, going by its first bytes?
//!
//! Names lie: the file called `.xls` is often an HTML table, the `.csv` a
//! workbook, the `.gz` plain. So the content decides, and what can not be read
//! is called by its name, with the way to something that can.

use crate::error::{Error, ErrorKind, Result};

use super::bytes::Compression;
use super::options::{Delimiter, Format};
use super::records::{Field, Split, Splitter};

/// Enough for every magic number, that of tar being at byte 257.
pub(super) const MAGIC_LEN: usize = 512;
/// Enough to tell binary from text and encodings apart.
pub(super) const HEAD_LEN: usize = 1 << 16;
/// Records looked at to find the delimiter.
const SAMPLE: usize = 200;

/// A file that is not a stream of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Container {
    /// Apache Parquet.
    Parquet,
    /// A zip or compound document: a workbook, if anything that can be read.
    Workbook,
    /// Something known that holds no rows for us: what it is, and the way out.
    Foreign(Foreign),
}

/// What a foreign file is, and what to do with it.
pub(super) type Foreign = (&'static str, &'static str);

const EXPORT: &str = "export the data as CSV, XLSX, NDJSON or Parquet";
const UNPACK: &str = "unpack it and give the files in it";

/// Magic numbers of files that are often found among exports.
const FOREIGN: [(usize, &[u8], Foreign); 16] = [
    (0, b"%PDF-", ("a PDF document", EXPORT)),
    (0, b"\x89PNG\r\n", ("a PNG picture", EXPORT)),
    (0, b"\xff\xd8\xff", ("a JPEG picture", EXPORT)),
    (0, b"GIF87a", ("a GIF picture", EXPORT)),
    (0, b"GIF89a", ("a GIF picture", EXPORT)),
    (0, b"\x7fELF", ("a program", EXPORT)),
    (0, b"SQLite format 3\0", ("an SQLite database", EXPORT)),
    (0, b"ARROW1", ("an Arrow IPC file", "write it as Parquet")),
    (0, b"Obj\x01", ("an Avro file", "write it as Parquet or NDJSON")),
    (0, b"7z\xbc\xaf\x27\x1c", ("a 7z archive", UNPACK)),
    (0, b"Rar!\x1a\x07", ("a RAR archive", UNPACK)),
    (257, b"ustar", ("a tar archive", UNPACK)),
    (0, b"PK\x05\x06", ("an empty zip archive", EXPORT)),
    (
        0,
        b"\xfd7zXZ\0",
        ("xz-compressed", "compress it with zstd or gzip instead: xz -dc FILE | zstd > FILE.zst"),
    ),
    (
        0,
        b"\x04\x22\x4d\x18",
        ("lz4-compressed", "compress it with zstd or gzip instead: lz4 -dc FILE | zstd > FILE.zst"),
    ),
    (
        4,
        b"1AY&SY",
        (
            "bzip2-compressed",
            "compress it with zstd or gzip instead: bzip2 -dc FILE | zstd > FILE.zst",
        ),
    ),
];

/// Recognises what is not text by its magic number.
pub(super) fn container(head: &[u8]) -> Option<Container> {
    if head.starts_with(b"PAR1") {
        return Some(Container::Parquet);
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return Some(Container::Workbook);
    }
    FOREIGN
        .iter()
        .find(|(at, magic, _)| head.get(*at..).is_some_and(|rest| rest.starts_with(magic)))
        .map(|(_, _, foreign)| Container::Foreign(*foreign))
}

/// The error of a file that holds no rows for us.
pub(super) fn foreign(name: &str, (what, hint): Foreign) -> Error {
    Error::new(ErrorKind::Input, format!("{name}: this is {what}, not rows")).hint(hint)
}

/// The error of a binary file inside of a compressed stream.
pub(super) fn wrapped(name: &str, inside: &Container, around: Option<Compression>) -> Error {
    let around = around.map_or("stream", Compression::name);
    let what = match inside {
        Container::Foreign(what) => return foreign(name, *what),
        Container::Parquet => "Parquet",
        Container::Workbook => "a workbook or zip archive",
    };
    Error::new(ErrorKind::Input, format!("{name}: {what} inside of {around}")).hint(format!(
        "it is compressed already: take the {around} off (`{around} -d`) and give the file itself"
    ))
}

/// Whether text that is not UTF-16 is none: control characters make up one
/// byte in a hundred of it, where text has tabs and line ends only. A control
/// character that is known to be the delimiter does not count.
pub(super) fn is_binary(head: &[u8], delimiter: Option<Delimiter>) -> bool {
    let control = head
        .iter()
        .filter(|byte| matches!(byte, 0..=8 | 14..=25 | 28..=31 | 127))
        .filter(|byte| delimiter != Some(Delimiter::Byte(**byte)))
        .count();
    control > 0 && control * 100 >= head.len()
}

/// Tells CSV from NDJSON, and both from what only looks like text data.
pub(super) fn text_format(name: &str, head: &[u8], whole: bool) -> Result<Format> {
    let text = head.trim_ascii_start();
    let lower: Vec<u8> = text.iter().take(16).map(u8::to_ascii_lowercase).collect();
    let markup: [&[u8]; 7] =
        [b"<!doctype", b"<html", b"<?xml", b"<table", b"<head", b"<meta", b"<style"];
    if markup.iter().any(|tag| lower.starts_with(tag)) {
        return Err(Error::new(ErrorKind::Input, format!("{name}: this is HTML or XML, not rows"))
            .hint("some systems call an HTML table .xls: open it in a spreadsheet and save it as .xlsx or CSV")
            .hint("if it shows a login page, the download was refused: sign in and export again"));
    }
    let not_lines = |what: &str| {
        Error::new(ErrorKind::Input, format!("{name}: {what}, not one object a line"))
            .hint("make it NDJSON: jq -c '.[]?' FILE > FILE.ndjson, or jq -c . when it is a single object")
    };
    match text.first() {
        Some(b'[') if text[1..].trim_ascii_start().starts_with(b"{") => {
            Err(not_lines("this is a JSON array"))
        }
        Some(b'{') => {
            let end = text.iter().position(|byte| *byte == b'\n');
            let line = &text[..end.unwrap_or(text.len())];
            let cut = end.is_none() && !whole;
            let json_name = name.to_ascii_lowercase().contains("json");
            if line.trim_ascii() == b"{" {
                return Err(not_lines("this is JSON over several lines"));
            }
            let object = serde_json::from_slice::<serde::de::IgnoredAny>(line);
            Ok(if object.is_ok() || cut || json_name { Format::Ndjson } else { Format::Csv })
        }
        _ if name.to_ascii_lowercase().contains(".ndjson")
            || name.to_ascii_lowercase().contains(".jsonl") =>
        {
            Ok(Format::Ndjson)
        }
        _ => Ok(Format::Csv),
    }
}

/// Finds the delimiter: the one that cuts most records into as many fields as
/// the first record has, and of those the one with the most fields.
///
/// Counting per record, with quotes respected, is what keeps a decimal comma
/// from winning over the semicolon. Blanks are a delimiter only if nothing
/// else is, every line agrees, and one column is all numbers: a list of names
/// is one column, not two.
pub(super) fn delimiter(head: &[u8], whole: bool, quotes: bool, terminator: u8) -> Delimiter {
    let mut best = (0, 1, Delimiter::Byte(b','));
    for byte in *b",;\t|" {
        let delimiter = Delimiter::Byte(byte);
        let sample = Sample::take(head, whole, quotes, terminator, delimiter);
        let columns = sample.rows.first().map_or(0, Vec::len);
        if columns < 2 {
            continue;
        }
        let agree = sample.rows.iter().filter(|row| row.len() == columns).count();
        let agree = agree * 1000 / sample.rows.len();
        if (agree, columns) > (best.0, best.1) {
            best = (agree, columns, delimiter);
        }
    }
    // Below half, the "delimiter" is punctuation inside of something else.
    if best.0 >= 500 {
        return best.2;
    }
    let blanks = Sample::take(head, whole, quotes, terminator, Delimiter::Whitespace);
    if blanks.is_table() { Delimiter::Whitespace } else { best.2 }
}

/// The first records of a file, cut by one candidate delimiter.
struct Sample<'a> {
    rows: Vec<Vec<&'a [u8]>>,
}

impl<'a> Sample<'a> {
    fn take(
        head: &'a [u8],
        whole: bool,
        quotes: bool,
        terminator: u8,
        delimiter: Delimiter,
    ) -> Self {
        let splitter = Splitter { delimiter, quotes, terminator };
        let (mut rows, mut rest, mut fields) = (Vec::new(), head, Vec::<Field>::new());
        while rows.len() < SAMPLE && !rest.is_empty() {
            let Split::Record { len, blank, .. } = splitter.split(rest, whole, &mut fields) else {
                break;
            };
            if !blank {
                rows.push(fields.iter().map(|field| &rest[field.start..field.end]).collect());
            }
            rest = &rest[len..];
        }
        Self { rows }
    }

    fn is_table(&self) -> bool {
        let columns = self.rows.first().map_or(0, Vec::len);
        let number =
            |cell: &&[u8]| std::str::from_utf8(cell).is_ok_and(|cell| cell.parse::<f64>().is_ok());
        columns >= 2
            && self.rows.len() >= 2
            && self.rows.iter().all(|row| row.len() == columns)
            && (0..columns).any(|at| self.rows[1..].iter().all(|row| number(&row[at])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sniff(text: &str) -> Delimiter {
        delimiter(text.as_bytes(), true, true, b'\n')
    }

    #[test]
    fn the_delimiter_is_the_one_records_agree_on() {
        assert_eq!(sniff("a,b\n1,2\n"), Delimiter::Byte(b','));
        assert_eq!(sniff("a;b\n1,5;2,5\n3,5;4,5\n"), Delimiter::Byte(b';'));
        assert_eq!(sniff("a\tb\n\"x,y\nz,w\"\t2\n"), Delimiter::Byte(b'\t'));
        assert_eq!(sniff("a|b|c\n1|2|3\n"), Delimiter::Byte(b'|'));
        assert_eq!(sniff("id,notes\n1,a;b;c\n2,d;e\n"), Delimiter::Byte(b','));
        assert_eq!(sniff(" id  date\n 1  19970101\n"), Delimiter::Whitespace);
        assert_eq!(sniff("name surname\nAda Lovelace\n"), Delimiter::Byte(b','));
    }

    #[test]
    fn text_that_is_no_table_is_named() {
        for (text, words) in [
            ("[ {\"a\": 1}]", "JSON array"),
            ("{\n \"a\": 1\n}", "several lines"),
            ("<html><table>", "HTML"),
        ] {
            let error = text_format("a.json", text.as_bytes(), true).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
            assert!(!error.hints().is_empty());
        }
        assert_eq!(text_format("a.txt", b"{\"a\": 1}\n", true).unwrap(), Format::Ndjson);
        assert_eq!(text_format("a.csv", b"{id},{name}\n", true).unwrap(), Format::Csv);
    }

    #[test]
    fn magic_numbers_are_known_and_text_is_not_binary() {
        assert_eq!(container(b"PAR1\x15"), Some(Container::Parquet));
        assert!(matches!(container(b"BZh91AY&SY"), Some(Container::Foreign(_))));
        assert_eq!(container(b"id,name\n"), None);
        assert!(is_binary(&(0..=255).collect::<Vec<u8>>(), None));
        assert!(!is_binary(b"a\x01b\n", Some(Delimiter::Byte(1))));
        assert!(!is_binary("客户,名称\r\n\t1\x1a".as_bytes(), None));
    }
}
