//! How is a load sorted that does not fit into memory?
//!
//! Rows come in chunks of a size that does. Each is sorted and set aside on
//! disk in small blocks; when all have come, the tables' rows are fetched range
//! by range, from every chunk the few blocks that hold some, and sorted again:
//!
//! ```text
//! chunk 1   ▁▁▂▂▃▃▄▄▅▅▆▆▇▇
//! chunk 2   ▁▁▁▂▃▃▃▄▅▅▅▆▇▇     one range of all chunks ─ sort ─▶ the next rows of the table
//! chunk 3   ▁▂▂▂▃▃▄▄▅▅▆▆▆▇
//!                 └──┘
//! ```
//!
//! Every row is written to disk once before it is encoded, whatever the size
//! of the load, and a load becomes one run of files that do not overlap.
//!
//! The file has no name, so that nothing stays behind when the process dies.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringBuilder, new_null_array};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, Int64Type};
use arrow::ipc::reader::StreamDecoder;
use arrow::ipc::writer::StreamWriter;

use super::pieces::NOBODY;
use super::sort::{Constant, constant, integers, sort};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Table;

/// Rows of a block: a range reads about one more of every chunk than it needs.
const BLOCK_ROWS: usize = 1024;

/// A place in a table's order: the customer's key, [`NOBODY`] without one, and
/// the instant.
pub(super) type Place = (i64, i64);

/// The place before all rows.
const START: Place = (i64::MIN, i64::MIN);

/// Sorted chunks of a table on disk.
#[derive(Debug)]
pub(super) struct Spill {
    table: Table,
    file: Mutex<File>,
    bytes: u64,
    blocks: Vec<Block>,
    /// One for each chunk.
    columns: Vec<Columns>,
    names: Names,
}

/// What becomes of each column of a chunk.
type Columns = Vec<Kept>;

/// Most columns of a chunk need no bytes on disk.
#[derive(Debug, Clone, Copy)]
enum Kept {
    /// The column of the block with this position.
    There(usize),
    /// All rows have the same.
    Constant(Constant),
    /// The same values as another column of the table.
    As(usize),
}

/// Some rows that follow each other in a chunk.
#[derive(Debug)]
struct Block {
    chunk: usize,
    start: u64,
    bytes: usize,
    rows: usize,
    first: Place,
    last: Place,
}

impl Spill {
    /// An empty file in `folder`, or where the system keeps temporary files.
    pub(super) fn new(table: Table, folder: Option<&Path>) -> Result<Self> {
        let file = match folder {
            Some(folder) => tempfile::tempfile_in(folder),
            None => tempfile::tempfile(),
        };
        let file = Mutex::new(file.map_err(|error| failed(&error))?);
        Ok(Self {
            table,
            file,
            bytes: 0,
            blocks: Vec::new(),
            columns: Vec::new(),
            names: Names::default(),
        })
    }

    /// Sorts a chunk and sets it aside.
    pub(super) fn push(&mut self, batches: &[RecordBatch]) -> Result<()> {
        let named = batches.iter().map(|batch| self.names.taken_from(batch));
        let sorted = sort(self.table, &named.collect::<Result<Vec<_>>>()?)?;
        let mut columns: Columns = Vec::with_capacity(sorted.num_columns());
        let mut there = Vec::new();
        for (at, column) in sorted.columns().iter().enumerate() {
            let twin = (0..at).find(|other| Arc::ptr_eq(sorted.column(*other), column));
            columns.push(if let Some(twin) = twin {
                Kept::As(twin)
            } else if let Some(constant) = constant(&[column]) {
                Kept::Constant(constant)
            } else {
                there.push(at);
                Kept::There(there.len() - 1)
            });
        }
        let places = Places::of(self.table, &sorted)?;
        let kept = sorted.project(&there)?;
        let mut start = 0;
        let mut encoded = Vec::new();
        while start < kept.num_rows() {
            let rows = BLOCK_ROWS.min(kept.num_rows() - start);
            encoded.clear();
            let mut writer = StreamWriter::try_new(&mut encoded, &kept.schema())?;
            writer.write(&kept.slice(start, rows))?;
            writer.finish()?;
            let file = self.file.get_mut().unwrap_or_else(PoisonError::into_inner);
            file.write_all(&encoded).map_err(|error| failed(&error))?;
            self.blocks.push(Block {
                chunk: self.columns.len(),
                start: self.bytes,
                bytes: encoded.len(),
                rows,
                first: places.at(start),
                last: places.at(start + rows - 1),
            });
            self.bytes += encoded.len() as u64;
            start += rows;
        }
        self.columns.push(columns);
        Ok(())
    }

