//! What does a person see in the browser?
//!
//! The dashboard is rendered here, on the server, as plain HTML in English or
//! Chinese: it works offline, on a phone, on paper and without script. It is
//! the view and nothing else. Handlers run the report or read the scores, fill
//! a page's struct, and call its `render`:
//!
//! ```text
//! request ─ lang::pick ─ Context ─┐
//! library answer ─ page struct ───┴─ pages::*::render ─ Markup ─ response
//! ```
//!
//! * [`pages`] holds one page per file, [`layout`] the frame around them;
//! * [`charts`] draws rows as SVG, [`table`] writes the same rows as numbers;
//! * [`mod@format`] makes values readable without losing their digits;
//! * [`text`] is every phrase in every language, [`lang`] picks the language;
//! * [`assets`] are the three files a page loads and the policy it lives under.
//!
//! Everything a page shows is escaped by maud; nothing here builds markup from
//! strings.

pub mod assets;
pub mod band;
pub mod charts;
pub mod context;
pub mod format;
pub mod lang;
pub mod layout;
pub mod pages;
pub mod table;
pub mod text;

#[cfg(test)]
mod tests;
