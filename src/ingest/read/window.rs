//! How is a stream of any size looked at in one piece at a time?
//!
//! A window holds the bytes from the start of the current record on. It slides
//! forward as records are taken and grows only if a single record is larger
//! than it, so that memory follows the longest record, not the file.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, ErrorKind, Result};

use super::source::io_error;

/// What a window starts with.
const SIZE: usize = 1 << 18;
/// The longest record that is read. More is a quote that was never closed, or
/// not the line ends the file seemed to have.
const LONGEST: usize = 1 << 26;

/// A sliding view of a text stream.
pub(super) struct Window {
    stream: Box<dyn Read + Send>,
    name: String,
    read: Arc<AtomicU64>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    at_end: bool,
    line: u64,
}

impl Window {
    /// A window at the start of `stream`; `name` is the file's, for errors,
    /// and `read` counts the bytes taken from the disk.
    pub(super) fn new(stream: Box<dyn Read + Send>, name: &str, read: Arc<AtomicU64>) -> Self {
        Self {
            stream,
            name: name.to_owned(),
            read,
            buffer: vec![0; SIZE],
            start: 0,
            end: 0,
            at_end: false,
            line: 1,
        }
    }

    /// The bytes seen and not yet taken.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Whether [`bytes`](Self::bytes) reaches to the end of the stream.
    pub(super) fn at_end(&self) -> bool {
        self.at_end
    }

    /// The physical line the window starts at, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// The file's name, for errors.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Bytes taken from the disk so far.
    pub(super) fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// Takes `len` bytes that hold `lines` line ends.
    pub(super) fn advance(&mut self, len: usize, lines: u64) {
        self.start += len;
        self.line += lines;
    }

    /// Brings more bytes into view, or learns that there are none.
    pub(super) fn fill(&mut self) -> Result<()> {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end == self.buffer.len() {
            if self.end >= LONGEST {
                return Err(self.too_long());
            }
            self.buffer.resize(self.end * 2, 0);
        }
        while self.end < self.buffer.len() && !self.at_end {
            match self.stream.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.at_end = true,
                Ok(n) => self.end += n,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(io_error(&self.name, &error)),
            }
        }
        Ok(())
    }

    fn too_long(&self) -> Error {
        let (name, line) = (&self.name, self.line);
        Error::new(
            ErrorKind::Input,
            format!("{name}: line {line}: the record is longer than {} MiB", LONGEST >> 20),
        )
        .hint("a quote may be open: close it, or set `quotes = false` if the file has none")
    }
}
