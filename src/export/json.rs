//! How does a customer's record look as JSON, in the words of each API?
//!
//! Numbers are written digit by digit as they are, never by way of a float.

use super::cell::Cell;
use super::mapping::{Body, Mapping};
use super::target::{RECORD_ID, Target};
use crate::error::{Error, ErrorKind, Result};

/// An input of a HubSpot batch. Values are texts there, instants are milliseconds
/// since 1970, and an empty text clears a property.
pub(super) fn hubspot(mapping: &Mapping, cells: &[Cell<'_>], out: &mut Vec<u8>) -> Result<()> {
    out.extend(b"{\"id\":");
    id(cells, out)?;
    if mapping.key != RECORD_ID {
        out.extend(b",\"idProperty\":");
        text(&mapping.key, out)?;
    }
    out.extend(b",\"properties\":{");
    fields(mapping, cells, out, |cell, out| match cell {
        Cell::Null => text("", out),
        Cell::Text(words) => text(words, out),
        Cell::Number(digits) => text(digits, out),
        Cell::Time(at) => text(&at.timestamp_millis().to_string(), out),
    })?;
    out.extend(b"}}");
    Ok(())
}

/// A record of a Zoho upsert. Date-times have an offset and whole seconds.
pub(super) fn zoho(mapping: &Mapping, cells: &[Cell<'_>], out: &mut Vec<u8>) -> Result<()> {
    out.push(b'{');
    record(mapping, cells, out, |cell, out| match cell {
        Cell::Time(at) => text(&at.format("%Y-%m-%dT%H:%M:%S+00:00").to_string(), out),
        other => plain(other, out),
    })?;
    out.push(b'}');
    Ok(())
}

/// The `data` of a 纷享销客 update. Date-times are milliseconds since 1970.
pub(super) fn fxiaoke(mapping: &Mapping, cells: &[Cell<'_>], out: &mut Vec<u8>) -> Result<()> {
    let object = |out: &mut Vec<u8>| {
        out.extend(b"\"dataObjectApiName\":");
        text(&mapping.object, out)
    };
    match mapping.body {
        Body::Data => {
            out.push(b'{');
            object(out)?;
            out.extend(b",\"data\":{");
        }
        Body::ObjectData => {
            out.extend(b"{\"object_data\":{");
            object(out)?;
            out.push(b',');
        }
    }
    record(mapping, cells, out, |cell, out| match cell {
        Cell::Time(at) => {
            out.extend(at.timestamp_millis().to_string().as_bytes());
            Ok(())
        }
        other => plain(other, out),
    })?;
    out.extend(b"}}\n");
    Ok(())
}

/// The bytes before the first record, between two, and after the last.
pub(super) fn around(mapping: &Mapping) -> Result<[Vec<u8>; 3]> {
    let (head, mut tail) = match mapping.target {
        Target::Hubspot => ("{\"inputs\":[\n", b"\n]}\n".to_vec()),
        Target::Zoho => ("{\"data\":[\n", b"\n],\"duplicate_check_fields\":[".to_vec()),
        Target::Salesforce | Target::Fxiaoke | Target::Csv => return Ok([const { Vec::new() }; 3]),
    };
    if mapping.target == Target::Zoho {
        text(&mapping.key, &mut tail)?;
        tail.extend(b"]}\n");
    }
    Ok([head.into(), b",\n".to_vec(), tail])
}

/// The key with the customer's id, and then the fields.
fn record(
    mapping: &Mapping,
    cells: &[Cell<'_>],
    out: &mut Vec<u8>,
    value: impl Fn(&Cell<'_>, &mut Vec<u8>) -> Result<()>,
) -> Result<()> {
    text(&mapping.key, out)?;
    out.push(b':');
    id(cells, out)?;
    if !mapping.fields.is_empty() {
        out.push(b',');
    }
    fields(mapping, cells, out, value)
}

fn fields(
    mapping: &Mapping,
    cells: &[Cell<'_>],
    out: &mut Vec<u8>,
    value: impl Fn(&Cell<'_>, &mut Vec<u8>) -> Result<()>,
) -> Result<()> {
    for (place, (field, cell)) in mapping.fields.iter().zip(&cells[1..]).enumerate() {
        if place > 0 {
            out.push(b',');
        }
        text(&field.name, out)?;
        out.push(b':');
        value(cell, out)?;
    }
    Ok(())
}

/// The customer's id, which is a text even where it looks like a number: leading
/// zeros count.
fn id(cells: &[Cell<'_>], out: &mut Vec<u8>) -> Result<()> {
    match cells.first() {
        Some(Cell::Text(id)) => text(id, out),
        _ => Err(Error::new(ErrorKind::Internal, "a record without an id")),
    }
}

fn plain(cell: &Cell<'_>, out: &mut Vec<u8>) -> Result<()> {
    match cell {
        Cell::Text(words) => text(words, out),
        Cell::Number(digits) => {
            out.extend(digits.as_bytes());
            Ok(())
        }
        Cell::Null | Cell::Time(_) => {
            out.extend(b"null");
            Ok(())
        }
    }
}

fn text(words: &str, out: &mut Vec<u8>) -> Result<()> {
    serde_json::to_writer(out, words)
        .map_err(|error| Error::new(ErrorKind::Internal, "encoding JSON").caused_by(error))
}
