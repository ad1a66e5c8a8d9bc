//! How is a table read so that all rows of a customer come together?
//!
//! Files are sorted by customer and time, but files of different loads hold
//! the same customers. So the rows are dealt out by ranges of customer keys,
//! one range to each worker, and within a range the files are merged:
//!
//! ```text
//! ranges       [0, 400 000)          [400 000, …)        the same for every table of a session
//! base run     ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇     ▇▇▇▇▇▇▇▇▇▇▇▇▇▇     files that do not overlap follow each other
//! late rows     ▂  ▂▂   ▂   ▂ ▂         ▂▂  ▂   ▂       an overlapping file is a run of its own
//!              └ merged by key, time └ merged           one run alone is handed on as it is
//! ```
//!
//! DataFusion is told both the ranges and the order. Whatever groups by
//! customer then needs no hash partitioning, no second stage and no sort, and
//! may forget a customer when the next one comes.
//!
//! Within a range only row groups that can hold its customers are read; where
//! a row group lies across a border, each side keeps its own rows.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result, Statistics, stats::Precision};
use datafusion::datasource::TableType;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::{
    CachedParquetFileReaderFactory, ParquetAccessPlan, RowGroupAccess,
};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, utils::conjunction};
use datafusion::physical_plan::{ExecutionPlan, empty::EmptyExec};
use object_store::path::Path;

use super::merge::{MergeExec, Slice};
use crate::schema::{Table, TableSpec};
use crate::tables::{DataFile, NOBODY, Piece};

/// A file of a table with the customers of its row groups.
#[derive(Debug, Clone)]
pub(super) struct File {
    /// The file, as the store names it.
    pub data: DataFile,
    /// Where it is in the object store.
    pub path: Path,
    /// Its row groups, in order.
    pub pieces: Arc<[Piece]>,
}

impl File {
    fn first(&self) -> i64 {
        self.pieces.first().map_or(NOBODY, |piece| piece.first)
    }

    fn last(&self) -> i64 {
        self.pieces.last().map_or(NOBODY, |piece| piece.last)
    }

    fn rows(&self) -> u64 {
        self.data.rows
    }
}

/// A table as stored.
#[derive(Debug)]
pub(super) struct Stored {
    spec: &'static TableSpec,
    schema: SchemaRef,
    url: ObjectStoreUrl,
    /// Files that follow each other, run by run.
    runs: Vec<Vec<File>>,
    /// The keys at which a new range begins, ascending.
    borders: Arc<[i64]>,
    /// What the files are sorted by, as far as readers want to rely on it.
    order: Vec<&'static str>,
}

impl Stored {
    pub(super) fn new(
        spec: &'static TableSpec,
        url: ObjectStoreUrl,
        files: Vec<File>,
        borders: Arc<[i64]>,
    ) -> Self {
        let clustered = spec.is_clustered();
        let runs = if clustered { into_runs(files) } else { vec![files] };
        let borders = if clustered { borders } else { Arc::from([]) };
        let order = if clustered { spec.sort.to_vec() } else { Vec::new() };
        Self { spec, schema: spec.read_schema(), url, runs, borders, order }
    }

    /// Relies on the whole order of the files, provenance included, in which no
    /// two rows are equal.
    pub(super) fn in_full_order(mut self) -> Self {
        let last = ["load_id", "row_no"].into_iter().filter(|name| self.spec.has(name));
        self.order.extend(last);
        self
    }

    /// Whether runs are merged into one order by who reads these columns. Sums of all
    /// rows must not depend on the layout, so they are, but for tables that are read
    /// a run at a time: merging a year of scores to find the newest would take seconds.
    fn is_merged(&self, wanted: &[usize]) -> bool {
        let key = self.order.first().and_then(|name| self.schema.index_of(name).ok());
        !self.spec.is_read_by_run() || key.is_some_and(|key| wanted.contains(&key))
    }

    fn rows(&self) -> usize {
        let rows: u64 = self.runs.iter().flatten().map(File::rows).sum();
        usize::try_from(rows).unwrap_or(usize::MAX)
    }

    /// The range `[from, to)` of keys of a partition.
    fn range(&self, partition: usize) -> Slice {
        let from = partition.checked_sub(1).map_or(i64::MIN, |before| self.borders[before]);
        Slice { from, to: self.borders.get(partition).copied() }
    }

