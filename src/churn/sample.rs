//! Which rows may a model learn from, and are they enough?
//!
//! Rows are drawn and dealt into folds by customer, never by row: the same
//! customer on both sides of a split would let the model recognise people
//! instead of learning what makes people leave.

use std::collections::{BTreeMap, BTreeSet};

use super::frame::Frame;
use super::params::ChurnValidParams;
use super::periods::Matured;
use super::trial::Block;
use crate::error::{Error, ErrorKind, Result};

/// Folds of customers.
pub(super) const N_FOLDS: usize = 5;
/// Spans of time that are predicted from earlier ones.
const N_SPANS: usize = 3;
/// Fewest rows to be predicted in them. What happened in a few weeks moves all
/// customers of these weeks alike, and of a small panel they would be a small part.
const SPAN_ROWS: usize = 2_000;

/// A customer in the order the seed gives, with whether they ever churned.
type Shuffled<'a> = Vec<(&'a str, bool)>;

/// Customers of `rows` in seeded order.
fn shuffled<'a>(frame: &'a Frame, rows: &[usize], seed: u64) -> Shuffled<'a> {
    let mut churned: BTreeMap<&str, bool> = BTreeMap::new();
    for &row in rows {
        *churned.entry(&frame.ids()[row]).or_default() |= frame.churned()[row];
    }
    let mut customers: Shuffled = churned.into_iter().collect();
    customers.sort_by_key(|&(id, _)| (hash(id, seed), id));
    customers
}

