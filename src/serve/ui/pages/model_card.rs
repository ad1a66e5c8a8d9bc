//! What is this model, how good is it, and where does it end?
//!
//! Printed and handed on, it stands without the dashboard: all it says comes from the
//! version's own file and the registry.

use maud::{Markup, html};
use serde_json::{Value, json};

use crate::churn::metrics::Metrics;
use crate::churn::spec::Cutoffs;
use crate::churn::{Content, Label, Role, Setting, Validation};
use crate::serve::ui::charts::square::{self, Square};
use crate::serve::ui::charts::{self, ChartKind, ChartSpec, Room};
use crate::serve::ui::context::Context;
use crate::serve::ui::format::{self, date};
use crate::serve::ui::lang::Lang;
use crate::serve::ui::layout;
use crate::serve::ui::table::{self, Column, ColumnKind, DataTable, Row, grouped};
use crate::serve::ui::text::Text;
use crate::tenure::ModelCard;

/// Themes that are drawn; those below move scores little.
const DRIVERS: usize = 12;

/// Renders the card as a page of the dashboard.
#[must_use]
pub fn render(cx: &Context, card: &ModelCard) -> Markup {
    layout::page(cx, &title(cx.lang, card), &body(cx, card))
}

/// Renders the card as a document that needs no other file.
#[must_use]
pub fn standalone(cx: &Context, card: &ModelCard) -> Markup {
    layout::standalone(cx, &title(cx.lang, card), &body(cx, card))
}

fn title(lang: Lang, card: &ModelCard) -> String {
    Text::CardTitle.fill(lang, &[("model", &card.version.model)])
}

fn body(cx: &Context, card: &ModelCard) -> Markup {
    let (lang, content) = (cx.lang, card.artifact.content());
    let Content { spec, validation, .. } = content;
    let lead = format!("{} · {}", spec.title.get(lang), card.version.state.title(lang));
    let last_day = content.provenance.data_end.and_then(|day| day.pred_opt());
    let last_day = last_day.map(|day| day.to_string());
    html! {
        (layout::heading(cx, &title(lang, card), Some(&lead), last_day.as_deref()))
        (headline(lang, &validation.metrics))
        (doubts(lang, card))
        (about(lang, card))
        section.panel { h2 { (lang.t(Text::CardQuality)) } (figures(lang, validation)) }
        div.pair {
            section.panel { h2 { (lang.t(Text::CardReliability)) } (reliability(lang, &validation.metrics)) }
            section.panel { h2 { (lang.t(Text::CardLift)) } (lift(lang, &validation.metrics)) }
        }
        (tenths(cx, &validation.metrics))
        (drivers(cx, validation))
        (horizons(cx, validation))
        (segments(cx, validation))
        (learning(cx, validation))
        (tried(cx, content))
        section.panel {
            h2 { (lang.t(Text::CardLimits)) }
            ul.bullets { @for limit in limits(content) { li { (lang.t(limit)) } } }
        }
    }
}

/// The three numbers that a manager asks for.
fn headline(lang: Lang, metrics: &Metrics) -> Markup {
    let percent = |share: f64| format::probability(share).text;
    let rate = metrics.churners as f64 / metrics.rows.max(1) as f64;
    let tiles = [
        (Text::CardReached, percent(metrics.capture_decile), Text::CardReachedNote),
        (Text::CardLiftTile, format!("{:.1} ×", metrics.lift_decile), Text::CardLiftNote),
        (Text::CardGap, format!("{:.1}%", 100.0 * metrics.ece), Text::CardGapNote),
    ];
    let rate = [("rate", percent(rate))];
    let rate = rate.each_ref().map(|(name, value)| (*name, value.as_str()));
    html! {
        section.tiles.score {
            @for (name, value, note) in tiles {
                article.tile { h3 { (lang.t(name)) } p.big { (value) } p.note { (note.fill(lang, &rate)) } }
            }
        }
    }
}

fn doubts(lang: Lang, card: &ModelCard) -> Markup {
    let doubts = card.artifact.content().validation.doubts();
    html! {
        @if !doubts.is_empty() || card.unusable.is_some() {
            section.panel.failure {
                h2 { (lang.t(Text::CardDoubts)) }
                ul {
                    @for doubt in &doubts { li { (doubt.get(lang)) } }
                    @if let Some(why) = &card.unusable { li { (lang.t(Text::CardUnusable)) " " (why) } }
                }
            }
        }
    }
}

