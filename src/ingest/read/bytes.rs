//! How are the bytes of a file reached through its compression?
//!
//! By what the bytes are, not by what the name says: exports called `.csv.gz`
//! are often plain, and the reverse. A gzip file may have several members one
//! after the other (`cat a.gz b.gz`), a Zstandard file several frames; both
//! are read to their end, and a stream that breaks off inside of one is an
//! error and not the end of the data.

use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::bufread::MultiGzDecoder;

/// Large enough that reading costs few system calls.
const BUFFER: usize = 1 << 16;

/// The compressions a file may stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    /// RFC 1952.
    Gzip,
    /// RFC 8878.
    Zstd,
}

impl Compression {
    /// The name people know it by.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// A reader that counts what went through it, for progress.
pub(super) struct CountingReader<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R> CountingReader<R> {
    /// Counts what is read from `inner` into `read`.
    pub(super) fn new(inner: R, read: Arc<AtomicU64>) -> Self {
        Self { inner, read }
    }
}

impl<R: Read> Read for CountingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.read.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

impl<R: Seek> Seek for CountingReader<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

/// Takes the compression off a stream, if there is one.
pub(super) fn decompress(
    stream: Box<dyn Read + Send>,
) -> io::Result<(Box<dyn Read + Send>, Option<Compression>)> {
    let mut stream = stream;
    let magic = read_head(&mut stream, 4)?;
    let compression = match magic.as_slice() {
        [0x1f, 0x8b, ..] => Some(Compression::Gzip),
        // The second form is a skippable frame, as parallel compressors put
        // first; its low four bits are free.
        [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Some(Compression::Zstd),
        _ => None,
    };
    let whole = BufReader::with_capacity(BUFFER, io::Cursor::new(magic).chain(stream));
    let plain: Box<dyn Read + Send> = match compression {
        Some(Compression::Gzip) => Box::new(MultiGzDecoder::new(whole)),
        Some(Compression::Zstd) => Box::new(zstd::Decoder::with_buffer(whole)?),
        None => Box::new(whole),
    };
    Ok((plain, compression))
}

/// Reads `limit` bytes, fewer only at the end of the input.
pub(super) fn read_head(reader: &mut impl Read, limit: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    reader.take(limit as u64).read_to_end(&mut head)?;
    Ok(head)
}
