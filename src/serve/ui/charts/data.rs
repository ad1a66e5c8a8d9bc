//! Which series do a report's rows hold?
//!
//! Rows become series by the parts a [`ChartSpec`] gives to columns. The order
//! of rows is the report's; nothing is sorted, summed or filled in here.

use serde_json::Value;

use super::{ChartSpec, label};
use crate::serve::ui::format::{self, date::Date};
use crate::serve::ui::lang::Lang;
use crate::serve::ui::table::{Column, ColumnKind, Row};
use crate::serve::ui::text::Text;

/// The most pixels a value may take beside its mark.
const LONGEST: f64 = 110.0;

/// One mark of a chart.
#[derive(Debug)]
pub struct Point<'a> {
    /// The value along the chart, as the row holds it.
    pub x: &'a Value,
    /// Whether this is the total of the others.
    pub is_total: bool,
    /// The measured value; none leaves a gap.
    pub y: Option<f64>,
    /// Lower end of the interval.
    pub low: Option<f64>,
    /// Upper end of the interval.
    pub high: Option<f64>,
    /// Whether the period is over.
    pub complete: bool,
    /// How many the value stands for, as written.
    pub count: Option<String>,
    /// The value along the chart as its axis writes it.
    pub at: String,
    /// The measured value, short.
    pub brief: String,
    /// Everything the row says about this mark, for the tooltip.
    pub tip: String,
}

impl Point<'_> {
    /// Both ends of the interval, if the row has both.
    pub fn interval(&self) -> Option<(f64, f64)> {
        self.y.and(self.low.zip(self.high))
    }
}

/// Marks that belong together.
#[derive(Debug)]
pub struct Series<'a> {
    /// What sets the series apart; empty if there is only one.
    pub name: String,
    /// The column that is measured.
    pub column: &'a Column,
    /// The column along the chart.
    pub along: Option<&'a Column>,
    /// The column that says how many a mark stands for.
    pub counted: Option<&'a Column>,
    /// The marks in the order of the rows.
    pub points: Vec<Point<'a>>,
}

/// Splits `rows` into series, in the order in which each first appears.
pub fn series<'a>(
    spec: &ChartSpec,
    columns: &'a [Column],
    rows: &'a [Row],
    lang: Lang,
) -> Vec<Series<'a>> {
    let find = |name: &str| columns.iter().find(|column| column.name == name);
    let measured: Vec<&Column> = spec.y.iter().filter_map(|name| find(name)).collect();
    let split = spec.series.as_deref().and_then(find);
    let along = find(&spec.x);
    let counted = spec.count.as_deref().and_then(find);
    let mut all: Vec<Series> = Vec::new();
    let drawn = |row: &&Row| spec.total || spec.none || !cell(row, &spec.x).is_null();
    for row in rows.iter().filter(drawn) {
        for column in &measured {
            let mut name = split
                .map_or_else(String::new, |split| split.format(cell(row, &split.name), lang).text);
            if measured.len() > 1 {
                let separator = if name.is_empty() { "" } else { " · " };
                name = format!("{name}{separator}{}", column.title);
            }
            let point = point(spec, row, column, along, counted, &name, lang);
            match all.iter_mut().find(|series| series.name == name) {
                Some(series) => series.points.push(point),
                None => all.push(Series { name, column, along, counted, points: vec![point] }),
            }
        }
    }
    all
}

fn point<'a>(
    spec: &ChartSpec,
    row: &'a Row,
    column: &Column,
    along: Option<&Column>,
    counted: Option<&Column>,
    series: &str,
    lang: Lang,
) -> Point<'a> {
    let end =
        |name: &Option<String>| name.as_deref().and_then(|name| format::number(cell(row, name)));
    let x = cell(row, &spec.x);
    let value = cell(row, &column.name);
    // The interval is that of the first measure.
    let is_first = spec.y.first() == Some(&column.name);
    let (low, high) = if is_first { (end(&spec.low), end(&spec.high)) } else { Default::default() };
    let over = spec.complete.as_deref().and_then(|name| cell(row, name).as_bool()).unwrap_or(true);
    let is_last = spec.y.last() == Some(&column.name);
    let open = spec.open.as_deref().filter(|_| is_last).and_then(|name| cell(row, name).as_i64());
    let complete = over && open.is_none_or(|open| open == 0);
    let at = along.map_or_else(String::new, |along| along.brief(x, lang).text);
    let count = counted
        .map(|counted| label::fit(&counted.format(cell(row, &counted.name), lang).text, LONGEST));
    let mut tip =
        [series, &at].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ");
    tip.push_str(": ");
    tip.push_str(&column.format(value, lang).text);
    if let Some((low, high)) = low.zip(high) {
        let end = |end: f64| column.format(&Value::from(end), lang).text;
        tip.push_str(&[" [", &end(low), ", ", &end(high), "]"].concat());
    }
    if let (Some(count), Some(counted)) = (&count, counted) {
        tip.push_str(&[" · ", &counted.title, " ", count].concat());
    }
    if !complete {
        tip.push_str(&[" · ", lang.t(Text::Incomplete)].concat());
    }
    // An absurd value must not push the drawing off its own frame.
    let brief = label::fit(&column.brief(value, lang).text, LONGEST);
    let is_total = x.is_null() && !spec.none;
    Point { x, is_total, y: format::number(value), low, high, complete, count, at, brief, tip }
}

