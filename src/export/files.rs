//! How do rows become numbered files, none larger than the target takes?

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::mapping::Mapping;
use super::target::Target;
use super::{csv, json};
use crate::error::{Error, ErrorKind, Result};
use crate::folder::{Folder, failed};

/// What the manifest says of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileNote {
    /// Its name in the folder.
    pub name: String,
    /// Customers in it.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
}

/// The files of an export in the making: one is open at a time.
pub(super) struct Files {
    folder: Folder,
    out: PathBuf,
    extension: &'static str,
    head: Vec<u8>,
    between: Vec<u8>,
    tail: Vec<u8>,
    most_rows: u64,
    most_bytes: u64,
    open: Option<Open>,
    done: Vec<FileNote>,
}

struct Open {
    path: PathBuf,
    writer: BufWriter<File>,
    digest: Sha256,
    note: FileNote,
}

impl Files {
    /// Begins the folder `out`, which must be new or empty.
    pub(super) fn begin(out: &Path, mapping: &Mapping) -> Result<Self> {
        let name = out.file_name().and_then(|name| name.to_str()).ok_or_else(|| {
            Error::new(ErrorKind::Usage, format!("\"{}\" names no folder", out.display()))
                .hint("name a new folder, e.g. --out exports/2025-06-30")
        })?;
        let (extension, [head, between, tail]) = match mapping.target {
            Target::Salesforce | Target::Csv => {
                ("csv", [csv::head(mapping), Vec::new(), Vec::new()])
            }
            Target::Hubspot | Target::Zoho => ("json", json::around(mapping)?),
            Target::Fxiaoke => ("ndjson", json::around(mapping)?),
        };
        Ok(Self {
            folder: Folder::begin(out.parent().unwrap_or(Path::new("")), name)?,
            out: out.to_owned(),
            extension,
            head,
            between,
            tail,
            most_rows: mapping.rows_per_file.unwrap_or(u64::MAX),
            most_bytes: mapping.bytes_per_file.unwrap_or(u64::MAX),
            open: None,
            done: Vec::new(),
        })
    }

    /// Adds a customer's row, to a new file if the open one has no place for it.
    pub(super) fn push(&mut self, row: &[u8]) -> Result<()> {
        let more = (self.between.len() + row.len() + self.tail.len()) as u64;
        let is_full =
            |note: &FileNote| note.rows >= self.most_rows || note.bytes + more > self.most_bytes;
        if self.open.as_ref().is_some_and(|open| is_full(&open.note)) {
            self.close()?;
        }
        let alone = (self.head.len() + row.len() + self.tail.len()) as u64;
        if alone > self.most_bytes {
            let message =
                format!("one customer needs {alone} bytes, a file may have {}", self.most_bytes);
            return Err(Error::new(ErrorKind::Input, message)
                .hint("raise `bytes_per_file` in the mapping, or shorten its texts"));
        }
        let mut open = match self.open.take() {
            Some(mut open) => {
                open.write(&self.between)?;
                open
            }
            None => self.create()?,
        };
        open.write(row)?;
        open.note.rows += 1;
        self.open = Some(open);
        Ok(())
    }

    /// Opens the next file.
    fn create(&self) -> Result<Open> {
        let name = format!("scores-{:06}.{}", self.done.len() + 1, self.extension);
        let path = self.folder.path().join(&name);
        let file = File::create_new(&path).map_err(failed("can not create", &path))?;
        let note = FileNote { name, rows: 0, bytes: 0, sha256: String::new() };
        let writer = BufWriter::with_capacity(1 << 18, file);
        let mut open = Open { path, writer, digest: Sha256::new(), note };
        open.write(&self.head)?;
        Ok(open)
    }

    fn close(&mut self) -> Result<()> {
        let Some(mut open) = self.open.take() else { return Ok(()) };
        open.write(&self.tail)?;
        let flushed = open.writer.flush().and_then(|()| open.writer.get_ref().sync_all());
        flushed.map_err(failed("can not write", &open.path))?;
        open.note.sha256 =
            open.digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        self.done.push(open.note);
        Ok(())
    }

    /// Ends the last file; even a table of nobody has its headings.
    pub(super) fn notes(&mut self, headings: bool) -> Result<Vec<FileNote>> {
        if headings && self.done.is_empty() && self.open.is_none() {
            self.open = Some(self.create()?);
        }
        self.close()?;
        Ok(self.done.clone())
    }

    /// Writes the manifest and gives the folder its name.
    pub(super) fn finish(self, manifest: &[u8]) -> Result<()> {
        let path = self.folder.path().join("manifest.json");
        let written = File::create_new(&path)
            .and_then(|mut file| file.write_all(manifest).and_then(|()| file.sync_all()));
        written.map_err(failed("can not write", &path))?;
        self.folder.finish()?;
        // The names survive a power failure, too; Windows sees to that itself.
        if cfg!(unix) {
            let parent = self.out.parent().filter(|parent| !parent.as_os_str().is_empty());
            for folder in [self.out.as_path(), parent.unwrap_or(Path::new("."))] {
                let synced = fs::File::open(folder).and_then(|folder| folder.sync_all());
                synced.map_err(failed("can not complete", folder))?;
            }
        }
        Ok(())
    }
}

impl Open {
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.writer.write_all(bytes).map_err(failed("can not write", &self.path))?;
        self.digest.update(bytes);
        self.note.bytes += bytes.len() as u64;
        Ok(())
    }
}
