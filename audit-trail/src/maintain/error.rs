//! Why nothing, or not all, was taken out.

use std::path::PathBuf;

use crate::{ReadError, TrailError};

/// Why [`Maintenance`](super::Maintenance) has stopped. What was done until then stays done, and the trail
/// verifies; run it again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MaintainError {
    /// A file or folder of the trail cannot be used.
    #[error(transparent)]
    Trail(#[from] TrailError),
    /// There is no trail, or it cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Another process maintains it.
    #[error("another process takes things out of {} at this moment: wait for it", root.display())]
    Busy {
        /// The trail's root.
        root: PathBuf,
    },
    /// The private key is not the one that signs this directory.
    #[error(
        "{} is not signed by this key: name the file with the key that its writer has \
         (its public half is in verifier.key there)",
        directory.display()
    )]
    OtherKey {
        /// The writer directory.
        directory: PathBuf,
    },
    /// What is there is not what was signed, or not to be told.
    #[error("{}: {why}", directory.display())]
    Evidence {
        /// The writer directory.
        directory: PathBuf,
        /// What was found, and what to do.
        why: String,
    },
    /// The living writer did not do it.
    #[error(
        "{}: its writer did not take the order within {seconds} s: it may be stuck in a full disk, \
         or be older than this program; its log says more (target `audit`)",
        directory.display()
    )]
    NotTaken {
        /// The writer directory.
        directory: PathBuf,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The living writer has refused it, or has ended meanwhile.
    #[error(
        "{}: its writer did not carry out the order: it ended meanwhile, or its log says why (target \
         `audit`); run it again",
        directory.display()
    )]
    Refused {
        /// The writer directory.
        directory: PathBuf,
    },
    /// What was asked for makes no sense.
    #[error("{0}")]
    Wrong(String),
}
