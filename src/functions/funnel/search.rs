//! Which chain of a customer's rows gets furthest, under every rule a path can
//! have?
//!
//! Rows of one instant have no order and make one *place*. A chain is a series
//! of *runs*: the steps served at one place, one after the other. For each place
//! and step, from the last place to the first, [`Search::earliest_end`] is the
//! earliest instant at which a chain that begins a run there can reach the
//! wanted step; the least of them decide which start comes first and which
//! place each step takes. Time is steps × places × places within reach, memory
//! steps × places.

use super::matching::Matching;
use super::steps::Path;
use crate::functions::history::Event;

/// No chain.
const NEVER: i64 = i64::MAX;

/// Memory that the search for one customer's chain leaves to the next.
#[derive(Debug, Default)]
pub(super) struct Search {
    /// The masks of all rows, in order of time.
    masks: Vec<u32>,
    places: Vec<Place>,
    /// The earliest end by place and step.
    ends: Vec<i64>,
    matching: Matching,
    /// The instant of each step of the best chain; nothing where it was left
    /// out.
    pub best: Vec<Option<i64>>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    at: i64,
    from: usize,
    to: usize,
}

/// What a chain has to obey beside its path.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Microseconds from the first step to the last.
    pub window: i64,
    /// Whether no other row may lie within the chain.
    pub strict: bool,
}

impl Search {
    fn read(&mut self, history: &[Event]) {
        self.best.clear();
        self.masks.clear();
        self.masks.extend(history.iter().map(|event| event.code));
        self.places.clear();
        for (row, event) in history.iter().enumerate() {
            match self.places.last_mut() {
                Some(place) if place.at == event.at => place.to = row + 1,
                _ => self.places.push(Place { at: event.at, from: row, to: row + 1 }),
            }
        }
    }

    fn rows(&self, place: usize) -> &[u32] {
        let Place { from, to, .. } = self.places[place];
        &self.masks[from..to]
    }

    /// Leaves in `best` the chain that gets furthest along `path`. Of several,
    /// the first in order of their instants, step by step; a step that was left
    /// out counts as later than any instant.
    pub(super) fn in_order(&mut self, history: &[Event], path: &Path, limits: Limits) {
        self.read(history);
        let n_steps = path.steps.len();
        for goal in (0..n_steps).rev() {
            self.ends.clear();
            self.ends.resize(self.places.len() * n_steps, NEVER);
            for place in (0..self.places.len()).rev() {
                for step in (0..=goal).rev() {
                    let end = self.earliest_end(path, limits, goal, place, &mut vec![step]);
                    self.ends[place * n_steps + step] = end;
                }
            }
            let start = (0..self.places.len())
                .find(|place| self.ends[place * n_steps] <= self.latest(*place, limits));
            if let Some(start) = start {
                self.follow(path, limits, goal, start);
                return;
            }
        }
    }

    /// The latest instant at which a chain that starts at `place` may end.
    fn latest(&self, place: usize, limits: Limits) -> i64 {
        self.places[place].at.saturating_add(limits.window).min(NEVER - 1)
    }

    /// The earliest instant at which a chain whose run at `place` begins with
    /// the steps of `run` reaches step `goal`.
    fn earliest_end(
        &mut self,
        path: &Path,
        limits: Limits,
        goal: usize,
        place: usize,
        run: &mut Vec<usize>,
    ) -> i64 {
        let masks = &self.masks[self.places[place].from..self.places[place].to];
        let Some(last) = run.last().copied().filter(|_| self.matching.serves(run, masks)) else {
            return NEVER;
        };
        if last == goal {
            return self.places[place].at;
        }
        let mut earliest = NEVER;
        for next in followers(path, last, goal) {
            if path.steps[next].after <= 0 && run.len() < self.rows(place).len() {
                run.push(next);
                earliest = earliest.min(self.earliest_end(path, limits, goal, place, run));
                run.pop();
            }
            self.later_places(path, limits, place, run, next, |search, later| {
                earliest = earliest.min(search.ends[later * path.steps.len() + next]);
                false
            });
        }
        earliest
    }

