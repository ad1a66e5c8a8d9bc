//! Which encoding is this text in, and how does it become UTF-8?
//!
//! A byte order mark decides; then UTF-16 by its zero bytes; then UTF-8 if the
//! bytes are valid; then GB18030, the Chinese national standard that CRM
//! exports from China still come in, if the bytes look like it. As long as a
//! file has shown nothing but ASCII the question is left open, so that the
//! first Chinese name in row 500,000 is still read right.
//!
//! Bytes that the encoding does not allow are passed on as the byte `FF`,
//! which UTF-8 never contains: whoever cuts the text into records finds the
//! record that holds it, and only that record is refused.

use std::io::{self, Read};

use encoding_rs::{DecoderResult, Encoding, GB18030, UTF_8, UTF_16BE, UTF_16LE};

use crate::error::{Error, ErrorKind, Result};

use super::options::ReadOptions;
use super::sniff;

/// Bytes decoded at a time; also how far a decision looks ahead.
const CHUNK: usize = 1 << 16;
/// The byte that marks undecodable input.
const MARK: u8 = 0xff;

/// Names offered when an encoding is misspelt.
const KNOWN: [&str; 12] = [
    "utf-8",
    "utf-16le",
    "utf-16be",
    "gb18030",
    "gbk",
    "big5",
    "shift_jis",
    "euc-kr",
    "windows-1252",
    "windows-1251",
    "iso-8859-2",
    "iso-8859-15",
];

/// What is known of the encoding so far.
enum State {
    /// Nothing but ASCII seen.
    Ascii,
    /// Passed through as it is.
    Utf8,
    /// Decoded.
    Other(Box<encoding_rs::Decoder>),
}

/// A stream of bytes read as UTF-8 text, without byte order mark.
pub(super) struct Text {
    inner: Box<dyn Read + Send>,
    state: State,
    encoding: &'static Encoding,
    raw: Vec<u8>,
    out: Vec<u8>,
    given: usize,
    done: bool,
}

impl Text {
    /// Reads `head` and then `inner`, which together are the file.
    ///
    /// # Errors
    /// The file is binary, or the encoding in `options` is not known.
    pub(super) fn new(
        inner: Box<dyn Read + Send>,
        head: &[u8],
        options: &ReadOptions,
        name: &str,
    ) -> Result<Self> {
        let (encoding, bom) = match &options.encoding {
            Some(label) => (Some(by_label(label)?), Encoding::for_bom(head)),
            None => match Encoding::for_bom(head) {
                Some((encoding, len)) => (Some(encoding), Some((encoding, len))),
                None => (utf16_without_bom(head), None),
            },
        };
        let decoded = encoding
            .filter(|encoding| !encoding.is_ascii_compatible())
            .map(|encoding| decoded_sample(encoding, head));
        if sniff::is_binary(decoded.as_deref().unwrap_or(head), options.delimiter) {
            return Err(Error::new(ErrorKind::Input, format!("{name}: binary content, not text"))
                .hint("export the data as CSV, XLSX, NDJSON or Parquet")
                .hint("if it is text in a rare encoding, name it: encoding = \"utf-16le\""));
        }
        let skip = match bom {
            Some((marked, len)) if Some(marked) == encoding => len,
            _ => 0,
        };
        let (state, encoding) = match encoding {
            None => (State::Ascii, guess(head)),
            Some(encoding) => (start(encoding), encoding),
        };
        Ok(Self {
            inner: Box::new(
                io::Cursor::new(head.get(skip..).unwrap_or_default().to_vec()).chain(inner),
            ),
            state,
            encoding,
            raw: Vec::with_capacity(CHUNK),
            out: Vec::new(),
            given: 0,
            done: false,
        })
    }

