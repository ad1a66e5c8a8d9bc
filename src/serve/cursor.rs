//! Where does the next page of scores begin?
//!
//! After the probability and customer the page before ended with, in the run
//! it began with: a new run that is published between two pages neither
//! repeats nor skips anybody. The cursor is opaque to callers. It carries a
//! digest of itself and of the filters it belongs to, so that a cursor that
//! was altered, cut, or used with other filters is refused instead of
//! answering something nobody asked for.

use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind, Result};
use crate::tenure::ScoreRequest;

/// Run, probability and customer a page ended with.
pub type Place = (i64, f64, String);

const DIGEST_BYTES: usize = 8;

/// The cursor of the page of `request` that begins after `place`.
#[must_use]
pub fn encode(place: &Place, request: &ScoreRequest) -> String {
    let (run_id, probability, customer) = place;
    let mut bytes = run_id.to_be_bytes().to_vec();
    bytes.extend(probability.to_bits().to_be_bytes());
    bytes.extend(customer.as_bytes());
    let digest = digest(&bytes, request);
    bytes.extend(digest);
    to_hex(&bytes)
}

/// Reads a cursor that [`encode`] made for the same filters.
///
/// # Errors
///
/// [`ErrorKind::Usage`] for any other text.
pub fn decode(cursor: &str, request: &ScoreRequest) -> Result<Place> {
    read(cursor, request).ok_or_else(|| {
        Error::new(ErrorKind::Usage, "cursor: it is not one of this list")
            .hint("pass next_cursor as it was given, with the same filters")
            .hint("leave it out to begin at the first page")
    })
}

fn read(cursor: &str, request: &ScoreRequest) -> Option<Place> {
    let bytes = from_hex(cursor)?;
    let (bytes, given) = bytes.split_last_chunk::<DIGEST_BYTES>()?;
    let (run_id, rest) = bytes.split_first_chunk::<8>()?;
    let (probability, customer) = rest.split_first_chunk::<8>()?;
    if *given != digest(bytes, request) {
        return None;
    }
    let probability = f64::from_bits(u64::from_be_bytes(*probability));
    if !(0.0..=1.0).contains(&probability) {
        return None;
    }
    let customer = String::from_utf8(customer.to_vec()).ok()?;
    Some((i64::from_be_bytes(*run_id), probability, customer))
}

fn digest(bytes: &[u8], request: &ScoreRequest) -> [u8; DIGEST_BYTES] {
    let ScoreRequest { band, min_probability, owner, changed_since, after: _, limit: _ } = request;
    let filters = (band, min_probability.map(f64::to_bits), owner, changed_since);
    let mut digest = Sha256::new();
    digest.update(bytes);
    digest.update(format!("{filters:?}"));
    let mut first = [0; DIGEST_BYTES];
    first.copy_from_slice(&digest.finalize()[..DIGEST_BYTES]);
    first
}

/// Bytes as lower-case hexadecimal digits.
#[must_use]
pub fn to_hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(u32::from(digit), 16))
        .collect()
}

/// The bytes of hexadecimal digits of either case.
#[must_use]
pub fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len().is_multiple_of(2))?;
    digits.chunks_exact(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_to_the_bit() {
        let request = ScoreRequest { owner: Some("O1".to_owned()), ..Default::default() };
        let place = (7, 0.1 + 0.2, "客户/1".to_owned());
        assert_eq!(decode(&encode(&place, &request), &request).unwrap(), place);
    }

    #[test]
    fn any_change_of_cursor_or_filter_is_refused() {
        let request = ScoreRequest::default();
        let cursor = encode(&(1, 0.5, "C1".to_owned()), &request);
        for at in 0..cursor.len() {
            let mut changed = cursor.clone();
            let digit = if &changed[at..=at] == "0" { "1" } else { "0" };
            changed.replace_range(at..=at, digit);
            assert!(decode(&changed, &request).is_err(), "{changed}");
            assert!(decode(&cursor[..at], &request).is_err());
        }
        assert!(decode("客户", &request).is_err());
        let nowhere = encode(&(1, f64::NAN, "C1".to_owned()), &request);
        assert!(decode(&nowhere, &request).is_err(), "nobody has such a probability");
        let other = ScoreRequest { band: Some("high".to_owned()), ..Default::default() };
        assert!(decode(&cursor, &other).is_err());
        let longer = ScoreRequest { limit: 9, ..Default::default() };
        assert!(decode(&cursor, &longer).is_ok(), "the page size may change on the way");
    }
}