/// What it predicts, of whom, and from what.
fn about(lang: Lang, card: &ModelCard) -> Markup {
    let content = card.artifact.content();
    let Content { spec, validation, provenance, .. } = content;
    let n = |count: usize| grouped(count);
    let of_role = |role| {
        let days: Vec<String> = provenance
            .periods
            .iter()
            .filter(|period| period.role == role)
            .map(|period| period.cutoff.to_string())
            .collect();
        let (first, last) = (days.first()?, days.last()?);
        let span = [("first", date::long(first, lang)), ("last", date::long(last, lang))];
        let [first, last] = span.each_ref().map(|(name, day)| (*name, day.as_str()));
        let count = days.len().to_string();
        Some(Text::CardCutoffs.fill(lang, &[("n", &count), first, last]))
    };
    let at = |at: chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%d %H:%M").to_string();
    let served = card.terms.iter().map(|term| {
        let until = term.until.map_or_else(|| lang.t(Text::CardStill).to_owned(), at);
        Text::Interval.fill(lang, &[("low", &at(term.from)), ("high", &until)])
    });
    let served: Vec<String> = served.collect();
    let folds = match spec.cutoffs {
        Cutoffs::Folds { n } => Some(Text::CardFolds.fill(lang, &[("n", &n.to_string())])),
        Cutoffs::Calendar { .. } | Cutoffs::Dates { .. } => None,
    };
    let bands = [spec.bands.high, spec.bands.medium].map(|edge| format::probability(edge).text);
    let rows = [
        ("rows", n(validation.metrics.rows)),
        ("churned", n(validation.metrics.churners)),
        ("train", n(validation.train_rows)),
    ];
    let rows = rows.each_ref().map(|(name, count)| (*name, count.as_str()));
    let (used, setting) = (content.model.features().len(), content.model.setting());
    let tables: Vec<String> = provenance
        .data_versions
        .iter()
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    let facts = [
        (Text::CardPredicts, Some(leaves(&spec.label, lang))),
        (Text::CardAsked, Some(eligible(&spec.label, lang))),
        (
            Text::Band,
            Some(Text::CardBands.fill(lang, &[("high", &bands[0]), ("medium", &bands[1])])),
        ),
        (Text::CardEstimator, Some(estimator(setting, lang))),
        (Text::CardFeatures, Some(Text::CardFeaturesUsed.fill(lang, &[("n", &used.to_string())]))),
        (Text::CardLearntAt, of_role(Role::Train)),
        (Text::CardTestedAt, of_role(Role::Test).or(folds)),
        (Text::CardRows, Some(Text::CardRowsSaid.fill(lang, &rows))),
        (Text::CardTrained, Some(at(card.version.trained_at))),
        (Text::CardServed, (!served.is_empty()).then(|| served.join(", "))),
        (Text::CardTables, (!tables.is_empty()).then(|| tables.join(", "))),
    ];
    html! {
        section.panel {
            h2 { (lang.t(Text::CardAbout)) }
            dl.facts.long {
                @for (name, words) in facts {
                    @if let Some(words) = words { div { dt { (lang.t(name)) } dd { (words) } } }
                }
            }
        }
    }
}

/// Who counts as churned.
fn leaves(label: &Label, lang: Lang) -> String {
    let days = |days: &u32| days.to_string();
    let after_gap = |sentence: String, gap: &u32| match gap {
        0 => sentence,
        gap => sentence + &Text::CardAfterGap.fill(lang, &[("gap", &gap.to_string())]),
    };
    match label {
        Label::Inactivity { horizon_days, gap_days, activities, .. } => {
            let any = lang.t(Text::CardAnyActivity).to_owned();
            let activities = if activities.is_empty() { any } else { activities.join(", ") };
            let holes = [("activities", activities.as_str()), ("days", &days(horizon_days))];
            after_gap(Text::CardInactivity.fill(lang, &holes), gap_days)
        }
        Label::Contract { horizon_days, gap_days, grace_days } => {
            let holes = [("days", days(horizon_days)), ("grace", days(grace_days))];
            let holes = holes.each_ref().map(|(name, days)| (*name, days.as_str()));
            after_gap(Text::CardContract.fill(lang, &holes), gap_days)
        }
        Label::Given { label } => Text::CardGiven.fill(lang, &[("label", label)]),
    }
}

