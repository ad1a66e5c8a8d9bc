//! What does a row of each exported file look like?
//!
//! One struct per file; its fields are the file's columns, in order. The names
//! are the canonical ones, which is how an ingest recognises the files.

use std::fmt;

use chrono::{DateTime, Datelike, Timelike};
use serde::{Serialize, Serializer};

/// A row of an exported table.
pub(super) trait Row: Serialize {
    /// The table it belongs to.
    const TABLE: &'static str;
    /// The header of its CSV file; empty for NDJSON, which has none.
    const HEADER: &'static [&'static str];
}

/// Seconds since 1970, exported as ISO 8601 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Instant(pub(super) i64);

impl Instant {
    /// `hours` later.
    pub(super) fn plus_hours(self, hours: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "hours of a CRM, not of a galaxy")]
        let seconds = (hours * 3600.0) as i64;
        Self(self.0 + seconds)
    }
}

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = DateTime::from_timestamp(self.0, 0).unwrap_or_default();
        let (date, time) = (at.date_naive(), at.time());
        write!(f, "{:04}-{:02}-{:02}T", date.year(), date.month(), date.day())?;
        write!(f, "{:02}:{:02}:{:02}Z", time.hour(), time.minute(), time.second())
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// An amount in cents, exported with two decimals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cents(pub(super) i64);

impl Cents {
    /// This amount times `factor`, rounded to whole units of the currency.
    pub(super) fn scaled(self, factor: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "prices stay far below 2^53 cents"
        )]
        let units = (self.0 as f64 * factor / 100.0).round() as i64;
        Self(units * 100)
    }
}

impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let cents = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", cents / 100, cents % 100)
    }
}

impl Serialize for Cents {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Declares the struct of a CSV file and its header from one list of columns.
macro_rules! csv_row {
    ($name:ident, $table:literal, { $($column:ident: $type:ty),+ $(,)? }) => {
        #[doc = concat!("A row of `", $table, "`.")]
        #[derive(Debug, Clone, Serialize)]
        pub(super) struct $name {
            $(pub(super) $column: $type),+
        }

        impl Row for $name {
            const TABLE: &'static str = $table;
            const HEADER: &'static [&'static str] = &[$(stringify!($column)),+];
        }
    };
}

csv_row!(CustomerRow, "customers", {
    customer_id: String,
    name: String,
    owner_id: String,
    segment: &'static str,
    channel: &'static str,
    region: &'static str,
    industry: &'static str,
    created_at: Instant,
    plan_size: &'static str,
    language: &'static str,
    consent: &'static str,
});

csv_row!(OwnerRow, "owners", {
    owner_id: String,
    name: String,
    team: &'static str,
    email: String,
});

csv_row!(ProductRow, "products", {
    product_id: &'static str,
    name: &'static str,
    category: &'static str,
    price: Cents,
});

csv_row!(OrderRow, "orders", {
    order_id: String,
    line: u32,
    customer_id: String,
    product: &'static str,
    quantity: i64,
    amount: Cents,
    currency: &'static str,
    ordered_at: Instant,
});

csv_row!(SubscriptionRow, "subscriptions", {
    subscription_id: String,
    customer_id: String,
    plan: String,
    mrr: Cents,
    currency: &'static str,
    started_at: Instant,
    ends_at: Instant,
    ended_at: Option<Instant>,
});

csv_row!(OpportunityRow, "opportunities", {
    opportunity_id: String,
    customer_id: String,
    owner_id: String,
    name: String,
    product: &'static str,
    source: &'static str,
    stage: &'static str,
    status: &'static str,
    amount: Cents,
    currency: &'static str,
    created_at: Instant,
    closed_at: Option<Instant>,
});

csv_row!(StageRow, "opportunity_stages", {
    opportunity_id: String,
    stage: &'static str,
    entered_at: Instant,
});

csv_row!(TicketRow, "tickets", {
    ticket_id: String,
    customer_id: String,
    owner_id: String,
    category: &'static str,
    priority: &'static str,
    subject: &'static str,
    opened_at: Instant,
    first_response_at: Option<Instant>,
    closed_at: Option<Instant>,
    reopened: Option<u8>,
    satisfaction: Option<u8>,
});

csv_row!(CampaignRow, "campaigns", {
    campaign_id: String,
    name: String,
    channel: &'static str,
    started_at: Instant,
    ended_at: Instant,
    cost: Cents,
    currency: &'static str,
});

csv_row!(TouchRow, "touches", {
    touch_id: String,
    campaign_id: String,
    customer_id: String,
    channel: &'static str,
    kind: &'static str,
    occurred_at: Instant,
    responded_at: Option<Instant>,
});

csv_row!(SurveyRow, "surveys", {
    response_id: String,
    customer_id: String,
    kind: &'static str,
    score: u8,
    comment: &'static str,
    responded_at: Instant,
});

/// A line of `activity_YYYY.ndjson`.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ActivityRow {
    pub(super) event_id: String,
    pub(super) customer_id: String,
    pub(super) name: &'static str,
    pub(super) occurred_at: Instant,
    pub(super) quantity: u32,
    pub(super) properties: Properties,
}

impl Row for ActivityRow {
    const TABLE: &'static str = "activity";
    const HEADER: &'static [&'static str] = &[];
}

/// What an activity happened to; only the facts that apply are written.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Properties {
    /// The device of a login.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) device: Option<&'static str>,
    /// The page viewed or thing exported.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) feature: Option<&'static str>,
    /// The stage entered by a deal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stage: Option<&'static str>,
    /// The id of the order, ticket, deal, answer or touch this row goes with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) reference: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_instants_are_written_plainly() {
        assert_eq!(Cents(-123_405).to_string(), "-1234.05");
        assert_eq!(Cents(7).to_string(), "0.07");
        assert_eq!(Cents(9_900).scaled(1.1), Cents(10_900));
        assert_eq!(Instant(1_709_210_096).to_string(), "2024-02-29T12:34:56Z");
    }
}
