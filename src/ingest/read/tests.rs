//! Laws that hold over all formats: every record is accounted for, however the
//! bytes arrive; what is damaged is refused; what is refused says what to do.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arrow::array::{Array, AsArray};
use arrow::util::display::array_value_to_string;

use super::*;

/// Everything a reader gave, in a form that compares.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    /// Line, and the cells that are not null by column name.
    rows: Vec<(u64, BTreeMap<String, String>)>,
    raw: Vec<String>,
    bad: Vec<(u64, &'static str, String)>,
}

fn drain(reader: &mut dyn RowReader) -> Result<Seen> {
    let mut seen = Seen::default();
    while let Some(batch) = reader.next_batch()? {
        assert_eq!(batch.lines.len(), batch.batch.num_rows());
        assert!(batch.read() > 0, "an empty batch");
        for (row, line) in batch.lines.iter().enumerate() {
            let schema = batch.batch.schema();
            let cells = schema.fields().iter().zip(batch.batch.columns());
            let cells = cells.filter(|(_, column)| column.is_valid(row)).map(|(field, column)| {
                (field.name().clone(), array_value_to_string(column, row).unwrap())
            });
            seen.rows.push((*line, cells.collect()));
            seen.raw.push(batch.raw(row));
        }
        seen.bad.extend(batch.bad.into_iter().map(|bad| (bad.line, bad.reason, bad.raw)));
    }
    Ok(seen)
}

/// A reader that gives a few bytes at a time, in a pattern set by `step`.
struct Dribble<'a>(&'a [u8], usize);

impl Read for Dribble<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = self.1.wrapping_mul(31).wrapping_add(7);
        let n = (self.1 % 13 + 1).min(self.0.len()).min(buffer.len());
        buffer[..n].copy_from_slice(&self.0[..n]);
        self.0 = &self.0[n..];
        Ok(n)
    }
}

fn read_stream(stream: Box<dyn Read + Send>, name: &str, options: &ReadOptions) -> Result<Seen> {
    drain(open_stream(stream, name, Arc::new(AtomicU64::new(0)), options)?.as_mut())
}

fn read_bytes(bytes: &[u8], name: &str) -> Result<Seen> {
    read_stream(Box::new(io::Cursor::new(bytes.to_vec())), name, &ReadOptions::default())
}

