//! In which format does the caller want the rows?
//!
//! `?format=` wins, because a link must say what it leads to; otherwise the
//! `Accept` header decides (RFC 9110, section 12.5.1); otherwise JSON.

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
        (None, Some(accept)) => accepted(accept).ok_or_else(|| {
            let offered = OFFERED.map(essence).join(", ");
            let error =
                Error::new(ErrorKind::Usage, format!("accept: none of {accept} is offered"))
                    .hint(format!("there are: {offered}"));
            Problem::from(error).with_status(StatusCode::NOT_ACCEPTABLE)
        }),
    }
}

fn accepted(header: &str) -> Option<Format> {
    let mut ranges: Vec<(f64, &str)> = header
        .split(',')
        .filter_map(|range| {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next()?;
            let quality = parts.find_map(|part| part.strip_prefix("q="));
            Some((quality.map_or(1.0, |q| q.parse().unwrap_or(0.0)), name))
        })
        .filter(|(quality, _)| *quality > 0.0)
        .collect();
    // Stable, so that of two equals the one named first comes first.
    ranges.sort_by(|a, b| b.0.total_cmp(&a.0));
    ranges
        .into_iter()
        .find_map(|(_, range)| OFFERED.into_iter().find(|format| matches(range, *format)))
}

/// A media type without its parameters.
fn essence(format: Format) -> &'static str {
    let media_type = format.media_type();
    media_type.split_once(';').map_or(media_type, |(essence, _)| essence)
}

fn matches(range: &str, format: Format) -> bool {
    let offered = essence(format);
    match range.split_once('/') {
        Some(("*", "*")) => true,
        Some((main, "*")) => offered.split_once('/').is_some_and(|(of, _)| of == main),
        _ => range.eq_ignore_ascii_case(offered),
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
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        assert_eq!(pick(None, Some(browser)), Format::Json);
        let parquet = "application/vnd.apache.parquet";
        assert_eq!(pick(None, Some(parquet)), Format::Parquet);
    }

    #[test]
    fn what_is_not_offered_is_refused() {
        assert_eq!(pick(None, Some("image/png")).unwrap_err().status, 406);
        let problem = pick(Some("jsn"), None).unwrap_err();
        assert_eq!(problem.status, 400);
        assert_eq!(problem.nearest, ["json"]);
    }
}
