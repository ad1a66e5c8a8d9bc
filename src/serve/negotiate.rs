//! In which format does the caller want the rows?
//!
//! `?format=` wins, because a link must say what it leads to; otherwise the
//! `Accept` header decides (RFC 9110, section 12.5.1); otherwise JSON.

use std::cmp::Reverse;

use axum::http::StatusCode;

use super::problem::Problem;
use crate::error::{Error, ErrorKind};
use crate::reports::render::Format;

/// What is offered, the most useful first: where a caller accepts several of
/// one quality through a wildcard, the first is sent.
const OFFERED: [Format; 6] =
    [Format::Json, Format::Csv, Format::Ndjson, Format::Parquet, Format::Xlsx, Format::Table];

/// Picks the format of an answer.
///
/// # Errors
///
/// 400 for a `format` that does not exist, 406 if nothing the caller accepts
/// is offered.
pub fn pick(format: Option<&str>, accept: Option<&str>) -> Result<Format, Problem> {
    match (format, accept) {
        (Some(name), _) => Ok(Format::named(name)?),
        (None, None) => Ok(Format::Json),
        // An empty list names nothing that would do, but excludes nothing.
        (None, Some(accept)) if accept.trim().is_empty() => Ok(Format::Json),
        (None, Some(accept)) => accepted(accept).ok_or_else(|| {
            let offered = OFFERED.map(essence).join(", ");
            let error =
                Error::new(ErrorKind::Usage, format!("accept: none of {accept} is offered"))
                    .hint(format!("there are: {offered}"));
            Problem::from(error).with_status(StatusCode::NOT_ACCEPTABLE)
        }),
    }
}

/// The format of the highest quality; of equals the one whose range is named
/// first, and of those that share a wildcard the most useful.
fn accepted(header: &str) -> Option<Format> {
    let ranges: Vec<(&str, f64)> = header
        .split(',')
        .filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next()?;
            let quality = parts.find_map(|part| part.strip_prefix("q="));
            Some((name, quality.map_or(1.0, |q| q.parse().unwrap_or(0.0))))
        })
        .collect();
    // The most specific range decides, so that `*/*` does not bring back what
    // `application/json;q=0` has refused.
    let quality = |format: Format| {
        let matching = ranges.iter().enumerate().filter_map(|(place, (range, quality))| {
            Some((Reverse(specificity(range, format)?), place, *quality))
        });
        let (_, place, quality) =
            matching.min_by_key(|(specific, place, _)| (*specific, *place))?;
        (quality > 0.0).then_some((quality, place))
    };
    let rated = OFFERED.into_iter().filter_map(|format| Some((quality(format)?, format)));
    rated
        .min_by(|((a, first), _), ((b, second), _)| b.total_cmp(a).then(first.cmp(second)))
        .map(|(_, format)| format)
}

/// A media type without its parameters.
fn essence(format: Format) -> &'static str {
    let media_type = format.media_type();
    media_type.split_once(';').map_or(media_type, |(essence, _)| essence)
}

/// How much of a format's media type a range names, if it matches.
fn specificity(range: &str, format: Format) -> Option<u8> {
    let (main, sub) = essence(format).split_once('/')?;
    match range.split_once('/')? {
        ("*", "*") => Some(0),
        (of, "*") => of.eq_ignore_ascii_case(main).then_some(1),
        (of, exactly) => {
            (of.eq_ignore_ascii_case(main) && exactly.eq_ignore_ascii_case(sub)).then_some(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_wins_then_quality_then_order() {
        let pick = |format, accept| pick(format, accept).unwrap();
        assert_eq!(pick(Some("csv"), Some("application/json")), Format::Csv);
        assert_eq!(pick(None, None), Format::Json);
        assert_eq!(pick(None, Some("text/csv;q=0.5, application/x-ndjson")), Format::Ndjson);
        assert_eq!(pick(None, Some("text/csv, application/json")), Format::Csv);
        assert_eq!(pick(None, Some("text/csv;q=0, */*;q=0.1")), Format::Json);
        assert_eq!(pick(None, Some("text/*")), Format::Csv);
        assert_eq!(pick(None, Some("application/json;q=0, */*")), Format::Csv, "JSON is refused");
        assert_eq!(pick(None, Some("*/*, application/json;q=0.1")), Format::Csv);
        assert_eq!(pick(None, Some("*/*;q=0.5, TEXT/Plain")), Format::Table);
        assert_eq!(pick(None, Some("")), Format::Json);
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        assert_eq!(pick(None, Some(browser)), Format::Json);
        let parquet = "application/vnd.apache.parquet";
        assert_eq!(pick(None, Some(parquet)), Format::Parquet);
    }

    #[test]
    fn what_is_not_offered_is_refused() {
        assert_eq!(pick(None, Some("image/png")).unwrap_err().status, 406);
        assert_eq!(pick(None, Some("*/*;q=0")).unwrap_err().status, 406);
        let problem = pick(Some("jsn"), None).unwrap_err();
        assert_eq!(problem.status, 400);
        assert_eq!(problem.nearest, ["json"]);
    }
}
