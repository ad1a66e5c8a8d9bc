//! Which customers are exported? A few hundred plain ones, and some whose names
//! and ids are all that a file format can stumble over.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use chrono::DateTime;
use serde_json::json;
use tempfile::TempDir;
use tenure::Tenure;
use tenure::reports::iso;
use tenure::schema::Table;

use crate::common::{block_on, store_of};

#[derive(Debug, Clone)]
pub struct Customer {
    pub id: String,
    pub name: Option<String>,
    pub probability: f64,
    /// Ten-thousandths.
    pub value: Option<i128>,
    pub reasons: String,
}

impl Customer {
    pub fn band(&self) -> &'static str {
        match self.probability {
            high if high >= 0.6 => "high",
            medium if medium >= 0.3 => "medium",
            _ => "low",
        }
    }
}

fn customer(place: usize, id: &str, name: Option<&str>) -> Customer {
    // No two alike, no round numbers, and the ends of the scale.
    let probability = match place {
        0 => 1e-7,
        1 => 1.0 - 1e-9,
        _ => (place as f64 * 0.618_033_988_75).fract(),
    };
    let reason = |feature: &str, contribution: f64, text: &str, text_zh: &str| json!({"feature": feature, "value": place, "contribution": contribution, "text": text, "text_zh": text_zh});
    let mut reasons = vec![reason("calm", -0.9, "Calm: lowers the risk", "平静：降低流失风险")];
    if !place.is_multiple_of(3) {
        let text = format!("Days \"silent\": {place}, usual: 4, raises the risk");
        reasons.push(reason("silent", 0.5, &text, &format!("沉默“{place}”天，推高流失风险")));
    }
    reasons.push(reason("others", 0.4, "3 others", "其余 3 项"));
    Customer {
        id: id.to_owned(),
        name: name.map(str::to_owned),
        probability,
        value: (!place.is_multiple_of(4)).then_some(place as i128 * 1_234_500),
        reasons: json!(reasons).to_string(),
    }
}

/// So many customers whose ids have leading zeros.
pub fn customers(count: usize) -> Vec<Customer> {
    let one = |place| customer(place, &format!("{place:07}"), Some(&format!("Customer {place}")));
    (0..count).map(one).collect()
}

/// Names with quotes, commas, newlines, Chinese, emoji, formulas; ids with zeros.
pub fn awkward() -> Vec<Customer> {
    let names = [
        "Smith, \"Jr.\"",
        "two\nlines",
        "三体软件（上海）有限公司",
        "=1+1",
        "👩‍👩‍👧 family 😀",
        "-5",
        "O'Neil; Söhne & Co.\tKG",
        "\"",
        ",",
        "back\\slash {json} [x]",
        "@home",
        "#N/B",
    ];
    let ids = [
        "007",
        "0000",
        "0015g00000AbCdEAAV",
        "公司-1",
        "a,b",
        "q\"q",
        "x y",
        "-9",
        "é",
        "1e5",
        "😀",
        "NULL?",
    ];
    let named = names.iter().zip(ids).enumerate();
    let mut all: Vec<_> =
        named.map(|(place, (name, id))| customer(place, id, Some(name))).collect();
    all.push(customer(all.len(), "nameless", None));
    all
}

/// A store that knows these customers and has no scores.
pub fn store(customers: &[Customer]) -> (TempDir, Tenure) {
    let mut csv =
        "customer_id,name,created_at\nsomebody,Somebody,2024-01-01T00:00:00Z\n".to_owned();
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    for customer in customers {
        let name = customer.name.as_deref().map(quoted).unwrap_or_default();
        csv.push_str(&format!("{},{name},2024-01-01T00:00:00Z\n", quoted(&customer.id)));
    }
    store_of(&[("customers", &csv)])
}

/// Publishes these customers' scores as a run whose data end on a day of June 2024.
pub fn scored(tenure: &Tenure, customers: &[Customer], day: i64) {
    let count = customers.len();
    block_on(async {
        let mut run = tenure.store().begin().await.unwrap();
        let instant = |micros: i64| -> ArrayRef {
            Arc::new(TimestampMicrosecondArray::from(vec![micros; count]).with_timezone("UTC"))
        };
        let each = |value: fn(&Customer) -> f64| -> ArrayRef {
            Arc::new(Float64Array::from_iter_values(customers.iter().map(value)))
        };
        let text = |value: fn(&Customer) -> &str| -> ArrayRef {
            Arc::new(StringArray::from_iter_values(customers.iter().map(value)))
        };
        let money = Decimal128Array::from_iter(customers.iter().map(|customer| customer.value));
        let cutoff = 1_717_200_000_000_000 + day * 86_400_000_000 - 1;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Int64Array::from_iter_values(1..=count as i64)),
            text(|customer| &customer.id),
            each(|customer| customer.probability),
            text(Customer::band),
            each(|customer| customer.probability),
            each(|customer| customer.probability),
            each(|customer| customer.probability),
            each(|customer| customer.probability),
            each(|_| 300.0),
            each(|customer| (customer.probability / (1.0 - customer.probability)).ln()),
            each(|_| -1.5),
            text(|customer| &customer.reasons),
            Arc::new(StringArray::from(vec![None::<&str>; count])),
            Arc::new(StringArray::from(vec![None::<&str>; count])),
            Arc::new(money.with_precision_and_scale(18, 4).unwrap()),
            Arc::new(StringArray::from(vec!["CNY"; count])),
            Arc::new(StringArray::from(vec![None::<&str>; count])),
            Arc::new(StringArray::from(vec!["m-42"; count])),
            instant(cutoff),
            instant(run.started_at().timestamp_micros()),
            Arc::new(Int64Array::from(vec![run.id(); count])),
        ];
        let batch = RecordBatch::try_new(Table::Scores.spec().schema(), columns).unwrap();
        if count > 0 {
            run.append(Table::Scores, batch).await.unwrap();
        }
        let cutoff = iso(DateTime::from_timestamp_micros(cutoff).unwrap());
        let details = json!({"model": "m-42", "customers": count, "cutoff": cutoff});
        run.publish("score", details).await.unwrap();
    });
}
