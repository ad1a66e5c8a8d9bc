//! Which steps of a path can a row serve?
//!
//! ```sql
//! SELECT customer_id,
//!        funnel(step_mask(name, ['signup', 'buy']), occurred_at, ['signup', 'buy'], NULL)
//! FROM activity GROUP BY customer_id
//! ```
//!
//! `step_mask(name, names)` is a whole number with bit `i` set where `name` is
//! the `i`-th of `names`, counted from 0; 0 for a name that is none of them, and
//! for null. Add 2ⁱ where a row serves step `i` for other reasons, such as
//! `CASE WHEN name = 'buy' AND quantity >= 2 THEN 2 ELSE 0 END`, with a null at
//! that place of `names`. Each distinct coded name is looked at once per batch.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{ArrowNativeType, DataType, Int32Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::args::{misuse, name_type, vectorised};
use super::funnel::steps::MOST;

const NAME: &str = "step_mask";

pub(super) fn function() -> ScalarUDF {
    StepMask { signature: Signature::user_defined(Volatility::Immutable) }.into()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct StepMask {
    signature: Signature,
}

impl ScalarUDFImpl for StepMask {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let [name, _] = given else {
            return Err(misuse("step_mask takes two arguments: name, names".to_owned()));
        };
        Ok(vec![name_type(name), DataType::new_list(DataType::Utf8, true)])
    }

    fn return_type(&self, _given: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let ColumnarValue::Scalar(ScalarValue::List(list)) = &args.args[1] else {
            return Err(misuse("step_mask: names must be a constant list".to_owned()));
        };
        let names = if list.is_valid(0) { list.value(0) } else { list.values().slice(0, 0) };
        if names.len() > MOST {
            return Err(misuse(format!("step_mask: more than {MOST} names")));
        }
        let names = cast(&names, &DataType::Utf8)?;
        let names = names.as_string::<i32>();
        vectorised(&args.args[..1], |arrays| Ok(Arc::new(masks(&arrays[0], names)) as ArrayRef))
    }
}

fn masks(rows: &ArrayRef, names: &StringArray) -> Int64Array {
    if let Some(coded) = rows.as_dictionary_opt::<Int32Type>() {
        // What stands under a null is any key, so it is looked up with care.
        let known = masks(coded.values(), names);
        let keys = coded.keys();
        let mask = |(row, key): (usize, &i32)| match known.values().get(key.as_usize()) {
            Some(mask) if keys.is_valid(row) => *mask,
            _ => 0,
        };
        return Int64Array::from_iter_values(keys.values().iter().enumerate().map(mask));
    }
    let mask = |row: Option<&str>| {
        let same = |place: usize| names.is_valid(place) && row == Some(names.value(place));
        (0..names.len()).filter(|place| same(*place)).fold(0_i64, |mask, place| mask | 1 << place)
    };
    Int64Array::from_iter_values(rows.as_string::<i32>().iter().map(mask))
}

#[cfg(test)]
mod tests {
    use arrow::array::DictionaryArray;

    use super::*;

    #[test]
    fn coded_and_plain_names_get_the_same_masks() {
        let plain = StringArray::from(vec![Some("a"), None, Some("b"), Some("c"), Some("")]);
        let coded: DictionaryArray<Int32Type> = plain.iter().collect();
        let names = StringArray::from(vec![Some("a"), Some("b"), None, Some("a")]);
        let expected = Int64Array::from(vec![0b1001, 0, 0b10, 0, 0]);
        let plain: ArrayRef = Arc::new(plain);
        let coded: ArrayRef = Arc::new(coded);
        assert_eq!(masks(&plain, &names), expected);
        assert_eq!(masks(&coded, &names), expected);
        assert_eq!(masks(&coded.slice(1, 2), &names), expected.slice(1, 2));
    }
}
