//! The one integration binary: linking DataFusion is the cost, so every
//! integration test is a module here.

mod common;
mod faults;
mod goldens;
mod model;
mod real_data;
mod serve;
mod tidy;
