//! Is a file that was acknowledged still there after the power fails?
//!
//! `object_store`'s local backend writes and renames without `fsync`, so a
//! commit can be acknowledged and then lost, or be found torn under its final
//! name. [`Durable`] writes files itself, in the only order that is safe:
//!
//! ```text
//! make the folders, flush the folder above each
//! write under another name, flush       a torn file never has the final name
//! rename (or link: put if absent)       atomic
//! flush the folder                      the name survives, too
//! ```
//!
//! Everything else is passed on. Remote object stores are durable by contract
//! and are not wrapped.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions,
    Result, UploadPart,
};

/// A local file system whose writes survive a power failure once acknowledged.
#[derive(Debug)]
pub struct Durable(LocalFileSystem);

impl Durable {
    /// Wraps the whole local file system; paths are absolute.
    #[must_use]
    pub fn new() -> Self {
        Self(LocalFileSystem::new())
    }

    async fn flush(&self, location: &Path) -> Result<()> {
        flush(self.0.path_to_filesystem(location)?).await
    }
}

/// Flushes a file and the folder that holds its name.
async fn flush(file: PathBuf) -> Result<()> {
    let shown = file.display().to_string();
    blocking(shown, move || {
        File::open(&file)?.sync_all()?;
        file.parent().map_or(Ok(()), flush_folder)
    })
    .await
}

/// Runs file work off the async threads, and says which file it was about.
async fn blocking<T: Send + 'static>(
    path: String,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T> {
    let generic = |source| object_store::Error::Generic { store: "durable", source };
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| generic(error.into()))?;
    done.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => {
            object_store::Error::AlreadyExists { path, source: source.into() }
        }
        _ => generic(source.into()),
    })
}

/// Makes the names in a folder survive a power failure.
fn flush_folder(folder: &FilePath) -> io::Result<()> {
    // Windows can not open a folder as a file; its journal orders renames.
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Creates `folder` and the folders above it, each of which is named durably.
fn create_folder(folder: &FilePath) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let Some(above) = folder.parent() else { return Ok(()) };
    create_folder(above)?;
    match fs::create_dir(folder) {
        // Another process may have been faster.
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => flush_folder(above),
    }
}

/// The name of a file until it is complete: one that ends in # and digits is what
/// the listing takes for an upload under way and does not show.
fn staged(target: &FilePath) -> PathBuf {
    let mut staged = target.as_os_str().to_owned();
    staged.push(format!("{STAGED}{}", uuid::Uuid::new_v4().as_u128()));
    PathBuf::from(staged)
}

/// Comes after the name of a file that is not complete.
pub(super) const STAGED: char = '#';

/// Writes a file so that it is complete under its name or not there at all.
fn place(target: &FilePath, payload: &PutPayload, mode: &PutMode) -> io::Result<()> {
    let Some(folder) = target.parent() else {
        return Err(io::Error::other("a file needs a folder"));
    };
    create_folder(folder)?;
    let staged = staged(target);
    let placed = File::create_new(&staged)
        .and_then(|mut file| {
            payload.iter().try_for_each(|chunk| file.write_all(chunk))?;
            file.sync_all()
        })
        .and_then(|()| match mode {
            PutMode::Create => fs::hard_link(&staged, target),
            _ => fs::rename(&staged, target),
        });
    if placed.is_err() || *mode == PutMode::Create {
        // What matters is whether the file was placed; a staged copy that can
        // not be removed is garbage that no listing shows.
        let _ = fs::remove_file(&staged);
    }
    placed?;
    flush_folder(folder)
}

impl fmt::Display for Durable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Durable({})", self.0)
    }
}

#[async_trait]
impl ObjectStore for Durable {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        if matches!(options.mode, PutMode::Update(_)) || !options.attributes.is_empty() {
            // Not supported locally; the inner store has the words for it.
            return self.0.put_opts(location, payload, options).await;
        }
        let target = self.0.path_to_filesystem(location)?;
        let shown = target.display().to_string();
        blocking(shown, move || place(&target, &payload, &options.mode)).await?;
        let meta = self.0.head(location).await?;
        Ok(PutResult { e_tag: meta.e_tag, version: meta.version })
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        if !options.attributes.is_empty() {
            // Not supported locally; the inner store has the words for it.
            return self.0.put_multipart_opts(location, options).await;
        }
        let target = self.0.path_to_filesystem(location)?;
        let shown = target.display().to_string();
        Ok(Box::new(blocking(shown, move || DurableUpload::begin(target)).await?))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.0.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.0.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.0.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await?;
        self.flush(to).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.0.rename_opts(from, to, options).await?;
        self.flush(to).await
    }
}