    /// The part of a run in each range, and whether some row group holds rows
    /// of two of them.
    ///
    /// Files are read in the table's own schema, not in one of their own, so
    /// that coded columns are decoded to codes and not to texts first. Scores have
    /// none, and files of before a column was added, which then is null.
    fn deal(&self, run: &[File]) -> (Vec<FileGroup>, bool) {
        let mut across = false;
        let groups = (0..=self.borders.len()).map(|partition| {
            let range = self.range(partition);
            let files = run.iter().filter_map(|file| {
                let wanted = |piece: &Piece| range.meets(piece.first, piece.last);
                let access = file.pieces.iter().map(|piece| {
                    across |= wanted(piece) && !range.covers(piece.first, piece.last);
                    if wanted(piece) { RowGroupAccess::Scan } else { RowGroupAccess::Skip }
                });
                let access: Vec<RowGroupAccess> = access.collect();
                let mut read = PartitionedFile::new(file.path.to_string(), file.data.bytes);
                if !matches!(self.spec.table, Table::Scores | Table::ShadowScores) {
                    read = read.with_arrow_schema(Arc::clone(&self.schema));
                }
                match access.iter().filter(|access| access.should_scan()).count() {
                    0 => None,
                    all if all == access.len() => Some(read),
                    _ => Some(read.with_extension(ParquetAccessPlan::new(access))),
                }
            });
            FileGroup::new(files.collect())
        });
        (groups.collect(), across)
    }
}

/// Sorts files into as few runs of files that follow each other as there can
/// be: taken by their first key, each goes to the first run that has ended.
pub(super) fn into_runs(mut files: Vec<File>) -> Vec<Vec<File>> {
    // Rows that are equal in the order come in the order of the loads, whose
    // numbers begin the files' names.
    files.sort_by(|a, b| (a.first(), &a.path).cmp(&(b.first(), &b.path)));
    let mut runs: Vec<Vec<File>> = Vec::new();
    for file in files {
        let ended = |run: &&mut Vec<File>| run.last().is_none_or(|last| last.last() < file.first());
        match runs.iter_mut().find(ended) {
            Some(run) => run.push(file),
            None => runs.push(vec![file]),
        }
    }
    runs.sort_by_key(|run| std::cmp::Reverse(run.iter().map(File::rows).sum::<u64>()));
    runs
}

/// Below this many rows, workers cost more than they save.
const LEAST_ROWS: u64 = 1 << 16;

/// The keys at which `n` ranges with about equally many rows of `files` begin.
pub(super) fn borders(files: &[File], n: usize) -> Vec<i64> {
    let mut pieces: Vec<Piece> =
        files.iter().flat_map(|file| file.pieces.iter().copied()).collect();
    pieces.sort_by_key(|piece| (piece.first, piece.last));
    let total: u64 = pieces.iter().map(|piece| piece.rows).sum();
    if n < 2 || total < LEAST_ROWS {
        return Vec::new();
    }
    let mut borders: Vec<i64> = Vec::with_capacity(n - 1);
    let mut before = 0;
    for piece in &pieces {
        // A border inside a piece is guessed as if its rows were spread evenly.
        while borders.len() < n - 1 {
            let wanted = total * (borders.len() as u64 + 1) / n as u64;
            let Some(into) = wanted.checked_sub(before).filter(|into| *into < piece.rows) else {
                break;
            };
            let last = if piece.last == NOBODY { piece.first } else { piece.last };
            let span = i128::from(last) - i128::from(piece.first);
            let step = span * i128::from(into) / i128::from(piece.rows.max(1));
            let border = i64::try_from(i128::from(piece.first) + step).unwrap_or(piece.first);
            borders.push(border);
        }
        before += piece.rows;
    }
    borders.sort_unstable();
    borders.dedup();
    borders
}

#[async_trait::async_trait]
impl TableProvider for Stored {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        // They spare row groups and pages; every row is still looked at.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    fn statistics(&self) -> Option<Statistics> {
        let mut statistics = Statistics::new_unknown(&self.schema);
        statistics.num_rows = Precision::Exact(self.rows());
        Some(statistics)
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let wanted: Vec<usize> =
            projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let runs: Vec<(Vec<FileGroup>, bool)> =
            self.runs.iter().filter(|run| !run.is_empty()).map(|run| self.deal(run)).collect();
        if runs.is_empty() {
            return Ok(Arc::new(EmptyExec::new(Arc::new(self.schema.project(&wanted)?))));
        }
        // Merging and cutting need the columns of the order, asked for or not.
        let across = runs.iter().any(|(_, across)| *across);
        let in_order = self.is_merged(&wanted);
        let needed = match (runs.len(), across) {
            (2.., _) if in_order => self.order.as_slice(),
            (_, true) => self.order.get(..1).unwrap_or_default(),
            _ => &[],
        };
        let mut read = wanted.clone();
        for name in needed {
            let index = self.schema.index_of(name)?;
            if !read.contains(&index) {
                read.push(index);
            }
        }

