//! Why is a customer at risk, in a few words?
//!
//! ```sql
//! SELECT customer_id, reason_words(reasons, 'en', 3) AS why FROM scores
//! ```
//!
//! `reason_words(reasons, language, most)` tells, of the reasons stored with a
//! score, the strongest that raise the risk: those somebody can act on. It is
//! empty if none does. Stored reasons are long; a query that keeps these words
//! only carries a tenth of them through its joins and its ORDER BY.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use serde::Deserialize;

use super::args::{external, misuse, text, vectorised};
use crate::config::Language;
use crate::error::{Error, ErrorKind};

const NAME: &str = "reason_words";

/// What the sum of small contributions is called among the stored reasons; it is
/// no reason anybody could act on.
const OTHERS: &str = "others";

pub(super) fn function() -> ScalarUDF {
    let types = vec![DataType::Utf8, DataType::Utf8, DataType::Int64];
    ReasonWords { signature: Signature::exact(types, Volatility::Immutable) }.into()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct ReasonWords {
    signature: Signature,
}

impl ScalarUDFImpl for ReasonWords {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _given: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let language = match text(&args.args[1], NAME, "language")? {
            "en" => Language::En,
            "zh" => Language::Zh,
            other => return Err(misuse(format!("{NAME}: there is no language \"{other}\""))),
        };
        let ColumnarValue::Scalar(ScalarValue::Int64(Some(most))) = args.args[2] else {
            return Err(misuse(format!("{NAME}: most must be a constant number")));
        };
        let most = usize::try_from(most).unwrap_or(0);
        vectorised(&args.args[..1], |arrays| {
            let stored = arrays[0].as_string::<i32>().iter();
            let told = stored.map(|stored| stored.map(|it| words(it, language, most)).transpose());
            Ok(Arc::new(told.collect::<Result<StringArray>>()?) as ArrayRef)
        })
    }
}

#[derive(Deserialize)]
struct Reason<'a> {
    #[serde(borrow)]
    feature: Cow<'a, str>,
    contribution: f64,
    #[serde(borrow)]
    text: Cow<'a, str>,
    #[serde(borrow, default)]
    text_zh: Cow<'a, str>,
}

fn words(stored: &str, language: Language, most: usize) -> Result<String> {
    let reasons: Vec<Reason<'_>> = serde_json::from_str(stored).map_err(|error| {
        external(Error::new(ErrorKind::Storage, "reading stored reasons").caused_by(error))
    })?;
    let raising = |reason: &&Reason<'_>| reason.contribution > 0.0 && reason.feature != OTHERS;
    let told = reasons.iter().filter(raising).take(most);
    let told: Vec<&str> =
        told.map(|reason| language.pick(&*reason.text, &*reason.text_zh)).collect();
    Ok(told.join(language.pick("; ", "；")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_to_act_on_are_told_strongest_first_in_both_languages() {
        let stored = r#"[
            {"feature": "a", "value": 1, "contribution": -0.9, "text": "A", "text_zh": "甲"},
            {"feature": "b", "value": null, "contribution": 0.8, "text": "B \"x\"", "text_zh": "乙"},
            {"feature": "others", "value": null, "contribution": 0.5, "text": "O", "text_zh": "其他"},
            {"feature": "c", "value": "v", "contribution": 0.1, "text": "C", "text_zh": "丙"}]"#;
        assert_eq!(words(stored, Language::En, 1).unwrap(), "B \"x\"");
        assert_eq!(words(stored, Language::Zh, 3).unwrap(), "乙；丙");
        assert_eq!(words("[]", Language::En, 3).unwrap(), "");
        assert!(words("{}", Language::En, 1).is_err());
    }
}
