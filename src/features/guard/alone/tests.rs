use super::*;
use crate::churn::About;
use crate::text::Text;

/// 400 customers at 3 cutoffs, of whom every fourth leaves at the last.
const CUSTOMERS: usize = 400;
const PERIODS: usize = 3;

fn leaves(customer: usize, period: usize) -> bool {
    customer.is_multiple_of(4) && period == 2 || customer % 4 == 1 && customer < 100 && period == 1
}

/// A number that looks random and is not.
fn noise(customer: usize, period: usize) -> f64 {
    ((customer * 7_919 + period * 104_729) % 1_009) as f64
}

fn judged(
    values: impl Fn(&[(usize, usize)]) -> Values,
    undated: bool,
    trusted: &[String],
) -> Result<()> {
    let rows: Vec<(usize, usize)> =
        (0..PERIODS).flat_map(|period| (0..CUSTOMERS).map(move |it| (it, period))).collect();
    let column = Column {
        name: "x".to_owned(),
        title: Text::same("x"),
        unit: None,
        about: About::default(),
        values: values(&rows),
    };
    let rows = crate::churn::Rows {
        ids: rows.iter().map(|(customer, _)| format!("c{customer:03}")).collect(),
        periods: rows.iter().map(|(_, period)| *period).collect(),
        churned: rows.iter().map(|&(customer, period)| leaves(customer, period)).collect(),
    };
    let frame = Frame::new(rows, vec![column]).unwrap();
    check(&frame, PERIODS, &|_| undated, trusted)
}

fn numbers(of: impl Fn(usize, usize) -> f64) -> impl Fn(&[(usize, usize)]) -> Values {
    move |rows| Values::Numeric(rows.iter().map(|&(it, period)| of(it, period)).collect())
}

fn texts(
    of: impl Fn(usize, usize) -> Option<&'static str>,
) -> impl Fn(&[(usize, usize)]) -> Values {
    move |rows| Values::categorical(rows.iter().map(|&(it, period)| of(it, period)))
}

fn says(outcome: Result<()>) -> String {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Insufficient);
    assert!(error.hints().iter().any(|hint| hint.contains("features.trusted")));
    error.to_string()
}

#[test]
fn what_is_known_before_passes() {
    judged(numbers(noise), true, &[]).unwrap();
    // A good feature: three of four leavers are above all others.
    let good = |it: usize, period: usize| {
        let hint = leaves(it, period) && !noise(it, period).rem_euclid(4.0).eq(&0.0);
        noise(it, period) + if hint { 900.0 } else { 0.0 }
    };
    judged(numbers(good), true, &[]).unwrap();
    judged(texts(|it, _| [Some("a"), Some("b"), None][it % 3]), true, &[]).unwrap();
}

#[test]
fn a_number_that_separates_is_refused_up_and_down() {
    for sign in [1.0, -1.0] {
        let leak = move |it, period| {
            sign * (noise(it, period) + if leaves(it, period) { 1_000.0 } else { 0.0 })
        };
        let words = says(judged(numbers(leak), false, &[]));
        assert!(words.contains("the feature \"x\" alone ranks"), "{words}");
        judged(numbers(leak), false, &["x".to_owned()]).unwrap();
    }
}

#[test]
fn the_middle_of_a_scale_is_no_hiding_place() {
    let leak = |it: usize, period| if leaves(it, period) { 5.0 } else { (it % 2 * 9) as f64 };
    says(judged(numbers(leak), false, &[]));
}

#[test]
fn having_a_value_is_a_leak_if_only_leavers_have_one() {
    let leak = |it, period| if leaves(it, period) { noise(it, period) } else { f64::NAN };
    says(judged(numbers(leak), false, &[]));
    says(judged(texts(|it, period| leaves(it, period).then_some("gone")), false, &[]));
}

#[test]
fn a_mark_of_today_is_seen_at_the_newest_cutoff() {
    // Who has left by now, whenever: at earlier cutoffs most of them stayed.
    let by_now = |it: usize| it.is_multiple_of(4);
    let words = says(judged(texts(move |it, _| by_now(it).then_some("2025")), false, &[]));
    assert!(words.contains("AUC of 1.000"), "{words}");
}

#[test]
fn a_mark_of_some_leavers_is_a_leak_where_it_has_no_date() {
    // Half of those who leave say so: 50 customers at the newest cutoff.
    let said = |it: usize, period: usize| leaves(it, period) && it.is_multiple_of(8);
    let leak = || texts(move |it, period| said(it, period).then_some("cancelled"));
    judged(leak(), false, &[]).unwrap();
    let words = says(judged(leak(), true, &[]));
    assert!(words.contains("marks leavers: 50 of the 50 customers"), "{words}");
    judged(leak(), true, &["x".to_owned()]).unwrap();
}

#[test]
fn where_a_value_has_no_date_less_is_too_good() {
    // All who leave at the newest cutoff, and one in ten of those who stay.
    let leak =
        || texts(|it, period| (leaves(it, period) || (it + period) % 10 == 3).then_some("marked"));
    judged(leak(), false, &[]).unwrap();
    let words = says(judged(leak(), true, &[]));
    assert!(words.contains("with an AUC of 0.9"), "{words}");
}

#[test]
fn an_id_tells_nothing_of_other_customers() {
    let ids = |rows: &[(usize, usize)]| {
        let names: Vec<String> = rows.iter().map(|(it, _)| format!("id {it}")).collect();
        Values::categorical(names.iter().map(|name| Some(name.as_str())))
    };
    judged(ids, true, &[]).unwrap();
}