    /// How many rows are set aside.
    pub(super) fn rows(&self) -> u64 {
        self.blocks.iter().map(|block| block.rows as u64).sum()
    }

    /// Divides the rows among `workers`, no customer to two of them, and each
    /// worker's into ranges of about `bytes`; gives the places where they begin.
    pub(super) fn ranges(&self, workers: usize, bytes: u64) -> Vec<Vec<Place>> {
        let mut firsts: Vec<(Place, u64)> =
            self.blocks.iter().map(|block| (block.first, block.bytes as u64)).collect();
        firsts.sort_unstable();
        let mut ranges = vec![vec![START]];
        let (mut before, mut of_worker, mut of_range) = (0, 0, 0);
        for (first, size) in firsts {
            let share = self.bytes * ranges.len() as u64 / workers.max(1) as u64;
            let last = ranges.last().and_then(|places| places.last()).copied().unwrap_or(START);
            if ranges.len() < workers && before >= share && first.0 > last.0 {
                ranges.push(vec![(first.0, i64::MIN)]);
                (of_worker, of_range) = (0, 0);
            } else if of_range >= bytes && first > last && of_worker > 0 {
                if let Some(places) = ranges.last_mut() {
                    places.push(first);
                }
                of_range = 0;
            }
            before += size;
            of_worker += size;
            of_range += size;
        }
        ranges
    }

    /// The rows from `from` up to `to`, in the table's order.
    pub(super) fn read(&self, from: Place, to: Option<Place>) -> Result<RecordBatch> {
        let wanted = |block: &&Block| block.last >= from && to.is_none_or(|to| block.first < to);
        let mut parts = Vec::new();
        // Blocks that follow each other in the file are fetched at once.
        for blocks in self.blocks.chunk_by(|a, b| wanted(&a) == wanted(&b)) {
            if !blocks.first().is_some_and(|block| wanted(&block)) {
                continue;
            }
            let bytes = self.fetch(blocks)?;
            let mut start = 0;
            for block in blocks {
                let rows = self.decode(bytes.slice_with_length(start, block.bytes), block)?;
                start += block.bytes;
                let places = Places::of(self.table, &rows)?;
                let first = places.below(from);
                let end = to.map_or(block.rows, |to| places.below(to));
                if first < end {
                    parts.push(rows.slice(first, end - first));
                }
            }
        }
        self.names.given_to(sort(self.table, &parts)?)
    }

    fn fetch(&self, blocks: &[Block]) -> Result<Buffer> {
        let start = blocks.first().map_or(0, |block| block.start);
        let mut bytes = vec![0; blocks.iter().map(|block| block.bytes).sum()];
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(start))
            .and_then(|_| file.read_exact(&mut bytes))
            .map_err(|error| failed(&error))?;
        Ok(Buffer::from_vec(bytes))
    }

    fn decode(&self, mut bytes: Buffer, block: &Block) -> Result<RecordBatch> {
        let kept = StreamDecoder::new().decode(&mut bytes)?;
        let kept = kept.filter(|batch| batch.num_rows() == block.rows).ok_or_else(|| {
            Error::new(ErrorKind::Internal, "a block of rows set aside is not as it was written")
        })?;
        let schema = self.table.spec().schema();
        let mut columns: Vec<ArrayRef> = Vec::with_capacity(schema.fields().len());
        for (field, column) in schema.fields().iter().zip(&self.columns[block.chunk]) {
            columns.push(match column {
                Kept::There(at) => Arc::clone(kept.column(*at)),
                Kept::Constant(constant) => constant.column(field.data_type(), block.rows),
                Kept::As(other) => Arc::clone(&columns[*other]),
            });
        }
        Ok(RecordBatch::try_new(schema, columns)?)
    }
}

