//! Why a trail cannot be opened.

use std::{
    io,
    path::{Path, PathBuf},
};

use audit_core::BadSetting;
use rustix::io::Errno;

/// Why [`Trail::open`](crate::Trail::open) failed. Each names the path and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrailError {
    /// A system call failed.
    #[error("cannot {doing} {}: {source}{}", path.display(), hint(source))]
    Io {
        /// What was tried: `create`, `open`, `lock`, …
        doing: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file or folder could be under somebody else's control, so nothing is written to it.
    #[error("{} {why}", path.display())]
    Unsafe {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it and what to do.
        why: &'static str,
    },
    /// The secret file is not one.
    #[error(
        "{} is not a secret file (64 hex digits): restore it from a backup; or remove it, and a \
         new one is made, but then new pseudonyms do not match the old ones",
        path.display()
    )]
    Secret {
        /// The file.
        path: PathBuf,
    },
    /// The key that signs the trail is missing, or is none.
    #[error("{}: {why}", path.display())]
    Key {
        /// The file, or the environment variable.
        path: PathBuf,
        /// What is wrong and what to do.
        why: String,
    },
    /// None of the writer directories can be written.
    #[error(
        "all 100 writer directories of {} are in use ({held}) or were left as they are ({}): stop a \
         process that writes there, or move away what `audit verify` finds damaged{}",
        root.display(),
        left.len(),
        first(left)
    )]
    Occupied {
        /// The trail root.
        root: PathBuf,
        /// How many are held by a living process.
        held: usize,
        /// The others: which each is, and why it was left.
        left: Vec<String>,
    },
    /// A setting is out of its bounds.
    #[error(transparent)]
    Setting(#[from] BadSetting),
}

impl TrailError {
    pub(crate) fn io(doing: &'static str, path: &Path, source: impl Into<io::Error>) -> Self {
        Self::Io { doing, path: path.to_owned(), source: source.into() }
    }

    /// For the result of opening `path` without following links.
    pub(crate) fn open(doing: &'static str, path: &Path, error: Errno) -> Self {
        match error {
            Errno::LOOP | Errno::MLINK => Self::link(path),
            // A FIFO nobody reads, a socket, a device that is not there.
            Errno::NXIO => Self::unsafe_path(path, "is not a regular file: move it away"),
            error => Self::io(doing, path, error),
        }
    }

    /// There is nothing under its path.
    pub(crate) fn is_missing(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    /// Whether it tells of what stands in a writer directory, so that another one may do: of a file
    /// that is not provably ours, cannot be opened or cannot be read. A full disk is the same in all.
    pub(crate) fn is_of_a_directory(&self) -> bool {
        let Self::Io { doing, source, .. } = self else {
            return matches!(self, Self::Unsafe { .. });
        };
        match source.raw_os_error().map(Errno::from_raw_os_error) {
            Some(Errno::ACCESS | Errno::PERM | Errno::NOTDIR | Errno::ISDIR | Errno::NOENT) => true,
            Some(Errno::IO) => matches!(*doing, "read" | "list"),
            _ => false,
        }
    }

    pub(crate) fn link(path: &Path) -> Self {
        Self::unsafe_path(path, "is a symbolic link: give the path it leads to, or move it away")
    }

    pub(crate) fn unsafe_path(path: &Path, why: &'static str) -> Self {
        Self::Unsafe { path: path.to_owned(), why }
    }
}

/// The first of the reasons.
fn first(left: &[String]) -> String {
    left.first().map(|first| format!(" ({first})")).unwrap_or_default()
}

fn hint(error: &io::Error) -> &'static str {
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::ACCESS | Errno::PERM) => {
            " (the user the service runs as needs the right to read, write and enter it)"
        }
        Some(Errno::ROFS) => " (mount it writable, or choose another trail folder)",
        Some(Errno::NOSPC | Errno::DQUOT) => " (free some space)",
        Some(Errno::MFILE | Errno::NFILE) => " (raise the limit of open files)",
        Some(Errno::NOTDIR) => {
            " (a part of the path is a file: move it away or choose another folder)"
        }
        _ => "",
    }
}
