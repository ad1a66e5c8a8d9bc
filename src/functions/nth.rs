//! What is the n-th element of a list?
//!
//! ```sql
//! SELECT nth(u['counts'], 3) AS activity_count_30 FROM used
//! ```
//!
//! `nth(list, n)` counts from 1 and takes a constant `n`; beyond the end it is
//! null. It says what `list[n]` says, by one gather of the elements instead of a
//! builder that copies them one by one, which was most of the time of a feature
//! query: it picks dozens of elements for a million customers.

use arrow::array::{Array, AsArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{ArrowNativeType, DataType};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::args::{misuse, vectorised};

const NAME: &str = "nth";

pub(super) fn function() -> ScalarUDF {
    Nth { signature: Signature::user_defined(Volatility::Immutable) }.into()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Nth {
    signature: Signature,
}

impl ScalarUDFImpl for Nth {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        match given {
            [DataType::List(_), _] => Ok(vec![given[0].clone(), DataType::Int64]),
            _ => Err(misuse(format!("{NAME} takes two arguments: list, n"))),
        }
    }

    fn return_type(&self, given: &[DataType]) -> Result<DataType> {
        match given.first() {
            Some(DataType::List(element)) => Ok(element.data_type().clone()),
            _ => Err(misuse(format!("{NAME} takes a list"))),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let place = match args.args.get(1) {
            Some(ColumnarValue::Scalar(ScalarValue::Int64(Some(n)))) => usize::try_from(n - 1).ok(),
            _ => None,
        };
        let Some(place) = place else {
            return Err(misuse(format!("{NAME}: n must be a constant from 1 up")));
        };
        vectorised(&args.args[..1], |arrays| {
            let lists = arrays[0].as_list::<i32>();
            let places: UInt32Array = lists
                .value_offsets()
                .windows(2)
                .enumerate()
                .map(|(row, ends)| {
                    let at = ends[0].as_usize() + place;
                    let there = at < ends[1].as_usize() && lists.is_valid(row);
                    there.then(|| u32::try_from(at).ok()).flatten()
                })
                .collect();
            Ok(take(lists.values(), &places, None)?)
        })
    }
}
