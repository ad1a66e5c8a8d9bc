//! What is a customer worth, and to whom, beside the score?

/// What else is known of a customer at the cutoff.
#[derive(Debug, Clone, Default)]
pub(super) struct Customer {
    /// The dense key.
    pub key: Option<i64>,
    /// The account manager.
    pub owner: Option<String>,
    /// What the customer is expected to bring over the spec's value horizon.
    pub value: Option<f64>,
    /// In which currency.
    pub currency: Option<String>,
}

impl Customer {
    /// Probability times expected value, in the units of a money column.
    pub(super) fn at_risk(&self, probability: f64) -> Option<i128> {
        self.value.map(|value| (probability * value * 1e4).round() as i128)
    }
}