        let mut source = ParquetSource::new(Arc::clone(&self.schema))
            .with_table_parquet_options(state.table_options().parquet.clone());
        if let Some(filter) = conjunction(filters.to_vec()) {
            let schema = datafusion::common::DFSchema::try_from(Arc::clone(&self.schema))?;
            source = source.with_predicate(state.create_physical_expr(filter, &schema)?);
        }
        let runtime = state.runtime_env();
        let footers = CachedParquetFileReaderFactory::new(
            runtime.object_store(&self.url)?,
            runtime.cache_manager.get_file_metadata_cache(),
        );
        let source = Arc::new(source.with_parquet_file_reader_factory(Arc::new(footers)));
        let scans = runs.into_iter().map(|(groups, across)| {
            let source = Arc::clone(&source) as Arc<_>;
            let scan = FileScanConfigBuilder::new(self.url.clone(), source)
                .with_projection_indices(Some(read.clone()))?
                .with_file_groups(groups)
                // No worker may take over a file of another's range.
                .with_preserve_order(true)
                .build();
            Ok((DataSourceExec::from_data_source(scan) as Arc<dyn ExecutionPlan>, across))
        });
        let scans: Vec<_> = scans.collect::<Result<_>>()?;
        let ranges = (0..=self.borders.len()).map(|partition| self.range(partition)).collect();
        let exec = MergeExec::new(scans, ranges, &self.order, in_order, wanted.len(), self.rows())?;
        Ok(Arc::new(exec))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(first: i64, last: i64, rows: u64) -> Piece {
        Piece { first, last, rows, happened: None, known: None }
    }

    fn file(path: &str, pieces: &[(i64, i64, u64)]) -> File {
        let pieces: Arc<[Piece]> =
            pieces.iter().map(|&(first, last, rows)| piece(first, last, rows)).collect();
        let rows = pieces.iter().map(|piece| piece.rows).sum();
        File { data: DataFile { path: path.into(), bytes: 1, rows }, path: path.into(), pieces }
    }

    #[test]
    fn files_that_follow_each_other_are_one_run() {
        let files = vec![
            file("c", &[(20, 29, 10)]),
            file("late", &[(5, 25, 3)]),
            file("a", &[(0, 4, 10), (4, 9, 10)]),
            file("b", &[(10, 19, 10)]),
            // Shares its first customer with the end of the run before.
            file("d", &[(29, 40, 10)]),
        ];
        let runs = into_runs(files);
        let names: Vec<Vec<&str>> =
            runs.iter().map(|run| run.iter().map(|file| file.path.as_ref()).collect()).collect();
        assert_eq!(names, [vec!["a", "b", "c"], vec!["late", "d"]]);
    }

    #[test]
    fn rows_without_a_customer_end_a_run() {
        let runs = into_runs(vec![
            file("a", &[(0, 9, 5), (NOBODY, NOBODY, 5)]),
            file("b", &[(10, 19, 5)]),
        ]);
        assert_eq!(runs.len(), 2);
    }

    #[test]
    fn ranges_hold_about_equally_many_rows() {
        let even = file("a", &[(0, 99, 100_000), (100, 199, 100_000)]);
        assert_eq!(borders(std::slice::from_ref(&even), 2), [100]);
        assert_eq!(borders(std::slice::from_ref(&even), 4), [49, 100, 149]);
        assert_eq!(borders(&[even], 1), [0; 0]);
        assert_eq!(borders(&[file("small", &[(0, 99, 1_000)])], 2), [0; 0]);
        // One customer with nearly everything can not be divided.
        assert_eq!(borders(&[file("one", &[(7, 7, 1 << 20)])], 3), [7]);
    }

    #[test]
    fn scores_are_merged_only_for_who_wants_customers_together() {
        let merged = |table: Table, column: &str| {
            let url = ObjectStoreUrl::local_filesystem();
            let stored = Stored::new(table.spec(), url, Vec::new(), Arc::from([]));
            stored.is_merged(&[stored.schema.index_of(column).unwrap()])
        };
        assert!(!merged(Table::Scores, "run_id") && merged(Table::Scores, "customer_key"));
        assert!(merged(Table::Activity, "name") && merged(Table::Activity, "customer_key"));
    }

    #[test]
    fn every_row_group_is_read_by_every_range_it_holds_rows_of() {
        let spec = crate::schema::Table::Activity.spec();
        let files = vec![file("a", &[(0, 9, 10), (10, 19, 10), (20, 29, 10)])];
        let url = ObjectStoreUrl::local_filesystem();
        let stored = Stored::new(spec, url.clone(), files.clone(), Arc::from([10]));
        let (groups, across) = stored.deal(&stored.runs[0]);
        assert_eq!(groups.iter().map(FileGroup::len).collect::<Vec<_>>(), [1, 1]);
        assert!(!across);
        let stored = Stored::new(spec, url, files, Arc::from([15]));
        assert!(stored.deal(&stored.runs[0]).1);
    }
}
