//! How is the next tree found?

use std::ops::Range;

use linfa::dataset::Records;

use rand::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::super::bins::{Binned, MISSING};
use super::super::parallel;
use super::super::spec::Direction;
use super::BoostingValid;
use super::histogram::{Counted, Sums, TOGETHER, count};
use super::tree::{Side, Split, Tree};
use crate::error::Result;

/// Rows a leaf needs.
const LEAF_ROWS: i64 = 20;
/// Added to the weight of a leaf, which draws its answer to zero.
const RIDGE: f64 = 0.2;
/// A gain below this is rounding.
const LEAST_GAIN: f64 = 1e-9;
/// Cells of work from which on a histogram is worth a second thread.
const PARALLEL_CELLS: usize = 400_000;
/// Rows from which on what they bring is.
const PARALLEL_ROWS: usize = 20_000;

/// Grows one tree after the other over the same rows.
pub(super) struct Grower<'a> {
    params: &'a BoostingValid,
    rows: &'a Binned,
    /// Where each feature's classes begin in a histogram.
    offsets: Vec<usize>,
    gradients: Vec<Sums>,
    /// The drawn rows, those of a node next to each other.
    order: Vec<u32>,
    /// The rows that were not drawn.
    rest: Vec<u32>,
    spare: Vec<u32>,
}

/// A leaf that may still be split.
struct Node {
    rows: Range<usize>,
    sums: Sums,
    histogram: Vec<Sums>,
    best: Option<Found>,
    /// The split above and on which side of it.
    above: Option<(usize, usize)>,
}

/// The best split of a node.
#[derive(Clone, Copy)]
struct Found {
    gain: f64,
    feature: usize,
    left: Side,
    sums: Sums,
}

impl<'a> Grower<'a> {
    pub(super) fn new(params: &'a BoostingValid, rows: &'a Binned) -> Self {
        let mut offsets = vec![0];
        for n_classes in &rows.n_classes {
            offsets.push(offsets.last().copied().unwrap_or(0) + n_classes);
        }
        let gradients = vec![Sums::default(); rows.nsamples()];
        let [order, rest, spare] = [const { Vec::new() }; 3];
        Self { params, rows, offsets, gradients, order, rest, spare }
    }

    /// Grows tree `number` on what `logits` still get wrong, and adds its answers to
    /// them.
    pub(super) fn grow(
        &mut self,
        number: u64,
        logits: &mut [f64],
        churned: &[bool],
    ) -> Result<Tree> {
        self.look_at(logits, churned)?;
        let mut chance = Xoshiro256PlusPlus::seed_from_u64(
            self.params.seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
        );
        self.draw_rows(&mut chance);
        let features = self.draw_features(&mut chance);

        let rows = 0..self.order.len();
        let histogram = self.histogram(rows.clone(), &features)?;
        let root = self.total(rows.clone());
        let mut tree = Tree { splits: Vec::new(), leaves: Vec::new() };
        let mut nodes = vec![self.node(rows, root, histogram, &features, None)];
        while nodes.len() < self.params.leaves {
            let Some((chosen, found)) = most_gain(&nodes) else { break };
            let node = nodes.swap_remove(chosen);
            let split = tree.splits.len();
            let Found { feature, left, sums, .. } = found;
            let share = sums.rows() as f64 / node.sums.rows() as f64;
            tree.splits.push(Split { feature, left, share, next: [0, 0] });
            link(&mut tree, node.above, i32::try_from(split).unwrap_or(i32::MAX));
            let (left, right) = self.part(&node, &tree.splits[split]);
            let right_sums = node.sums.minus(sums);
            let is_last = nodes.len() + 2 >= self.params.leaves;
            let (left_histogram, right_histogram) = if is_last {
                (Vec::new(), Vec::new())
            } else {
                self.share_out(node.histogram, left.clone(), right.clone(), &features)?
            };
            let children = [(left, sums, left_histogram), (right, right_sums, right_histogram)];
            for (side, (rows, sums, histogram)) in children.into_iter().enumerate() {
                nodes.push(self.node(rows, sums, histogram, &features, Some((split, side))));
            }
        }
        for node in nodes {
            let leaf = i32::try_from(tree.leaves.len()).unwrap_or(i32::MAX);
            let answer = self.params.rate * step(node.sums);
            tree.leaves.push(answer);
            link(&mut tree, node.above, !leaf);
            for &row in &self.order[node.rows] {
                logits[row as usize] += answer;
            }
        }
        for &row in &self.rest {
            logits[row as usize] += tree.leaves[tree.leaf_of(self.rows, row as usize)];
        }
        Ok(tree)
    }