/// An upload in parts: a file under another name until it is whole.
#[derive(Debug)]
struct DurableUpload {
    file: Arc<Mutex<File>>,
    staged: PathBuf,
    target: PathBuf,
    /// Where the next part begins.
    end: u64,
}

impl DurableUpload {
    fn begin(target: PathBuf) -> io::Result<Self> {
        if let Some(folder) = target.parent() {
            create_folder(folder)?;
        }
        let staged = staged(&target);
        let file = Arc::new(Mutex::new(File::create_new(&staged)?));
        Ok(Self { file, staged, target, end: 0 })
    }

    fn shown(&self) -> String {
        self.target.display().to_string()
    }
}

#[async_trait]
impl MultipartUpload for DurableUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (file, start) = (Arc::clone(&self.file), self.end);
        self.end += data.content_length() as u64;
        let part = move || {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(start))?;
            data.iter().try_for_each(|chunk| file.write_all(chunk))
        };
        Box::pin(blocking(self.shown(), part))
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let (file, staged, target) =
            (Arc::clone(&self.file), self.staged.clone(), self.target.clone());
        let place = move || {
            file.lock().unwrap_or_else(PoisonError::into_inner).sync_all()?;
            fs::rename(&staged, &target)?;
            target.parent().map_or(Ok(()), flush_folder)
        };
        blocking(self.shown(), place).await?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn abort(&mut self) -> Result<()> {
        let staged = self.staged.clone();
        blocking(self.shown(), move || remove(&staged)).await
    }
}

impl Drop for DurableUpload {
    fn drop(&mut self) {
        // What was given up leaves nothing behind; after completion there is
        // nothing under this name. A copy that can not be removed is garbage
        // that the next run removes.
        let _ = remove(&self.staged);
    }
}

fn remove(staged: &FilePath) -> io::Result<()> {
    match fs::remove_file(staged) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;

    #[tokio::test]
    async fn a_put_is_whole_makes_its_folders_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| Path::from_absolute_path(folder.path()).unwrap().join(name);
        let store = Durable::new();
        let deep = path("a").join("b").join("c.json");
        store.put(&deep, PutPayload::from("one")).await.unwrap();
        store.put(&deep, PutPayload::from("two")).await.unwrap();
        let create = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let refused = store.put_opts(&deep, PutPayload::from("three"), create).await.unwrap_err();
        assert!(matches!(refused, object_store::Error::AlreadyExists { .. }), "{refused}");
        assert_eq!(store.get(&deep).await.unwrap().bytes().await.unwrap(), "two");
        let names = fs::read_dir(folder.path().join("a/b")).unwrap().count();
        assert_eq!(names, 1, "no staged file stays");
        let listed: Vec<_> = store.list(Some(&path("a"))).try_collect().await.unwrap();
        assert_eq!(listed.len(), 1);
    }

    #[tokio::test]
    async fn an_upload_in_parts_has_its_name_when_it_is_whole_or_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = Path::from_absolute_path(folder.path()).unwrap().join("a").join("b");
        let names = || fs::read_dir(folder.path().join("a")).unwrap().count();
        let store = Durable::new();
        let mut upload = store.put_multipart(&path).await.unwrap();
        // Parts may arrive in any order.
        let (first, second) = (upload.put_part("one ".into()), upload.put_part("two".into()));
        second.await.unwrap();
        first.await.unwrap();
        assert!(store.head(&path).await.is_err(), "not before it is complete");
        upload.complete().await.unwrap();
        drop(upload);
        assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "one two");
        assert_eq!(names(), 1);
        for aborted in [true, false] {
            let mut upload = store.put_multipart(&path).await.unwrap();
            upload.put_part("half".into()).await.unwrap();
            assert_eq!(names(), 2);
            if aborted {
                upload.abort().await.unwrap();
            }
            drop(upload);
            assert_eq!(names(), 1, "aborted: {aborted}");
        }
        assert_eq!(store.get(&path).await.unwrap().bytes().await.unwrap(), "one two");
    }
}
