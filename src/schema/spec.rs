//! What columns does each canonical table have?
//!
//! Pure data: the machinery is in the parent module.

use super::said::{ALERTS, SCORES, SHADOW_SCORES};
use super::{Column, Kind, Table, TableSpec};

pub(super) const fn column(name: &'static str, kind: Kind, doc: &'static str) -> Column {
    Column {
        name,
        kind,
        required: false,
        doc,
        choices: &[],
        range: None,
        internal: false,
        coded: false,
    }
}

pub(super) const fn text(name: &'static str, doc: &'static str) -> Column {
    column(name, Kind::Text, doc)
}

pub(super) const fn time(name: &'static str, doc: &'static str) -> Column {
    column(name, Kind::Time, doc)
}

pub(super) const fn integer(name: &'static str, doc: &'static str) -> Column {
    column(name, Kind::Integer, doc)
}

pub(super) const fn number(name: &'static str, doc: &'static str) -> Column {
    column(name, Kind::Number, doc)
}

pub(super) const fn money(name: &'static str, doc: &'static str) -> Column {
    column(name, Kind::Money, doc)
}

pub(super) const fn required(mut column: Column) -> Column {
    column.required = true;
    column
}

const fn internal(mut column: Column) -> Column {
    column.internal = true;
    column
}

const fn coded(mut column: Column) -> Column {
    column.coded = true;
    column
}

const fn choice(mut column: Column, choices: &'static [&'static str]) -> Column {
    column.choices = choices;
    column
}

const fn within(mut column: Column, low: f64, high: f64) -> Column {
    column.range = Some((low, high));
    column
}

pub(super) const CUSTOMER_KEY: Column =
    internal(integer("customer_key", "dense integer of the customer, stable across loads"));
pub(super) const CUSTOMER: Column = text("customer_id", "the customer's id in the source");
const CURRENCY: Column = text("currency", "ISO 4217 code of the amounts in this row");
const ATTRIBUTES: Column =
    column("attributes", Kind::Attributes, "source columns the canonical schema does not name");
pub(super) const KNOWN_AT: Column = time("known_at", "when the row could first be known");
const LOAD_ID: Column = internal(integer("load_id", "the load that brought the row"));
const ROW_NO: Column = internal(integer("row_no", "zero-based data row in the loaded file"));

