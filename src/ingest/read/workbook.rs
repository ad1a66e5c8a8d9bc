//! How is a workbook opened, and how do its rows stream?
//!
//! XLSX is parsed by a thread of its own that stays one batch ahead, because
//! the parser lends out parts of itself and can not be kept beside them. So a
//! sheet of a million rows streams as well; only the workbook's shared strings
//! are held. The older formats (XLS, XLSB, ODS) are loaded a sheet at a time.

use std::fs::File;
use std::io::{BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use calamine::{Data, Ods, Reader, SheetType, SheetVisible, Sheets, Xls, Xlsb, Xlsx};

use crate::error::{Error, ErrorKind, Result};

use super::batch::RawBatch;
use super::bytes::CountingReader;
use super::options::{Format, ReadOptions};
use super::sheet::SheetRows;
use super::source::InputFile;
use super::{Probe, RowReader, source};

/// A workbook on disk.
type Book = Sheets<BufReader<CountingReader<File>>>;

/// What the parsing thread sends: batches, then `None`, or an error.
type Message = Result<Option<RawBatch>>;

/// Rows of one sheet.
struct Workbook {
    probe: Probe,
    name: String,
    first: Option<RawBatch>,
    rest: Receiver<Message>,
    read: Arc<AtomicU64>,
    bytes: u64,
    done: bool,
}

/// Opens a file that starts like a workbook.
pub(super) fn open(
    disk: File,
    file: &InputFile,
    options: &ReadOptions,
) -> Result<Box<dyn RowReader>> {
    let read = Arc::new(AtomicU64::new(0));
    let book = open_book(CountingReader::new(disk, Arc::clone(&read)), &file.name)?;
    let sheet = choose(&book, &file.name, options.sheet.as_deref())?;
    let (send, rest) = sync_channel(1);
    let rows = SheetRows::new(&file.name, &sheet, options);
    let parsed = sheet.clone();
    std::thread::Builder::new()
        .name("workbook".into())
        .spawn(move || parse(book, &parsed, rows, &send))
        .map_err(|error| source::io_error(&file.name, &error))?;
    let Some(first) = receive(&rest, &file.name)? else {
        return Err(source::no_rows(&file.name));
    };
    let fields = first.batch.schema();
    let headers = fields.fields().iter().map(|field| field.name().clone()).collect();
    Ok(Box::new(Workbook {
        probe: Probe {
            format: Format::Xlsx,
            compression: None,
            encoding: None,
            delimiter: None,
            headers,
            sheet: Some(sheet),
        },
        name: file.name.clone(),
        first: Some(first),
        rest,
        read,
        bytes: file.bytes,
        done: false,
    }))
}

/// Opens the workbook as what its first bytes and its name say.
fn open_book(mut disk: CountingReader<File>, name: &str) -> Result<Book> {
    let refused = |error: &dyn std::fmt::Display| {
        Error::new(ErrorKind::Input, format!("{name}: no readable workbook: {error}"))
            .hint("if it opens with a password, save it without one")
            .hint("if it is a zip archive of other files, unpack it and give those")
            .hint("if it opens nowhere, it was cut: fetch it again")
    };
    let mut magic = [0; 1];
    disk.read_exact(&mut magic).map_err(|error| refused(&error))?;
    let mut disk = BufReader::new(disk);
    std::io::Seek::rewind(&mut disk).map_err(|error| refused(&error))?;
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
    match (magic, extension.as_deref()) {
        // Zip archives start with "PK", compound documents do not.
        ([b'P'], Some("xlsb")) => {
            Xlsb::new(disk).map(Sheets::Xlsb).map_err(|error| refused(&error))
        }
        ([b'P'], Some("ods")) => Ods::new(disk).map(Sheets::Ods).map_err(|error| refused(&error)),
        ([b'P'], _) => Xlsx::new(disk).map(Sheets::Xlsx).map_err(|error| refused(&error)),
        _ => Xls::new(disk).map(Sheets::Xls).map_err(|error| refused(&error)),
    }
}

/// The sheet asked for, or the first visible one.
fn choose(book: &Book, name: &str, wanted: Option<&str>) -> Result<String> {
    let sheets: Vec<&calamine::Sheet> =
        book.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet).collect();
    let names = || sheets.iter().map(|sheet| sheet.name.as_str());
    let Some(wanted) = wanted else {
        let visible = sheets.iter().find(|sheet| sheet.visible == SheetVisible::Visible);
        return visible.or(sheets.first()).map(|sheet| sheet.name.clone()).ok_or_else(|| {
            Error::new(ErrorKind::Input, format!("{name}: the workbook has no sheets"))
        });
    };
    if let Some(found) = names().find(|sheet| *sheet == wanted) {
        return Ok(found.to_owned());
    }
    let listed: Vec<String> = names().map(|sheet| format!("\"{sheet}\"")).collect();
    Err(Error::new(ErrorKind::Unknown, format!("{name}: no sheet is called \"{wanted}\""))
        .hint_nearest(wanted, names())
        .hint(format!("its sheets are {}", listed.join(", "))))
}

