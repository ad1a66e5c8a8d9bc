//! Which customers does each part of a file hold?
//!
//! A file is sorted by customer, so each of its row groups holds a range of
//! customer keys, and its footer says which. Readers need no more to give every
//! worker customers of its own.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::async_reader::MetadataFetch;
use parquet::file::metadata::{ParquetMetaDataReader, RowGroupMetaData};
use parquet::file::statistics::Statistics;

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
    Ok(footer.row_groups().iter().map(piece).collect())
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

fn piece(group: &RowGroupMetaData) -> Piece {
    let rows = u64::try_from(group.num_rows()).unwrap_or_default();
    let column = group
        .columns()
        .iter()
        .find(|column| column.column_descr().path().parts().iter().eq(["customer_key"]));
    let (first, last) = match column.and_then(|column| column.statistics()) {
        Some(Statistics::Int64(keys)) => {
            let nulls = keys.null_count_opt().is_none_or(|nulls| nulls > 0);
            let greatest = keys.max_opt().copied().unwrap_or(NOBODY);
            (keys.min_opt().copied().unwrap_or(NOBODY), if nulls { NOBODY } else { greatest })
        }
        // Nothing is known: it may hold anybody.
        _ => (i64::MIN, NOBODY),
    };
    Piece { first, last, rows }
}
