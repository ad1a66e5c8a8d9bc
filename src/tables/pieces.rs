//! Which customers does each part of a file hold, and how new is it?
//!
//! A file is sorted by customer, so each of its row groups holds a range of
//! customer keys, and its footer says which. Readers need no more to give every
//! worker customers of its own. It also says when the newest row is from, so that
//! a reader who stands later need not look at the rows' instants.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::async_reader::MetadataFetch;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaDataReader, RowGroupMetaData};
use parquet::file::statistics::{Statistics, ValueStatistics};

use super::delta::{self, DataFile};
use super::location::Location;
use crate::error::Result;
use crate::schema::Table;

/// The customer keys of one row group; rows without a customer come last and
/// count as [`NOBODY`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// The least key.
    pub first: i64,
    /// The greatest key.
    pub last: i64,
    /// Number of rows.
    pub rows: u64,
    /// The newest instant at which a row happened, in microseconds; `None` if
    /// one does not say.
    pub happened: Option<i64>,
    /// The newest instant at which a row became known, likewise.
    pub known: Option<i64>,
}

/// The key of rows without a customer, above all others.
pub const NOBODY: i64 = i64::MAX;

/// Reads the pieces of a file from its footer.
pub(super) async fn read(location: &Location, table: Table, file: &DataFile) -> Result<Vec<Piece>> {
    let path = location.child(&format!("{}/{}", delta::folder(table), file.path));
    let footer = ParquetMetaDataReader::new()
        .with_prefetch_hint(Some(FOOTER_GUESS))
        .load_and_finish(Fetch { store: location.store(), path }, file.bytes)
        .await?;
    Ok(footer.row_groups().iter().map(|group| piece(table, group)).collect())
}

/// Bytes read at once from a file's end, where a footer of a few dozen row
/// groups fits in.
const FOOTER_GUESS: usize = 64 << 10;

struct Fetch {
    store: Arc<dyn ObjectStore>,
    path: Path,
}

impl MetadataFetch for Fetch {
    fn fetch(&mut self, range: Range<u64>) -> BoxFuture<'_, parquet::errors::Result<Bytes>> {
        async move { Ok(self.store.get_range(&self.path, range).await?) }.boxed()
    }
}

fn piece(table: Table, group: &RowGroupMetaData) -> Piece {
    let rows = u64::try_from(group.num_rows()).unwrap_or_default();
    let (first, last) = match integers(group, "customer_key") {
        Some(keys) => {
            let greatest = keys.max_opt().copied().unwrap_or(NOBODY);
            let last = if may_lack(keys) { NOBODY } else { greatest };
            (keys.min_opt().copied().unwrap_or(NOBODY), last)
        }
        // Nothing is known: it may hold anybody.
        None => (i64::MIN, NOBODY),
    };
    let newest = |name| integers(group, name).filter(|at| !may_lack(at))?.max_opt().copied();
    let happened = table.spec().time.and_then(newest);
    Piece { first, last, rows, happened, known: newest("known_at") }
}

/// The statistics of a column of integers or instants.
fn integers<'a>(group: &'a RowGroupMetaData, name: &str) -> Option<&'a ValueStatistics<i64>> {
    let is_it = |column: &&ColumnChunkMetaData| column.column_path().parts().iter().eq([name]);
    match group.columns().iter().find(is_it)?.statistics()? {
        Statistics::Int64(statistics) => Some(statistics),
        _ => None,
    }
}

fn may_lack(values: &ValueStatistics<i64>) -> bool {
    values.null_count_opt().is_none_or(|nulls| nulls > 0)
}