fn read_file(path: &Path, options: &ReadOptions) -> Result<(Probe, Seen)> {
    let found = discover(&[path.to_path_buf()])?;
    let mut reader = open(&found.files[0], options)?;
    let seen = drain(reader.as_mut())?;
    assert_eq!(reader.bytes_read(), found.files[0].bytes, "progress ends at the end");
    Ok((reader.probe().clone(), seen))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A CSV that has a bit of everything, longer than the window at first is.
fn everything(rows: usize) -> String {
    let mut text = String::from("\u{feff}id;名称;note\r\n");
    for row in 0..rows {
        text.push_str(&match row % 7 {
            0 => format!("{row};客户{row};\"a;b\r\nc \"\"d\"\"\"\r\n"),
            1 => format!("{row};only two\n"),
            2 => format!("{row};;\r\n\r\n"),
            3 => format!("{row};\"\";x;too many\r\n"),
            _ => format!("{row};name {row};plain\r\n"),
        });
    }
    text
}

#[test]
fn however_the_bytes_arrive_the_rows_are_the_same() {
    let text = everything(30_000);
    assert!(text.len() > 500_000);
    let whole = read_bytes(text.as_bytes(), "a.csv").unwrap();
    assert_eq!(whole.rows.len() + whole.bad.len(), 30_000);
    assert_eq!(whole.bad.len(), 2 * 30_000_usize.div_ceil(7));
    let plain = text.trim_start_matches('\u{feff}');
    let (half, rest) = text.as_bytes().split_at(text.len() / 2);
    let variants: Vec<Vec<u8>> = vec![
        text.as_bytes().to_vec(),
        [gzip(half), gzip(rest)].concat(),
        [zstd::encode_all(half, 1).unwrap(), zstd::encode_all(rest, 1).unwrap()].concat(),
        text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        plain.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        encoding_rs::GB18030.encode(plain).0.into_owned(),
    ];
    for (step, bytes) in variants.into_iter().enumerate() {
        for batch_rows in [1000, 8192] {
            let options = ReadOptions { batch_rows, ..ReadOptions::default() };
            let bytes: &'static [u8] = bytes.clone().leak();
            let seen = read_stream(Box::new(Dribble(bytes, step)), "a.csv", &options).unwrap();
            assert!(seen == whole, "variant {step}, batches of {batch_rows}");
        }
    }
}

#[test]
fn short_texts_survive_every_pattern_of_reads_and_batches() {
    let text = everything(40);
    let json = "{\"a\":1,\"b\":{\"c\":\"x\"}}\n\nnope\n{\"b\":{\"d\":2}}\r\n[1]\n{\"e\":null}";
    for (bytes, name) in [(text.as_bytes(), "a.csv"), (json.as_bytes(), "a.ndjson")] {
        let whole = read_bytes(bytes, name).unwrap();
        for step in 0..50 {
            let options = ReadOptions { batch_rows: step % 5 + 1, ..ReadOptions::default() };
            let bytes: &'static [u8] = bytes.to_vec().leak();
            let seen = read_stream(Box::new(Dribble(bytes, step)), name, &options).unwrap();
            assert_eq!(seen, whole);
        }
    }
}

#[test]
fn raw_text_is_the_file_itself() {
    let text = everything(200);
    let seen = read_bytes(text.as_bytes(), "a.csv").unwrap();
    let rows = seen.rows.iter().map(|row| row.0).zip(seen.raw);
    let bad = seen.bad.into_iter().map(|(line, _, raw)| (line, raw));
    let mut all: Vec<(u64, String)> = rows.chain(bad).collect();
    all.sort();
    // Each record stands at its line, byte for byte.
    let lines: Vec<&str> = text.split('\n').collect();
    for (line, raw) in &all {
        let at = usize::try_from(*line).unwrap() - 1;
        let height = raw.matches('\n').count();
        assert_eq!(lines[at..=at + height].join("\n").trim_end_matches('\r'), raw);
    }
    assert_eq!(all.len(), 200);
}

#[test]
fn a_compressed_stream_cut_anywhere_is_an_error() {
    let text = everything(300);
    for bytes in [gzip(text.as_bytes()), zstd::encode_all(text.as_bytes(), 1).unwrap()] {
        assert!(read_bytes(&bytes, "a.csv").is_ok());
        for cut in (5..bytes.len()).step_by(11).chain([bytes.len() - 1]) {
            let error = read_bytes(&bytes[..cut], "a.csv.gz").unwrap_err();
            assert!(error.to_string().contains("input ends early"), "{cut}: {error}");
        }
    }
}

#[test]
fn damage_in_a_compressed_stream_is_an_error() {
    let mut bytes = gzip(everything(300).as_bytes());
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    assert_eq!(read_bytes(&bytes, "a.csv").unwrap_err().kind(), ErrorKind::Input);
}

#[test]
fn a_plain_file_cut_in_a_row_keeps_the_rest() {
    let seen = read_bytes(b"a,b\n1,2\n3", "a.csv").unwrap();
    assert_eq!((seen.rows.len(), &seen.bad[0]), (1, &(3, "cut_row", "3".to_owned())));
    assert_eq!(read_bytes(b"a,b\n1,2\n3,4", "a.csv").unwrap().rows.len(), 2);
    assert_eq!(read_bytes(b"a,b\n1,2\n3\n", "a.csv").unwrap().bad[0].1, "ragged_row");
    let seen = read_bytes(b"{\"a\":1}\n{\"a\":", "a.ndjson").unwrap();
    assert_eq!((seen.rows.len(), seen.bad[0].1), (1, "cut_row"));
    assert_eq!(read_bytes(b"{\"a\":1}\n{\"a\":2}", "a.ndjson").unwrap().rows.len(), 2);
    let error = read_bytes(b"a,b\n1,2\n3,\"4\n5,6\n", "a.csv").unwrap_err();
    assert!(error.to_string().starts_with("a.csv: line 3: a quote opens here"), "{error}");
    let options = ReadOptions { quotes: false, ..ReadOptions::default() };
    let bytes: &'static [u8] = b"a,b\n3,\"4\n5,6\n";
    assert_eq!(read_stream(Box::new(bytes), "a.csv", &options).unwrap().rows.len(), 2);
}

#[test]
fn bytes_that_are_no_text_cost_their_row_only() {
    let seen = read_bytes(b"id,name\n1,Ada\n2,caf\xe9\n3,Grace\n", "a.csv").unwrap();
    assert_eq!(seen.rows.len(), 2);
    assert_eq!(seen.bad, [(3, "bad_encoding", "2,caf\u{fffd}".to_owned())]);
    let mut odd = b"\xff\xfe".to_vec();
    odd.extend("a,b\n1,2\n3,4".encode_utf16().flat_map(u16::to_le_bytes));
    odd.push(b'x');
    let seen = read_bytes(&odd, "a.csv").unwrap();
    assert_eq!((seen.rows.len(), seen.bad[0].1), (1, "bad_encoding"));
}

#[test]
fn what_can_not_be_read_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let zip = b"PK\x03\x04 not a workbook".to_vec();
    let noise: Vec<u8> = (0..=255).rev().cycle().take(5000).collect();
    let cases: [(&str, Vec<u8>, &str); 12] = [
        ("empty.csv", Vec::new(), "empty"),
        ("blank.csv", b"\n\r\n".to_vec(), "empty"),
        ("empty.csv.gz", gzip(b""), "empty"),
        ("header.csv", b"a,b\n".to_vec(), "no rows"),
        ("commas.csv", b",,\n1,2,3\n".to_vec(), "header row is blank"),
        ("numbers.csv", b"1,2\n3,4\n".to_vec(), "no header"),
        ("noise.csv", noise, "binary"),
        ("picture.csv", b"\x89PNG\r\n\x1a\n".to_vec(), "PNG"),
        ("zip.csv", zip.clone(), "workbook"),
        ("zip.csv.gz", gzip(&zip), "inside of gzip"),
        ("cut.parquet", b"PAR1\x15\x04".to_vec(), "Parquet"),
        ("page.xls", b"<html><table></table>".to_vec(), "HTML"),
    ];
    for (name, bytes, words) in cases {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let error = read_file(&path, &ReadOptions::default()).unwrap_err();
        assert!(error.to_string().contains(words), "{name}: {error}");
        assert!(error.to_string().contains(name) && error.kind() == ErrorKind::Input);
        assert!(!error.hints().is_empty(), "{name} has no hint");
    }
}

