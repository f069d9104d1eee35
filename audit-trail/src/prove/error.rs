//! Why there is no proof, or it does not hold.

use std::{borrow::Cow, path::PathBuf};

use crate::{Finding, ReadError};

/// Why no proof can be made. Each says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProveError {
    /// The trail cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is no key to tell what was signed.
    #[error(
        "no key to tell what was signed: {}/verifier.key is missing or is none; give the key that was kept elsewhere",
        .0.display()
    )]
    NoKey(PathBuf),
    /// The place of a record in a root of several directories was not told whole.
    #[error("{source} holds {count} writer directories: say which, as in 00/{seq}", source = root.display())]
    WhichWriter {
        /// The root.
        root: PathBuf,
        /// How many there are.
        count: usize,
        /// The place in one of them.
        seq: u64,
    },
    /// No such record is there.
    #[error("no record {id} in {source}{hint}", source = path.display())]
    NotThere {
        /// What was looked for.
        id: String,
        /// Where.
        path: PathBuf,
        /// What may help, beginning with its punctuation.
        hint: String,
    },
    /// The record was pruned.
    #[error(
        "record {seq} of {directory} is gone: the records before {from} were pruned",
        directory = directory.display()
    )]
    Pruned {
        /// Its directory.
        directory: PathBuf,
        /// Its place.
        seq: u64,
        /// The first that is left.
        from: u64,
    },
    /// No checkpoint covers it yet.
    #[error(
        "record {seq} of {directory} is not signed yet: try again when a checkpoint covers it, at the \
         latest a second after it was written, or at the next start where its process died",
        directory = directory.display()
    )]
    NotSigned {
        /// Its directory.
        directory: PathBuf,
        /// Its place.
        seq: u64,
    },
    /// None of the anchors is one.
    #[error("the anchor is no checkpoint that this key has signed")]
    NoAnchor,
    /// None of the anchors is of this directory and covers it.
    #[error(
        "no anchor covers record {seq} of {directory}: give a later one of this directory, or none",
        directory = directory.display()
    )]
    NotAnchored {
        /// Its directory.
        directory: PathBuf,
        /// Its place.
        seq: u64,
    },
    /// It, or what stands before the next checkpoint, is not what was signed.
    #[error(
        "record {seq} of {directory} cannot be proven: {finding}; `audit verify` tells more",
        directory = directory.display()
    )]
    Damaged {
        /// Its directory.
        directory: PathBuf,
        /// Its place.
        seq: u64,
        /// What was found, and where.
        finding: Finding,
    },
}

/// Why a proof does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the proof does not hold: {0}")]
pub struct BadProof(Cow<'static, str>);

impl BadProof {
    /// The reason, beginning with "it" or "its".
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.0
    }
}

impl From<&'static str> for BadProof {
    fn from(why: &'static str) -> Self {
        Self(why.into())
    }
}

impl From<String> for BadProof {
    fn from(why: String) -> Self {
        Self(why.into())
    }
}