    /// The encoding's name, as found in the head.
    pub(super) fn encoding(&self) -> &'static str {
        self.encoding.name()
    }

    /// Decodes the next chunk into `out`.
    fn refill(&mut self) -> io::Result<()> {
        self.out.clear();
        self.given = 0;
        self.raw.clear();
        (&mut self.inner).take(CHUNK as u64).read_to_end(&mut self.raw)?;
        self.done = self.raw.len() < CHUNK;
        if matches!(self.state, State::Ascii) && !self.raw.is_ascii() {
            self.state = start(guess(&self.raw));
        }
        match &mut self.state {
            State::Ascii | State::Utf8 => std::mem::swap(&mut self.raw, &mut self.out),
            State::Other(decoder) => decode(decoder, &self.raw, self.done, &mut self.out),
        }
        Ok(())
    }
}

impl Read for Text {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.out.len() {
            if self.done {
                return Ok(0);
            }
            self.refill()?;
        }
        let n = buffer.len().min(self.out.len() - self.given);
        buffer[..n].copy_from_slice(&self.out[self.given..self.given + n]);
        self.given += n;
        Ok(n)
    }
}

/// The state that reads `encoding` from here on.
fn start(encoding: &'static Encoding) -> State {
    if encoding == UTF_8 {
        State::Utf8
    } else {
        State::Other(Box::new(encoding.new_decoder_without_bom_handling()))
    }
}

/// Decodes `raw` to the end of `out`, marking what can not be decoded.
fn decode(decoder: &mut encoding_rs::Decoder, raw: &[u8], last: bool, out: &mut Vec<u8>) {
    let mut rest = raw;
    loop {
        let start = out.len();
        // Three bytes of UTF-8 a byte is the most any encoding needs, and a
        // few more let the decoder flush what it holds.
        out.resize(start + rest.len() * 3 + 16, 0);
        let (result, read, written) =
            decoder.decode_to_utf8_without_replacement(rest, &mut out[start..], last);
        out.truncate(start + written);
        rest = &rest[read..];
        match result {
            DecoderResult::InputEmpty => return,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(..) => out.push(MARK),
        }
    }
}

/// The head in UTF-8, with a zero where it can not be decoded: chance makes two
/// bytes of a binary file a byte order mark, but never the rest text.
fn decoded_sample(encoding: &'static Encoding, head: &[u8]) -> Vec<u8> {
    let mut sample = Vec::new();
    decode(&mut encoding.new_decoder(), head, false, &mut sample);
    for byte in sample.iter_mut().filter(|byte| **byte == MARK) {
        *byte = 0;
    }
    sample
}

/// The encoding of a label, or an error that offers known ones.
fn by_label(label: &str) -> Result<&'static Encoding> {
    Encoding::for_label(label.as_bytes()).ok_or_else(|| {
        Error::new(ErrorKind::Unknown, format!("no encoding is called {label:?}"))
            .hint_nearest(label, KNOWN)
            .hint(format!("known are {} and the other WHATWG labels", KNOWN.join(", ")))
    })
}

/// UTF-16 without a byte order mark, by where its zero bytes are.
///
/// Delimiters, digits and line ends have one zero byte of two, always on the
/// same side; binary files have zeros on both.
fn utf16_without_bom(head: &[u8]) -> Option<&'static Encoding> {
    let units = head.len() / 2;
    let (mut even, mut odd) = (0, 0);
    for unit in head.chunks_exact(2) {
        even += usize::from(unit[0] == 0);
        odd += usize::from(unit[1] == 0);
    }
    match (even, odd) {
        (0, zeros) if zeros > 0 && zeros * 20 >= units => Some(UTF_16LE),
        (zeros, 0) if zeros > 0 && zeros * 20 >= units => Some(UTF_16BE),
        _ => None,
    }
}

