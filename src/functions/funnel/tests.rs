//! The funnel against a twin that tries every chain there is.

use arrow::array::{
    DictionaryArray, LargeStringArray, RecordBatch, StringArray, StringViewArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::{Int32Type, IntervalMonthDayNano};

use super::super::history::laws::{obeys_the_laws, whole};
use super::*;

/// One row of a history: an index into [`NAMES`] and an instant.
type Row = (usize, i64);

const NAMES: [&str; 3] = ["a", "b", "other"];

fn rows(history: &[Row]) -> RecordBatch {
    let names: StringArray = history.iter().map(|(name, _)| Some(NAMES[*name])).collect();
    let instants: TimestampMicrosecondArray = history.iter().map(|(_, at)| Some(*at)).collect();
    RecordBatch::try_from_iter([
        ("name", Arc::new(names) as ArrayRef),
        ("occurred_at", Arc::new(instants.with_timezone("UTC"))),
    ])
    .unwrap()
}

fn read_answer(answer: &ScalarValue) -> Vec<i64> {
    let array = answer.to_array().unwrap();
    let chain = array.as_list::<i32>().value(0);
    chain.as_primitive::<TimestampMicrosecondType>().values().to_vec()
}

/// Every chain of distinct rows that obeys the rules, longest first, earliest
/// among equals: straight from the definition, by trying all of them.
fn twin(history: &[Row], steps: &[&str], window: Option<i64>) -> Vec<i64> {
    fn extend(
        history: &[Row],
        steps: &[&str],
        window: Option<i64>,
        taken: &mut Vec<usize>,
        best: &mut Vec<i64>,
    ) {
        let chain: Vec<i64> = taken.iter().map(|row| history[*row].1).collect();
        if chain.len() > best.len() || (chain.len() == best.len() && chain < *best) {
            best.clone_from(&chain);
        }
        let Some(step) = steps.get(taken.len()) else {
            return;
        };
        for (row, (name, at)) in history.iter().enumerate() {
            let in_order = chain.last().is_none_or(|last| at >= last);
            let in_window =
                chain.first().is_none_or(|first| window.is_none_or(|window| at - first <= window));
            if NAMES[*name] == *step && in_order && in_window && !taken.contains(&row) {
                taken.push(row);
                extend(history, steps, window, taken, best);
                taken.pop();
            }
        }
    }
    let mut best = Vec::new();
    extend(history, steps, window, &mut Vec::new(), &mut best);
    best
}

fn funnel(steps: &[&str], window: Option<i64>) -> Funnel {
    let steps: Vec<String> = steps.iter().map(|step| (*step).to_owned()).collect();
    Funnel::new(&steps, window).unwrap()
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

/// All histories of `length` rows over the names and `instants` instants, as
/// multisets: the order of rows is the laws' business.
fn histories(length: usize, instants: usize, visit: &mut impl FnMut(&[Row])) {
    fn fill(
        from: usize,
        length: usize,
        instants: usize,
        rows: &mut Vec<Row>,
        visit: &mut impl FnMut(&[Row]),
    ) {
        if rows.len() == length {
            visit(rows);
            return;
        }
        for kind in from..NAMES.len() * instants {
            rows.push((kind % NAMES.len(), i64::try_from(kind / NAMES.len()).unwrap()));
            fill(kind, length, instants, rows, visit);
            rows.pop();
        }
    }
    fill(0, length, instants, &mut Vec::new(), visit);
}

#[test]
fn agrees_with_the_twin_on_every_short_history() {
    let mut n_compared = 0;
    let mut work = Work::default();
    for window in [None, Some(0), Some(1), Some(2), Some(3)] {
        for path in PATHS {
            let measure = funnel(path, window);
            for length in 0..=6 {
                histories(length, 4, &mut |history| {
                    let events: Vec<Event> = history
                        .iter()
                        .filter_map(|(name, at)| {
                            let code = measure.code(NAMES[*name])?;
                            Some(Event { at: *at, code })
                        })
                        .collect();
                    // What a customer left behind must not matter to the next.
                    measure.furthest_chain(&events, &mut work);
                    assert_eq!(
                        work.best,
                        twin(history, path, window),
                        "{path:?} {window:?} {history:?}"
                    );
                    n_compared += 1;
                });
            }
        }
    }
    // 18,564 multisets of up to six of twelve kinds, for 35 funnels.
    assert_eq!(n_compared, 18_564 * 35);
}

#[test]
fn obeys_the_laws_on_every_history_of_four_rows() {
    for path in PATHS {
        let measure = funnel(path, Some(2));
        histories(4, 3, &mut |history| {
            let rows = rows(history);
            assert_eq!(read_answer(&whole(&measure, &rows)), twin(history, path, Some(2)));
            obeys_the_laws(&measure, &rows);
        });
    }
}

#[test]
fn a_later_entry_that_gets_further_wins_and_the_window_end_is_included() {
    // a at 0 expires before b at 11; a at 5 reaches b at exactly 5 + 6.
    let history = [(0, 0), (0, 5), (0, 6), (1, 11)];
    let answer = whole(&funnel(&["a", "b"], Some(6)), &rows(&history));
    assert_eq!(read_answer(&answer), [5, 11]);
    let answer = whole(&funnel(&["a", "b"], Some(5)), &rows(&history));
    assert_eq!(read_answer(&answer), [6, 11]);
    let answer = whole(&funnel(&["a", "b"], Some(4)), &rows(&history));
    assert_eq!(read_answer(&answer), [0]);
}

#[test]
fn names_may_come_in_any_encoding_and_nulls_are_ignored() {
    let names = [Some("a"), None, Some("other"), Some("b"), Some("b")];
    let instants = TimestampMicrosecondArray::from(vec![Some(1), Some(1), Some(2), None, Some(3)]);
    let instants: ArrayRef = Arc::new(instants.with_timezone("UTC"));
    let encodings: [ArrayRef; 4] = [
        Arc::new(StringArray::from_iter(names)),
        Arc::new(LargeStringArray::from_iter(names)),
        Arc::new(StringViewArray::from_iter(names)),
        Arc::new(DictionaryArray::<Int32Type>::from_iter(names)),
    ];
    for names in encodings {
        let columns = [("name", names), ("occurred_at", Arc::clone(&instants))];
        let rows = RecordBatch::try_from_iter(columns).unwrap();
        let measure = funnel(&["a", "b"], None);
        assert_eq!(read_answer(&whole(&measure, &rows)), [1, 3]);
        obeys_the_laws(&measure, &rows);
    }
    let nothing: ArrayRef = Arc::new(DictionaryArray::<Int32Type>::from_iter([None::<&str>; 5]));
    let rows = RecordBatch::try_from_iter([("name", nothing), ("occurred_at", instants)]).unwrap();
    assert_eq!(read_answer(&whole(&funnel(&["a"], None), &rows)), [0_i64; 0]);
}

#[test]
fn windows_have_a_length() {
    let interval = |months, days, nanoseconds| {
        ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano { months, days, nanoseconds }))
    };
    assert_eq!(window_micros(&interval(0, 30, 0)).unwrap(), Some(30 * MICROS_PER_DAY));
    assert_eq!(window_micros(&interval(0, 1, 3_600_000_000_000)).unwrap(), Some(90_000_000_000));
    assert_eq!(window_micros(&ScalarValue::IntervalMonthDayNano(None)).unwrap(), None);
    for (months, days) in [(1, 0), (-1, 0), (0, -1)] {
        assert!(window_micros(&interval(months, days, 0)).is_err());
    }
}
