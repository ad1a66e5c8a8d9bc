//! How does a folder of files appear whole or not at all?
//!
//! Everything is written below `NAME.partial`; when the last file is there the
//! folder gets its name. Work that fails removes what it began. Work that was
//! killed leaves only a `.partial` folder, which the next run replaces; one that
//! is still written by another process is held by a lock and refused.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};

/// In the folder while it is written; the lock on it vanishes with its process.
const LOCK: &str = ".lock";

/// A folder under a temporary name.
pub(crate) struct Folder {
    partial: PathBuf,
    done: PathBuf,
    named: bool,
    _lock: File,
}

impl Folder {
    /// Begins the folder `name` in `dir`, which must not hold it yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] if it exists and holds something;
    /// [`ErrorKind::Conflict`] if another process is writing it;
    /// [`ErrorKind::Storage`] if it can not be created.
    pub(crate) fn begin(dir: &Path, name: &str) -> Result<Self> {
        let done = dir.join(name);
        let is_empty = |done: &Path| Ok(fs::read_dir(done)?.next().is_none());
        if done.exists() && !is_empty(&done).map_err(failed("can not replace", &done))? {
            let shown = done.display();
            return Err(Error::new(ErrorKind::Usage, format!("{shown} already holds files"))
                .hint("name another folder, or delete this one first"));
        }
        let partial = dir.join(format!("{name}.partial"));
        let busy = || {
            let message = format!("another process is writing {}", done.display());
            Error::new(ErrorKind::Conflict, message)
                .hint("wait for it to end, or name another folder")
        };
        let held = |lock: &File| matches!(lock.try_lock(), Err(TryLockError::WouldBlock));
        if partial.exists() {
            if File::open(partial.join(LOCK)).is_ok_and(|lock| held(&lock)) {
                return Err(busy());
            }
            fs::remove_dir_all(&partial).map_err(failed("can not remove", &partial))?;
        }
        fs::create_dir_all(&partial).map_err(failed("can not create", &partial))?;
        // Of two that begin at once one finds the other's file, or its lock.
        let lock = File::create_new(partial.join(LOCK)).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => busy(),
            _ => failed("can not create", &partial)(error),
        })?;
        if held(&lock) {
            return Err(busy());
        }
        Ok(Self { partial, done, named: false, _lock: lock })
    }

    /// Where to write while the folder is not complete.
    pub(crate) fn path(&self) -> &Path {
        &self.partial
    }

    /// The folder is complete: gives it its name.
    pub(crate) fn finish(mut self) -> Result<()> {
        if self.done.exists() {
            // Only an empty folder gets here; some systems do not rename over it.
            fs::remove_dir(&self.done).map_err(failed("can not replace", &self.done))?;
        }
        fs::rename(&self.partial, &self.done).map_err(failed("can not create", &self.done))?;
        self.named = true;
        // Last, so that nobody takes the folder for abandoned before it is named.
        fs::remove_file(self.done.join(LOCK)).map_err(failed("can not complete", &self.done))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if !self.named {
            // Nothing can be done about a failure here, and the next run retries.
            let _ = fs::remove_dir_all(&self.partial);
        }
    }
}

/// An error maker for `what` went wrong with `path`.
pub(crate) fn failed(what: &str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    // The words are put together only on failure: this stands on every row's way.
    move |error| {
        let message = format!("{what} {}", path.display());
        Error::new(ErrorKind::Storage, message).caused_by(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_there_when_it_is_complete_and_holds_what_was_written() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::begin(dir.path(), "out").unwrap();
        fs::write(folder.path().join("a"), "1").unwrap();
        assert!(!dir.path().join("out").exists());
        folder.finish().unwrap();
        let names: Vec<_> = fs::read_dir(dir.path().join("out")).unwrap().collect();
        assert_eq!(names.len(), 1);
        assert!(!dir.path().join("out.partial").exists());
    }

    #[test]
    fn what_was_killed_is_replaced_and_what_is_written_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("out.partial")).unwrap();
        fs::write(dir.path().join("out.partial/old"), "1").unwrap();
        fs::write(dir.path().join("out.partial/.lock"), "").unwrap();
        let first = Folder::begin(dir.path(), "out").unwrap();
        assert!(!first.path().join("old").exists());
        let error = Folder::begin(dir.path(), "out").err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        drop(first);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is left of it");
    }

    #[test]
    fn a_file_of_that_name_is_no_folder() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("out"), "mine").unwrap();
        let error = Folder::begin(dir.path(), "out").err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Storage, "{error}");
        assert_eq!(fs::read_to_string(dir.path().join("out")).unwrap(), "mine");
    }
}