/// What customers are called: once here, not with every row on disk.
#[derive(Debug, Default)]
struct Names {
    text: String,
    /// Where each name ends.
    ends: Vec<usize>,
    /// Which name is that of each key; keys are dense.
    of_key: Vec<u32>,
}

/// A key without a name.
const NAMELESS: u32 = u32::MAX;

/// Where a table's rows have the customer's key and name.
fn customer(rows: &RecordBatch) -> Option<(usize, usize)> {
    let schema = rows.schema_ref();
    Some((schema.index_of("customer_key").ok()?, schema.index_of("customer_id").ok()?))
}

impl Names {
    /// The rows without the names, which are kept.
    fn taken_from(&mut self, rows: &RecordBatch) -> Result<RecordBatch> {
        let Some((key, id)) = customer(rows) else { return Ok(rows.clone()) };
        let keys = rows.column(key).as_primitive::<Int64Type>();
        let ids = rows.column(id).as_string::<i32>();
        for row in 0..rows.num_rows() {
            if keys.is_null(row) && ids.is_null(row) {
                continue;
            }
            let key = Some(keys.value(row)).filter(|_| keys.is_valid(row) && ids.is_valid(row));
            let key = key.and_then(|key| usize::try_from(key).ok()).ok_or_else(|| {
                Error::new(ErrorKind::Internal, "a customer has a key without an id, or an id only")
            })?;
            if key >= self.of_key.len() {
                self.of_key.resize(key + 1, NAMELESS);
            }
            if self.of_key[key] == NAMELESS {
                self.of_key[key] = u32::try_from(self.ends.len()).unwrap_or(NAMELESS);
                self.text.push_str(ids.value(row));
                self.ends.push(self.text.len());
            }
        }
        let mut columns = rows.columns().to_vec();
        columns[id] = new_null_array(&DataType::Utf8, rows.num_rows());
        Ok(RecordBatch::try_new(rows.schema(), columns)?)
    }

    /// The rows with their customers' names.
    fn given_to(&self, rows: RecordBatch) -> Result<RecordBatch> {
        let Some((key, id)) = customer(&rows) else { return Ok(rows) };
        let name = |key: i64| {
            let at = usize::try_from(*self.of_key.get(usize::try_from(key).ok()?)?).ok()?;
            let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
            self.text.get(start..*self.ends.get(at)?)
        };
        let keys = rows.column(key).as_primitive::<Int64Type>();
        let mut ids = StringBuilder::with_capacity(rows.num_rows(), rows.num_rows() * 16);
        let mut last = (None, None);
        for key in keys {
            if key != last.0 {
                last = (key, key.and_then(name));
            }
            ids.append_option(last.1);
        }
        let mut columns = rows.columns().to_vec();
        columns[id] = Arc::new(ids.finish());
        Ok(RecordBatch::try_new(rows.schema(), columns)?)
    }
}

/// The places of the rows of a sorted batch.
struct Places {
    keys: ArrayRef,
    times: Option<ArrayRef>,
}

impl Places {
    fn of(table: Table, rows: &RecordBatch) -> Result<Self> {
        let sort = table.spec().sort;
        let column = |name: &&str| rows.column_by_name(name).cloned();
        let keys = sort.first().and_then(column).filter(|keys| integers(keys).is_some());
        let times = sort.get(1).and_then(column).filter(|times| integers(times).is_some());
        let keys = keys.ok_or_else(|| {
            let words = format!("table {} is not sorted by customer", table.name());
            Error::new(ErrorKind::Internal, words)
        })?;
        Ok(Self { keys, times })
    }

    fn at(&self, row: usize) -> Place {
        let value = |column: &ArrayRef| match integers(column) {
            Some(values) if column.is_valid(row) => values[row],
            _ => NOBODY,
        };
        (value(&self.keys), self.times.as_ref().map_or(NOBODY, value))
    }

