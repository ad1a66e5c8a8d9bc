//! How does the layout stay fast while loads keep coming?
//!
//! Every load adds a sorted run of its own; a reader merges the runs of a
//! table, and each costs it something. Compaction merges runs into larger ones,
//! in the manner of log-structured trees, so that its cost follows what is new:
//!
//! ```text
//! ▇▇▇▇▇▇▇▇▇▇▇▇ ▂ ▂ ▂ ▂      four small runs of about the same size
//! ▇▇▇▇▇▇▇▇▇▇▇▇ ▄            become one; the large one is not touched
//! ▇▇▇▇▇▇▇▇▇▇▇▇ ▆ ▄ ▂        until the small ones are a quarter of it
//! ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇           and all become one
//! ```
//!
//! What a run of Tenure said (scores, alerts) is read a run at a time, and files of one
//! run tell by their statistics that they hold nothing of another. Merged by customer,
//! a year of nightly scores would be read to show tonight's, and written anew every few
//! nights. So only small ones become one, once there are enough of them:
//!
//! ```text
//! ▇▇▇▇▇ ▇▇▇▇▇ ▇▇▇▇▇         large ones stay as they were written
//! ▇▇▇▇▇ ▂ ▂ ▂ ▂ ▂ ▂ ▂ ▂     eight small ones
//! ▇▇▇▇▇ ▇▇▇▇▇               become one
//! ```
//!
//! No row is changed, so every answer before, during and after is the same.
//! The merged files hold customers that do not overlap, and each range of
//! customers is merged and written by a worker of its own.

use std::collections::BTreeMap;

use futures::{StreamExt, TryStreamExt};
use serde::Serialize;
use serde_json::json;

use super::Tenure;
use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Table;
use crate::tables::{DataFile, Output, Run};

/// So many runs of about the same size become one.
const FAN_IN: usize = 4;

/// The share of the largest run that the others reach before it is rewritten.
const LARGEST_SHARE: u64 = 4;

/// So many small runs of a table that is read a run at a time become one, and from so
/// many rows on a run is not small.
const FAN_IN_BY_RUN: usize = 8;
const LARGE_BY_RUN: u64 = 1 << 17;

/// What a compaction did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct CompactSummary {
    /// The run that was published; none if there was nothing to do.
    pub run_id: Option<i64>,
    /// What was merged, by table.
    pub tables: BTreeMap<String, Compacted>,
}

/// What a compaction did to one table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Compacted {
    /// Runs that a reader had to merge before.
    pub runs_before: usize,
    /// Runs that a reader has to merge now.
    pub runs_after: usize,
    /// Rows that were rewritten.
    pub rows: u64,
    /// Bytes of the files that were merged.
    pub bytes_read: u64,
    /// Bytes of the files they were merged into.
    pub bytes_written: u64,
}

impl Tenure {
    /// Merges sorted runs where that is due. `progress` is told rows rewritten
    /// and rows to rewrite.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] if another process is writing,
    /// [`ErrorKind::Storage`] if a file can not be read or written; the store
    /// is then as it was.
    pub async fn compact(
        &self,
        progress: &(dyn Fn(u64, u64) + Send + Sync),
    ) -> Result<CompactSummary> {
        let mut run = self.store().begin().await?;
        match self.merge_runs(&mut run, progress).await {
            Ok(mut summary) if summary.tables.is_empty() => {
                run.abandon().await?;
                summary.run_id = None;
                Ok(summary)
            }
            Ok(summary) => {
                run.publish("compact", json!({ "tables": summary.tables })).await?;
                Ok(summary)
            }
            Err(error) => {
                // Why it ended matters more than that cleaning up failed, too.
                let _ = run.abandon().await;
                Err(error)
            }
        }
    }

    async fn merge_runs(
        &self,
        run: &mut Run,
        progress: &(dyn Fn(u64, u64) + Send + Sync),
    ) -> Result<CompactSummary> {
        let engine = Engine::new(run.base().clone(), &self.config().engine)?;
        let mut plans = Vec::new();
        for table in Table::all() {
            let runs = engine.runs(table).await?;
            let sizes: Vec<u64> = runs.iter().map(|run| rows(run)).collect();
            let n = if table.spec().is_read_by_run() { due_by_run(&sizes) } else { due(&sizes) };
            if n > 0 {
                let merged: Vec<DataFile> = runs[runs.len() - n..].concat();
                plans.push((table, runs.len(), n, merged));
            }
        }
        let total = plans.iter().map(|(_, _, _, merged)| rows(merged)).sum();
        let mut done = 0;
        let mut tell = |more: u64| {
            done += more;
            progress(done, total);
        };
        let mut summary = CompactSummary { run_id: Some(run.id()), ..CompactSummary::default() };
        for (table, runs_before, n, merged) in plans {
            let written = rewrite(&engine, run, table, &merged, &mut tell).await?;
            if rows(&written) != rows(&merged) {
                return Err(Error::new(
                    ErrorKind::Internal,
                    format!(
                        "merging table {}: {} rows became {}",
                        table.name(),
                        rows(&merged),
                        rows(&written)
                    ),
                ));
            }
            let compacted = Compacted {
                runs_before,
                runs_after: runs_before - n + 1,
                rows: rows(&merged),
                bytes_read: bytes(&merged),
                bytes_written: bytes(&written),
            };
            summary.tables.insert(table.name().to_owned(), compacted);
            run.replace(table, merged, written);
        }
        Ok(summary)
    }
}

