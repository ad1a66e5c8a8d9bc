//! Every form a cell can take, read or refused.

use arrow::array::{
    Array, AsArray, Date32Array, Float64Array, Int64Array, StringArray, TimestampMillisecondArray,
};
use arrow::datatypes::{Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use std::sync::Arc;

use super::*;

fn text(cells: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(cells.to_vec()))
}

fn one(
    cell: &str,
    kind: Kind,
    parsing: &Parsing,
    round: Option<u8>,
) -> Result<ArrayRef, (Reason, String)> {
    let mut converted = convert(&text(&[cell]), kind, parsing, round).unwrap();
    match converted.faults.pop() {
        Some(fault) => {
            assert!(converted.values.is_null(0), "{cell:?} is at fault and null");
            Err((fault.reason, fault.detail))
        }
        None => Ok(converted.values),
    }
}

/// Money in units of 0.0001, none for an empty cell.
fn money(cell: &str, parsing: &Parsing, round: Option<u8>) -> Result<Option<i128>, Reason> {
    let array = one(cell, Kind::Money, parsing, round).map_err(|(reason, _)| reason)?;
    Ok(array.as_primitive::<Decimal128Type>().iter().next().flatten())
}

/// A time as chrono prints it.
fn time(cell: &str, parsing: &Parsing) -> Result<String, Reason> {
    let array = one(cell, Kind::Time, parsing, None).map_err(|(reason, _)| reason)?;
    let micros = array.as_primitive::<TimestampMicrosecondType>().value(0);
    let at = chrono::DateTime::from_timestamp_micros(micros).unwrap();
    Ok(at.format("%Y-%m-%d %H:%M:%S%.f").to_string())
}

fn declared(formats: &[&str], zone: &str) -> Parsing {
    Parsing {
        formats: formats.iter().map(|format| TimeFormat::parse(format).unwrap()).collect(),
        zone: zone.parse().unwrap(),
        ..Parsing::default()
    }
}

#[test]
fn money_is_read_exactly() {
    let parsing = Parsing::default();
    for (cell, units) in [
        ("0.001", 10),
        ("2.55", 25_500),
        ("1,234.50", 12_345_000),
        ("1'234", 12_340_000),
        ("1 234 567.8", 12_345_678_000),
        ("12,34,567.00", 12_345_670_000),
        ("(12.50)", -125_000),
        ("-$5", -50_000),
        ("$-5", -50_000),
        ("12.50-", -125_000),
        ("US$ 7", 70_000),
        ("7 CNY", 70_000),
        ("￥7.1", 71_000),
        ("7元", 70_000),
        ("+3", 30_000),
        (".5", 5_000),
        ("5.", 50_000),
        ("1e3", 10_000_000),
        ("2.50000", 25_000),
        ("99999999999999.9999", 999_999_999_999_999_999),
    ] {
        assert_eq!(money(cell, &parsing, None), Ok(Some(units)), "{cell}");
    }
    assert_eq!(money("  ", &parsing, None), Ok(None));
}

#[test]
fn money_that_would_have_to_be_guessed_is_refused() {
    let parsing = Parsing::default();
    for cell in [
        "abc", "1,5", "1.234,56", "12,3456", "1,23", "1..2", "--5", "5%", "1.00001", "$", "1 2",
        "0x10", "1e99", "１",
    ] {
        assert_eq!(money(cell, &parsing, None), Err(Reason::BadNumber), "{cell}");
    }
    assert_eq!(money("100000000000000", &parsing, None), Err(Reason::OutOfRange));
    let (_, words) = one("1,5", Kind::Money, &parsing, None).unwrap_err();
    assert!(words.contains("declare `decimal"), "{words}");
}

#[test]
fn a_declared_decimal_comma_is_read() {
    let parsing = Parsing { decimal_comma: true, ..Parsing::default() };
    assert_eq!(money("1.234,56", &parsing, None), Ok(Some(12_345_600)));
    assert_eq!(money("1.234", &parsing, None), Ok(Some(12_340_000)));
    assert_eq!(money("1,5", &parsing, None), Ok(Some(15_000)));
    assert_eq!(money("1.5", &parsing, None), Err(Reason::BadNumber));
}

