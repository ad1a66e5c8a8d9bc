//! Flags: the words by which exports say yes and no.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanBuilder};
use arrow::datatypes::{DataType, Int64Type};

use super::{Converted, Fault, as_text, shown};
use crate::error::Result;
use crate::ingest::reason::Reason;

const YES: [&str; 7] = ["true", "yes", "y", "1", "t", "是", "真"];
const NO: [&str; 7] = ["false", "no", "n", "0", "f", "否", "假"];

pub(super) fn convert(array: &ArrayRef) -> Result<Converted> {
    let mut values = BooleanBuilder::with_capacity(array.len());
    let mut faults = Vec::new();
    let fault = |row, cell: &str| Fault {
        row,
        reason: Reason::BadFlag,
        detail: format!("{} is neither yes nor no", shown(cell)),
    };
    if let Some(text) = as_text(array) {
        for (row, cell) in text.iter().enumerate() {
            let flag =
                cell.map(str::trim).filter(|cell| !cell.is_empty()).map(|cell| (cell, read(cell)));
            if let Some((cell, None)) = flag {
                faults.push(fault(row, cell));
            }
            values.append_option(flag.and_then(|(_, flag)| flag));
        }
    } else {
        let numbers = arrow::compute::cast(array, &DataType::Int64)?;
        for (row, number) in numbers.as_primitive::<Int64Type>().iter().enumerate() {
            let flag = match number {
                Some(0) => Some(false),
                Some(1) => Some(true),
                _ => None,
            };
            if flag.is_none() && array.is_valid(row) {
                faults.push(fault(row, &number.unwrap_or_default().to_string()));
            }
            values.append_option(flag);
        }
    }
    Ok(Converted { values: Arc::new(values.finish()), faults })
}

fn read(cell: &str) -> Option<bool> {
    let is = |word: &&str| word.eq_ignore_ascii_case(cell);
    if YES.iter().any(is) {
        Some(true)
    } else if NO.iter().any(is) {
        Some(false)
    } else {
        None
    }
}
