//! The pages of the dashboard, one per file: what each shows, and its markup.
//!
//! A page is a plain struct and a function from it to a whole document. Nothing
//! here reads data or knows HTTP; handlers fill the structs.

pub mod at_risk;
pub mod behind;
pub mod customer;
pub mod error;
pub mod model_card;
pub mod overview;
pub mod report;
pub mod report_list;

mod form;
mod tile;
mod timeline;

pub use form::{Choice, Parameter, ParameterKind};
pub use tile::{Better, Change, Measure, Tile, Verdict};
pub use timeline::{Event, EventKind};
