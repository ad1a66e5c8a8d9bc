//! Which systems take scores in, and what does each of them insist on?

use include_dir::{Dir, include_dir};

use crate::error::{Error, ErrorKind, Result};

static BUILT_IN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/src/export/targets");

/// Salesforce turns a file into base64, which may grow by half, and takes 150 MB
/// of that; its own advice is to stay at 100 MB before.
const SALESFORCE_BYTES: u64 = 100_000_000;

/// Where the scores go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// CSV for Bulk API 2.0 upsert jobs.
    Salesforce,
    /// Bodies of batch updates.
    Hubspot,
    /// Bodies of upserts.
    Zoho,
    /// 纷享销客: a data object a line.
    Fxiaoke,
    /// A table for people.
    Csv,
}

impl Target {
    /// All targets.
    pub const ALL: [Self; 5] =
        [Self::Salesforce, Self::Hubspot, Self::Zoho, Self::Fxiaoke, Self::Csv];

    /// The name used on the command line and in mappings.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Salesforce => "salesforce",
            Self::Hubspot => "hubspot",
            Self::Zoho => "zoho",
            Self::Fxiaoke => "fxiaoke",
            Self::Csv => "csv",
        }
    }

    /// The target called `name`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unknown`] that offers the nearest names.
    pub fn named(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|target| target.name() == name).ok_or_else(|| {
            let known = Self::ALL.map(Self::name);
            Error::new(ErrorKind::Unknown, format!("there is no export target \"{name}\""))
                .hint_nearest(name, known)
                .hint(format!("there are: {}", known.join(", ")))
        })
    }

    /// The mapping that comes with Tenure, as a file to copy and change.
    #[must_use]
    pub fn mapping(self) -> &'static str {
        let file = BUILT_IN.get_file(format!("{}.toml", self.name()));
        file.and_then(|file| file.contents_utf8()).unwrap_or_default()
    }

    /// Most customers in a file, where the target limits them.
    #[must_use]
    pub const fn most_rows(self) -> Option<u64> {
        match self {
            Self::Hubspot | Self::Zoho => Some(100),
            Self::Salesforce | Self::Fxiaoke | Self::Csv => None,
        }
    }

    /// Most bytes of a file, where the target limits them.
    #[must_use]
    pub const fn most_bytes(self) -> Option<u64> {
        match self {
            Self::Salesforce => Some(SALESFORCE_BYTES),
            Self::Hubspot | Self::Zoho | Self::Fxiaoke | Self::Csv => None,
        }
    }

    /// Most characters of a text, unless the mapping says otherwise.
    #[must_use]
    pub(super) const fn text_length(self) -> Option<usize> {
        match self {
            Self::Salesforce | Self::Zoho | Self::Fxiaoke => Some(255),
            Self::Hubspot => Some(65_536),
            Self::Csv => None,
        }
    }

    /// What is wrong with the name of a field there, if anything.
    pub(super) fn refuses_field(self, name: &str) -> Option<&'static str> {
        let letters = |name: &str| {
            name.starts_with(|c: char| c.is_ascii_alphabetic())
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        match self {
            Self::Hubspot if !letters(name) || name.chars().any(|c| c.is_ascii_uppercase()) => {
                Some("HubSpot's internal names are small letters, digits and _")
            }
            Self::Salesforce | Self::Zoho | Self::Fxiaoke
                if !letters(name.trim_start_matches('_')) =>
            {
                Some("API names are letters, digits and _")
            }
            _ if name.trim() != name || name.is_empty() => Some("it is empty or has outer spaces"),
            _ => None,
        }
    }

    /// What is wrong with a customer's id as the value of the field `key`, if
    /// anything.
    pub(super) fn refuses_id(self, key: &str, id: &str) -> Option<&'static str> {
        let is_code = id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let is_number = id.bytes().all(|byte| byte.is_ascii_digit());
        match self {
            Self::Csv => None,
            _ if id.is_empty() => Some("it is empty"),
            _ if id.trim() != id => Some("it begins or ends with a space"),
            _ if id.chars().any(char::is_control) => Some("it has a control character"),
            _ if id.encode_utf16().count() > 255 => Some("it is longer than 255 characters"),
            Self::Salesforce if id == super::csv::NULL => Some("it means no value there"),
            Self::Salesforce if key == "Id" && !(is_code && matches!(id.len(), 15 | 18)) => {
                Some("record ids are 15 or 18 letters and digits")
            }
            Self::Hubspot if key == RECORD_ID && !is_number => Some("record ids are digits"),
            _ => None,
        }
    }
}

/// HubSpot's own id of a record, which is found without naming a property.
pub(super) const RECORD_ID: &str = "hs_object_id";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_target_is_refused_with_the_nearest() {
        let error = Target::named("sales-force").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unknown);
        assert_eq!(error.nearest(), ["salesforce"]);
    }

    #[test]
    fn ids_are_refused_where_the_target_can_not_take_them() {
        use Target::{Csv, Hubspot, Salesforce, Zoho};
        for (target, key, id, is_taken) in [
            (Salesforce, "Churn_Key__c", "0017", true),
            (Salesforce, "Churn_Key__c", "#N/A", false),
            (Salesforce, "Id", "0015g00000AbCdE", true),
            (Salesforce, "Id", "0015g00000AbCdEAAV", true),
            (Salesforce, "Id", "0015g00000AbCdEA", false),
            (Salesforce, "Id", "0015g00000-bCdE", false),
            (Hubspot, "churn_key", "公司-1", true),
            (Hubspot, "hs_object_id", "公司-1", false),
            (Hubspot, "hs_object_id", "512", true),
            (Zoho, "Churn_Key", " 1", false),
            (Zoho, "Churn_Key", "a\nb", false),
            (Csv, "", " 1", true),
        ] {
            assert_eq!(target.refuses_id(key, id).is_none(), is_taken, "{target:?} {key} {id}");
        }
        let long = |n| "😀".repeat(n);
        assert!(Zoho.refuses_id("Churn_Key", &long(127)).is_none());
        assert!(Zoho.refuses_id("Churn_Key", &long(128)).is_some());
    }
}
