//! What does an attribute say of each customer?
//!
//! A million customers say the same few words, so each word is kept once.

use std::collections::HashMap;

use crate::churn::Values;

/// Words, one or none per row.
#[derive(Debug, Default)]
pub(super) struct Texts {
    /// Every word, in the order of its first row.
    pub levels: Vec<String>,
    /// Which word each row says.
    pub codes: Vec<Option<u32>>,
    places: HashMap<String, u32>,
}

impl Texts {
    /// Lets row `at`, which there is, say a word.
    pub(super) fn set(&mut self, at: usize, word: &str) {
        let code = match self.places.get(word) {
            Some(code) => *code,
            None => {
                let code = u32::try_from(self.levels.len()).unwrap_or(u32::MAX);
                self.levels.push(word.to_owned());
                self.places.insert(word.to_owned(), code);
                code
            }
        };
        self.codes[at] = Some(code);
    }

    /// The words as numbers; one that does not read as one is missing.
    pub(super) fn numbers(&self) -> Values {
        let numbers: Vec<f64> =
            self.levels.iter().map(|word| number(word).unwrap_or(f64::NAN)).collect();
        let of = |code: &Option<u32>| code.map_or(f64::NAN, |code| numbers[code as usize]);
        Values::Numeric(self.codes.iter().map(of).collect())
    }

    /// The words as levels; a blank one is none.
    pub(super) fn categorical(&self) -> Values {
        let of = |code: &Option<u32>| code.map(|code| self.levels[code as usize].as_str());
        Values::categorical(self.codes.iter().map(of))
    }
}

/// A word that reads as a number.
pub(super) fn number(text: &str) -> Option<f64> {
    text.trim().parse::<f64>().ok().filter(|number| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_as_numbers_or_as_levels() {
        let mut texts = Texts::default();
        texts.codes.resize(5, None);
        for (at, word) in [(0, "7"), (1, "b"), (3, "7"), (4, " ")] {
            texts.set(at, word);
        }
        texts.set(1, "a");
        let Values::Numeric(numbers) = texts.numbers() else { panic!("not numbers") };
        assert_eq!((numbers[0], numbers[3]), (7.0, 7.0));
        assert!([1, 2, 4].iter().all(|&row| numbers[row].is_nan()));
        let expected = [Some("7"), Some("a"), None, Some("7"), None];
        assert_eq!(texts.categorical(), Values::categorical(expected));
    }
}
