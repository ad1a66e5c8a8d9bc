//! How is it made sure that only one process writes a store at a time?
//!
//! On a local disk the operating system's advisory lock on `<store>/.lock`
//! does it: it vanishes with the process, so a crash leaves nothing to clean.
//! What the file says of its holder is only for people who find it held.
//!
//! On an object store it is a *lease*: an object created with put-if-absent
//! that says until when it holds, and that its holder renews while it works.
//! Whoever finds a lease that has run out takes it over. A holder that slept
//! through its lease can do no harm: each Delta commit is a put-if-absent of
//! the next version, and that of `runs` makes a run visible or fails it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use object_store::path::Path;
use object_store::{
    ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, PutResult, UpdateVersion,
};
use tokio::task::JoinHandle;

use super::location::Location;
use crate::error::{Error, ErrorKind, Result};

/// How long a lease holds; far more than clocks of machines differ.
const LEASE: Duration = Duration::from_secs(600);

/// How often its holder renews it.
const RENEWAL: Duration = Duration::from_secs(120);

/// The right to write a store, held until it is released or dropped.
#[derive(Debug)]
pub(super) enum WriterLock {
    /// The open file carries the operating system's lock; closing releases it.
    Local { file: File },
    /// Dropping ends the renewals, so that the lease runs out.
    Remote(Lease),
}

/// A lease that is being renewed.
#[derive(Debug)]
pub(super) struct Lease {
    store: Arc<dyn ObjectStore>,
    path: Path,
    renewals: JoinHandle<()>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.renewals.abort();
    }
}

impl WriterLock {
    /// Takes the lock for what `work` names, or says who holds it.
    pub(super) async fn take(location: &Location, work: &str) -> Result<Self> {
        match location.local_path() {
            Some(folder) => Self::take_local(folder, work),
            None => Ok(Self::Remote(lease(location, Utc::now()).await?)),
        }
    }

    fn take_local(folder: PathBuf, work: &str) -> Result<Self> {
        let storage = |error: std::io::Error| {
            Error::new(ErrorKind::Storage, format!("can not write the store {}", folder.display()))
                .caused_by(error)
                .hint("choose another folder with --store, or check its rights")
        };
        std::fs::create_dir_all(&folder).map_err(storage)?;
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join(".lock"))
            .map_err(storage)?;
        match file.try_lock() {
            Ok(()) => {
                let holder = holder(work, Utc::now());
                // A lock that nobody can read about is a lock all the same.
                let _ = file.set_len(0).and_then(|()| file.write_all(holder.as_bytes()));
                Ok(Self::Local { file })
            }
            Err(TryLockError::WouldBlock) => {
                let told = std::fs::read_to_string(folder.join(".lock")).unwrap_or_default();
                let holder = if told.is_empty() { told } else { format!(": {}", told.trim_end()) };
                Err(Error::new(
                    ErrorKind::Conflict,
                    format!("another process is writing the store {}{holder}", folder.display()),
                )
                .hint("wait for it to end; reports and scores can be read meanwhile"))
            }
            Err(TryLockError::Error(error)) => Err(storage(error)),
        }
    }

    /// Gives the lock back. A lease that can not be deleted runs out by itself,
    /// so there is nothing a caller would have to do about it.
    pub(super) async fn release(&self) {
        match self {
            Self::Local { file } => {
                let _ = file.set_len(0).and_then(|()| file.unlock());
            }
            Self::Remote(lease) => {
                lease.renewals.abort();
                let _ = lease.store.delete(&lease.path).await;
            }
        }
    }
}

/// Who holds a lock on this machine, in words.
fn holder(work: &str, now: DateTime<Utc>) -> String {
    let since = now.format("%Y-%m-%d %H:%M:%S");
    format!("{work}, process {}, since {since} UTC\n", std::process::id())
}

/// Takes the lease of a store, also one that has run out at `now`.
async fn lease(location: &Location, now: DateTime<Utc>) -> Result<Lease> {
    let store = location.store();
    let path = location.child(".lock");
    let taken = match write(&store, &path, PutMode::Create, now).await {
        Err(object_store::Error::AlreadyExists { .. }) => {
            let found = store.get(&path).await?;
            let version = UpdateVersion {
                e_tag: found.meta.e_tag.clone(),
                version: found.meta.version.clone(),
            };
            let until = String::from_utf8_lossy(&found.bytes().await?).into_owned();
            let held = DateTime::parse_from_rfc3339(&until).is_ok_and(|until| until > now);
            if held {
                return Err(busy(location, &until));
            }
            write(&store, &path, PutMode::Update(version), now).await
        }
        other => other,
    };
    let put = taken.map_err(|error| match error {
        object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. } => {
            busy(location, "the next minutes")
        }
        other => other.into(),
    })?;
    let renewals = tokio::spawn(renew(Arc::clone(&store), path.clone(), put));
    Ok(Lease { store, path, renewals })
}

/// Renews a lease until somebody else has it.
async fn renew(store: Arc<dyn ObjectStore>, path: Path, mut held: PutResult) {
    loop {
        tokio::time::sleep(RENEWAL).await;
        let version = UpdateVersion { e_tag: held.e_tag.clone(), version: held.version.clone() };
        match write(&store, &path, PutMode::Update(version), Utc::now()).await {
            Ok(renewed) => held = renewed,
            Err(
                object_store::Error::Precondition { .. } | object_store::Error::NotFound { .. },
            ) => {
                return;
            }
            // The network may be back in time for the next one.
            Err(_) => {}
        }
    }
}

async fn write(
    store: &Arc<dyn ObjectStore>,
    path: &Path,
    mode: PutMode,
    now: DateTime<Utc>,
) -> object_store::Result<PutResult> {
    let until = (now + LEASE).to_rfc3339();
    let options = PutOptions { mode, ..PutOptions::default() };
    store.put_opts(path, PutPayload::from(until), options).await
}

fn busy(location: &Location, until: &str) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!("another process is writing the store {}", location.url()),
    )
    .hint(format!("wait for it to end; if it died, its lease runs out: {until}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_lease_excludes_others_until_it_is_released_or_runs_out() {
        let location = Location::parse("memory:///shop").unwrap();
        let now = Utc::now();
        let first = lease(&location, now).await.unwrap();
        let refused = lease(&location, now).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Conflict);
        assert!(refused.hints()[0].contains("runs out"), "{refused:?}");
        // The holder dies: nobody renews, nobody deletes.
        drop(first);
        assert!(lease(&location, now).await.is_err());
        let second = lease(&location, now + LEASE + RENEWAL).await.unwrap();
        WriterLock::Remote(second).release().await;
        let third = lease(&location, now).await.unwrap();
        WriterLock::Remote(third).release().await;
    }

    #[tokio::test]
    async fn who_holds_a_lock_is_told_to_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::parse(folder.path().to_str().unwrap()).unwrap();
        let first = WriterLock::take(&location, "tenure nightly").await.unwrap();
        let refused = WriterLock::take(&location, "tenure").await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Conflict);
        let holder = format!(": tenure nightly, process {}, since ", std::process::id());
        assert!(refused.to_string().contains(&holder), "{refused}");
        first.release().await;
        WriterLock::take(&location, "tenure").await.unwrap();
    }
}
