//! Is a name one of a few?
//!
//! ```sql
//! SELECT count(*) FROM activity WHERE one_of(name, ['login', 'export'])
//! ```
//!
//! `one_of(name, names)` is true if `name` is among `names`, false if it is
//! not, and null if it is null. Names of activity are dictionary-coded: each
//! distinct name is looked at once per batch, however many rows have it, which
//! is what `array_has` and `IN` with a list parameter do not do.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int32Array};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Int32Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::args::{misuse, name_type, vectorised};

const NAME: &str = "one_of";

pub(super) fn function() -> ScalarUDF {
    OneOf { signature: Signature::user_defined(Volatility::Immutable) }.into()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct OneOf {
    signature: Signature,
}

impl ScalarUDFImpl for OneOf {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let [name, _] = given else {
            return Err(misuse("one_of takes two arguments: name, names".to_owned()));
        };
        Ok(vec![name_type(name), DataType::new_list(DataType::Utf8, true)])
    }

    fn return_type(&self, _given: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let ColumnarValue::Scalar(ScalarValue::List(list)) = &args.args[1] else {
            return Err(misuse("one_of: names must be a constant list".to_owned()));
        };
        let names = if list.is_valid(0) { list.value(0) } else { list.values().slice(0, 0) };
        let names = cast(&names, &DataType::Utf8)?;
        let names: Vec<&str> = names.as_string::<i32>().iter().flatten().collect();
        vectorised(&args.args[..1], |arrays| Ok(Arc::new(one_of(&arrays[0], &names)?) as ArrayRef))
    }
}

fn one_of(names: &ArrayRef, wanted: &[&str]) -> Result<BooleanArray> {
    if let Some(coded) = names.as_dictionary_opt::<Int32Type>() {
        let answers = one_of(coded.values(), wanted)?;
        let keys: &Int32Array = coded.keys();
        return Ok(take(&answers, keys, None)?.as_boolean().clone());
    }
    let among = |name: &str| wanted.contains(&name);
    Ok(names.as_string::<i32>().iter().map(|name| name.map(among)).collect())
}

#[cfg(test)]
mod tests {
    use arrow::array::{DictionaryArray, StringArray};

    use super::*;

    #[test]
    fn coded_and_plain_names_get_the_same_answer() {
        let plain = StringArray::from(vec![Some("a"), None, Some("b"), Some("a"), Some("")]);
        let coded: DictionaryArray<Int32Type> = plain.iter().collect();
        let plain: ArrayRef = Arc::new(plain);
        let coded: ArrayRef = Arc::new(coded);
        for wanted in [&["a", "c"][..], &[], &[""]] {
            let expected: BooleanArray =
                plain.as_string::<i32>().iter().map(|n| n.map(|n| wanted.contains(&n))).collect();
            assert_eq!(one_of(&plain, wanted).unwrap(), expected);
            assert_eq!(one_of(&coded, wanted).unwrap(), expected);
        }
        assert_eq!(
            one_of(&coded.slice(2, 2), &["b"]).unwrap(),
            BooleanArray::from(vec![true, false])
        );
    }
}
