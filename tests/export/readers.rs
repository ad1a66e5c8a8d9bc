//! What do the targets accept? Each reader follows the rules of one of them as its
//! documents give them, strictly, and panics where the target would refuse.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use chrono::{DateTime, NaiveDateTime};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tenure::export::Manifest;

/// A record as the target has it then; date-times in milliseconds since 1970.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub id: String,
    pub values: BTreeMap<String, Option<String>>,
}

/// Every file of a folder with its bytes.
pub fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap()))
        .collect()
}

/// The manifest names exactly the files that are there, as they are.
pub fn manifest(folder: &Path, expected: &Manifest) {
    let mut files = contents(folder);
    let written: Value = serde_json::from_slice(&files.remove("manifest.json").unwrap()).unwrap();
    assert_eq!(written, serde_json::to_value(expected).unwrap());
    let named = written["files"].as_array().unwrap();
    assert_eq!(named.len(), files.len());
    for (file, (name, bytes)) in named.iter().zip(&files) {
        assert_eq!(file["name"], **name, "in the order of their names");
        assert_eq!(file["bytes"], bytes.len());
        let digest = Sha256::digest(bytes);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(file["sha256"], hex);
    }
    let rows: u64 = named.iter().map(|file| file["rows"].as_u64().unwrap()).sum();
    assert_eq!(written["rows"], rows);
    let text = String::from_utf8(fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    assert!(!text.contains(folder.to_str().unwrap()), "it reads the same wherever it lies");
}

/// The data files, in order.
fn data(folder: &Path, extension: &str) -> Vec<String> {
    let files = contents(folder).into_iter().filter(|(name, _)| name != "manifest.json");
    let read = |(name, bytes): (String, Vec<u8>)| {
        assert!(name.ends_with(extension), "{name}");
        String::from_utf8(bytes).unwrap()
    };
    files.map(read).collect()
}

/// RFC 4180, with nothing forgiven: the line end given and no other, quotes only
/// around whole cells, every line as long as the first, the last one ended.
fn rfc4180(text: &str, end: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut rest) = (Vec::new(), Vec::new(), text);
    while !rest.is_empty() {
        let cell;
        if let Some(mut inner) = rest.strip_prefix('"') {
            let mut read = String::new();
            loop {
                let quote =
                    inner.find('"').unwrap_or_else(|| panic!("a quote never ends: {rest:.60}"));
                read.push_str(&inner[..quote]);
                inner = &inner[quote + 1..];
                match inner.strip_prefix('"') {
                    Some(more) => {
                        read.push('"');
                        inner = more;
                    }
                    None => break,
                }
            }
            (cell, rest) = (read, inner);
        } else {
            let stop = rest.find([',', '\n', '\r']).unwrap_or(rest.len());
            assert!(!rest[..stop].contains('"'), "a quote within a bare cell: {rest:.60}");
            (cell, rest) = (rest[..stop].to_owned(), &rest[stop..]);
        }
        row.push(cell);
        if let Some(more) = rest.strip_prefix(',') {
            rest = more;
            assert!(!rest.is_empty(), "the last line is not ended");
        } else {
            rest = rest.strip_prefix(end).unwrap_or_else(|| panic!("no line end at {rest:.60}"));
            rows.push(std::mem::take(&mut row));
        }
    }
    assert!(rows.iter().all(|row| row.len() == rows[0].len()), "ragged");
    rows
}

