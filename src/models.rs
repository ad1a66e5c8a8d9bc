//! Which churn specs come with Tenure?

use include_dir::{Dir, include_dir};

use crate::churn::ChurnSpec;
use crate::error::{Error, ErrorKind, Result};

static SPECS: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/models");

impl ChurnSpec {
    /// The spec called `name` that comes with Tenure.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unknown`] that offers the nearest names.
    pub fn built_in(name: &str) -> Result<Self> {
        let file = format!("{name}.toml");
        match SPECS.get_file(&file).and_then(|file| file.contents_utf8()) {
            Some(text) => Self::parse(text, &format!("models/{file}")),
            None => Err(Error::new(ErrorKind::Unknown, format!("there is no spec \"{name}\""))
                .hint_nearest(name, names())
                .hint(format!("built in are: {}", names().join(", ")))),
        }
    }
}

/// The names of the built-in specs.
#[must_use]
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> =
        SPECS.files().filter_map(|file| file.path().to_str()?.strip_suffix(".toml")).collect();
    names.sort_unstable();
    names
}