    /// What each row brings.
    fn look_at(&mut self, logits: &[f64], churned: &[bool]) -> Result<()> {
        let n = logits.len();
        let n_threads = if n < PARALLEL_ROWS { 1 } else { self.params.n_threads.max(1) };
        let part = n.div_ceil(n_threads).max(1);
        let parts = self.gradients.chunks_mut(part).zip(logits.chunks(part));
        let parts = parts.zip(churned.chunks(part)).collect();
        parallel::for_each(parts, n_threads, |((gradients, logits), churned)| {
            let rows = gradients.iter_mut().zip(logits).zip(churned);
            rows.for_each(|((sums, &logit), &churned)| *sums = Sums::of_row(logit, churned));
            Ok(())
        })
    }

    /// Rows in their order, each with the same chance.
    fn draw_rows(&mut self, chance: &mut Xoshiro256PlusPlus) {
        let share = self.params.row_share;
        self.order.clear();
        self.rest.clear();
        for row in 0..u32::try_from(self.gradients.len()).unwrap_or(u32::MAX) {
            let is_drawn = share >= 1.0 || chance.random::<f64>() < share;
            if is_drawn { self.order.push(row) } else { self.rest.push(row) }
        }
        self.spare.resize(self.order.len(), 0);
    }

    /// A share of the features, at least one, ascending.
    fn draw_features(&self, chance: &mut Xoshiro256PlusPlus) -> Vec<usize> {
        let n = self.rows.columns.len();
        let wanted = ((self.params.feature_share * n as f64).ceil() as usize).clamp(1, n.max(1));
        let mut features: Vec<usize> = (0..n).collect();
        for place in 0..wanted.min(n) {
            features.swap(place, chance.random_range(place..n));
        }
        features.truncate(wanted);
        features.sort_unstable();
        features
    }

    fn total(&self, rows: Range<usize>) -> Sums {
        let gradients = self.order[rows].iter().map(|&row| self.gradients[row as usize]);
        gradients.fold(Sums::default(), Sums::plus)
    }

    fn node(
        &self,
        rows: Range<usize>,
        sums: Sums,
        histogram: Vec<Sums>,
        features: &[usize],
        above: Option<(usize, usize)>,
    ) -> Node {
        let mut best: Option<Found> = None;
        if !histogram.is_empty() {
            for &feature in features {
                let classes = &histogram[self.offsets[feature]..self.offsets[feature + 1]];
                let found = if self.rows.is_ordered[feature] {
                    let direction = self.params.directions.get(feature).copied().flatten();
                    best_cut(feature, classes, sums, direction)
                } else {
                    best_sides(feature, classes, sums)
                };
                // The first of equals.
                if found.is_some_and(|found| best.is_none_or(|best| found.gain > best.gain)) {
                    best = found;
                }
            }
        }
        Node { rows, sums, histogram, best, above }
    }

    /// Sums of each class of each drawn feature over rows of the order.
    fn histogram(&self, rows: Range<usize>, features: &[usize]) -> Result<Vec<Sums>> {
        let order = &self.order[rows];
        // Gathered once, and then read in order by every feature.
        let gradients: Vec<Sums> = order.iter().map(|&row| self.gradients[row as usize]).collect();
        let mut histogram = vec![Sums::default(); self.offsets.last().copied().unwrap_or(0)];
        let mut rest = &mut histogram[..];
        let mut begun = 0;
        let mut cells = Vec::with_capacity(features.len());
        for &feature in features {
            let (_, after) = rest.split_at_mut(self.offsets[feature] - begun);
            let (own, after) = after.split_at_mut(self.rows.n_classes[feature]);
            cells.push((&self.rows.columns[feature][..], own));
            rest = after;
            begun = self.offsets[feature + 1];
        }
        let is_much = order.len() * features.len() >= PARALLEL_CELLS;
        let n_threads = if is_much { self.params.n_threads } else { 1 };
        let together = cells.chunks_mut(TOGETHER).collect();
        parallel::for_each(together, n_threads, |features: &mut [Counted<'_>]| {
            count(features, order, &gradients);
            Ok(())
        })?;
        Ok(histogram)
    }

    /// The histograms of both children: the smaller one's is counted, the other's
    /// is what remains.
    fn share_out(
        &self,
        mut parent: Vec<Sums>,
        left: Range<usize>,
        right: Range<usize>,
        features: &[usize],
    ) -> Result<(Vec<Sums>, Vec<Sums>)> {
        let left_is_smaller = left.len() <= right.len();
        let smaller = self.histogram(if left_is_smaller { left } else { right }, features)?;
        for (parent, smaller) in parent.iter_mut().zip(&smaller) {
            *parent = parent.minus(*smaller);
        }
        Ok(if left_is_smaller { (smaller, parent) } else { (parent, smaller) })
    }

