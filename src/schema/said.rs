//! What columns have the tables of what Tenure itself says?

use super::spec::{
    CUSTOMER, CUSTOMER_KEY, KNOWN_AT, column, integer, money, number, required, text, time,
};
use super::{Kind, Table, TableSpec};

const LEFT_BY_30: &str = "probability of having left within 30 days after the cutoff (and the label's gap); empty where the model knows no dates";
const REMAINING: &str = "expected days until the customer leaves, none beyond three years counted; after 180 days the risk per day is taken to stay";

/// Churn scores.
pub(super) const SCORES: TableSpec = TableSpec {
    table: Table::Scores,
    name: "scores",
    doc: "churn scores, with history",
    time: Some("cutoff"),
    key: &[],
    later: &[],
    sort: &["customer_key"],
    columns: &[
        CUSTOMER_KEY,
        required(CUSTOMER),
        required(number("probability", "calibrated probability of churn within the horizon")),
        required(text("band", "high, medium or low")),
        number("churn_30", LEFT_BY_30),
        number("churn_60", "the same within 60 days"),
        number("churn_90", "the same within 90 days"),
        number("churn_180", "the same within 180 days"),
        number("remaining_days", REMAINING),
        required(number("logit", "log-odds: base plus all contributions")),
        required(number("base", "log-odds of the average training customer")),
        text("reasons", "JSON array of contributions, largest first"),
        text(
            "unsure",
            "JSON of what the customer shows that training never did; null where it did",
        ),
        text(
            "what_if",
            "JSON of the smallest change that would lower the band; the model's answer, no promise",
        ),
        money("value_at_risk", "probability times expected value over the horizon"),
        text("currency", "the customer's main currency, of value_at_risk"),
        text("owner_id", "the account manager at scoring time"),
        required(text("model", "model version")),
        required(time("cutoff", "features use rows up to this instant")),
        KNOWN_AT,
        integer("run_id", "the run that scored"),
    ],
};

/// Churn scores of a model that is on trial.
pub(super) const SHADOW_SCORES: TableSpec = TableSpec {
    table: Table::ShadowScores,
    name: "shadow_scores",
    doc: "churn scores of a model that is on trial; no report reads them",
    time: Some("cutoff"),
    key: &[],
    later: &[],
    sort: &["customer_key"],
    columns: &[
        CUSTOMER_KEY,
        required(CUSTOMER),
        required(number("probability", "calibrated probability of churn within the horizon")),
        required(text("band", "high, medium or low")),
        required(text("model", "model version")),
        required(time("cutoff", "features use rows up to this instant")),
        KNOWN_AT,
        integer("run_id", "the run that scored"),
    ],
};

/// Whose risk changed.
pub(super) const ALERTS: TableSpec = TableSpec {
    table: Table::Alerts,
    name: "alerts",
    doc: "whose churn risk rose or fell past a threshold, and who left while it was high",
    time: Some("cutoff"),
    key: &[],
    later: &[],
    sort: &["customer_key"],
    columns: &[
        CUSTOMER_KEY,
        required(CUSTOMER),
        required(text("kind", "risen, recovered, or ended: the customer has no score any more")),
        text("band_from", "band the customer was in for alerts; empty when scored first"),
        text("band_to", "band now; empty if ended"),
        number("probability_before", "probability in the nightly run before, if scored then"),
        number("probability", "calibrated probability of churn within the horizon"),
        money("value_at_risk", "probability times expected value over the horizon"),
        text("currency", "the customer's main currency, of value_at_risk"),
        text("reason", "the strongest reason that raises the risk, or, if it fell, lowers it"),
        text("reason_zh", "the same in Chinese"),
        text("owner_id", "the account manager at scoring time"),
        text(
            "suppressed",
            "why nobody is told: contacted, contract_ended, status_ended, baseline; else empty",
        ),
        time("quiet_until", "when a contact is long enough ago, if that is why"),
        column("model_changed", Kind::Flag, "whether another model scored the night before"),
        required(text("model", "model version")),
        required(time("cutoff", "features use rows up to this instant")),
        KNOWN_AT,
        integer("run_id", "the run that scored, and alerted"),
    ],
};