/// All canonical tables, in the order of [`Table`].
pub static SPECS: &[TableSpec] = &[
    TableSpec {
        table: Table::Customers,
        name: "customers",
        doc: "who the business deals with; a customer seen only in facts has a row too",
        time: Some("created_at"),
        key: &["customer_id"],
        later: &[],
        sort: &["customer_key"],
        columns: &[
            CUSTOMER_KEY,
            required(CUSTOMER),
            text("name", "name shown to people"),
            text("owner_id", "the account manager"),
            text("segment", "value segment, e.g. A, B, C"),
            text("channel", "where the customer came from"),
            text("region", "region or country"),
            text("industry", "line of business"),
            text("status", "status in the source"),
            time("created_at", "when the customer was created; first seen if not given"),
            ATTRIBUTES,
            internal(column("implied", Kind::Flag, "true when only facts mention the customer")),
            KNOWN_AT,
            LOAD_ID,
            ROW_NO,
        ],
    },
    TableSpec {
        table: Table::Activity,
        name: "activity",
        doc: "everything that happened: usage, logins, purchases, tickets, touches",
        time: Some("occurred_at"),
        key: &[],
        later: &[],
        sort: &["customer_key", "occurred_at"],
        columns: &[
            CUSTOMER_KEY,
            required(CUSTOMER),
            coded(required(text("name", "what happened, e.g. login, purchase, complaint"))),
            required(time("occurred_at", "when it happened")),
            coded(text("feature", "what it happened to, e.g. the feature used")),
            number("quantity", "how much, if the activity is counted"),
            text("event_id", "the source's id of the event"),
            ATTRIBUTES,
            KNOWN_AT,
            LOAD_ID,
            ROW_NO,
        ],
    },
    TableSpec {
        table: Table::Orders,
        name: "orders",
        doc: "order lines; refunds and cancellations are negative; anonymous sales have no customer",
        time: Some("occurred_at"),
        key: &["order_id", "line_id"],
        later: &[],
        sort: &["customer_key", "occurred_at"],
        columns: &[
            CUSTOMER_KEY,
            CUSTOMER,
            required(text("order_id", "the order or invoice the line belongs to")),
            text("line_id", "the line within the order; lines without one all count"),
            text("product", "product id or name"),
            number("quantity", "units; negative when returned"),
            required(money("amount", "line total; negative for refunds")),
            CURRENCY,
            required(time("occurred_at", "when the order was placed")),
            ATTRIBUTES,
            KNOWN_AT,
            LOAD_ID,
            ROW_NO,
        ],
    },
    TableSpec {
        table: Table::Subscriptions,
        name: "subscriptions",
        doc: "contracts that recur",
        time: Some("started_at"),
        key: &["subscription_id"],
        later: &[("ended_at", &["ended_at"])],
        sort: &["customer_key", "started_at"],
        columns: &[
            CUSTOMER_KEY,
            required(CUSTOMER),
            required(text("subscription_id", "the contract")),
            text("plan", "what is subscribed to"),
            within(required(money("mrr", "monthly recurring revenue")), 0.0, f64::INFINITY),
            CURRENCY,
            required(time("started_at", "first day of the contract")),
            time("ends_at", "agreed end of the current term"),
            time("ended_at", "when it actually ended"),
            ATTRIBUTES,
            KNOWN_AT,
            LOAD_ID,
            ROW_NO,
        ],
    },
    TableSpec {
        table: Table::Opportunities,
        name: "opportunities",
        doc: "deals, open and closed",
        time: Some("created_at"),
        key: &["opportunity_id"],
        later: &[("closed_at", &["closed_at", "status", "stage"])],
        sort: &["customer_key", "created_at"],
        columns: &[
            CUSTOMER_KEY,
            CUSTOMER,
            required(text("opportunity_id", "the deal")),
            text("owner_id", "the seller"),
            text("name", "name shown to people"),
            text("product", "what is sold"),
            text("source", "lead source"),
            text("stage", "stage name in the source"),
            choice(
                required(text("status", "open, won or lost; open before it closed")),
                &["open", "won", "lost"],
            ),
            money("amount", "value; of a won deal what it was won for"),
            CURRENCY,
            within(number("probability", "the seller's own estimate, 0 to 1"), 0.0, 1.0),
            time("created_at", "when the deal was opened"),
            time("expected_close_at", "when the seller expects it to close"),
            time("closed_at", "when it was won or lost"),
            ATTRIBUTES,
            KNOWN_AT,
            LOAD_ID,
            ROW_NO,
        ],
    },
    TableSpec {
        table: Table::OpportunityStages,
        name: "opportunity_stages",
        doc: "when each deal entered each stage",
        time: Some("occurred_at"),
        key: &[],
        later: &[],
        sort: &["opportunity_id", "occurred_at"],
        columns: &[
            required(text("opportunity_id", "the deal")),
            required(text("stage", "the stage entered")),
            required(time("occurred_at", "when it was entered")),
            money("amount", "the deal's value at that time"),
            CURRENCY,
            KNOWN_AT,
            LOAD_ID,
            ROW_NO,
        ],
    },
    TableSpec {
        table: Table::Tickets,
        name: "tickets",
        doc: "requests for service and complaints",
        time: Some("occurred_at"),
        key: &["ticket_id"],
        later: &[
            ("first_response_at", &["first_response_at"]),
            ("closed_at", &["closed_at", "status", "reopened", "satisfaction"]),
        ],
        sort: &["customer_key", "occurred_at"],
        columns: &[
            CUSTOMER_KEY,
            CUSTOMER,
            required(text("ticket_id", "the ticket")),
            text("owner_id", "the agent"),
            text("category", "what it is about, e.g. complaint"),
            text("priority", "priority in the source"),
            text("subject", "one line"),
            text("status", "status in the source"),
            required(time("occurred_at", "when it was opened")),
            time("first_response_at", "first answer of an agent"),
            time("closed_at", "last close"),
            integer("reopened", "how often it was reopened"),
            number("satisfaction", "the customer's rating"),
            ATTRIBUTES,
            KNOWN_AT,
            LOAD_ID,
            ROW_NO,
        ],
    },
    TableSpec {
        table: Table::Campaigns,
        name: "campaigns",
        doc: "marketing campaigns",
        time: Some("started_at"),
        key: &["campaign_id"],
        later: &[],
        sort: &["campaign_id"],
        columns: &[
            required(text("campaign_id", "the campaign")),
            text("name", "name shown to people"),
            text("channel", "e-mail, phone, ads"),
            time("started_at", "first day"),
            time("ended_at", "last day"),
            within(money("cost", "what it cost"), 0.0, f64::INFINITY),
            CURRENCY,
            ATTRIBUTES,
            KNOWN_AT,
            LOAD_ID,
            ROW_NO,
        ],
    },
    TableSpec {
        table: Table::Touches,
        name: "touches",
        doc: "contacts of a campaign or seller with a customer",
        time: Some("occurred_at"),
        key: &["touch_id"],
        later: &[("responded_at", &["responded_at"])],
        sort: &["customer_key", "occurred_at"],
        columns: &[
            CUSTOMER_KEY,
            CUSTOMER,
            text("touch_id", "the touch"),
            text("campaign_id", "the campaign, if any"),
            text("owner_id", "the seller, if any"),
            text("channel", "e-mail, phone, meeting"),
            text("kind", "sent, opened, clicked, call, task"),
            required(time("occurred_at", "when it happened")),
            time("responded_at", "when the customer answered"),
            ATTRIBUTES,
            KNOWN_AT,
            LOAD_ID,
            ROW_NO,
        ],
    },
    TableSpec {
        table: Table::Surveys,
        name: "surveys",
        doc: "answers to NPS and satisfaction surveys",
        time: Some("occurred_at"),
        key: &["response_id"],
        later: &[],
        sort: &["customer_key", "occurred_at"],
        columns: &[
            CUSTOMER_KEY,
            required(CUSTOMER),
            text("response_id", "the answer"),
            choice(text("kind", "nps or csat; nps if not given"), &["nps", "csat"]),
            within(required(number("score", "0 to 10")), 0.0, 10.0),
            text("comment", "the customer's words"),
            required(time("occurred_at", "when it was given")),
            ATTRIBUTES,
            KNOWN_AT,
            LOAD_ID,
            ROW_NO,
        ],
    },
    TableSpec {
        table: Table::Owners,
        name: "owners",
        doc: "account managers and sellers",
        time: None,
        key: &["owner_id"],
        later: &[],
        sort: &["owner_id"],
        columns: &[
            required(text("owner_id", "the person")),
            text("name", "name shown to people"),
            text("team", "team or manager"),
            text("region", "regional office"),
            text("email", "address"),
            ATTRIBUTES,
            KNOWN_AT,
            LOAD_ID,
            ROW_NO,
        ],
    },
    TableSpec {
        table: Table::Products,
        name: "products",
        doc: "the price list",
        time: None,
        key: &["product_id"],
        later: &[],
        sort: &["product_id"],
        columns: &[
            required(text("product_id", "the product")),
            text("name", "name shown to people"),
            text("category", "series or family"),
            within(money("price", "list price"), 0.0, f64::INFINITY),
            CURRENCY,
            ATTRIBUTES,
            KNOWN_AT,
            LOAD_ID,
            ROW_NO,
        ],
    },
    TableSpec {
        table: Table::Labels,
        name: "labels",
        doc: "outcomes given by the source, e.g. a churn flag",
        time: None,
        key: &["customer_id", "name"],
        later: &[],
        sort: &["customer_key"],
        columns: &[
            CUSTOMER_KEY,
            required(CUSTOMER),
            required(text("name", "which outcome, e.g. churn")),
            required(column("value", Kind::Flag, "true if it happened")),
            KNOWN_AT,
            LOAD_ID,
            ROW_NO,
        ],
    },
    TableSpec {
        table: Table::Quarantine,
        name: "quarantine",
        doc: "rows that broke a rule, verbatim",
        time: None,
        key: &[],
        later: &[],
        sort: &["load_id", "line"],
        columns: &[
            required(text("file", "the file as it was named")),
            required(integer("line", "one-based line, or row of a sheet")),
            text("column", "the source column at fault"),
            required(text("reason", "reason code")),
            text("detail", "what was wrong, for people"),
            text("raw", "the row as it stood in the file"),
            KNOWN_AT,
            LOAD_ID,
        ],
    },
    SCORES,
    SHADOW_SCORES,
    ALERTS,
    TableSpec {
        table: Table::Runs,
        name: "runs",
        doc: "the manifest: one row per complete run",
        time: None,
        key: &[],
        later: &[],
        sort: &["run_id"],
        columns: &[
            required(integer("run_id", "1, 2, 3, …")),
            required(text("kind", "ingest, compact, train, score, promote, rollback or shadow")),
            required(text("manifest", "JSON: the version of every table, and the loads")),
            text("details", "JSON: what the run did, for people"),
            required(time("finished_at", "when the run was published")),
        ],
    },
];