/// Salesforce Bulk API 2.0.
pub fn salesforce(folder: &Path, key: &str, most: usize) -> Vec<Record> {
    let mut records = Vec::new();
    for text in data(folder, ".csv") {
        assert!(text.len() <= most && text.len().div_ceil(3) * 4 <= 150_000_000);
        assert!(!text.starts_with('\u{feff}'), "a byte order mark becomes part of the first name");
        let mut rows = rfc4180(&text, "\n").into_iter();
        let head = rows.next().unwrap();
        assert_eq!(head[0], key);
        if key == "Churn_Key__c" {
            assert_eq!(
                head.join(","),
                "Churn_Key__c,Churn_Risk_Score__c,Churn_Risk_Band__c,Churn_Top_Reason__c,Churn_Scored_At__c,Churn_Model_Version__c"
            );
        }
        assert!(rows.len() > 0, "a file of nobody");
        for row in rows {
            let mut values = BTreeMap::new();
            for (name, cell) in head.iter().zip(&row) {
                assert!(!cell.is_empty(), "{name}: an empty cell is ignored");
                assert_eq!(cell.trim(), cell, "{name}: values are not trimmed");
                assert!(cell.encode_utf16().count() <= 255, "{name}: too long");
                let value = match name.as_str() {
                    _ if cell == "#N/A" => None,
                    "Churn_Risk_Score__c" => {
                        assert!(cell.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'));
                        Some(cell.parse::<f64>().unwrap().to_string())
                    }
                    "Churn_Scored_At__c" => Some(zulu(cell).to_string()),
                    _ => Some(cell.clone()),
                };
                values.insert(name.clone(), value);
            }
            records.push(Record { id: values.remove(key).unwrap().unwrap(), values });
        }
    }
    known_once(&records);
    records
}

/// `2024-06-10T23:59:59.999Z` in milliseconds.
fn zulu(text: &str) -> i64 {
    assert!(text.ends_with('Z') && text.len() == 24, "{text}");
    DateTime::parse_from_rfc3339(text).unwrap().timestamp_millis()
}

/// HubSpot's batch update.
pub fn hubspot(folder: &Path, key: Option<&str>) -> Vec<Record> {
    let mut records = Vec::new();
    for text in data(folder, ".json") {
        let body: Map<String, Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(keys(&body), ["inputs"]);
        let inputs = body["inputs"].as_array().unwrap();
        assert!((1..=100).contains(&inputs.len()), "{} inputs", inputs.len());
        for input in inputs {
            let input = input.as_object().unwrap();
            match key {
                Some(key) => {
                    assert_eq!(keys(input), ["id", "idProperty", "properties"]);
                    assert_eq!(input["idProperty"], key);
                }
                None => assert_eq!(keys(input), ["id", "properties"]),
            }
            let mut values = BTreeMap::new();
            for (name, value) in input["properties"].as_object().unwrap() {
                assert!(
                    name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
                );
                // Every value is a text; an empty one clears.
                let value = Some(value.as_str().unwrap()).filter(|value| !value.is_empty());
                let value = value.map(|value| match name.as_str() {
                    "churn_risk_score" => value.parse::<f64>().unwrap().to_string(),
                    "churn_scored_at" => value.parse::<i64>().unwrap().to_string(),
                    _ => value.to_owned(),
                });
                values.insert(name.clone(), value);
            }
            records.push(Record { id: input["id"].as_str().unwrap().to_owned(), values });
        }
    }
    known_once(&records);
    records
}

/// Zoho's upsert.
pub fn zoho(folder: &Path, key: &str) -> Vec<Record> {
    let mut records = Vec::new();
    for text in data(folder, ".json") {
        let body: Map<String, Value> = serde_json::from_str(&text).unwrap();
        assert_eq!(keys(&body), ["data", "duplicate_check_fields"]);
        assert_eq!(body["duplicate_check_fields"], serde_json::json!([key]));
        let data = body["data"].as_array().unwrap();
        assert!((1..=100).contains(&data.len()), "{} records", data.len());
        for record in data {
            let mut values = BTreeMap::new();
            for (name, value) in record.as_object().unwrap() {
                let value = match (name.as_str(), value) {
                    (_, Value::Null) => None,
                    ("Churn_Risk_Score", value) => Some(value.as_f64().unwrap().to_string()),
                    ("Churn_Value_At_Risk", value) => {
                        Some(format!("{:.2}", value.as_f64().unwrap()))
                    }
                    ("Churn_Scored_At", value) => {
                        let form = "%Y-%m-%dT%H:%M:%S+00:00";
                        let at = NaiveDateTime::parse_from_str(value.as_str().unwrap(), form);
                        Some(at.unwrap().and_utc().timestamp_millis().to_string())
                    }
                    (_, value) => Some(value.as_str().unwrap().to_owned()),
                };
                assert!(value.as_ref().is_none_or(|value| value.encode_utf16().count() <= 255));
                values.insert(name.clone(), value);
            }
            records.push(Record { id: values.remove(key).unwrap().unwrap(), values });
        }
    }
    known_once(&records);
    records
}

/// 纷享销客: a body a line, once the sender has put it into the envelope.
pub fn fxiaoke(folder: &Path, object: &str) -> Vec<Record> {
    let mut records = Vec::new();
    for text in data(folder, ".ndjson") {
        assert!(text.ends_with('\n'));
        for line in text.lines() {
            let data: Map<String, Value> = serde_json::from_str(line).unwrap();
            assert_eq!(keys(&data), ["data", "dataObjectApiName"]);
            assert_eq!(data["dataObjectApiName"], object);
            let mut values = BTreeMap::new();
            for (name, value) in data["data"].as_object().unwrap() {
                let value = match (name.as_str(), value) {
                    (_, Value::Null) => None,
                    ("churn_score__c", value) => Some(value.as_f64().unwrap().to_string()),
                    ("churn_value_at_risk__c", value) => {
                        Some(format!("{:.2}", value.as_f64().unwrap()))
                    }
                    ("churn_scored_at__c", value) => Some(value.as_i64().unwrap().to_string()),
                    (_, value) => Some(value.as_str().unwrap().to_owned()),
                };
                values.insert(name.clone(), value);
            }
            records.push(Record { id: values.remove("_id").unwrap().unwrap(), values });
        }
    }
    known_once(&records);
    records
}

/// The other body of 纷享销客: the object's name beside the row's id.
pub fn fxiaoke_documented(folder: &Path, object: &str) -> Vec<Record> {
    let mut records = Vec::new();
    for line in data(folder, ".ndjson").iter().flat_map(|text| text.lines()) {
        let data: Map<String, Value> = serde_json::from_str(line).unwrap();
        assert_eq!(keys(&data), ["object_data"]);
        let row = data["object_data"].as_object().unwrap();
        assert_eq!(row["dataObjectApiName"], object);
        let id = row["_id"].as_str().unwrap().to_owned();
        records.push(Record { id, values: BTreeMap::new() });
    }
    records
}

/// A table for a spreadsheet: one file that says it is UTF-8, or Excel misreads it.
pub fn table(folder: &Path, key: &str) -> Vec<Record> {
    let files = data(folder, ".csv");
    assert_eq!(files.len(), 1);
    let text = files[0].strip_prefix('\u{feff}').unwrap();
    let mut rows = rfc4180(text, "\r\n").into_iter();
    let head = rows.next().unwrap();
    let record = |row: Vec<String>| {
        let cells = head.iter().cloned().zip(row);
        let mut values: BTreeMap<_, _> =
            cells.map(|(name, cell)| (name, Some(cell).filter(|cell| !cell.is_empty()))).collect();
        Record { id: values.remove(key).unwrap().unwrap(), values }
    };
    rows.map(record).collect()
}

fn keys(object: &Map<String, Value>) -> Vec<&str> {
    let mut keys: Vec<_> = object.keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// Two records of one id in a call are refused, and would overwrite each other.
fn known_once(records: &[Record]) {
    let ids: BTreeSet<_> = records.iter().map(|record| &record.id).collect();
    assert_eq!(ids.len(), records.len());
}