    /// How many rows come before `place`.
    fn below(&self, place: Place) -> usize {
        let (mut low, mut high) = (0, self.keys.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.at(middle) < place { low = middle + 1 } else { high = middle }
        }
        low
    }
}

fn failed(error: &std::io::Error) -> Error {
    Error::new(ErrorKind::Storage, "setting rows aside to sort them")
        .caused_by(std::io::Error::new(error.kind(), error.to_string()))
        .hint("a load needs free space of about twice the size of what it brings")
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringArray, TimestampMicrosecondArray};
    use arrow::compute::concat_batches;
    use rand::{Rng, SeedableRng};
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    /// Activity of customers of whom some have most, and some rows nobody.
    fn activity(rng: &mut Xoshiro256PlusPlus, rows: usize, first: usize) -> RecordBatch {
        let spec = Table::Activity.spec();
        let mut key = || {
            let of_many = rng.random_ratio(1, 3);
            (!rng.random_ratio(1, 9)).then(|| if of_many { 3 } else { rng.random_range(0..500) })
        };
        let keys: Int64Array = (0..rows).map(|_| key()).collect();
        let names: StringArray =
            keys.iter().map(|key| key.map(|key| format!("customer {key}"))).collect();
        let times: TimestampMicrosecondArray =
            (0..rows).map(|_| Some(rng.random_range(0..5_000))).collect();
        let ids: StringArray = (first..first + rows).map(|id| Some(id.to_string())).collect();
        let numbers = Int64Array::from_iter_values((first..first + rows).map(|row| row as i64));
        let columns = spec.columns.iter().map(|column| -> ArrayRef {
            match column.name {
                "customer_key" => Arc::new(keys.clone()),
                "customer_id" => Arc::new(names.clone()),
                "occurred_at" => Arc::new(times.clone().with_timezone("UTC")),
                "event_id" => Arc::new(ids.clone()),
                "row_no" => Arc::new(numbers.clone()),
                _ => new_null_array(&column.kind.data_type(), rows),
            }
        });
        RecordBatch::try_new(spec.schema(), columns.collect()).unwrap()
    }

    #[test]
    fn ranges_of_all_chunks_are_the_whole_sorted_and_share_no_customer() {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(3);
        for (workers, bytes) in [(1, u64::MAX), (1, 1), (2, 200_000), (3, 1), (64, 50_000)] {
            let mut spill = Spill::new(Table::Activity, None).unwrap();
            let mut all = Vec::new();
            for chunk in 0..4 {
                let batches: Vec<RecordBatch> = (0..3)
                    .map(|part| activity(&mut rng, 1_000, (chunk * 3 + part) * 1_000))
                    .collect();
                spill.push(&batches).unwrap();
                all.extend(batches);
            }
            let shares = spill.ranges(workers, bytes);
            assert!(shares.len() <= workers);
            assert!(bytes > 1 || workers > 1 || shares[0].len() > 3, "many ranges");
            let places: Vec<Place> = shares.concat();
            assert!(places.is_sorted_by(|a, b| a < b), "{places:?}");
            let mut read = Vec::new();
            let mut ends = places.iter().skip(1).copied().map(Some).chain([None]);
            for share in &shares {
                let before = read.len();
                for &from in share {
                    read.push(spill.read(from, ends.next().unwrap()).unwrap());
                }
                // No customer is in the files of two workers.
                let customer = |rows: &RecordBatch, row: usize| {
                    Places::of(Table::Activity, rows).unwrap().at(row).0
                };
                let some = |rows: &&RecordBatch| rows.num_rows() > 0;
                let last = read[..before].iter().rfind(some);
                let next = read[before..].iter().find(some);
                if let (Some(last), Some(next)) = (last, next) {
                    assert!(customer(last, last.num_rows() - 1) < customer(next, 0));
                }
            }
            let schema = Table::Activity.spec().schema();
            let read = concat_batches(&schema, &read).unwrap();
            assert_eq!(read, sort(Table::Activity, &all).unwrap(), "{workers} workers, {bytes}");
        }
    }
}