fn rows(files: &[DataFile]) -> u64 {
    files.iter().map(|file| file.rows).sum()
}

fn bytes(files: &[DataFile]) -> u64 {
    files.iter().map(|file| file.bytes).sum()
}

/// Writes the rows of some files as one run.
async fn rewrite(
    engine: &Engine,
    run: &Run,
    table: Table,
    files: &[DataFile],
    tell: &mut (dyn FnMut(u64) + Send),
) -> Result<Vec<DataFile>> {
    let ranges = engine.in_order(table, files).await?.into_iter();
    let shares = ranges.map(|rows| (run.output(table), rows.map_err(Error::from).boxed()));
    Output::write_all(shares.collect(), tell).await
}

/// How many of the smallest runs to merge, given the rows of all, largest
/// first; 0 if the layout is good enough.
fn due(sizes: &[u64]) -> usize {
    let Some((largest, others)) = sizes.split_first() else { return 0 };
    if !others.is_empty() && others.iter().sum::<u64>() * LARGEST_SHARE >= *largest {
        return sizes.len();
    }
    // As many as do not make a large run pay for small ones.
    (FAN_IN..=others.len())
        .rev()
        .find(|n| {
            let merged = &others[others.len() - n..];
            merged[0] <= merged[1..].iter().sum()
        })
        .unwrap_or(0)
}

/// The same for a table that is read a run at a time.
fn due_by_run(sizes: &[u64]) -> usize {
    let small = sizes.iter().rev().take_while(|rows| **rows < LARGE_BY_RUN).count();
    if small < FAN_IN_BY_RUN { 0 } else { small }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What loads leave, if runs are merged after each.
    struct Loaded {
        runs: Vec<u64>,
        rewritten: u64,
        most: usize,
    }

    /// So many loads of so many rows each into a store with some runs.
    fn loaded(mut runs: Vec<u64>, loads: u64, rows: u64, due: fn(&[u64]) -> usize) -> Loaded {
        let (mut rewritten, mut most) = (0, 0);
        for _ in 0..loads {
            runs.push(rows);
            runs.sort_unstable_by(|a, b| b.cmp(a));
            most = most.max(runs.len());
            let n = due(&runs);
            if n > 0 {
                let merged: u64 = runs.split_off(runs.len() - n).iter().sum();
                rewritten += merged;
                runs.push(merged);
                runs.sort_unstable_by(|a, b| b.cmp(a));
            }
        }
        Loaded { runs, rewritten, most }
    }

    #[test]
    fn large_runs_that_are_read_one_at_a_time_are_never_rewritten() {
        assert_eq!(due_by_run(&[]), 0);
        assert_eq!(due_by_run(&[LARGE_BY_RUN; 365]), 0);
        assert_eq!(due_by_run(&[15_000; 7]), 0);
        assert_eq!(due_by_run(&[15_000; 8]), 8);
        assert_eq!(due_by_run(&[LARGE_BY_RUN, 120_000, 9, 9, 9, 9, 9, 9, 9]), 8);

        // A year of nights of 15,000 customers: each row is rewritten twice at most.
        let Loaded { runs, rewritten, .. } = loaded(Vec::new(), 365, 15_000, due_by_run);
        assert_eq!(runs.iter().sum::<u64>(), 365 * 15_000);
        assert!(rewritten <= 2 * 365 * 15_000, "{rewritten} rows rewritten");
        assert!(runs.len() <= 35, "{} runs", runs.len());
    }

    #[test]
    fn small_runs_are_merged_with_their_like_and_the_large_one_is_left_alone() {
        assert_eq!(due(&[]), 0);
        assert_eq!(due(&[50]), 0);
        assert_eq!(due(&[50, 1, 1, 1]), 0);
        assert_eq!(due(&[50, 1, 1, 1, 1]), 4);
        assert_eq!(due(&[100, 4, 1, 1, 1]), 0, "the larger one would pay for the small ones");
        assert_eq!(due(&[100, 4, 1, 1, 1, 1]), 5);
        assert_eq!(due(&[10, 2, 1]), 3, "a quarter of the largest");
        assert_eq!(due(&[2, 2, 2]), 3);
    }

    /// Twenty loads of a million rows into a store of fifty million.
    #[test]
    fn the_cost_follows_what_is_new() {
        let Loaded { runs, rewritten, most } = loaded(vec![50], 20, 1, due);
        assert_eq!(runs.iter().sum::<u64>(), 70);
        assert!(rewritten <= 5 * 20, "{rewritten} million rows rewritten for 20 million new ones");
        assert!(most <= 7, "a reader merges {most} runs");
    }
}