/// FNV-1a, mixed by the last step of SplitMix64. It has to be the same in
/// every version and on every machine, which the standard hasher does not
/// promise.
fn hash(id: &str, seed: u64) -> u64 {
    let fnv = id.bytes().fold(0xcbf2_9ce4_8422_2325 ^ seed, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mixed = (fnv ^ (fnv >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Keeps whole customers, in seeded order, while they fit into `max_rows`.
pub(super) fn draw(frame: &Frame, rows: Vec<usize>, max_rows: usize, seed: u64) -> Vec<usize> {
    if rows.len() <= max_rows {
        return rows;
    }
    let mut n_rows_of: BTreeMap<&str, usize> = BTreeMap::new();
    for &row in &rows {
        *n_rows_of.entry(&frame.ids()[row]).or_default() += 1;
    }
    let mut n_kept = 0;
    let kept: BTreeSet<&str> = shuffled(frame, &rows, seed)
        .into_iter()
        .take_while(|(id, _)| {
            n_kept += n_rows_of.get(id).copied().unwrap_or(0);
            n_kept <= max_rows
        })
        .map(|(id, _)| id)
        .collect();
    rows.into_iter().filter(|&row| kept.contains(frame.ids()[row].as_str())).collect()
}

/// The fold of each of `rows`: leavers and stayers are dealt out in turn, so
/// that every fold has its share of both.
fn folds(frame: &Frame, rows: &[usize], seed: u64) -> Vec<usize> {
    let mut dealt = [0, 0];
    let fold_of: BTreeMap<&str, usize> = shuffled(frame, rows, seed)
        .into_iter()
        .map(|(id, churned)| {
            let turn = &mut dealt[usize::from(churned)];
            *turn += 1;
            (id, *turn % N_FOLDS)
        })
        .collect();
    rows.iter().map(|&row| fold_of.get(frame.ids()[row].as_str()).copied().unwrap_or(0)).collect()
}

/// Deals `rows` into blocks: the latest third of the cutoffs, in three spans, each
/// predicted from the cutoffs whose labels were known when it began. Where these
/// are too few to tell (a short or small panel, folds), customers are held out.
pub(super) fn blocks(
    frame: &Frame,
    rows: &[usize],
    periods: &[Matured],
    params: &ChurnValidParams,
) -> Vec<Block> {
    by_time(frame, rows, periods, params).unwrap_or_else(|| {
        let fold_of = folds(frame, rows, params.spec().seed);
        let part = |fold, inside| {
            let pairs = rows.iter().zip(&fold_of);
            pairs.filter(|(_, it)| (**it == fold) == inside).map(|(&row, _)| row).collect()
        };
        (0..N_FOLDS)
            .map(|fold| Block { train: part(fold, false), test: part(fold, true) })
            .collect()
    })
}

/// Blocks by time, if the first span has a third of the cutoffs to be predicted
/// from and both sides of each have enough leavers and stayers.
fn by_time(
    frame: &Frame,
    rows: &[usize],
    periods: &[Matured],
    params: &ChurnValidParams,
) -> Option<Vec<Block>> {
    let used: BTreeSet<usize> = rows.iter().map(|&row| frame.periods()[row]).collect();
    let used: Vec<usize> = used.into_iter().collect();
    if used.iter().any(|&index| index >= periods.len()) {
        return None;
    }
    let latest = &used[used.len() - used.len() / 3..];
    let spans = latest.chunks(latest.len().div_ceil(N_SPANS).max(1));
    let block = |span: &[usize]| {
        let begin = periods[*span.first()?].period().cutoff;
        let is_known = |index: usize| periods[index].known_on() <= begin;
        let n_known = used.iter().filter(|&&index| is_known(index)).count();
        let part = |keep: &dyn Fn(usize) -> bool| -> Vec<usize> {
            rows.iter().copied().filter(|&row| keep(frame.periods()[row])).collect()
        };
        let (train, test) = (part(&is_known), part(&|index| span.contains(&index)));
        let is_enough = |rows: &[usize]| check(frame, rows, params).is_ok();
        let is_fit = 3 * n_known >= used.len() && is_enough(&train) && is_enough(&test);
        is_fit.then_some(Block { train, test })
    };
    let blocks: Vec<Block> = spans.map(block).collect::<Option<_>>()?;
    let n_tested: usize = blocks.iter().map(|block| block.test.len()).sum();
    (n_tested >= SPAN_ROWS).then_some(blocks)
}

/// Refuses rows that can not carry a model, saying what is missing.
///
/// # Errors
///
/// [`ErrorKind::Insufficient`] when there are no rows, only one class, or
/// fewer leavers than the spec asks for.
pub(super) fn check(frame: &Frame, rows: &[usize], params: &ChurnValidParams) -> Result<()> {
    let name = &params.spec().name;
    let insufficient =
        |words: String| Error::new(ErrorKind::Insufficient, format!("model \"{name}\": {words}"));
    if rows.is_empty() {
        return Err(insufficient("no customer is eligible at any training cutoff".to_owned()));
    }
    let n_rows = rows.len();
    let n_churned = rows.iter().filter(|&&row| frame.churned()[row]).count();
    if n_churned == 0 || n_churned == n_rows {
        let all = if n_churned == 0 { "none" } else { "all" };
        return Err(insufficient(format!("{all} of the {n_rows} training rows churned"))
            .hint("a model needs both customers who left and customers who stayed"));
    }
    // Fewer than one per fold of either class leaves a fold without it.
    let needed = params.spec().min_churners.max(N_FOLDS);
    for (count, word) in [(n_churned, "churned"), (n_rows - n_churned, "stayed")] {
        if count < needed {
            let missing = needed - count;
            return Err(insufficient(format!(
                "{count} training rows {word}, {needed} are needed: {missing} more"
            ))
            .hint("add cutoffs or older data; min_churners sets how few are enough"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use linfa::ParamGuard;

    use super::super::frame::Rows;
    use super::super::params::{ChurnParams, tests::given};
    use super::super::periods::resolve;
    use super::super::spec::{ChurnSpec, Cutoffs, Every, Label};
    use super::*;

    /// Customer `c` has rows at `c % 3 + 1` cutoffs and churns if `c % 4 == 0`.
    fn frame(n_customers: usize) -> Frame {
        let mut rows = Rows::default();
        for customer in 0..n_customers {
            for period in 0..=customer % 3 {
                rows.ids.push(format!("c{customer}"));
                rows.periods.push(period);
                rows.churned.push(customer % 4 == 0);
            }
        }
        Frame::new(rows, Vec::new()).unwrap()
    }

    #[test]
    fn folds_keep_customers_whole_and_classes_balanced() {
        let frame = frame(200);
        let rows: Vec<usize> = (0..frame.n_rows()).collect();
        let folds = folds(&frame, &rows, 3);
        let mut fold_of = BTreeMap::new();
        for (&row, &fold) in rows.iter().zip(&folds) {
            assert_eq!(*fold_of.entry(&frame.ids()[row]).or_insert(fold), fold);
        }
        for fold in 0..N_FOLDS {
            let churned = fold_of.iter().filter(|(id, it)| {
                **it == fold && id[1..].parse::<usize>().unwrap().is_multiple_of(4)
            });
            assert_eq!(churned.count(), 10);
        }
        assert_ne!(folds, super::folds(&frame, &rows, 4), "the seed decides");
    }

    /// Twelve monthly cutoffs of 600 customers, of whom every third churns.
    #[test]
    fn later_cutoffs_are_predicted_from_labels_known_by_then() {
        let mut rows = Rows::default();
        for period in 0..12 {
            for customer in 0..600 {
                rows.ids.push(format!("c{customer}"));
                rows.periods.push(period);
                rows.churned.push(customer % 3 == 0);
            }
        }
        let frame = Frame::new(rows, Vec::new()).unwrap();
        let day = |text: &str| text.parse::<chrono::NaiveDate>().unwrap();
        let params = |horizon_days| {
            let label = Label::Inactivity {
                horizon_days,
                gap_days: 0,
                eligible_days: 90,
                activities: Vec::new(),
            };
            let cutoffs = Cutoffs::Calendar { every: Every::Month, count: 12, holdout: 3 };
            ChurnParams::new(ChurnSpec { label, cutoffs, ..given() }).check().unwrap()
        };
        let all: Vec<usize> = (0..frame.n_rows()).collect();
        let dealt = |horizon_days| {
            let params = params(horizon_days);
            // The newest cutoff whose label is known is that of December.
            let end = day("2025-12-01") + chrono::Days::new(u64::from(horizon_days));
            let periods = resolve(&params, day("2024-12-01"), end).unwrap();
            assert_eq!(periods.len(), 12);
            blocks(&frame, &all, &periods, &params)
        };
        let of = |rows: &[usize]| {
            let periods: BTreeSet<usize> = rows.iter().map(|&row| frame.periods()[row]).collect();
            (periods.first().copied().unwrap(), periods.last().copied().unwrap())
        };
        // Labels of three months: at cutoff 8 those up to cutoff 5 were known.
        let found: Vec<_> =
            dealt(90).iter().map(|block| (of(&block.train), of(&block.test))).collect();
        assert_eq!(found, [((0, 5), (8, 9)), ((0, 7), (10, 11))]);
        // Labels of half a year leave too little to predict from.
        assert_eq!(dealt(180).len(), N_FOLDS);
        let no_periods = blocks(&frame, &all, &[], &params(90));
        assert!(no_periods.iter().all(|block| block.train.len() + block.test.len() == all.len()));
    }

    #[test]
    fn drawing_keeps_customers_whole_and_the_limit() {
        let frame = frame(200);
        let rows: Vec<usize> = (0..frame.n_rows()).collect();
        let drawn = draw(&frame, rows.clone(), 100, 3);
        assert!((95..=100).contains(&drawn.len()), "{}", drawn.len());
        let count =
            |rows: &[usize], id: &str| rows.iter().filter(|&&row| frame.ids()[row] == id).count();
        for &row in &drawn {
            let id = &frame.ids()[row];
            assert_eq!(count(&drawn, id), count(&rows, id));
        }
    }

    #[test]
    fn a_refusal_says_how_many_are_there_and_how_many_are_missing() {
        let params = ChurnParams::new(given()).check().unwrap();
        let says = |frame: &Frame| {
            let rows: Vec<usize> = (0..frame.n_rows()).collect();
            check(frame, &rows, &params).map_err(|error| error.to_string())
        };
        assert!(says(&frame(200)).is_ok());
        let few = says(&frame(40)).unwrap_err();
        assert!(few.contains("19 training rows churned, 30 are needed: 11 more"), "{few}");
        assert!(says(&frame(1)).unwrap_err().contains("all of the 1 training rows"));
        assert!(says(&frame(0)).unwrap_err().contains("no customer is eligible"));
    }
}
