//! How do the rows of a node spread over the classes of a feature?
//!
//! Every row brings its two derivatives of the loss and itself. They are kept as
//! whole numbers, so that a sum is the same in any order and exact under
//! subtraction: the first derivative in units of 2⁻³², the second in units of
//! 2⁻²⁰ in the lower 42 bits of a word whose upper bits count rows.

use super::super::metrics::sigmoid;

/// Most rows whose sums have room.
pub(super) const MOST_ROWS: usize = 1 << 21;

const FIRST_UNIT: f64 = (1_u64 << 32) as f64;
const SECOND_UNIT: f64 = (1_u64 << 20) as f64;
const SECOND_BITS: u32 = 42;

/// The whole number nearest to one that is smaller than 2⁵¹: beside a number as
/// large as this, the last bit of a float is worth 1. Calling `round` takes longer
/// than all else a row brings.
fn nearest(number: f64) -> i64 {
    const LARGE: f64 = 1.5 * (1_u64 << 52) as f64;
    ((number + LARGE).to_bits() as i64).wrapping_sub(LARGE.to_bits() as i64)
}

/// Derivatives of the loss and rows, summed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sums([i64; 2]);

impl Sums {
    /// What a row brings.
    pub fn of_row(logit: f64, churned: bool) -> Self {
        let probability = sigmoid(logit);
        let first = probability - f64::from(u8::from(churned));
        let second = probability * (1.0 - probability);
        let (first, second) = (nearest(first * FIRST_UNIT), nearest(second * SECOND_UNIT));
        Self([first, (1 << SECOND_BITS) | second])
    }

    /// Sum of the first derivatives.
    pub fn first(self) -> f64 {
        self.0[0] as f64 / FIRST_UNIT
    }

    /// Sum of the second derivatives.
    pub fn second(self) -> f64 {
        (self.0[1] & ((1 << SECOND_BITS) - 1)) as f64 / SECOND_UNIT
    }

    /// Rows.
    pub fn rows(self) -> i64 {
        self.0[1] >> SECOND_BITS
    }

    pub fn add(&mut self, other: Self) {
        self.0[0] += other.0[0];
        self.0[1] += other.0[1];
    }

    #[must_use]
    pub fn plus(mut self, other: Self) -> Self {
        self.add(other);
        self
    }

    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self([self.0[0] - other.0[0], self.0[1] - other.0[1]])
    }
}

/// Features counted in one pass: rows and their derivatives are read once for all
/// of them, and their tables fit into the nearest cache.
pub(super) const TOGETHER: usize = 4;

/// A feature's classes by row, and where their sums go.
pub(super) type Counted<'a> = (&'a [u8], &'a mut [Sums]);

/// Sums per class of up to [`TOGETHER`] features over the rows of `order`, whose
/// `gradients` stand in the same order.
pub(super) fn count(features: &mut [Counted<'_>], order: &[u32], gradients: &[Sums]) {
    match features {
        [a, b, c, d] => {
            let tables = tables([a.0, b.0, c.0, d.0], order, gradients);
            for (table, (_, cells)) in tables.iter().zip([a, b, c, d]) {
                cells.copy_from_slice(&table[..cells.len()]);
            }
        }
        few => {
            for (column, cells) in few {
                let [table] = tables([column], order, gradients);
                cells.copy_from_slice(&table[..cells.len()]);
            }
        }
    }
}

fn tables<const N: usize>(
    columns: [&[u8]; N],
    order: &[u32],
    gradients: &[Sums],
) -> [[Sums; 256]; N] {
    // Whole tables, so that no byte lies outside them.
    let mut tables = [[Sums::default(); 256]; N];
    for (&row, &gradient) in order.iter().zip(gradients) {
        for (table, column) in tables.iter_mut().zip(columns) {
            table[usize::from(column[row as usize])].add(gradient);
        }
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_whole_number_is_the_one_rounding_finds() {
        for number in [0.0, 0.4, 0.6, -0.6, 1.0, 4_294_967_296.0, -4_294_967_295.7, 1e15, -1e15] {
            assert_eq!(nearest(number), f64::round(number) as i64);
        }
        assert_eq!([0.5, 1.5, 2.5, -0.5, -1.5].map(nearest), [0, 2, 2, 0, -2]);
    }
}
