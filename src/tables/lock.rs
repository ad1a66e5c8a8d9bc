//! How is it made sure that only one process writes a store at a time?
//!
//! On a local disk the operating system's advisory lock on `<store>/.lock`
//! does it: it vanishes with the process, so a crash leaves nothing to clean.
//! On an object store an object created with *put if absent* does it; a crash
//! leaves it behind, and the error says which object to delete.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::PathBuf;
use std::sync::Arc;

use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};

use super::location::Location;
use crate::error::{Error, ErrorKind, Result};

/// The right to write a store, held until it is released or dropped.
#[derive(Debug)]
pub(super) enum WriterLock {
    /// The open file carries the operating system's lock; closing releases it.
    Local {
        _file: File,
    },
    Remote {
        store: Arc<dyn ObjectStore>,
        path: Path,
    },
}

impl WriterLock {
    /// Takes the lock, or says who may hold it.
    pub(super) async fn take(location: &Location) -> Result<Self> {
        match location.local_path() {
            Some(folder) => Self::take_local(folder),
            None => Self::take_remote(location).await,
        }
    }

    fn take_local(folder: PathBuf) -> Result<Self> {
        let storage = |error: std::io::Error| {
            Error::new(ErrorKind::Storage, format!("can not write the store {}", folder.display()))
                .caused_by(error)
                .hint("choose another folder with --store, or check its rights")
        };
        std::fs::create_dir_all(&folder).map_err(storage)?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join(".lock"))
            .map_err(storage)?;
        match file.try_lock() {
            Ok(()) => Ok(Self::Local { _file: file }),
            Err(TryLockError::WouldBlock) => Err(Error::new(
                ErrorKind::Conflict,
                format!("another process is writing the store {}", folder.display()),
            )
            .hint("wait for it to end; reports and scores can be read meanwhile")),
            Err(TryLockError::Error(error)) => Err(storage(error)),
        }
    }

    async fn take_remote(location: &Location) -> Result<Self> {
        let path = location.child(".lock");
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let payload = PutPayload::from(format!("process {}", std::process::id()));
        match location.store().put_opts(&path, payload, options).await {
            Ok(_) => Ok(Self::Remote { store: location.store(), path }),
            Err(object_store::Error::AlreadyExists { .. }) => Err(Error::new(
                ErrorKind::Conflict,
                format!("another process is writing the store {}", location.url()),
            )
            .hint(format!("if none is, a process died: delete the object \"{path}\""))),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives the lock back.
    pub(super) async fn release(self) -> Result<()> {
        match self {
            Self::Local { .. } => Ok(()),
            Self::Remote { store, path } => Ok(store.delete(&path).await?),
        }
    }
}
