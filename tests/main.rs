//! The one integration binary: linking DataFusion is the cost, so every
//! integration test is a module here.

mod tidy;