    /// Calls `visit` with the places at which step `next` may follow the run at
    /// `place`, earliest first, until it says that it has enough.
    fn later_places(
        &self,
        path: &Path,
        limits: Limits,
        place: usize,
        run: &[usize],
        next: usize,
        mut visit: impl FnMut(&Self, usize) -> bool,
    ) {
        let (Some(first), Some(last)) = (run.first(), run.last()) else { return };
        // Rows of a place within the chain lie between its ends.
        if limits.strict && *first > 0 && run.len() < self.rows(place).len() {
            return;
        }
        let rule = &path.steps[next];
        let furthest = rule.within.unwrap_or(NEVER).min(limits.window);
        let excluded = excluded_between(path, *last, next);
        for later in place + 1..self.places.len() {
            let gap = self.places[later].at.saturating_sub(self.places[place].at);
            if gap > furthest || (gap >= rule.after && visit(self, later)) {
                break;
            }
            if limits.strict || self.rows(later).iter().any(|mask| mask & excluded != 0) {
                break;
            }
        }
    }

    /// Leaves in `best` the first chain from `start` to `goal`.
    fn follow(&mut self, path: &Path, limits: Limits, goal: usize, start: usize) {
        let latest = self.latest(start, limits);
        let (mut place, mut run) = (start, vec![0]);
        self.best.push(Some(self.places[start].at));
        while self.best.len() <= goal {
            let next = self.best.len();
            run.push(next);
            if path.steps[next].after <= 0
                && self.earliest_end(path, limits, goal, place, &mut run) <= latest
            {
                self.best.push(Some(self.places[place].at));
                continue;
            }
            run.pop();
            let mut found = None;
            self.later_places(path, limits, place, &run, next, |search, later| {
                let end = search.ends[later * path.steps.len() + next];
                found = (end <= latest).then_some(later);
                found.is_some()
            });
            match found {
                Some(later) => {
                    self.best.push(Some(self.places[later].at));
                    (place, run) = (later, vec![next]);
                }
                None => self.best.push(None),
            }
        }
    }

    /// Leaves in `best` the instants at which one step after the other was
    /// done, in whatever order, of the start that gets most of them done.
    ///
    /// Sets of rows that can serve different steps are a matroid: taking each
    /// row that adds a step, in order of time, ends with the most steps and the
    /// earliest instants.
    pub(super) fn in_any_order(&mut self, history: &[Event], n_steps: usize, limits: Limits) {
        self.read(history);
        let mut chain = Vec::with_capacity(n_steps);
        let mut useless: Vec<u32> = Vec::new();
        for start in 0..self.places.len() {
            let (first, latest) = (self.places[start], self.latest(start, limits));
            self.matching.clear(n_steps);
            chain.clear();
            useless.clear();
            for place in &self.places[start..] {
                if place.at > latest || (chain.is_empty() && place.at > first.at) {
                    break;
                }
                for mask in &self.masks[place.from..place.to] {
                    // What adds nothing now adds nothing later.
                    if chain.len() == n_steps || useless.contains(mask) {
                        continue;
                    }
                    match self.matching.add_row(*mask) {
                        true => chain.push(Some(place.at)),
                        false => useless.push(*mask),
                    }
                }
            }
            if chain.len() > self.best.len() {
                self.best.clone_from(&chain);
            }
            if self.best.len() == n_steps {
                break;
            }
        }
    }
}

/// The steps that may follow step `last`: the next, and those beyond optional
/// ones, up to `goal`.
fn followers(path: &Path, last: usize, goal: usize) -> impl Iterator<Item = usize> {
    let mut open = true;
    (last + 1..=goal)
        .take_while(move |step| std::mem::replace(&mut open, path.steps[*step].optional))
}

/// The bits of what must not lie between two steps.
fn excluded_between(path: &Path, last: usize, next: usize) -> u32 {
    let n_steps = path.steps.len();
    let exclusions = path.exclusions.iter().enumerate();
    exclusions
        .filter(|(_, exclusion)| (last + 1..=next).contains(&exclusion.before))
        .fold(0, |bits, (place, _)| bits | 1 << (n_steps + place))
}