#[test]
fn options_name_what_looking_can_not_find() {
    let blanks: &'static [u8] =
        b" 00004 0001 19970101  2   29.33\r\n 00004 0001 19970118  2   29.73\r\n";
    let names = ["id", "sample", "date", "cds", "dollars"].map(str::to_owned).to_vec();
    let options = ReadOptions { header: false, columns: Some(names), ..ReadOptions::default() };
    let seen = read_stream(Box::new(blanks), "a.txt", &options).unwrap();
    assert_eq!(seen.rows[1].1["dollars"], "29.73");
    let bytes: &'static [u8] = b"a,b\nNULL, \nx,NULLS\n";
    let null_words = vec!["NULL".to_owned(), String::new()];
    let options = ReadOptions { null_words, ..ReadOptions::default() };
    let seen = read_stream(Box::new(bytes), "a.csv", &options).unwrap();
    assert!(seen.rows[0].1.is_empty());
    assert_eq!(seen.rows[1].1.len(), 2);
    let bytes: &'static [u8] = b"sep=;\r\na;b\r\n1,5;2\r\n";
    let seen = read_stream(Box::new(bytes), "a.csv", &ReadOptions::default()).unwrap();
    assert_eq!((seen.rows[0].0, seen.rows[0].1["a"].as_str()), (3, "1,5"));
    let options = ReadOptions { columns: Some(vec!["a".into()]), ..ReadOptions::default() };
    assert_eq!(options.check().unwrap_err().kind(), ErrorKind::Usage);
}

