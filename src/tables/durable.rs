//! Is a file that was acknowledged still there after the power fails?
//!
//! `object_store`'s local backend writes and renames without `fsync`, so a
//! commit can be acknowledged and then lost. [`Durable`] passes every call on
//! and flushes what was written, and the folder that names it, before it
//! answers. Remote object stores are durable by contract and are not wrapped.

use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::path::PathBuf;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
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
    let flushed = tokio::task::spawn_blocking(move || {
        File::open(&file)?.sync_all()?;
        match file.parent() {
            // Windows can not open a folder as a file; its journal orders renames.
            Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
            _ => Ok(()),
        }
    })
    .await;
    let generic = |source| object_store::Error::Generic { store: "durable", source };
    flushed.map_err(|error| generic(Box::new(error)))?.map_err(|error| generic(Box::new(error)))
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
        let put = self.0.put_opts(location, payload, options).await?;
        self.flush(location).await?;
        Ok(put)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        Ok(Box::new(DurableUpload {
            inner: self.0.put_multipart_opts(location, options).await?,
            file: self.0.path_to_filesystem(location)?,
        }))
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

/// An upload in parts that is flushed when it completes.
#[derive(Debug)]
struct DurableUpload {
    inner: Box<dyn MultipartUpload>,
    file: PathBuf,
}

#[async_trait]
impl MultipartUpload for DurableUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let put = self.inner.complete().await?;
        flush(self.file.clone()).await?;
        Ok(put)
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}
