//! Which rows serve which steps, if each row serves only one?
//!
//! Rows of one instant have no order, and with conditions a row may be able to
//! serve several steps. So whether three rows serve three steps is a matching
//! of a bipartite graph; it is grown one step or row at a time by augmenting
//! paths (Kuhn, 1955).

/// A matching of steps to rows; a row's mask has a bit for each step it can
/// serve.
#[derive(Debug, Default)]
pub(super) struct Matching {
    /// The mask of the row that serves each step; 0 where none does.
    serving: Vec<u32>,
    tried: u32,
}

impl Matching {
    /// Forgets everything; there are `n` steps.
    pub(super) fn clear(&mut self, n: usize) {
        self.serving.clear();
        self.serving.resize(n, 0);
    }

    /// Takes in a row of `mask` if some step can then be served in addition to
    /// those that are, and says whether.
    pub(super) fn add_row(&mut self, mask: u32) -> bool {
        self.tried = 0;
        self.place(mask)
    }

    fn place(&mut self, mask: u32) -> bool {
        for step in 0..self.serving.len() {
            let bit = 1 << step;
            if mask & bit == 0 || self.tried & bit != 0 {
                continue;
            }
            self.tried |= bit;
            let displaced = self.serving[step];
            if displaced == 0 || self.place(displaced) {
                self.serving[step] = mask;
                return true;
            }
        }
        false
    }

    /// Whether distinct rows of `masks` can serve each of `steps`.
    pub(super) fn serves(&mut self, steps: &[usize], masks: &[u32]) -> bool {
        let wanted = steps.iter().fold(0, |wanted, step| wanted | 1 << step);
        let can = |mask: &&u32| **mask & wanted != 0;
        if let [_] = steps {
            return masks.iter().any(|mask| can(&mask));
        }
        self.clear(steps.iter().max().map_or(0, |last| last + 1));
        let mut served = 0;
        for mask in masks.iter().filter(can) {
            served += usize::from(self.add_row(mask & wanted));
            if served == steps.len() {
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_trying_every_assignment() {
        fn possible(steps: &[usize], masks: &mut Vec<u32>) -> bool {
            let Some((step, rest)) = steps.split_first() else { return true };
            (0..masks.len()).any(|row| {
                let mask = masks[row];
                if mask & 1 << step == 0 {
                    return false;
                }
                masks.remove(row);
                let found = possible(rest, masks);
                masks.insert(row, mask);
                found
            })
        }
        let mut matching = Matching::default();
        for code in 0..8_u32.pow(4) {
            let masks: Vec<u32> = (0..4).map(|place| code / 8_u32.pow(place) % 8).collect();
            for steps in [&[0][..], &[0, 1], &[1, 2], &[0, 2], &[0, 1, 2]] {
                let expected = possible(steps, &mut masks.clone());
                assert_eq!(matching.serves(steps, &masks), expected, "{steps:?} {masks:?}");
            }
        }
    }
}
