//! Which questions about customers can SQL not ask, and how do we add them?
//!
//! DataFusion has no calendar that knows time zones, no funnel, no retention
//! and no interval for a share. Each file here adds one function: its doc with
//! a SQL example, the pure computation in plain Rust, the adapter that hands
//! Arrow arrays to it, and tests of the laws it obeys.
//!
//! | function | answers |
//! |---|---|
//! | `period(unit, instant, tz)` | which calendar period holds an instant |
//! | `period_add(unit, date, n)` | the period n later |
//! | `period_index(unit, date)` | the ordinal of a period, so that ages are differences |
//! | `period_complete(unit, date, as_of, tz)` | has the period ended |
//! | `funnel(name, occurred_at, steps, window, mode)` | how far a customer got, and when |
//! | `conversion(chain, n_steps, window, as_of)` | how many get to each step, how fast |
//! | `step_mask(name, names)` | which steps a row can serve |
//! | `retention(occurred_at, unit, tz)` | when a customer came, and came back |
//! | `latest(value, occurred_at, known_at, id)` | which of several answers counts |
//! | `retained(ages, kind)` | how many customers are retained at each age |
//! | `stage_history(stage, occurred_at, amount)` | in which order a deal entered its stages |
//! | `stage_moves(history, stages)` | when it moved on from each |
//! | `usage(name, quantity, occurred_at, as_of, windows, names)` | how much, how often, how lately |
//! | `activity_calendar(seen)` | on which days are customers active |
//! | `busy_days(calendar, age)` | how many such days ago is it |
//! | `one_of(name, names)` | is a name one of a few |
//! | `nth(list, n)` | one element of a list |
//! | `attribute(attributes, name)` | one column the source had beyond ours |
//! | `reason_words(reasons, language, most)` | why a customer is at risk, in a few words |
//! | `business_hours(from, to, tz, hours, days)` | how long the office was open between two instants |
//! | `kaplan_meier(duration, ended)` | how many are still there after so long |
//! | `survival_at(curve, time)` | that, at one time |
//! | `survival_time(curve, gone)` | after how long so many are gone |
//! | `bg_nbd(x, t_x, t)` | how often customers buy, and when they stop |
//! | `gamma_gamma(x, mean)` | what their purchases bring |
//! | `clv(buying, spending, x, t_x, t, mean, ahead, discount)` | what a customer will bring |
//! | `clv_interval(…)` | how sure that is |
//! | `expected_purchases(buying, x, t_x, t, ahead)` | how often they will buy |
//! | `concordance(score, event, cluster)` | does a score tell apart those to whom it happens |
//! | `nonnegative_logistic(event, signals)` | which weights would tell it best |
//! | `qini(place, treated, converted)` | how well a score finds whom a treatment moves |
//! | `wilson(successes, n)` | how sure a share is |
//! | `newcombe(x1, n1, x2, n2)` | how sure the difference of two shares is |
//! | `moments(x)` | how values are spread about their mean |
//! | `mean_interval(moments)` | how sure a mean is |
//! | `difference_interval(moments, moments)` | how sure the difference of two means is |
//! | `quantile(value, share)` | the value that so many stay below |
//! | `p_value(z)` | would chance alone move a number so far |
//! | `nps_interval(promoters, detractors, n)` | how sure an NPS is |
//!
//! `funnel`, `retention` and `kaplan_meier` share the machinery of `history.rs`: what they keep merges
//! in any order, so the answer is the same at any number of partitions.
//!
//! Quintiles for RFM need no function: `1 + 5 * (rank() - 1) / count(*)`, in
//! integers, gives equal values the equal score (see `queries/reports/rfm.sql`).

use datafusion::logical_expr::{AggregateUDF, ScalarUDF};
use datafusion::prelude::SessionContext;

mod activity_calendar;
mod args;
mod attribute;
mod bg_nbd;
mod business_hours;
mod busy_days;
pub mod calendar;
mod clv;
mod concordance;
mod conversion;
mod difference_interval;
mod fit;
pub mod funnel;
mod gamma_gamma;
mod groups;
mod history;
mod interval;
mod kaplan_meier;
mod latest;
mod mean_interval;
mod moments;
mod newcombe;
mod nonnegative_logistic;
mod nps_interval;
mod nth;
mod one_of;
mod p_value;
mod period;
mod period_add;
mod period_complete;
mod period_index;
mod qini;
mod quantile;
mod reason_words;
mod retained;
mod retention;
mod sample;
mod stage_history;
mod stage_moves;
mod step_mask;
mod survival_at;
mod survival_time;
mod usage;
mod wilson;

/// Makes every function of this module known to `context`.
pub fn register(context: &SessionContext) {
    for function in scalars() {
        context.register_udf(function);
    }
    for function in aggregates() {
        context.register_udaf(function);
    }
}

/// The functions of one row.
#[must_use]
pub fn scalars() -> Vec<ScalarUDF> {
    vec![
        attribute::function(),
        business_hours::function(),
        busy_days::function(),
        difference_interval::function(),
        mean_interval::function(),
        newcombe::function(),
        nps_interval::function(),
        nth::function(),
        one_of::function(),
        p_value::function(),
        period::function(),
        period_add::function(),
        period_complete::function(),
        period_index::function(),
        reason_words::function(),
        stage_moves::function(),
        step_mask::function(),
        survival_at::function(),
        survival_time::function(),
        wilson::function(),
    ]
    .into_iter()
    .chain(clv::functions())
    .collect()
}

/// The functions of many rows.
#[must_use]
pub fn aggregates() -> Vec<AggregateUDF> {
    vec![
        activity_calendar::function(),
        bg_nbd::function(),
        concordance::function(),
        conversion::function(),
        funnel::function(),
        gamma_gamma::function(),
        kaplan_meier::function(),
        latest::function(),
        moments::function(),
        nonnegative_logistic::function(),
        qini::function(),
        quantile::function(),
        retained::function(),
        retention::function(),
        stage_history::function(),
        usage::function(),
    ]
}

#[cfg(test)]
mod coverage_tests;
#[cfg(test)]
mod sql_tests;
