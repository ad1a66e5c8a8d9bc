//! Where is a store, and through which object store is it reached?
//!
//! A plain path is a folder on the local disk; `s3://`, `gs://`, `az://` and
//! `memory://` URLs go through the same code with the object store of that
//! scheme, its credentials taken from the environment.

use std::collections::HashMap;
use std::path::{Component, PathBuf};
use std::sync::{Arc, Once};

use deltalake_core::logstore::{
    LogStore, LogStoreFactory, StorageConfig, default_logstore, logstore_factories,
};
use deltalake_core::{DeltaResult, DeltaTable, DeltaTableBuilder};
use object_store::ObjectStore;
use object_store::path::Path;
use url::Url;

use super::durable::Durable;
use crate::error::{Error, ErrorKind, Result};

/// A store's address and the object store that serves it.
#[derive(Debug, Clone)]
pub struct Location {
    url: Url,
    prefix: Path,
    store: Arc<dyn ObjectStore>,
}

impl Location {
    /// Reads `address`, a folder or an object-store URL.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`] if the URL's scheme is not supported or its
    /// options are incomplete.
    pub fn parse(address: &str) -> Result<Self> {
        if let Some(url) = remote_url(address) {
            let options = std::env::vars().map(|(key, value)| (key.to_lowercase(), value));
            let (store, prefix) = object_store::parse_url_opts(&url, options).map_err(|error| {
                Error::new(ErrorKind::Usage, format!("can not open the store {url}"))
                    .caused_by(error)
                    .hint("supported: a folder, s3://bucket/path, gs://bucket/path, az://container/path")
            })?;
            return Ok(Self { url: as_folder(url), prefix, store: Arc::from(store) });
        }
        let unusable = |words: String| Error::new(ErrorKind::Usage, words);
        let path = address.strip_prefix("file://").unwrap_or(address);
        let path = resolved(path.as_ref()).map_err(|error| {
            unusable(format!("\"{address}\" is not a usable folder name")).caused_by(error)
        })?;
        let url = Url::from_directory_path(&path)
            .map_err(|()| unusable(format!("\"{address}\" is not a usable folder name")))?;
        let prefix = Path::from_absolute_path(&path).map_err(|error| {
            unusable(format!("\"{address}\" is not a usable folder name")).caused_by(error)
        })?;
        Ok(Self { url, prefix, store: Arc::new(Durable::new()) })
    }

    /// The store's address as a URL that ends in `/`.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The object store, its root being the root of the bucket or disk.
    #[must_use]
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.store)
    }

    /// The object called `name` under the store.
    #[must_use]
    pub fn child(&self, name: &str) -> Path {
        name.split('/').fold(self.prefix.clone(), |path, part| path.join(part))
    }

    /// The folder on the local disk, if it is one.
    #[must_use]
    pub fn local_path(&self) -> Option<PathBuf> {
        (self.url.scheme() == "file").then(|| self.url.to_file_path().ok()).flatten()
    }

    /// The Delta table in the folder `name`, not yet loaded.
    pub(super) fn delta_table(&self, name: &str) -> Result<DeltaTable> {
        register_log_stores();
        let url = self.url.join(&format!("{name}/")).map_err(|error| {
            Error::new(ErrorKind::Internal, format!("no URL for table {name}")).caused_by(error)
        })?;
        Ok(DeltaTableBuilder::from_url(url.clone())?
            .with_storage_backend(self.store(), url)
            .build()?)
    }
}

/// The absolute path without `..`, which an object store has no name for. What it
/// leads to is asked of the system: above a link is not what its name says.
fn resolved(path: &std::path::Path) -> std::io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    if !path.components().any(|part| part == Component::ParentDir) {
        return Ok(path);
    }
    match (path.canonicalize(), path.parent(), path.file_name()) {
        (Ok(found), ..) => Ok(found),
        (Err(error), Some(parent), Some(name)) if error.kind() == std::io::ErrorKind::NotFound => {
            Ok(resolved(parent)?.join(name))
        }
        (Err(error), ..) => Err(error),
    }
}

/// `address` as a URL, if it is one of an object store.
fn remote_url(address: &str) -> Option<Url> {
    let (scheme, _) = address.split_once("://")?;
    (scheme != "file").then(|| Url::parse(address).ok()).flatten()
}

/// Joins append to a URL only when it ends in a slash.
fn as_folder(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    url
}

/// Delta's plain log store (put if absent) for the schemes whose object stores
/// support conditional puts; `deltalake-core` alone knows only files and memory.
#[derive(Debug)]
struct ConditionalPut;

impl LogStoreFactory for ConditionalPut {
    fn with_options(
        &self,
        prefixed_store: Arc<dyn ObjectStore>,
        root_store: Arc<dyn ObjectStore>,
        location: &Url,
        options: &StorageConfig,
    ) -> DeltaResult<Arc<dyn LogStore>> {
        Ok(default_logstore(prefixed_store, root_store, location, options))
    }
}

fn register_log_stores() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let factories = logstore_factories();
        let known: HashMap<_, _> = ["s3", "s3a", "gs", "az", "abfs", "abfss"]
            .into_iter()
            .filter_map(|scheme| Some((Url::parse(&format!("{scheme}://")).ok()?, scheme)))
            .collect();
        for url in known.into_keys() {
            factories.insert(url, Arc::new(ConditionalPut));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_above_are_found_as_the_system_finds_them() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        let at = |address: &str| {
            let address = root.join(address);
            Location::parse(address.to_str().unwrap()).map(|it| it.local_path().unwrap())
        };
        assert_eq!(at("a/b/../c").unwrap(), root.join("a/c"));
        assert_eq!(at("a/b/../new/store").unwrap(), root.join("a/new/store"));
        assert_eq!(at("a/./b").unwrap(), root.join("a/b"));
        assert_eq!(at("a/none/../b").unwrap_err().kind(), ErrorKind::Usage);
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(root.join("a/b"), root.join("link")).unwrap();
            assert_eq!(at("link/../c").unwrap(), root.join("a/c"));
        }
    }
}
