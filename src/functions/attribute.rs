//! What did the source say in a column our tables do not name?
//!
//! ```sql
//! SELECT attribute(attributes, 'plan_tier') AS tier, count(*) FROM customers GROUP BY 1
//! ```
//!
//! `attribute(attributes, name)` is the text under `name` in the map, or null
//! if the map or the name is not there. It reads only the keys of each row and
//! gathers the values found in one go; the maps are not copied.

use arrow::array::{Array, ArrayRef, AsArray, MapArray, UInt64Array};
use arrow::compute::{cast, take};
use arrow::datatypes::{ArrowNativeType, DataType};
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::args::{misuse, text, vectorised};

const NAME: &str = "attribute";

pub(super) fn function() -> ScalarUDF {
    Attribute { signature: Signature::user_defined(Volatility::Immutable) }.into()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Attribute {
    signature: Signature,
}

impl ScalarUDFImpl for Attribute {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        match given {
            // A map is taken as it is, whatever its entries are called.
            [map @ DataType::Map(_, _), _] => Ok(vec![map.clone(), DataType::Utf8]),
            [other, _] => Err(misuse(format!("attribute: {other} is not a map"))),
            _ => Err(misuse("attribute takes two arguments: attributes, name".to_owned())),
        }
    }

    fn return_type(&self, _given: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let name = text(&args.args[1], NAME, "name")?;
        vectorised(&args.args[..1], |arrays| find(arrays[0].as_map(), name))
    }
}

/// The value under `name` in each map.
fn find(maps: &MapArray, name: &str) -> Result<ArrayRef> {
    let keys = maps.keys();
    let places = match keys.data_type() {
        DataType::Utf8View => {
            let keys = keys.as_string_view();
            places(maps, |entry| keys.value(entry) == name)
        }
        _ => {
            let keys = cast(keys, &DataType::Utf8)?;
            let keys = keys.as_string::<i32>();
            places(maps, |entry| keys.value(entry) == name)
        }
    };
    let values = take(maps.values(), &places, None)?;
    match values.data_type() {
        DataType::Utf8 => Ok(values),
        _ => Ok(cast(&values, &DataType::Utf8)?),
    }
}

/// Where the first entry wanted of each map stands among the entries of all.
fn places(maps: &MapArray, is_wanted: impl Fn(usize) -> bool) -> UInt64Array {
    let offsets = maps.value_offsets();
    (0..maps.len())
        .map(|row| {
            let mut entries = offsets[row].as_usize()..offsets[row + 1].as_usize();
            let entry = entries.find(|entry| maps.is_valid(row) && is_wanted(*entry))?;
            u64::try_from(entry).ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use arrow::array::{MapBuilder, MapFieldNames, StringBuilder};

    use super::*;

    fn maps() -> MapArray {
        let names = MapFieldNames {
            entry: "key_value".to_owned(),
            key: "key".to_owned(),
            value: "value".to_owned(),
        };
        let mut maps = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new());
        let rows = [
            Some(vec![("tier", Some("gold")), ("size", Some("3"))]),
            None,
            Some(vec![]),
            Some(vec![("size", Some("4")), ("tier", None)]),
            Some(vec![("size", Some("5")), ("tier", Some("tin"))]),
        ];
        for row in rows {
            let is_known = row.is_some();
            for (key, value) in row.unwrap_or_default() {
                maps.keys().append_value(key);
                maps.values().append_option(value);
            }
            maps.append(is_known).unwrap();
        }
        maps.finish()
    }

    fn found(maps: &MapArray, name: &str) -> Vec<Option<String>> {
        let values = find(maps, name).unwrap();
        let texts = values.as_string::<i32>().iter();
        texts.map(|text| text.map(str::to_owned)).collect()
    }

    #[test]
    fn finds_the_value_or_null() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(found(&maps(), "tier"), [some("gold"), None, None, None, some("tin")]);
        assert_eq!(found(&maps(), "size"), [some("3"), None, None, some("4"), some("5")]);
        assert_eq!(found(&maps(), "colour"), [const { None::<String> }; 5]);
    }

    #[test]
    fn a_slice_of_maps_finds_its_own_rows() {
        let part = maps().slice(3, 2);
        assert_eq!(found(&part, "size"), [Some("4".to_owned()), Some("5".to_owned())]);
    }

    #[test]
    fn the_canonical_attribute_type_is_taken() {
        let canonical = crate::schema::attributes_type();
        assert_eq!(maps().data_type(), &canonical);
        let function = function();
        assert!(function.coerce_types(&[canonical, DataType::Utf8]).is_ok());
        assert!(function.coerce_types(&[DataType::Int64, DataType::Utf8]).is_err());
    }
}
