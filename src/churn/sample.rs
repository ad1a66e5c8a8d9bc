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
/// Spans of time, each predicted from the others.
const N_SPANS: usize = 6;

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

/// Deals `rows` into blocks: time is cut into spans, and each is predicted from
/// the cutoffs before and after it whose labels look at none of its days. All
/// seasons are held out in turn, and no outcome is seen from two sides. Where that
/// leaves too little to fit on (a short panel, folds), customers are held out.
pub(super) fn blocks(
    frame: &Frame,
    rows: &[usize],
    periods: &[Matured],
    params: &ChurnValidParams,
) -> Vec<Block> {
    by_span(frame, rows, periods, params).unwrap_or_else(|| {
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

/// Blocks by time, if a third of the cutoffs are left to predict each span from
/// and both sides of each block have enough leavers and stayers.
fn by_span(
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
    let block = |span: &[usize]| {
        let begin = periods[*span.first()?].period().cutoff;
        let end = span.iter().map(|&index| periods[index].known_on()).max()?;
        let is_apart = |index: usize| {
            let period = &periods[index];
            period.known_on() <= begin || period.period().cutoff >= end
        };
        let n_apart = used.iter().filter(|&&index| is_apart(index)).count();
        let part = |keep: &dyn Fn(usize) -> bool| -> Vec<usize> {
            rows.iter().copied().filter(|&row| keep(frame.periods()[row])).collect()
        };
        let (train, test) = (part(&is_apart), part(&|index| span.contains(&index)));
        let is_enough = |rows: &[usize]| check(frame, rows, params).is_ok();
        let is_fit = 3 * n_apart >= used.len() && is_enough(&train) && is_enough(&test);
        is_fit.then_some(Block { train, test })
    };
    used.chunks(used.len().div_ceil(N_SPANS).max(1)).map(block).collect()
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

    /// Twelve monthly cutoffs of 100 customers, of whom every third churns.
    #[test]
    fn a_span_is_predicted_from_cutoffs_whose_labels_see_none_of_its_days() {
        let mut rows = Rows::default();
        for period in 0..12 {
            for customer in 0..100 {
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
        let of = |rows: &[usize]| -> Vec<usize> {
            let periods: BTreeSet<usize> = rows.iter().map(|&row| frame.periods()[row]).collect();
            periods.into_iter().collect()
        };
        // Ninety days from February are over in May, a day after its first.
        let found: Vec<_> =
            dealt(90).iter().map(|block| (of(&block.test), of(&block.train))).collect();
        let expected = [
            (vec![0, 1], (5..12).collect()),
            (vec![2, 3], (6..12).collect()),
            (vec![4, 5], vec![0, 8, 9, 10, 11]),
            (vec![6, 7], vec![0, 1, 2, 3, 10, 11]),
            (vec![8, 9], (0..6).collect()),
            (vec![10, 11], (0..8).collect::<Vec<_>>()),
        ];
        assert_eq!(found, expected);
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
