//! Where does a link on this page lead, and in which language?
//!
//! Everything a page knows about the request it answers. Links keep an
//! explicitly chosen language, so a reader who switched stays switched; a
//! reader who did not keeps clean addresses.

use std::fmt::Write as _;

use super::lang::Lang;

/// The parts of the dashboard the navigation offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// The boss's one page.
    Overview,
    /// The catalogue and each report.
    Reports,
    /// Who is likely to leave, and each customer.
    AtRisk,
    /// Pages outside the navigation, such as errors.
    None,
}

/// The request a page answers.
#[derive(Debug, Clone)]
pub struct Context {
    /// The language to render in.
    pub lang: Lang,
    /// The path of the request, e.g. `/reports/funnel`.
    pub path: String,
    /// The decoded query pairs of the request, in their order.
    pub query: Vec<(String, String)>,
    /// The part of the dashboard the page belongs to.
    pub section: Section,
}

impl Context {
    /// The overview's address.
    pub const OVERVIEW: &'static str = "/";
    /// The catalogue's address; a report's is this and its name.
    pub const REPORTS: &'static str = "/reports";
    /// The at-risk list's address.
    pub const AT_RISK: &'static str = "/at-risk";
    /// A customer's address is this and the id.
    pub const CUSTOMERS: &'static str = "/customers";

    /// A model's address is this and the id.
    pub const MODELS: &'static str = "/models";

    /// A link to `path` with `pairs`, keeping an explicitly chosen language.
    #[must_use]
    pub fn link(&self, path: &str, pairs: &[(&str, &str)]) -> String {
        let chosen = self.explicit_lang().map(|lang| ("lang", lang.code()));
        address(path, pairs.iter().copied().chain(chosen))
    }

    /// A link to the report called `name`.
    #[must_use]
    pub fn report(&self, name: &str) -> String {
        self.link(&format!("{}/{}", Self::REPORTS, encode(name)), &[])
    }

    /// A link to the customer whose external id is `id`.
    #[must_use]
    pub fn customer(&self, id: &str) -> String {
        self.link(&format!("{}/{}", Self::CUSTOMERS, encode(id)), &[])
    }

    /// A link to the card of the model whose id is `id`.
    #[must_use]
    pub fn model(&self, id: &str) -> String {
        self.link(&format!("{}/{}", Self::MODELS, encode(id)), &[])
    }

    /// A link to the rows of data behind the reasons of that customer's score.
    #[must_use]
    pub fn rows_behind(&self, id: &str) -> String {
        self.link(&format!("{}/{}/rows", Self::CUSTOMERS, encode(id)), &[])
    }

    /// This very page in another language.
    #[must_use]
    pub fn in_lang(&self, lang: Lang) -> String {
        let kept = self
            .query
            .iter()
            .filter(|(name, _)| name != "lang")
            .map(|(name, value)| (name.as_str(), value.as_str()));
        address(&self.path, kept.chain([("lang", lang.code())]))
    }

    /// The language the address asks for, for forms to pass on.
    #[must_use]
    pub fn explicit_lang(&self) -> Option<Lang> {
        self.query
            .iter()
            .find(|(name, _)| name == "lang")
            .and_then(|(_, value)| Lang::of_tag(value))
    }
}

/// `path?name=value&…`, the pairs percent-encoded, pairs without value left out.
fn address<'a>(path: &str, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut address = path.to_owned();
    let mut separator = '?';
    for (name, value) in pairs.filter(|(_, value)| !value.is_empty()) {
        address.push(separator);
        address.push_str(&encode(name));
        address.push('=');
        address.push_str(&encode(value));
        separator = '&';
    }
    address
}

/// Percent-encodes everything but RFC 3986's unreserved characters, so that an
/// id with a slash, a space or a Chinese name stays one path segment.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String can not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(query: &[(&str, &str)]) -> Context {
        Context {
            lang: Lang::Zh,
            path: "/at-risk".to_owned(),
            query: query.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect(),
            section: Section::AtRisk,
        }
    }

    #[test]
    fn only_an_explicit_language_is_carried_along() {
        assert_eq!(context(&[]).customer("A/1 中"), "/customers/A%2F1%20%E4%B8%AD");
        assert_eq!(context(&[("lang", "zh")]).report("nps"), "/reports/nps?lang=zh");
    }

    #[test]
    fn switching_the_language_keeps_the_other_parameters() {
        let context = context(&[("owner", "O&1"), ("lang", "zh"), ("band", "")]);
        assert_eq!(context.in_lang(Lang::En), "/at-risk?owner=O%261&lang=en");
    }
}