    /// Puts the rows of a node that go left before those that go right, either in
    /// their order.
    fn part(&mut self, node: &Node, split: &Split) -> (Range<usize>, Range<usize>) {
        let column = &self.rows.columns[split.feature];
        let (mut n_left, mut n_right) = (0, 0);
        for place in node.rows.clone() {
            let row = self.order[place];
            if split.left.contains(column[row as usize]) {
                self.order[node.rows.start + n_left] = row;
                n_left += 1;
            } else {
                self.spare[n_right] = row;
                n_right += 1;
            }
        }
        let middle = node.rows.start + n_left;
        self.order[middle..node.rows.end].copy_from_slice(&self.spare[..n_right]);
        (node.rows.start..middle, middle..node.rows.end)
    }
}

/// The node whose split gains most, the first of equals.
fn most_gain(nodes: &[Node]) -> Option<(usize, Found)> {
    let mut most: Option<(usize, Found)> = None;
    for (index, node) in nodes.iter().enumerate() {
        if let Some(found) = node.best
            && most.is_none_or(|(_, most)| found.gain > most.gain)
        {
            most = Some((index, found));
        }
    }
    most
}

fn link(tree: &mut Tree, above: Option<(usize, usize)>, next: i32) {
    if let Some((split, side)) = above {
        tree.splits[split].next[side] = next;
    }
}

/// What a leaf of these sums adds to the log-odds.
fn step(sums: Sums) -> f64 {
    -sums.first() / (sums.second() + RIDGE)
}

/// Whether a split keeps to a direction: the left side has the smaller numbers. A
/// sum of such splits keeps to it, too.
fn keeps_to(direction: Option<Direction>, left: Sums, all: Sums) -> bool {
    let Some(direction) = direction else { return true };
    let (left, right) = (step(left), step(all.minus(left)));
    match direction {
        Direction::Rises => left <= right,
        Direction::Falls => left >= right,
    }
}

/// How much a leaf of these sums lowers the loss.
fn worth(sums: Sums) -> f64 {
    sums.first().powi(2) / (sums.second() + RIDGE)
}

/// What the two sides of a split are worth, if both are large enough.
fn worth_of_sides(left: Sums, all: Sums) -> Option<f64> {
    let right = all.minus(left);
    let is_enough = left.rows() >= LEAF_ROWS && right.rows() >= LEAF_ROWS;
    is_enough.then(|| worth(left) + worth(right))
}

/// The best cut of an ordered feature; missing values go where they gain more.
fn best_cut(
    feature: usize,
    classes: &[Sums],
    all: Sums,
    direction: Option<Direction>,
) -> Option<Found> {
    let missing = classes[usize::from(MISSING)];
    let has_missing = missing.rows() > 0;
    let mut best = (worth(all) + LEAST_GAIN, None);
    let mut left = Sums::default();
    for (class, sums) in (1..=u8::MAX).zip(&classes[1..]) {
        if sums.rows() == 0 {
            continue;
        }
        left.add(*sums);
        let with_missing = left.plus(missing);
        for (missing_goes_left, sums) in [(true, with_missing), (false, left)] {
            if (missing_goes_left || has_missing)
                && let Some(worth) = worth_of_sides(sums, all)
                && worth > best.0
                && keeps_to(direction, sums, all)
            {
                best = (worth, Some((class, missing_goes_left, sums)));
            }
        }
    }
    let (class, missing_goes_left, sums) = best.1?;
    let mut left = Side::default();
    (1..=class).for_each(|class| left.insert(class));
    if missing_goes_left {
        left.insert(MISSING);
    }
    Some(Found { gain: best.0 - worth(all), feature, left, sums })
}

/// The level of a category that stands out most from all others. Grouping the
/// levels by what they show of churn gains more on the rows at hand and less on
/// others: fifty of them always have a half that looks worse.
fn best_sides(feature: usize, classes: &[Sums], all: Sums) -> Option<Found> {
    let mut best = (worth(all) + LEAST_GAIN, None);
    for (class, sums) in (0..=u8::MAX).zip(classes) {
        if let Some(worth) = worth_of_sides(*sums, all)
            && worth > best.0
        {
            best = (worth, Some((class, *sums)));
        }
    }
    let (class, sums) = best.1?;
    let mut left = Side::default();
    left.insert(class);
    Some(Found { gain: best.0 - worth(all), feature, left, sums })
}