/// UTF-8 or GB18030, for bytes that are one of them; UTF-8 in case of doubt.
///
/// Chinese text has the common characters, both bytes of which are at least
/// A1, four times out of five and more. Western European bytes read as GB18030
/// pair with the ASCII letter behind them instead, so they do not pass.
fn guess(bytes: &[u8]) -> &'static Encoding {
    let (mut sequences, mut broken) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        sequences += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    // One broken sequence may be a character cut by the end of the head.
    if broken == 0 || sequences > broken || (sequences > 0 && broken == 1) {
        return UTF_8;
    }
    let (mut common, mut other) = (0_usize, 0_usize);
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (0..=0x80, _) => at += 1,
            (_, Some(0x30..=0x39)) => {
                // Four bytes: rare characters, which are no evidence.
                at += 4;
            }
            (0xa1..=0xfe, Some(0xa1..=0xfe)) => {
                common += 1;
                at += 2;
            }
            (_, Some(0x40..=0x7e | 0x80..=0xfe)) => {
                other += 1;
                at += 2;
            }
            _ => {
                other += 1;
                at += 1;
            }
        }
    }
    if common > 0 && common >= 4 * other { GB18030 } else { UTF_8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHINESE: &str = "客户名称,金额\n上海贸易公司,12\n北京,3\n";

    fn read(bytes: &[u8], head: usize, options: &ReadOptions) -> (Vec<u8>, &'static str) {
        let rest = bytes[head..].to_vec();
        let mut text =
            Text::new(Box::new(io::Cursor::new(rest)), &bytes[..head], options, "a.csv").unwrap();
        let mut out = Vec::new();
        text.read_to_end(&mut out).unwrap();
        (out, text.encoding())
    }

    fn auto(bytes: &[u8]) -> (Vec<u8>, &'static str) {
        read(bytes, bytes.len(), &ReadOptions::default())
    }

    fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn encodings_are_recognised_and_give_the_same_text() {
        let mut marked = b"\xff\xfe".to_vec();
        marked.extend(utf16(CHINESE, u16::to_le_bytes));
        let variants = [
            (CHINESE.as_bytes().to_vec(), "UTF-8"),
            ([b"\xef\xbb\xbf", CHINESE.as_bytes()].concat(), "UTF-8"),
            (marked, "UTF-16LE"),
            (utf16(CHINESE, u16::to_le_bytes), "UTF-16LE"),
            (utf16(CHINESE, u16::to_be_bytes), "UTF-16BE"),
            (GB18030.encode(CHINESE).0.into_owned(), "gb18030"),
        ];
        for (bytes, name) in variants {
            assert_eq!(auto(&bytes), (CHINESE.as_bytes().to_vec(), name));
        }
    }

    #[test]
    fn a_late_chinese_name_is_still_recognised() {
        let text = format!("{}{CHINESE}", "a,1\n".repeat(100_000));
        let bytes = GB18030.encode(&text).0.into_owned();
        let (out, _) = read(&bytes, sniff::HEAD_LEN, &ReadOptions::default());
        assert_eq!(out, text.as_bytes());
    }

    #[test]
    fn western_bytes_are_not_taken_for_chinese() {
        let bytes = b"name\nM\xfcller\ncaf\xe9\nKr\xf6ger\n";
        assert_eq!(auto(bytes), (bytes.to_vec(), "UTF-8"));
        let options =
            ReadOptions { encoding: Some("windows-1252".into()), ..ReadOptions::default() };
        let (out, _) = read(bytes, bytes.len(), &options);
        assert_eq!(out, "name\nMüller\ncafé\nKröger\n".as_bytes());
    }

    #[test]
    fn undecodable_input_is_marked_where_it_is() {
        let mut bytes = GB18030.encode(CHINESE).0.into_owned();
        bytes.extend(b"\xff,9\n");
        assert_eq!(auto(&bytes).0, [CHINESE.as_bytes(), b"\xff,9\n"].concat());
    }

    #[test]
    fn binary_content_and_unknown_labels_are_refused() {
        let options = ReadOptions::default();
        let binary: Vec<u8> = (0..=255).cycle().take(4096).collect();
        let error = Text::new(Box::new(io::empty()), &binary, &options, "a.csv").err().unwrap();
        assert!(error.to_string().contains("binary"), "{error}");
        let error = by_label("gb18O30").err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Unknown);
        assert!(error.hints()[0].contains("gb18030"), "{:?}", error.hints());
    }
}
