//! Where does output go, and how does long work show that it goes on?

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::config::Language;
use crate::error::{Error, ErrorKind, Result};
use crate::reports::render::grouped;
use crate::serve::ui::band::Band;

/// Writes text to standard output.
pub(super) fn text(text: &str) -> Result<()> {
    bytes(text.as_bytes(), None)
}

/// Writes `bytes` to `file`, or to standard output. A file is complete or
/// absent: it is written under another name and then renamed.
pub(super) fn bytes(bytes: &[u8], file: Option<&Path>) -> Result<()> {
    let Some(file) = file else {
        let mut out = std::io::stdout().lock();
        return match out.write_all(bytes).and_then(|()| out.flush()) {
            // The reader of a pipe (`| head`) may close it; that is its right.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            other => other.map_err(|error| {
                Error::new(ErrorKind::Storage, "writing to standard output").caused_by(error)
            }),
        };
    };
    replace(file, bytes).map_err(|error| {
        Error::new(ErrorKind::Storage, format!("writing {}", file.display())).caused_by(error)
    })
}

/// Puts `bytes` in place of what `file` names. Only a regular file is renamed
/// over: to put one in the place of a device or a pipe would take it from
/// every other program, and a link stays a link to the file it leads to.
fn replace(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let file = match std::fs::canonicalize(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => file.to_owned(),
        found => found?,
    };
    if std::fs::metadata(&file).is_ok_and(|target| !target.is_file() && !target.is_dir()) {
        return std::fs::OpenOptions::new().write(true).open(&file)?.write_all(bytes);
    }
    let mut partial = file.clone().into_os_string();
    partial.push(".tmp");
    std::fs::write(&partial, bytes).and_then(|()| std::fs::rename(&partial, &file))
}

/// Writes a value as one JSON document.
pub(super) fn json(value: &impl serde::Serialize) -> Result<()> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|error| Error::new(ErrorKind::Internal, "encoding JSON").caused_by(error))?;
    text.push('\n');
    self::text(&text)
}

/// Says something about the work, on standard error.
pub(super) fn say(words: impl std::fmt::Display) {
    // Nobody may be reading any more.
    let _ = writeln!(std::io::stderr(), "{words}");
}

/// Says what went wrong and what can be done.
///
/// Always in English, whatever the language of the answers: errors name flags,
/// files, columns and lines of queries, and their words are searched for.
pub(super) fn failure(error: &Error) {
    complain("error", error);
}

/// Says what is wrong where the work can go on all the same.
pub(super) fn warning(error: &Error) {
    complain("warning", error);
}

fn complain(severity: &str, error: &Error) {
    say(format_args!("{severity}: {error}"));
    for hint in error.hints() {
        say(format_args!("hint: {hint}"));
    }
}

/// Whether a person is looking.
pub(super) fn on_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// A bar over bytes with rows per second and the time left; silent when
/// standard error is not a terminal.
pub(super) fn progress(total: u64, language: Language) -> ProgressBar {
    if !on_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total);
    let style = language.pick(
        "{msg:30!} {wide_bar} {binary_bytes}/{binary_total_bytes} {prefix} {eta} left",
        "{msg:30!} {wide_bar} {binary_bytes}/{binary_total_bytes} {prefix} 剩余 {eta}",
    );
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// A turning wheel for work whose length is not known.
pub(super) fn spinner(words: &'static str) -> ProgressBar {
    if !on_terminal() {
        return ProgressBar::hidden();
    }
    let wheel = ProgressBar::new_spinner().with_message(words);
    wheel.enable_steady_tick(Duration::from_millis(100));
    wheel
}

/// `1234567` as `1,234,567`.
pub(super) fn count(number: u64) -> String {
    grouped(&number.to_string())
}

/// A band of risk as it reads within a sentence; the code of one that is not
/// known.
pub(super) fn band(code: &str, language: Language) -> String {
    Band::of_code(code).map_or(code, |band| band.name(language)).to_lowercase()
}

/// A bar over things that are counted.
pub(super) fn progress_of(total: u64, things: &'static str, language: Language) -> ProgressBar {
    if !on_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(total).with_message(things);
    let style = language
        .pick("{wide_bar} {pos}/{len} {msg} {eta} left", "{wide_bar} {pos}/{len} {msg} 剩余 {eta}");
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::FileTypeExt;

    use super::*;

    /// What is no regular file stays what it is: renaming over `/dev/null` as
    /// root once took it from the whole machine.
    #[test]
    fn a_pipe_stays_a_pipe_and_a_link_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);

        let made = std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap();
        assert!(made.success());
        let reader = std::thread::spawn({
            let pipe = at("pipe");
            move || fs::read(pipe).unwrap()
        });
        bytes(b"rows", Some(&at("pipe"))).unwrap();
        assert_eq!(reader.join().unwrap(), b"rows");
        assert!(fs::symlink_metadata(at("pipe")).unwrap().file_type().is_fifo());

        fs::write(at("target"), b"old").unwrap();
        std::os::unix::fs::symlink(at("target"), at("link")).unwrap();
        bytes(b"new", Some(&at("link"))).unwrap();
        assert!(fs::symlink_metadata(at("link")).unwrap().is_symlink());
        assert_eq!(fs::read(at("target")).unwrap(), b"new");

        let refused = bytes(b"rows", Some(folder.path())).unwrap_err();
        assert!(refused.to_string().contains("writing"), "{refused}");
        let names = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 3, "nothing is left beside what was asked for");
    }
}