/// Who is asked about.
fn eligible(label: &Label, lang: Lang) -> String {
    match label {
        Label::Inactivity { eligible_days, .. } => {
            Text::CardActive.fill(lang, &[("days", &eligible_days.to_string())])
        }
        Label::Contract { .. } => lang.t(Text::CardRunning).to_owned(),
        Label::Given { .. } => lang.t(Text::CardNotYet).to_owned(),
    }
}

fn estimator(setting: Setting, lang: Lang) -> String {
    match setting {
        Setting::Logistic { ridge, .. } => {
            Text::CardLogistic.fill(lang, &[("ridge", &ridge.to_string())])
        }
        Setting::Boosted { leaves: 2, trees, .. } => {
            Text::CardStumps.fill(lang, &[("n", &trees.to_string())])
        }
        Setting::Boosted { leaves, trees, .. } => {
            let (leaves, trees) = (leaves.to_string(), trees.to_string());
            Text::CardTrees.fill(lang, &[("n", &trees), ("leaves", &leaves)])
        }
    }
}

fn figures(lang: Lang, validation: &Validation) -> Markup {
    html! {
        div.scroll tabindex="0" role="group" aria-label=(lang.t(Text::CardQuality)) {
            table {
                thead {
                    tr {
                        th scope="col" { (lang.t(Text::CardMetric)) }
                        th.num scope="col" { (lang.t(Text::ItsValue)) }
                        th.num scope="col" { (lang.t(Text::CardInterval)) }
                        th scope="col" { (lang.t(Text::CardMeaning)) }
                    }
                }
                tbody {
                    @for figure in validation.figures() {
                        tr {
                            td { code { (figure.name) } }
                            td.num { (format!("{:.4}", figure.value)) }
                            td.num {
                                @if let Some([low, high]) = figure.interval {
                                    (Text::Interval.fill(lang, &[("low", &format!("{low:.4}")), ("high", &format!("{high:.4}"))]))
                                }
                            }
                            td.words { (figure.meaning.get(lang)) }
                        }
                    }
                }
            }
        }
    }
}

/// Predicted against observed, a mark per tenth.
fn reliability(lang: Lang, metrics: &Metrics) -> Markup {
    let percent = |share: f64| format!("{:.1}%", 100.0 * share);
    let mark = |bin: &crate::churn::metrics::Bin| {
        let (predicted, observed) = (percent(bin.predicted), percent(bin.observed));
        let holes = [("predicted", predicted.as_str()), ("observed", &observed)];
        (bin.predicted, bin.observed, Text::CardMark.fill(lang, &holes))
    };
    let marks: Vec<_> = metrics.reliability.iter().map(mark).collect();
    let square = Square {
        title: lang.t(Text::CardReliability),
        describe: lang.t(Text::CardReliabilityNote),
        across: lang.t(Text::CardPredicted),
        up: lang.t(Text::CardObserved),
        diagonal: lang.t(Text::CardAsPromised),
        marks: &marks,
    };
    html! { (square::figure("reliability", &square, lang)) p.note { (lang.t(Text::CardReliabilityNote)) } }
}

/// Leavers reached by customers called, the riskiest first.
fn lift(lang: Lang, metrics: &Metrics) -> Markup {
    let rows: f64 = metrics.reliability.iter().map(|bin| bin.rows).sum();
    let left: f64 = metrics.reliability.iter().map(|bin| bin.rows * bin.observed).sum();
    let (mut called, mut reached) = (0.0, 0.0);
    let mut marks = vec![(0.0, 0.0, String::new())];
    for bin in &metrics.reliability {
        called += bin.rows;
        reached += bin.rows * bin.observed;
        let (x, y) = (called / rows.max(1.0), reached / left.max(1.0));
        let (called, reached) = (format!("{:.0}%", 100.0 * x), format!("{:.0}%", 100.0 * y));
        let tip = Text::CardCalled.fill(lang, &[("called", &called), ("reached", &reached)]);
        marks.push((x, y, tip));
    }
    let square = Square {
        title: lang.t(Text::CardLift),
        describe: lang.t(Text::CardLiftDescribed),
        across: lang.t(Text::CardCalledShare),
        up: lang.t(Text::CardReachedShare),
        diagonal: lang.t(Text::CardByChance),
        marks: &marks,
    };
    html! { (square::figure("lift", &square, lang)) p.note { (lang.t(Text::CardLiftDescribed)) } }
}

