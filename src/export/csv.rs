//! How does a row of CSV read the same in Salesforce, in a spreadsheet, and by
//! RFC 4180?

use super::cell::Cell;
use super::mapping::Mapping;
use super::target::Target;
use crate::reports::iso;
use crate::reports::render::is_formula;

/// What Salesforce takes for "set this to nothing"; an empty cell would leave the
/// old value standing.
pub(super) const NULL: &str = "#N/A";

/// Three bytes that tell a spreadsheet the encoding.
const BOM: &str = "\u{feff}";

/// The first line: names of the fields, as they are.
pub(super) fn head(mapping: &Mapping) -> Vec<u8> {
    let mut out = if mapping.bom { BOM.as_bytes().to_vec() } else { Vec::new() };
    let names = std::iter::once(&mapping.key).chain(mapping.fields.iter().map(|field| &field.name));
    for (place, name) in names.enumerate() {
        separate(place, &mut out);
        quoted(name, &mut out);
    }
    end(mapping.target, &mut out);
    out
}

/// A customer's line.
pub(super) fn row(mapping: &Mapping, cells: &[Cell<'_>], out: &mut Vec<u8>) {
    let is_table = mapping.target == Target::Csv;
    for (place, cell) in cells.iter().enumerate() {
        separate(place, out);
        match cell {
            Cell::Null if is_table => {}
            Cell::Null => out.extend(NULL.as_bytes()),
            Cell::Number(digits) => out.extend(digits.as_bytes()),
            Cell::Time(at) if is_table => out.extend(iso(*at).as_bytes()),
            Cell::Time(at) => {
                out.extend(at.format("%Y-%m-%dT%H:%M:%S%.3fZ").to_string().as_bytes());
            }
            Cell::Text(text) if is_table && is_formula(text) => quoted(&format!("'{text}"), out),
            Cell::Text(text) => quoted(text, out),
        }
    }
    end(mapping.target, out);
}

fn separate(place: usize, out: &mut Vec<u8>) {
    if place > 0 {
        out.push(b',');
    }
}

/// Salesforce expects the line end its job names; RFC 4180 has this one.
fn end(target: Target, out: &mut Vec<u8>) {
    out.extend(if target == Target::Csv { b"\r\n".as_slice() } else { b"\n" });
}

/// Quotes only where they are needed.
fn quoted(text: &str, out: &mut Vec<u8>) {
    if !text.contains(['"', ',', '\n', '\r']) {
        return out.extend(text.as_bytes());
    }
    out.push(b'"');
    out.extend(text.replace('"', "\"\"").as_bytes());
    out.push(b'"');
}
