//! An append-only trail of audit records on disk that anyone can read with `jq`: write, recover,
//! read, follow.
//!
//! ```no_run
//! use audit_core::Auditor;
//! use audit_trail::Trail;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let auditor = Auditor::to(Trail::open("./audit")?);
//! // … the auditor is given to a layer, and requests leave records …
//! auditor.close_blocking()?; // everything accepted is on disk
//! # Ok(())
//! # }
//! ```
//!
//! A trail root holds one directory per writing process, `ROOT/00/`, `ROOT/01/`, …, and each of
//! them segments of JSON lines. [`Trail`] writes them and repairs what a crash has left;
//! [`Reader`] merges them by time. The format is described in `docs/trail-format.md`.

mod announced;
mod builder;
mod directory;
mod disk;
mod error;
mod files;
mod key;
mod line;
mod lock;
mod maintain;
mod named;
mod note;
mod opening;
mod order;
mod prove;
mod read;
mod recover;
mod secret;
mod segment;
mod take;
mod trail;
mod tree;
mod verify;
mod write;

#[cfg(test)]
mod tests;

pub use self::{
    builder::Builder,
    error::TrailError,
    maintain::{Held, Hold, MaintainError, Maintenance, Prune, Pruned, Redact, Redacted, Signed},
    named::Named,
    note::{BadKey, SigningKey, VerifyingKey},
    prove::{BadProof, Proof, ProveError, Proven, prove},
    read::{Damaged, Item, Line, ReadError, Reader},
    secret::read_secret,
    trail::Trail,
    verify::{Anchor, Finding, Known, Verdict, verify},
};