/// Parses the sheet to its end. Runs on the thread of its own; the end is said
/// explicitly, so that a thread that dies is not taken for a short sheet.
fn parse(mut book: Book, sheet: &str, mut rows: SheetRows, send: &SyncSender<Message>) {
    let end = each_row(&mut book, sheet, |number, cells| {
        match rows.push(number, cells)? {
            // The reader was dropped: nobody wants the rest.
            Some(batch) => Ok(send.send(Ok(Some(batch))).is_ok()),
            None => Ok(true),
        }
    });
    let last = end.and_then(|()| rows.finish());
    let more = matches!(last, Ok(Some(_)));
    // When the reader is gone there is nobody to tell.
    if send.send(last).is_ok() && more {
        let _gone = send.send(Ok(None));
    }
}

/// Calls `each` with the number of every row that has cells, from 1, and its
/// cells from column A on, until it answers false.
fn each_row(
    book: &mut Book,
    sheet: &str,
    mut each: impl FnMut(u64, &[Data]) -> Result<bool>,
) -> Result<()> {
    let damaged = |error: &dyn std::fmt::Display| {
        Error::new(ErrorKind::Input, format!("sheet \"{sheet}\" can not be read: {error}"))
            .hint("open the workbook in a spreadsheet and save it again")
    };
    let mut cells: Vec<Data> = Vec::new();
    if let Sheets::Xlsx(book) = book {
        let mut reader = book.worksheet_cells_reader(sheet).map_err(|error| damaged(&error))?;
        let mut row = 0;
        while let Some(cell) = reader.next_cell().map_err(|error| damaged(&error))? {
            let (at, column) = cell.get_position();
            if at != row && !cells.is_empty() {
                if !each(u64::from(row) + 1, &cells)? {
                    return Ok(());
                }
                cells.clear();
            }
            row = at;
            let column = column as usize;
            if cells.len() <= column {
                cells.resize(column + 1, Data::Empty);
            }
            cells[column] = cell.get_value().clone().into();
        }
        if !cells.is_empty() {
            each(u64::from(row) + 1, &cells)?;
        }
        return Ok(());
    }
    let range = book.worksheet_range(sheet).map_err(|error| damaged(&error))?;
    let (top, left) = range.start().unwrap_or_default();
    for (number, row) in (u64::from(top) + 1..).zip(range.rows()) {
        cells.clear();
        cells.resize(left as usize, Data::Empty);
        cells.extend_from_slice(row);
        if !each(number, &cells)? {
            return Ok(());
        }
    }
    Ok(())
}

/// The next message of the parsing thread.
fn receive(from: &Receiver<Message>, name: &str) -> Result<Option<RawBatch>> {
    match from.recv() {
        Ok(message) => message.map_err(|error| error.context(name)),
        Err(_) => Err(Error::new(
            ErrorKind::Input,
            format!("{name}: the workbook can not be parsed to its end"),
        )
        .hint("open it in a spreadsheet and save it again, or export CSV")),
    }
}

impl RowReader for Workbook {
    fn probe(&self) -> &Probe {
        &self.probe
    }

    fn next_batch(&mut self) -> Result<Option<RawBatch>> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        if self.done {
            return Ok(None);
        }
        let next = receive(&self.rest, &self.name)?;
        self.done = next.is_none();
        Ok(next)
    }

    fn bytes_read(&self) -> u64 {
        // A zip archive is read with leaps, some bytes of it twice.
        let read = self.read.load(Ordering::Relaxed).min(self.bytes);
        if self.done { self.bytes } else { read }
    }
}