/// The numbers of both pictures.
fn tenths(cx: &Context, metrics: &Metrics) -> Markup {
    let columns = [
        ("tenth", Text::CardTenth, ColumnKind::Count),
        ("rows", Text::CardRows, ColumnKind::Count),
        ("predicted", Text::CardPredicted, ColumnKind::Share),
        ("observed", Text::CardObserved, ColumnKind::Share),
    ];
    let rows = metrics.reliability.iter().enumerate().map(|(tenth, bin)| {
        let rows = bin.rows.round();
        json!({ "tenth": tenth + 1, "rows": rows, "predicted": bin.predicted, "observed": bin.observed })
    });
    details(cx, Text::CardTenths, table_of(cx.lang, &columns, rows))
}

fn drivers(cx: &Context, validation: &Validation) -> Markup {
    let lang = cx.lang;
    let columns = [
        ("theme", Text::CardTheme, ColumnKind::Text),
        ("log_odds", Text::CardMoves, ColumnKind::Number),
        ("features", Text::CardFeatures, ColumnKind::Text),
    ];
    let rows = validation.drivers.iter().map(|driver| {
        let features: Vec<&str> = driver.features.iter().map(|title| title.get(lang)).collect();
        let features = features.join(lang.pick("; ", "；"));
        json!({ "theme": driver.title.get(lang), "log_odds": driver.log_odds, "features": features })
    });
    let table = table_of(lang, &columns, rows);
    let drawn = table.first(DRIVERS);
    html! {
        @if !table.rows.is_empty() {
            section.panel {
                h2 { (lang.t(Text::CardDrivers)) }
                p.lead { (lang.t(Text::CardDriversNote)) }
                (bars("drivers", Text::CardDrivers, ["theme", "log_odds"], &drawn, lang))
                details { summary { (lang.t(Text::TheNumbers)) } (table::render(cx, lang.t(Text::CardDrivers), &table)) }
            }
        }
    }
}

fn horizons(cx: &Context, validation: &Validation) -> Markup {
    let columns = [
        ("days", Text::CardWithin, ColumnKind::Days),
        ("predicted", Text::CardPredicted, ColumnKind::Share),
        ("observed", Text::CardObserved, ColumnKind::Share),
        ("rows", Text::CardRows, ColumnKind::Count),
        ("cutoffs", Text::CardCutoffCount, ColumnKind::Count),
        ("first", Text::CardFirstCutoff, ColumnKind::Date),
    ];
    let rows = validation.horizons.iter().map(|it| {
        let [low, high] = it.band;
        json!({
            "days": it.days, "predicted": it.predicted, "low": low, "high": high,
            "observed": it.observed, "rows": it.rows, "cutoffs": it.cutoffs, "first": it.first,
        })
    });
    let mut table = table_of(cx.lang, &columns, rows);
    table.columns[1].interval = Some(["low".to_owned(), "high".to_owned()]);
    panel(cx, Text::CardHorizons, Some(Text::CardHorizonsNote), &table)
}

/// Those that are off first, each kind of the others after them.
fn segments(cx: &Context, validation: &Validation) -> Markup {
    let columns = [
        ("feature", Text::CardCategory, ColumnKind::Text),
        ("level", Text::CardLevel, ColumnKind::Text),
        ("rows", Text::CardRows, ColumnKind::Count),
        ("predicted", Text::CardPredicted, ColumnKind::Share),
        ("observed", Text::CardObserved, ColumnKind::Share),
        ("off", Text::CardOff, ColumnKind::Flag),
    ];
    let mut kinds: Vec<_> = validation.segments.iter().collect();
    kinds.sort_by_key(|kind| !kind.off);
    let rows = kinds.into_iter().map(|kind| {
        json!({
            "feature": kind.feature, "level": kind.level, "rows": kind.rows,
            "predicted": kind.predicted, "observed": kind.observed, "off": kind.off,
        })
    });
    let table = table_of(cx.lang, &columns, rows);
    panel(cx, Text::CardSegments, Some(Text::CardSegmentsNote), &table)
}

