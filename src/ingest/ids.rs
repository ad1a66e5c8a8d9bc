//! Where is the customer with this id?
//!
//! Fifty million facts name a million customers in no order, so what a look-up
//! costs is the memory it waits for. A batch is therefore looked up step by
//! step, each step for all rows, so that the processor fetches for many rows at
//! a time: hash every id; take the candidate from the table, which holds eight
//! bytes a customer; compare with what the candidate is called.
//!
//! An id of usual length (15 or 18 bytes in Salesforce, 24 in MongoDB) is
//! compared as four integers. Of a longer one these hold a hash, and the text
//! is compared as well.

use std::hash::BuildHasher;
use std::sync::Arc;

use arrow::array::{Array, StringArray};
use datafusion::common::hash_utils::RandomState;
use hashbrown::HashTable;

/// The bytes of an id that is compared as integers.
const SHORT: usize = 31;

/// In the place of the length of a short id.
const LONG: u8 = u8::MAX;

/// A short id and its length, or the hash of a longer one.
type Digest = [u64; 4];

/// No customer.
const NONE: u32 = u32::MAX;

/// The ids known so far, numbered as they came, each with a small value.
#[derive(Debug)]
pub(super) struct Ids<T> {
    table: HashTable<Slot>,
    known: Vec<Known<T>>,
    texts: Vec<Arc<str>>,
    hasher: RandomState,
}

/// Where an id with some hash is. Half of the hash tells nearly every wrong
/// candidate without a look at what it is called.
#[derive(Debug, Clone, Copy)]
struct Slot {
    number: u32,
    hash: u32,
}

/// What a look-up touches, in one line of the processor's cache.
#[derive(Debug)]
#[repr(align(64))]
struct Known<T> {
    digest: Digest,
    value: T,
}

impl<T: Default> Ids<T> {
    /// No ids yet, and room for `n`.
    pub(super) fn with_capacity(n: usize) -> Self {
        Self {
            table: HashTable::with_capacity(n),
            known: Vec::with_capacity(n),
            texts: Vec::with_capacity(n),
            hasher: RandomState::with_seed(3),
        }
    }

    /// How many ids there are.
    pub(super) fn len(&self) -> usize {
        self.texts.len()
    }

    /// The id with number `at`.
    pub(super) fn text(&self, at: usize) -> &Arc<str> {
        &self.texts[at]
    }

    /// The value of the id with number `at`, the default when it is new.
    pub(super) fn value(&mut self, at: usize) -> &mut T {
        &mut self.known[at].value
    }

    /// The number of an id, which is the next one if it is new.
    pub(super) fn number(&mut self, id: &str) -> usize {
        let digest = self.digest(id);
        self.find_or_add(id, digest, self.hasher.hash_one(digest))
    }

    /// The numbers of many ids; none where there is no id.
    pub(super) fn numbers(&mut self, ids: &StringArray) -> Vec<Option<usize>> {
        let digests: Vec<Digest> =
            ids.iter().map(|id| id.map_or([0; 4], |id| self.digest(id))).collect();
        let hashes: Vec<u64> = digests.iter().map(|digest| self.hasher.hash_one(digest)).collect();
        let candidates: Vec<u32> = hashes
            .iter()
            .map(|hash| {
                let slot = self.table.find(*hash, |slot| slot.hash == half(*hash));
                slot.map_or(NONE, |slot| slot.number)
            })
            .collect();
        let number = |row: usize| {
            let digest = digests[row];
            let candidate = candidates[row] as usize;
            let is_it = self.known.get(candidate).is_some_and(|known| known.digest == digest);
            if is_it && !is_long(&digest) {
                return ids.is_valid(row).then_some(candidate);
            }
            ids.is_valid(row).then(|| self.find_or_add(ids.value(row), digest, hashes[row]))
        };
        (0..ids.len()).map(number).collect()
    }

    fn find_or_add(&mut self, id: &str, digest: Digest, hash: u64) -> usize {
        let same = |slot: &Slot| {
            let at = slot.number as usize;
            self.known[at].digest == digest && (!is_long(&digest) || *self.texts[at] == *id)
        };
        if let Some(slot) = self.table.find(hash, same) {
            return slot.number as usize;
        }
        let at = self.len();
        // Numbers are handed out one by one: memory ends long before.
        let number = u32::try_from(at).unwrap_or(NONE);
        let slot = Slot { number, hash: half(hash) };
        self.table.insert_unique(hash, slot, |slot| {
            self.hasher.hash_one(self.known[slot.number as usize].digest)
        });
        self.known.push(Known { digest, value: T::default() });
        self.texts.push(id.into());
        at
    }

    fn digest(&self, id: &str) -> Digest {
        let mut bytes = [0_u8; SHORT + 1];
        if id.len() <= SHORT {
            bytes[..id.len()].copy_from_slice(id.as_bytes());
            bytes[SHORT] = u8::try_from(id.len()).unwrap_or(LONG);
        } else {
            bytes[..8].copy_from_slice(&self.hasher.hash_one(id).to_le_bytes());
            bytes[SHORT] = LONG;
        }
        let mut words = [0; 4];
        for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
            *word = bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
        }
        words
    }
}

/// The bits of a hash that the table does not look at itself, mostly.
fn half(hash: u64) -> u32 {
    (hash >> 16) as u32
}

fn is_long(digest: &Digest) -> bool {
    digest[3] >> 56 == u64::from(LONG)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn varied() -> Vec<String> {
        let long = "a".repeat(SHORT);
        let mut ids = vec![String::new(), "a".to_owned(), "a\0".to_owned(), "\0a".to_owned()];
        ids.extend(["", "a", "b", "\u{ff}", "aa"].iter().map(|more| format!("{long}{more}")));
        ids
    }

    #[test]
    fn ids_of_any_length_are_told_apart() {
        let mut ids = Ids::<()>::with_capacity(0);
        for (number, id) in varied().iter().enumerate() {
            assert_eq!(ids.number(id), number, "{id:?}");
        }
        // Known again, also after the table has grown many times.
        for n in 0..10_000 {
            ids.number(&format!("customer {n}"));
        }
        for (number, id) in varied().iter().enumerate() {
            assert_eq!(ids.number(id), number, "{id:?}");
            assert_eq!(**ids.text(number), **id);
        }
    }

    #[test]
    fn two_long_ids_with_the_same_hash_are_two() {
        let mut ids = Ids::<()>::with_capacity(0);
        let (one, other) = ("x".repeat(40), "y".repeat(40));
        let digest = ids.digest(&one);
        assert_eq!(ids.find_or_add(&one, digest, 7), 0);
        assert_eq!(ids.find_or_add(&other, digest, 7), 1);
        assert_eq!(ids.find_or_add(&one, digest, 7), 0);
    }

    #[test]
    fn a_batch_is_numbered_as_its_rows_one_by_one() {
        let rows: Vec<Option<String>> = (0..5_000_u64)
            .map(|row| {
                let n = row * row % 977;
                let wide = usize::try_from(n % 50).unwrap();
                (n != 5).then(|| format!("{n:0wide$}"))
            })
            .collect();
        let (mut whole, mut single) = (Ids::<()>::with_capacity(0), Ids::<()>::with_capacity(9));
        for batch in rows.chunks(700) {
            let array: StringArray = batch.iter().map(Option::as_deref).collect();
            let expected: Vec<Option<usize>> =
                batch.iter().map(|id| id.as_ref().map(|id| single.number(id))).collect();
            assert_eq!(whole.numbers(&array), expected);
        }
        assert_eq!(whole.len(), single.len());
    }
}
