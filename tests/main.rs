//! The one integration binary: linking DataFusion is the cost, so every
//! integration test is a module here.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that can not go on fails, and one that skips says so aloud"
)]

mod agreement;
mod bare;
mod behind;
mod breakdowns;
mod by_hand;
mod card;
mod common;
mod drift;
mod export;
mod faults;
mod features;
mod goldens;
mod guard;
mod labels;
mod layout;
mod limits;
mod model;
mod nightly;
mod real_data;
mod reference;
mod registry;
mod replay;
mod revenue;
mod serve;
mod stores;
mod survival;
mod tidy;
mod untidy;
mod versions;