#[test]
fn declared_rounding_is_half_to_even() {
    let parsing = Parsing::default();
    for (cell, units) in [
        ("1.005", 10_000),
        ("1.015", 10_200),
        ("-1.005", -10_000),
        ("-1.015", -10_200),
        ("1.00501", 10_100),
        ("3", 30_000),
    ] {
        assert_eq!(money(cell, &parsing, Some(2)), Ok(Some(units)), "{cell}");
    }
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![12.34, 0.1 + 0.2, 1e300]));
    let exact = convert(&floats, Kind::Money, &parsing, None).unwrap();
    assert_eq!(exact.values.as_primitive::<Decimal128Type>().value(0), 123_400);
    assert_eq!(
        exact.faults.iter().map(|fault| (fault.row, fault.reason)).collect::<Vec<_>>(),
        [(1, Reason::BadNumber), (2, Reason::OutOfRange)]
    );
    let rounded = convert(&floats, Kind::Money, &parsing, Some(2)).unwrap();
    assert_eq!(rounded.values.as_primitive::<Decimal128Type>().value(1), 3_000);
}

#[test]
fn numbers_are_the_nearest_float() {
    for (cell, number) in [
        ("0.1", 0.1_f64),
        ("45%", 0.45),
        ("1,234.5", 1234.5),
        ("1e-7", 1e-7),
        ("123456789012345678.9", 123_456_789_012_345_678.9),
    ] {
        let array = one(cell, Kind::Number, &Parsing::default(), None).unwrap();
        assert_eq!(
            array.as_primitive::<Float64Type>().value(0).to_bits(),
            number.to_bits(),
            "{cell}"
        );
    }
    let nan: ArrayRef = Arc::new(Float64Array::from(vec![f64::NAN]));
    assert_eq!(convert(&nan, Kind::Number, &Parsing::default(), None).unwrap().faults.len(), 1);
    let parsing = Parsing { nan_is_null: true, ..Parsing::default() };
    assert!(convert(&nan, Kind::Number, &parsing, None).unwrap().faults.is_empty());
}

#[test]
fn integers_are_whole() {
    for (cell, number) in [
        ("3.0", Some(3)),
        ("1,000", Some(1000)),
        ("-7", Some(-7)),
        ("3.5", None),
        ("50%", None),
        ("9223372036854775808", None),
    ] {
        let array = one(cell, Kind::Integer, &Parsing::default(), None).ok();
        assert_eq!(array.map(|array| array.as_primitive::<Int64Type>().value(0)), number, "{cell}");
    }
}

#[test]
fn flags_are_words_of_two_languages() {
    for (cell, flag) in [
        ("Yes", Some(true)),
        ("否", Some(false)),
        ("TRUE", Some(true)),
        ("0", Some(false)),
        (" n ", Some(false)),
        ("maybe", None),
    ] {
        let array = one(cell, Kind::Flag, &Parsing::default(), None).ok();
        assert_eq!(array.map(|array| array.as_boolean().value(0)), flag, "{cell}");
    }
}

#[test]
fn times_that_can_be_read_one_way_are() {
    let parsing = Parsing::default();
    for (cell, at) in [
        ("2024-01-19T09:42:24.000+0000", "2024-01-19 09:42:24"),
        ("2024-01-19T09:42:24.123456789Z", "2024-01-19 09:42:24.123456"),
        ("2024-01-19 09:42:24+08:00", "2024-01-19 01:42:24"),
        ("2020-12-30 3:15:52", "2020-12-30 03:15:52"),
        ("2023-05-03 08:51:08.199000 UTC", "2023-05-03 08:51:08.199"),
        ("2024/1/9 7:05", "2024-01-09 07:05:00"),
        ("2024-02-29", "2024-02-29 00:00:00"),
        ("2024-01-01 24:00", "2024-01-02 00:00:00"),
        ("19970131", "1997-01-31 00:00:00"),
        ("20240119094224", "2024-01-19 09:42:24"),
        ("1700000000", "2023-11-14 22:13:20"),
        ("1700000000123", "2023-11-14 22:13:20.123"),
        ("1899-12-31", "out_of_range"),
        ("2200-01-01", "out_of_range"),
    ] {
        let read = time(cell, &parsing).unwrap_or_else(|reason| reason.code().to_owned());
        assert_eq!(read, at, "{cell}");
    }
}

