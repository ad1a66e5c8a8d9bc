//! The funnel against a twin that tries every chain there is.

use arrow::array::{DictionaryArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{Int32Type, IntervalMonthDayNano};

use super::super::history::laws::{obeys_the_laws, whole};
use super::*;

/// One row of a history: an index into [`NAMES`] and an instant.
type Row = (usize, i64);

const NAMES: [&str; 4] = ["a", "b", "other", "both"];

/// Of them, those a query can give without conditions.
const PLAIN: usize = 3;

fn rows(history: &[Row]) -> RecordBatch {
    let names: StringArray = history.iter().map(|(name, _)| Some(NAMES[*name])).collect();
    let instants: TimestampMicrosecondArray = history.iter().map(|(_, at)| Some(*at)).collect();
    RecordBatch::try_from_iter([
        ("name", Arc::new(names) as ArrayRef),
        ("occurred_at", Arc::new(instants.with_timezone("UTC"))),
    ])
    .unwrap()
}

fn read_answer(answer: &ScalarValue) -> Vec<Option<i64>> {
    let array = answer.to_array().unwrap();
    let chain = array.as_list::<i32>().value(0);
    chain.as_primitive::<TimestampMicrosecondType>().iter().collect()
}

fn all(instants: &[i64]) -> Vec<Option<i64>> {
    instants.iter().copied().map(Some).collect()
}

/// Every chain of distinct rows that obeys the rules, by trying all of them:
/// straight from the definition. Furthest first, then first in order of the
/// instants, a step left out being later than any.
fn twin(history: &[Row], measure: &Funnel) -> Vec<Option<i64>> {
    let mut best: Vec<Option<i64>> = Vec::new();
    let mut visit = |chain: &[Option<usize>]| {
        let chain: Vec<Option<i64>> = chain.iter().map(|row| Some(history[(*row)?].1)).collect();
        let order = |chain: &[Option<i64>]| -> Vec<i64> {
            chain.iter().map(|at| at.unwrap_or(i64::MAX)).collect()
        };
        let further = chain.len() > best.len();
        if further || (chain.len() == best.len() && order(&chain) < order(&best)) {
            best = chain;
        }
    };
    match measure.mode {
        Mode::Any => {
            let n = measure.path.steps.len();
            any_order(history, measure, &mut vec![None; n], 0, &mut visit);
        }
        _ => in_order(history, measure, &mut Vec::new(), &mut visit),
    }
    best
}

fn serves(history: &[Row], measure: &Funnel, row: usize, step: usize) -> bool {
    mask(measure, history[row].0) & 1 << step != 0
}

/// Extends a chain by each row that may serve the next step, or leaves it out.
fn in_order(
    history: &[Row],
    measure: &Funnel,
    chain: &mut Vec<Option<usize>>,
    visit: &mut impl FnMut(&[Option<usize>]),
) {
    if chain.last().is_some_and(Option::is_some) && allowed(history, measure, chain) {
        visit(chain);
    }
    let step = chain.len();
    let Some(rule) = measure.path.steps.get(step) else { return };
    for row in 0..history.len() {
        let at = history[row].1;
        let first = chain.first().copied().flatten().map(|first| history[first].1);
        let last = chain.iter().rev().find_map(|row| *row).map(|last| history[last].1);
        let fits = last.is_none_or(|last| {
            at - last >= rule.after && rule.within.is_none_or(|within| at - last <= within)
        });
        let in_window =
            first.is_none_or(|first| measure.window.is_none_or(|window| at - first <= window));
        let is_later = last.is_none_or(|last| at >= last);
        if serves(history, measure, row, step)
            && fits
            && in_window
            && is_later
            && !chain.contains(&Some(row))
        {
            chain.push(Some(row));
            in_order(history, measure, chain, visit);
            chain.pop();
        }
    }
    if rule.optional && step > 0 {
        chain.push(None);
        in_order(history, measure, chain, visit);
        chain.pop();
    }
}

/// Whether nothing lies within a chain that must not.
fn allowed(history: &[Row], measure: &Funnel, chain: &[Option<usize>]) -> bool {
    let n_steps = measure.path.steps.len();
    let served: Vec<(usize, usize)> =
        chain.iter().enumerate().filter_map(|(step, row)| Some((step, (*row)?))).collect();
    let clean = served.windows(2).all(|pair| {
        let [(before, from), (step, to)] = pair else { return true };
        measure.path.exclusions.iter().enumerate().all(|(place, exclusion)| {
            let bit = 1 << (n_steps + place);
            !(before + 1..=*step).contains(&exclusion.before)
                || history.iter().all(|(name, at)| {
                    mask(measure, *name) & bit == 0
                        || *at <= history[*from].1
                        || *at >= history[*to].1
                })
        })
    });
    let ends = served.first().zip(served.last());
    let alone = ends.is_none_or(|((_, first), (_, last))| {
        (0..history.len()).all(|row| {
            let at = history[row].1;
            chain.contains(&Some(row)) || at <= history[*first].1 || at >= history[*last].1
        })
    });
    clean && (measure.mode != Mode::Strict || alone)
}

/// Serves each step by some row or by none; the answer is when they were done.
fn any_order(
    history: &[Row],
    measure: &Funnel,
    rows: &mut Vec<Option<usize>>,
    step: usize,
    visit: &mut impl FnMut(&[Option<usize>]),
) {
    if step == rows.len() {
        let mut taken: Vec<usize> = rows.iter().copied().flatten().collect();
        taken.sort_by_key(|row| history[*row].1);
        let spans = taken.first().zip(taken.last());
        if spans.is_some_and(|(first, last)| {
            measure.window.is_none_or(|window| history[*last].1 - history[*first].1 <= window)
        }) {
            visit(&taken.into_iter().map(Some).collect::<Vec<_>>());
        }
        return;
    }
    for row in 0..history.len() {
        if serves(history, measure, row, step) && !rows.contains(&Some(row)) {
            rows[step] = Some(row);
            any_order(history, measure, rows, step + 1, visit);
        }
    }
    rows[step] = None;
    any_order(history, measure, rows, step + 1, visit);
}

/// The mask of a row by its place in [`NAMES`]. `both` stands for a row that
/// serves whatever `a` and `b` serve, as rows do whose steps have conditions.
fn mask(measure: &Funnel, name: usize) -> u32 {
    match NAMES[name] {
        "both" => measure.mask("a") | measure.mask("b"),
        name => measure.mask(name),
    }
}

fn funnel(steps: &[&str], window: Option<i64>) -> Funnel {
    in_mode(steps, window, Mode::Ordered)
}

fn in_mode(steps: &[&str], window: Option<i64>, mode: Mode) -> Funnel {
    let steps: Vec<String> = steps.iter().map(|step| (*step).to_owned()).collect();
    Funnel::new(Path::parse(&steps).unwrap(), window, mode).unwrap()
}

fn found(measure: &Funnel, history: &[Row], work: &mut Work) -> Vec<Option<i64>> {
    let mut events: Vec<Event> = history
        .iter()
        .map(|(name, at)| Event { at: *at, code: mask(measure, *name) })
        .filter(|event| event.code != 0 || measure.mode == Mode::Strict)
        .collect();
    events.sort_unstable();
    let instants = TimestampMicrosecondBuilder::new().with_data_type(instant_type());
    let mut chains = ListBuilder::new(instants).with_field(instant_field());
    // What a customer left behind must not matter to the next.
    measure.answer_one(&events, work, &mut chains);
    let chain = chains.finish().value(0);
    chain.as_primitive::<TimestampMicrosecondType>().iter().collect()
}

const PATHS: [&[&str]; 7] = [
    &["a"],
    &["a", "b"],
    &["a", "a"],
    &["a", "b", "a"],
    &["a", "a", "b"],
    &["b", "a", "b", "b"],
    &["a", "b", "a", "b", "a"],
];

/// All histories of `length` rows of the first `n_names` names and `instants`
/// instants, as multisets: the order of rows is the laws' business.
fn histories(length: usize, n_names: usize, instants: usize, visit: &mut impl FnMut(&[Row])) {
    fn fill(
        from: usize,
        length: usize,
        kinds: (usize, usize),
        rows: &mut Vec<Row>,
        visit: &mut impl FnMut(&[Row]),
    ) {
        if rows.len() == length {
            visit(rows);
            return;
        }
        let (n_names, instants) = kinds;
        for kind in from..n_names * instants {
            rows.push((kind % n_names, i64::try_from(kind / n_names).unwrap()));
            fill(kind, length, kinds, rows, visit);
            rows.pop();
        }
    }
    fill(0, length, (n_names, instants), &mut Vec::new(), visit);
}

#[test]
fn agrees_with_the_twin_on_every_short_history() {
    let mut n_compared = 0;
    let mut work = Work::default();
    for window in [None, Some(0), Some(1), Some(2), Some(3)] {
        for path in PATHS {
            let measure = funnel(path, window);
            for length in 0..=6 {
                histories(length, PLAIN, 4, &mut |history| {
                    let answer = found(&measure, history, &mut work);
                    let expected = twin(history, &measure);
                    assert_eq!(answer, expected, "{path:?} {window:?} {history:?}");
                    n_compared += 1;
                });
            }
        }
    }
    // 18,564 multisets of up to six of twelve kinds, for 35 funnels.
    assert_eq!(n_compared, 18_564 * 35);
}

/// Paths that need `search.rs`, each by one rule and by several at once. A
/// microsecond is written as the text can not: `1s` is a million.
const RULED: [&[&str]; 12] = [
    &["a", "b optional", "a"],
    &["a", "b optional", "a optional", "b"],
    &["a", "!other", "b"],
    &["a", "b", "!other", "a"],
    &["a", "!b", "a optional", "!other", "b"],
    &["a", "b within 1s"],
    &["a", "b after 1s"],
    &["a", "b after 1s within 2s", "a"],
    &["a", "b within 1s", "a within 1s"],
    &["a", "!other", "b optional", "a within 1s", "b"],
    &["a", "b", "a"],
    &["a", "a", "b"],
];

const SECOND: i64 = 1_000_000;

#[test]
fn every_rule_agrees_with_the_twin_on_every_short_history() {
    let mut work = Work::default();
    let mut n_compared = 0;
    for mode in [Mode::Ordered, Mode::Strict] {
        for window in [None, Some(2 * SECOND)] {
            for path in RULED {
                let measure = in_mode(path, window, mode);
                for length in 0..=5 {
                    histories(length, NAMES.len(), 3, &mut |history| {
                        let history: Vec<Row> =
                            history.iter().map(|(name, at)| (*name, at * SECOND)).collect();
                        let answer = found(&measure, &history, &mut work);
                        let expected = twin(&history, &measure);
                        assert_eq!(answer, expected, "{path:?} {mode:?} {window:?} {history:?}");
                        n_compared += 1;
                    });
                }
            }
        }
    }
    // 6,188 multisets of up to five of twelve kinds.
    assert_eq!(n_compared, 6_188 * 12 * 4);
}

#[test]
fn any_order_agrees_with_the_twin_on_every_short_history() {
    let mut work = Work::default();
    for window in [None, Some(0), Some(1)] {
        for path in PATHS {
            let measure = in_mode(path, window, Mode::Any);
            for length in 0..=4 {
                histories(length, NAMES.len(), 3, &mut |history| {
                    let answer = found(&measure, history, &mut work);
                    let expected = twin(history, &measure);
                    assert_eq!(answer, expected, "{path:?} {window:?} {history:?}");
                });
            }
        }
    }
}

/// Every order of up to eight rows over three steps, an instant each, in each
/// mode, with a row that belongs to none.
#[test]
fn agrees_with_the_twin_on_every_order_of_eight_rows() {
    let mut work = Work::default();
    let mut n_compared = 0;
    for mode in [Mode::Ordered, Mode::Strict, Mode::Any] {
        for (path, window) in [(["a", "b", "other"], Some(4)), (["a", "b", "a"], None)] {
            let measure = in_mode(&path, window, mode);
            for length in 0..=8_u32 {
                for code in 0..3_usize.pow(length) {
                    let history: Vec<Row> = (0..length)
                        .map(|place| (code / 3_usize.pow(place) % 3, i64::from(place)))
                        .collect();
                    let answer = found(&measure, &history, &mut work);
                    assert_eq!(answer, twin(&history, &measure), "{path:?} {mode:?} {history:?}");
                    n_compared += 1;
                }
            }
        }
    }
    assert_eq!(n_compared, 9_841 * 6);
}

#[test]
fn obeys_the_laws_on_every_history_of_four_rows() {
    for path in PATHS {
        for mode in [Mode::Ordered, Mode::Strict, Mode::Any] {
            let measure = in_mode(path, Some(2), mode);
            histories(4, PLAIN, 3, &mut |history| {
                let rows = rows(history);
                assert_eq!(read_answer(&whole(&measure, &rows)), twin(history, &measure));
                if mode == Mode::Ordered {
                    obeys_the_laws(&measure, &rows);
                }
            });
        }
    }
}

#[test]
fn a_later_entry_that_gets_further_wins_and_the_window_end_is_included() {
    // a at 0 expires before b at 11; a at 5 reaches b at exactly 5 + 6.
    let history = [(0, 0), (0, 5), (0, 6), (1, 11)];
    let answer = whole(&funnel(&["a", "b"], Some(6)), &rows(&history));
    assert_eq!(read_answer(&answer), all(&[5, 11]));
    let answer = whole(&funnel(&["a", "b"], Some(5)), &rows(&history));
    assert_eq!(read_answer(&answer), all(&[6, 11]));
    let answer = whole(&funnel(&["a", "b"], Some(4)), &rows(&history));
    assert_eq!(read_answer(&answer), all(&[0]));
}

#[test]
fn names_may_come_in_any_encoding_and_nulls_are_ignored() {
    let names = [Some("a"), None, Some("other"), Some("b"), Some("b")];
    let instants = TimestampMicrosecondArray::from(vec![Some(1), Some(1), Some(2), None, Some(3)]);
    let instants: ArrayRef = Arc::new(instants.with_timezone("UTC"));
    let masks = [Some(1), None, Some(0), Some(2), Some(2)];
    let encodings: [ArrayRef; 3] = [
        Arc::new(StringArray::from_iter(names)),
        Arc::new(DictionaryArray::<Int32Type>::from_iter(names)),
        Arc::new(Int64Array::from_iter(masks)),
    ];
    for names in encodings {
        let columns = [("name", names), ("occurred_at", Arc::clone(&instants))];
        let rows = RecordBatch::try_from_iter(columns).unwrap();
        let measure = funnel(&["a", "b"], None);
        assert_eq!(read_answer(&whole(&measure, &rows)), all(&[1, 3]));
        obeys_the_laws(&measure, &rows);
    }
    let nothing: ArrayRef = Arc::new(DictionaryArray::<Int32Type>::from_iter([None::<&str>; 5]));
    let rows = RecordBatch::try_from_iter([("name", nothing), ("occurred_at", instants)]).unwrap();
    assert_eq!(read_answer(&whole(&funnel(&["a"], None), &rows)), all(&[]));
}

#[test]
fn windows_have_a_length() {
    let interval = |months, days, nanoseconds| {
        ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano { months, days, nanoseconds }))
    };
    assert_eq!(window_micros(&interval(0, 30, 0), "funnel").unwrap(), Some(30 * 86_400_000_000));
    assert_eq!(
        window_micros(&interval(0, 1, 3_600_000_000_000), "funnel").unwrap(),
        Some(90_000_000_000)
    );
    assert_eq!(window_micros(&ScalarValue::IntervalMonthDayNano(None), "funnel").unwrap(), None);
    for (months, days) in [(1, 0), (-1, 0), (0, -1)] {
        assert!(window_micros(&interval(months, days, 0), "funnel").is_err());
    }
}
