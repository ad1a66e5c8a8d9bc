//! What do people read, in which language?

use serde::{Deserialize, Serialize};

use crate::config::Language;

/// The same words in both languages the product speaks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// English.
    pub en: String,
    /// Simplified Chinese.
    pub zh: String,
}

impl Text {
    /// Words in English and Chinese.
    pub fn new(en: impl Into<String>, zh: impl Into<String>) -> Self {
        Self { en: en.into(), zh: zh.into() }
    }

    /// A name that reads the same in both languages, such as a column's.
    #[must_use]
    pub fn same(name: &str) -> Self {
        Self::new(name, name)
    }

    /// The words in one language.
    #[must_use]
    pub fn get(&self, language: Language) -> &str {
        language.pick(&self.en, &self.zh)
    }
}

impl Language {
    /// Whichever of two is in this language, for words that are written where
    /// they are said.
    ///
    /// ```
    /// use tenure::config::Language;
    ///
    /// let rows = 3;
    /// let words = Language::Zh.pick(format!("{rows} rows"), format!("{rows} 行"));
    /// assert_eq!(words, "3 行");
    /// ```
    #[must_use]
    pub fn pick<T>(self, en: T, zh: T) -> T {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }
}