#[test]
fn a_workbook_streams_as_its_cells() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("deals.xlsx");
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet().set_name("Deals").unwrap();
    let date = rust_xlsxwriter::Format::new().set_num_format("dd/mm/yyyy");
    for (at, name) in ["Id", "Closed", "Amount", "Won"].into_iter().enumerate() {
        sheet.write(0, u16::try_from(at).unwrap(), name).unwrap();
    }
    for row in 1..=5000_u32 {
        sheet.write(row, 0, row).unwrap();
        sheet.write_with_format(row, 1, 45_000 + row % 100, &date).unwrap();
        sheet.write(row, 2, f64::from(row) / 4.0).unwrap();
        sheet.write(row, 3, row % 2 == 0).unwrap();
    }
    sheet.write(7, 4, "outside").unwrap();
    book.save(&path).unwrap();
    let options = ReadOptions { batch_rows: 600, ..ReadOptions::default() };
    let (probe, seen) = read_file(&path, &options).unwrap();
    assert_eq!((probe.format, probe.sheet.as_deref()), (Format::Xlsx, Some("Deals")));
    assert_eq!((seen.rows.len(), seen.bad.len()), (4999, 1));
    let (line, cells) = &seen.rows[1];
    assert_eq!(*line, 3);
    let cells: Vec<&str> = cells.values().map(String::as_str).collect();
    assert_eq!(cells, ["0.5", "2023-03-17", "2", "true"]);
    let wrong = ReadOptions { sheet: Some("deal".into()), ..ReadOptions::default() };
    let error = read_file(&path, &wrong).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unknown);
    assert_eq!(error.hints()[0], "did you mean \"Deals\"?");
}

#[test]
fn parquet_keeps_its_types() {
    use arrow::array::{DictionaryArray, Int64Array, RecordBatch};
    use arrow::datatypes::{DataType, Int32Type};

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("usage.parquet");
    let plan: DictionaryArray<Int32Type> =
        (0..5000).map(|row| (row % 3 != 0).then_some("pro")).collect();
    let batch = RecordBatch::try_from_iter([
        ("id", Arc::new(Int64Array::from_iter_values(0..5000)) as arrow::array::ArrayRef),
        ("plan", Arc::new(plan)),
    ])
    .unwrap();
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = parquet::arrow::ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();

    let found = discover(std::slice::from_ref(&path)).unwrap();
    let options = ReadOptions { batch_rows: 1000, ..ReadOptions::default() };
    let mut reader = open(&found.files[0], &options).unwrap();
    let first = reader.next_batch().unwrap().unwrap();
    assert_eq!(first.batch.num_rows(), 1000);
    assert!(matches!(first.batch.column(1).data_type(), DataType::Dictionary(..)));
    assert_eq!(first.batch.column(0).as_primitive::<arrow::datatypes::Int64Type>().value(999), 999);
    assert_eq!((first.lines[999], first.raw(1)), (1000, "{\"id\":1,\"plan\":\"pro\"}".to_owned()));
    let (_, seen) = read_file(&path, &options).unwrap();
    assert_eq!(seen.rows.len(), 5000);
    assert_eq!(seen.rows[4999].0, 5000);

    // A file that breaks off has no footer, wherever the cut is.
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let error = read_file(&path, &options).unwrap_err();
    assert!(error.to_string().contains("no readable Parquet"), "{error}");
}

#[test]
fn later_json_columns_join_at_the_end() {
    let mut text = String::new();
    for row in 0..20_000 {
        text.push_str(&format!("{{\"id\":{row}}}\n"));
    }
    text.push_str("{\"late\":true,\"id\":1}\n");
    let bytes: &'static [u8] = text.leak().as_bytes();
    let mut reader =
        open_stream(Box::new(bytes), "a.ndjson", Arc::default(), &ReadOptions::default()).unwrap();
    let mut widths = Vec::new();
    while let Some(batch) = reader.next_batch().unwrap() {
        widths.push((batch.batch.num_rows(), batch.batch.num_columns()));
    }
    assert_eq!(reader.headers(), ["id", "late"]);
    assert_eq!(widths.iter().map(|(rows, _)| rows).sum::<usize>(), 20_001);
    assert_eq!(widths.last().unwrap().1, 2);
}
