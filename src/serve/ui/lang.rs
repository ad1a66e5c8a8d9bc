//! In which language does this reader read?
//!
//! A page is rendered in one language, chosen per request: an explicit
//! `?lang=` wins, because a link that was sent must look the same to whoever
//! opens it; otherwise the browser's `Accept-Language` decides; otherwise the
//! language of the settings.

pub use crate::config::Language as Lang;

impl Lang {
    /// Every language, in the order the switch offers them.
    pub const ALL: [Self; 2] = [Self::En, Self::Zh];

    /// The value of `?lang=`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
        }
    }

    /// The BCP 47 tag for `<html lang>`; the region picks Chinese glyph forms.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh-CN",
        }
    }

    /// What the language calls itself.
    #[must_use]
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Zh => "中文",
        }
    }

    /// The language of a tag such as `zh`, `zh-Hans-CN` or `EN_us`.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next()?;
        Self::ALL.into_iter().find(|lang| lang.code().eq_ignore_ascii_case(primary))
    }
}

/// Picks the language from the `lang` query parameter and `Accept-Language`.
///
/// A parameter that names no language we speak is ignored rather than refused:
/// the page is still readable, and the header may know better.
#[must_use]
pub fn pick(query: Option<&str>, accept_language: Option<&str>, fallback: Lang) -> Lang {
    query.and_then(Lang::of_tag).or_else(|| accept_language.and_then(accepted)).unwrap_or(fallback)
}

/// The language we speak with the highest quality value, the first on a tie
/// (RFC 9110, section 12.5.4).
fn accepted(header: &str) -> Option<Lang> {
    let mut best: Option<(f64, Lang)> = None;
    for range in header.split(',') {
        let mut parts = range.split(';');
        let Some(lang) = parts.next().and_then(Lang::of_tag) else {
            continue;
        };
        let quality = parts
            .find_map(|part| part.trim().strip_prefix("q="))
            .map_or(1.0, |q| q.trim().parse().unwrap_or(0.0));
        if quality > best.map_or(0.0, |(quality, _)| quality) {
            best = Some((quality, lang));
        }
    }
    best.map(|(_, lang)| lang)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(query: Option<&str>, accept_language: Option<&str>) -> Lang {
        super::pick(query, accept_language, Lang::En)
    }

    #[test]
    fn the_parameter_wins_over_the_header() {
        assert_eq!(pick(Some("en"), Some("zh-CN")), Lang::En);
        assert_eq!(pick(Some("zh"), Some("en")), Lang::Zh);
        assert_eq!(pick(Some("fr"), Some("zh-CN,en;q=0.8")), Lang::Zh);
    }

    #[test]
    fn the_header_is_read_by_quality_not_by_position() {
        assert_eq!(pick(None, Some("en;q=0.5, zh-Hans-CN;q=0.9")), Lang::Zh);
        assert_eq!(pick(None, Some("fr, de;q=0.9, zh;q=0.1")), Lang::Zh);
        assert_eq!(pick(None, Some("zh;q=0, en;q=0.1")), Lang::En);
        assert_eq!(pick(None, Some("zh;q=nonsense")), Lang::En);
        assert_eq!(pick(None, Some("en, zh")), Lang::En);
        assert_eq!(pick(None, None), Lang::En);
        assert_eq!(pick(None, Some("zhx")), Lang::En);
        assert_eq!(super::pick(None, None, Lang::Zh), Lang::Zh);
    }
}
