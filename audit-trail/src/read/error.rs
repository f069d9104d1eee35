//! Why a trail cannot be read.

use std::{
    io,
    path::{Path, PathBuf},
};

/// Why reading failed. Each names the path and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The path leads to no trail.
    #[error(
        "no trail at {}: name a trail root (it holds the folders 00, 01, …) or one of these folders",
        .0.display()
    )]
    NoTrail(PathBuf),
    /// A file or folder may not be read, or the disk fails.
    #[error("cannot read {}: {source}{}", path.display(), hint(source))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl ReadError {
    pub(crate) fn io(path: &Path, source: impl Into<io::Error>) -> Self {
        Self::Io { path: path.to_owned(), source: source.into() }
    }
}

fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::PermissionDenied => {
            " (a trail is readable by its owner only: run as the service's user, or as root)"
        }
        _ => "",
    }
}