#[test]
fn times_that_can_be_read_two_ways_need_a_format() {
    let parsing = Parsing::default();
    for cell in [
        "03/04/2024",
        "3-4-24",
        "2023-02-29",
        "2024-13-01",
        "2024-01-19T25:00",
        "yesterday",
        "20241301",
        "12345",
        "2024-01-19T09:42Q",
    ] {
        assert_eq!(time(cell, &parsing), Err(Reason::BadTime), "{cell}");
    }
    let (_, words) = one("03/04/2024", Kind::Time, &parsing, None).unwrap_err();
    assert!(words.contains("two ways") && words.contains("dates = "), "{words}");

    let american = declared(&["MM/dd/yyyy h:mm a", "MM/dd/yyyy"], "UTC");
    assert_eq!(time("03/04/2024", &american).unwrap(), "2024-03-04 00:00:00");
    assert_eq!(time("03/04/2024 12:30 AM", &american).unwrap(), "2024-03-04 00:30:00");
    let others = declared(&["dd-MM-yyyy", "d MMM yy"], "UTC");
    assert_eq!(time("03-04-2024", &others).unwrap(), "2024-04-03 00:00:00");
    assert_eq!(time("3 Apr 24", &others).unwrap(), "2024-04-03 00:00:00");
    assert_eq!(time("2024-04-03", &others).unwrap(), "2024-04-03 00:00:00");
}

#[test]
fn times_without_a_zone_are_in_the_declared_one() {
    let berlin = declared(&[], "Europe/Berlin");
    assert_eq!(time("2024-07-01 12:00", &berlin).unwrap(), "2024-07-01 10:00:00");
    assert_eq!(time("2024-07-01T12:00Z", &berlin).unwrap(), "2024-07-01 12:00:00");
    assert_eq!(time("2024-03-31 02:30", &berlin), Err(Reason::BadTime));
    // 02:30 came twice that night: the first one, in summer time.
    assert_eq!(time("2024-10-27 02:30", &berlin).unwrap(), "2024-10-27 00:30:00");
    assert_eq!(time("2024-07-01 12:00", &declared(&[], "+08:00")).unwrap(), "2024-07-01 04:00:00");
    assert!("Mars/Olympus".parse::<Zone>().is_err());
}

#[test]
fn native_columns_become_times_and_text() {
    let times = |array: ArrayRef| {
        let converted = convert(&array, Kind::Time, &Parsing::default(), None).unwrap();
        assert!(converted.faults.is_empty());
        converted.values.as_primitive::<TimestampMicrosecondType>().value(0)
    };
    assert_eq!(times(Arc::new(Date32Array::from(vec![1]))), 86_400_000_000);
    assert_eq!(times(Arc::new(Int64Array::from(vec![1_700_000_000]))), 1_700_000_000_000_000);
    assert_eq!(times(Arc::new(TimestampMillisecondArray::from(vec![5]))), 5_000);
    assert_eq!(times(Arc::new(Int64Array::from(vec![19_700_102]))), 86_400_000_000);

    let words = |array: ArrayRef| {
        let converted = convert(&array, Kind::Text, &Parsing::default(), None).unwrap();
        converted.values.as_string::<i32>().value(0).to_owned()
    };
    assert_eq!(words(Arc::new(Float64Array::from(vec![17850.0]))), "17850");
    assert_eq!(words(Arc::new(Int64Array::from(vec![7]))), "7");
    assert_eq!(words(text(&[" a b "])), "a b");
}

#[test]
fn bounds_of_a_column_are_kept() {
    let spec = crate::schema::Table::Surveys.spec();
    let check = |name: &str, array: ArrayRef, past: Option<i64>| {
        let column = spec.column(name).unwrap();
        let converted = convert(&array, column.kind, &Parsing::default(), None).unwrap();
        out_of_bounds(converted, Bounds { column, past })
    };
    let scores = check("score", text(&["0", "10", "11"]), None);
    assert_eq!(scores.faults.len(), 1);
    assert_eq!((scores.faults[0].row, scores.faults[0].reason), (2, Reason::OutOfRange));
    assert_eq!(scores.faults[0].detail, "11 is not between 0 and 10");
    let kinds = check("kind", text(&["NPS", "ces"]), None);
    assert_eq!(kinds.values.as_string::<i32>().value(0), "nps");
    assert_eq!(kinds.faults[0].reason, Reason::BadChoice);
    let times = check("occurred_at", text(&["1970-01-02", "1970-01-03"]), Some(0));
    assert_eq!(times.faults.iter().map(|fault| fault.row).collect::<Vec<_>>(), [1]);
    assert_eq!(times.faults[0].reason, Reason::FutureTime);
}

#[test]
fn attributes_hold_what_is_there() {
    let columns = [
        ("a", text(&["1", "2"])),
        ("b", Arc::new(StringArray::from(vec![None, Some("x")])) as ArrayRef),
    ];
    let map = attributes(&columns, 2).unwrap();
    assert_eq!(map.data_type(), &Kind::Attributes.data_type());
    let map = map.as_map();
    assert_eq!((map.value_length(0), map.value_length(1)), (1, 2));
    assert_eq!(
        map.values().as_string::<i32>().iter().flatten().collect::<Vec<_>>(),
        ["1", "2", "x"]
    );
}