fn cell<'a>(row: &'a Row, name: &str) -> &'a Value {
    row.get(name).unwrap_or(&Value::Null)
}

/// The description a screen reader says: what is drawn, and its extremes.
pub fn describe(spec: &ChartSpec, columns: &[Column], series: &[Series], lang: Lang) -> String {
    let title = |name: &str| {
        columns
            .iter()
            .find(|column| column.name == name)
            .map_or(name, |column| column.title.as_str())
            .to_owned()
    };
    let measured = spec.y.iter().map(|name| title(name)).collect::<Vec<_>>().join(", ");
    let points = || {
        series
            .iter()
            .flat_map(|series| &series.points)
            .filter_map(|point| point.y.map(|y| (y, point)))
    };
    let mut words = vec![Text::ChartOf.fill(lang, &[("y", &measured), ("x", &title(&spec.x))])];
    let low = points().min_by(|a, b| a.0.total_cmp(&b.0));
    let high = points().max_by(|a, b| a.0.total_cmp(&b.0));
    if let (Some((_, low)), Some((_, high))) = (low, high) {
        words.push(Text::ChartExtremes.fill(
            lang,
            &[("low", &low.brief), ("where", &low.at), ("high", &high.brief), ("there", &high.at)],
        ));
    }
    words.push(lang.t(Text::ChartTable).to_owned());
    words.join(" ")
}

/// Where each mark lies along the chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Along {
    /// Calendar time, in days.
    Time,
    /// A number, such as an age.
    Number,
    /// Names, side by side in the order of the rows.
    Order,
}

/// The distinct positions along the chart: kind, and each with its value.
pub fn positions<'a>(series: &'a [Series<'a>]) -> (Along, Vec<(f64, &'a Point<'a>)>) {
    let mut distinct: Vec<&Point> = Vec::new();
    for point in series.iter().flat_map(|series| &series.points) {
        if !distinct.iter().any(|known| known.x == point.x) {
            distinct.push(point);
        }
    }
    let time =
        |point: &Point| point.x.as_str().and_then(Date::parse).map(|date| f64::from(date.days()));
    let number = |point: &Point| point.x.is_number().then(|| format::number(point.x)).flatten();
    let all = |read: &dyn Fn(&Point) -> Option<f64>| -> Option<Vec<(f64, &Point)>> {
        distinct.iter().map(|point| Some((read(point)?, *point))).collect()
    };
    let (along, mut positions) = match (all(&time), all(&number)) {
        (Some(dates), _) => (Along::Time, dates),
        (None, Some(numbers)) => (Along::Number, numbers),
        (None, None) => {
            let ordered = (0_u32..).map(f64::from).zip(distinct.iter().copied()).collect();
            (Along::Order, ordered)
        }
    };
    positions.sort_by(|a, b| a.0.total_cmp(&b.0));
    (along, positions)
}

/// Whether the axis of lines starts at zero: amounts and shares do, since a cut
/// axis makes small changes look large. Scores have no natural zero, and shares
/// that all are near one or above, such as NRR, would be one flat line.
pub fn from_zero(series: &[Series]) -> bool {
    let kind = series.first().map(|first| first.column.kind);
    let points = || series.iter().flat_map(|own| &own.points);
    let near_one = |point: &Point| {
        let least = point.y.map(|y| point.low.map_or(y, |low| low.min(y)));
        least.is_none_or(|least| least >= 0.75)
    };
    match kind {
        Some(ColumnKind::Score) => false,
        Some(ColumnKind::Share) => !points().all(near_one),
        _ => true,
    }
}
