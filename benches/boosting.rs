//! How long do boosted trees take to fit and to score, and how good are they?
//!
//! `boosting FOLDER LEAVES TREES` reads the numbers that
//! `benches/compare/boosting.py` wrote into FOLDER, fits on the first 140,000 rows
//! on two threads, scores the others, and prints seconds to fit, classes and their
//! merging included, rows scored per second, and their log-loss. That script runs it
//! beside LightGBM.
//! Without arguments (`cargo bench`) there is nothing to do.

#![expect(clippy::unwrap_used, reason = "a bench that can not be set up has to stop")]
#![expect(clippy::print_stdout, reason = "the script that runs it reads what it says")]

use std::fs;
use std::path::Path;
use std::time::Instant;

use linfa::traits::{Fit, PredictInplace};
use linfa::{DatasetBase, ParamGuard};
use ndarray::Array1;
use tenure::churn::bins::Binning;
use tenure::churn::boost::{BoostedTrees, Boosting};
use tenure::churn::metrics::log_loss;
use tenure::churn::{About, Column, Frame, Rows, Values};
use tenure::text::Text;

const FEATURES: usize = 40;
const TRAIN_ROWS: usize = 140_000;
const THREADS: usize = 2;
const RATE: f64 = 0.1;
const CLASSES: usize = 255;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, leaves, trees] = &arguments[..] else { return };
    let frame = read(Path::new(folder));
    let rows: Vec<usize> = (0..frame.n_rows()).collect();
    let (train, test) = rows.split_at(TRAIN_ROWS);

    let began = Instant::now();
    let binning = Binning::fit(&frame, train, CLASSES);
    let churned = Array1::from(frame.churned()[..TRAIN_ROWS].to_vec());
    let data = DatasetBase::new(binning.transform(&frame, train).unwrap(), churned);
    let boosting = Boosting::new(leaves.parse().unwrap(), RATE, trees.parse().unwrap());
    let boosting = boosting.shares(1.0, 1.0).threads(THREADS).check().unwrap();
    let model = boosting.fit(&data).unwrap();
    let (model, binning) = model.concise(binning);
    let fit = began.elapsed().as_secs_f64();

    let began = Instant::now();
    let logits = score(&model, &binning, &frame, test);
    let rate = test.len() as f64 / began.elapsed().as_secs_f64();
    println!("{fit} {rate} {}", log_loss(&logits, &frame.churned()[TRAIN_ROWS..]));
}

/// Log-odds of `rows`, an equal share on each thread, from the numbers themselves.
fn score(model: &BoostedTrees, binning: &Binning, frame: &Frame, rows: &[usize]) -> Vec<f64> {
    let share = |rows: &[usize]| {
        let binned = binning.transform(frame, rows).unwrap();
        let mut logits = Array1::zeros(rows.len());
        model.predict_inplace(&binned, &mut logits);
        logits.to_vec()
    };
    std::thread::scope(|scope| {
        let shares = rows.chunks(rows.len().div_ceil(THREADS));
        let lanes: Vec<_> = shares.map(|rows| scope.spawn(move || share(rows))).collect();
        lanes.into_iter().flat_map(|lane| lane.join().unwrap()).collect()
    })
}

/// `x.f64`, row by row, and `y.u8`.
fn read(folder: &Path) -> Frame {
    let bytes = fs::read(folder.join("x.f64")).unwrap();
    let numbers = bytes.chunks_exact(8).map(|it| f64::from_le_bytes(it.try_into().unwrap()));
    let numbers: Vec<f64> = numbers.collect();
    let outcomes = fs::read(folder.join("y.u8")).unwrap();
    let churned: Vec<bool> = outcomes.into_iter().map(|outcome| outcome == 1).collect();
    let n_rows = churned.len();
    let column = |feature: usize| {
        let values = numbers.iter().skip(feature).step_by(FEATURES).copied().collect();
        let name = format!("x{feature:02}");
        let title = Text::same(&name);
        Column { name, title, unit: None, about: About::default(), values: Values::Numeric(values) }
    };
    let ids = (0..n_rows).map(|row| row.to_string()).collect();
    let rows = Rows { ids, periods: vec![0; n_rows], churned };
    Frame::new(rows, (0..FEATURES).map(column).collect()).unwrap()
}