fn learning(cx: &Context, validation: &Validation) -> Markup {
    let columns = [
        ("rows", Text::CardLearntFrom, ColumnKind::Count),
        ("churners", Text::CardChurners, ColumnKind::Count),
        ("log_loss", Text::CardLogLoss, ColumnKind::Text),
    ];
    let rows = validation.learning.iter().map(|point| {
        let log_loss = format!("{:.4}", point.log_loss);
        json!({ "rows": point.rows, "churners": point.churners, "log_loss": log_loss })
    });
    let table = table_of(cx.lang, &columns, rows);
    panel(cx, Text::CardLearning, Some(Text::CardLearningNote), &table)
}

fn tried(cx: &Context, content: &Content) -> Markup {
    let columns = [
        ("setting", Text::CardEstimator, ColumnKind::Text),
        ("log_loss", Text::CardLogLoss, ColumnKind::Text),
        ("excess", Text::CardExcess, ColumnKind::Text),
        ("rows", Text::CardJudgedOn, ColumnKind::Count),
        ("chosen", Text::CardChosen, ColumnKind::Flag),
    ];
    let chosen = content.model.setting();
    let rows = content.validation.tried.iter().map(|it| {
        let log_loss = format!("{:.4}", it.log_loss);
        let excess = format!("{:.4} ± {:.4}", it.excess, it.error);
        let setting = estimator(it.setting, cx.lang);
        // Models of before rows were counted have 0 of them.
        let rows = (it.rows > 0).then_some(it.rows);
        let chosen = it.setting.is_like(chosen);
        json!({ "setting": setting, "log_loss": log_loss, "excess": excess, "rows": rows, "chosen": chosen })
    });
    panel(cx, Text::CardTried, Some(Text::CardTriedNote), &table_of(cx.lang, &columns, rows))
}

/// What no figure of the card can say.
fn limits(content: &Content) -> Vec<Text> {
    let dated = match content.spec.label {
        Label::Given { .. } => Text::CardLimitUndated,
        Label::Inactivity { .. } | Label::Contract { .. } => Text::CardLimitTime,
    };
    vec![
        Text::CardLimitCause,
        dated,
        Text::CardLimitUnsure,
        Text::CardLimitDrift,
        Text::CardLimitPeople,
    ]
}

fn table_of(
    lang: Lang,
    columns: &[(&str, Text, ColumnKind)],
    rows: impl Iterator<Item = Value>,
) -> DataTable {
    let columns =
        columns.iter().map(|(name, title, kind)| Column::new(*name, lang.t(*title), *kind));
    let row = |row: Value| match row {
        Value::Object(row) => row,
        _ => Row::new(),
    };
    let rows: Vec<Row> = rows.map(row).collect();
    DataTable { columns: columns.collect(), total: rows.len(), rows }
}

fn panel(cx: &Context, title: Text, note: Option<Text>, table: &DataTable) -> Markup {
    let lang = cx.lang;
    html! {
        @if !table.rows.is_empty() {
            section.panel {
                h2 { (lang.t(title)) }
                @if let Some(note) = note { p.lead { (lang.t(note)) } }
                (table::render(cx, lang.t(title), table))
            }
        }
    }
}

fn details(cx: &Context, title: Text, table: DataTable) -> Markup {
    html! {
        section.panel {
            details { summary { (cx.lang.t(title)) } (table::render(cx, cx.lang.t(title), &table)) }
        }
    }
}

fn bars(id: &str, title: Text, [x, y]: [&str; 2], table: &DataTable, lang: Lang) -> Markup {
    let spec =
        ChartSpec { x: x.to_owned(), y: vec![y.to_owned()], ..ChartSpec::of(ChartKind::Bar) };
    charts::figure(id, lang.t(title), &spec, &table.columns, &table.rows, Room::Page, lang)
}
