//! What does an export say about itself to whoever sends it?

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Value, json};

use super::FileNote;
use super::mapping::{Body, Mapping};
use super::target::Target;
use crate::reports::iso;

/// The file `manifest.json`. It holds nothing that changes from one export of the
/// same scores to the next.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Manifest {
    /// Where the scores go.
    pub target: &'static str,
    /// The object, module or type of record there; empty for a plain table.
    pub object: String,
    /// The field that holds the customer's id.
    pub key: String,
    /// The run that scored.
    pub run_id: i64,
    /// The model that scored.
    pub model: Option<String>,
    /// The scores use data up to this instant; absent if nobody is in the files.
    pub cutoff: Option<String>,
    /// When the run was published: `--changed-since` of the next export.
    pub scored_at: String,
    /// Only customers of this band were asked for.
    pub band: Option<String>,
    /// Only customers whose score changed since this instant were asked for.
    pub changed_since: Option<String>,
    /// Customers in the files.
    pub rows: u64,
    /// Of them, those who have no score any more, and whose fields are emptied.
    pub cleared: u64,
    /// The files, in order.
    pub files: Vec<FileNote>,
    /// How to send a file.
    pub send: Value,
}

/// How a file is sent, in the words of the target. Secrets are the sender's.
pub(super) fn send(mapping: &Mapping) -> Value {
    let object = &mapping.object;
    match mapping.target {
        Target::Salesforce => json!({
            "method": "POST", "path": "/services/data/vXX.X/jobs/ingest",
            "job": {
                "object": object, "operation": "upsert", "externalIdFieldName": mapping.key,
                "contentType": "CSV", "columnDelimiter": "COMMA", "lineEnding": "LF",
            },
            "then": "PUT the file to the job's contentUrl as text/csv, then PATCH the job to UploadComplete; one job per file",
        }),
        Target::Hubspot => json!({
            "method": "POST", "path": format!("/crm/v3/objects/{object}/batch/update"),
            "body": "the file as it is; 207 names inputs that were refused in errors[]",
        }),
        Target::Zoho => json!({
            "method": "POST", "path": format!("/crm/v8/{object}/upsert"),
            "body": "the file as it is; each record has a status of its own in the answer",
        }),
        Target::Fxiaoke => {
            let own = if object.ends_with("__c") { "custom/" } else { "" };
            let data = match mapping.body {
                Body::Data => "a line of the file: {dataObjectApiName, data}",
                Body::ObjectData => "a line of the file: {object_data}",
            };
            json!({
                "method": "POST", "path": format!("/cgi/crm/{own}v2/data/update"),
                "body": {
                    "corpAccessToken": "filled in by the sender",
                    "corpId": "filled in by the sender",
                    "currentOpenUserId": "filled in by the sender",
                    "data": data,
                },
            })
        }
        Target::Csv => Value::Null,
    }
}

/// An optional instant as programs read it.
pub(super) fn instant(at: Option<DateTime<Utc>>) -> Option<String> {
    at.map(iso)
}
