//! Showing one record to somebody who does not have the trail.

mod error;
mod find;
mod proof;
mod walk;

use std::path::{Path, PathBuf};

use crate::{
    Known, Named, ReadError,
    files::{VERIFIER, numbers},
    note::VerifyingKey,
    verify::{directories, small},
};

pub use self::{
    error::{BadProof, ProveError},
    proof::{Proof, Proven},
};

/// Makes the proof of one record, also while the trail is written: against the latest checkpoint
/// that covers it, or, where anchors are known, the latest of these: so somebody who has kept one
/// needs to trust nothing that was signed after it. `source` is a trail root or one writer directory.
/// `id` is the record's `id`, or its place: its seq, in a root after the directory, as `00/17`.
/// Without a key it is that in the directory.
///
/// Only what was checked is given: the checkpoint's signature and the root over what stands before it.
/// Damage elsewhere in the trail, and segments that were pruned before the record, do not matter.
///
/// Reads the directory at most once, and the segment of the record twice, and needs little memory:
/// 64 KiB, up to 2 MiB for a long record.
///
/// ```no_run
/// use audit_core::Group;
/// use audit_trail::{Known, Proof, VerifyingKey, prove};
///
/// let proof = prove("./audit", "00/17", &Known::default())?;
/// std::fs::write("17.tlog-proof", proof.without(&[Group::Actor])?.to_string())?;
/// // Elsewhere, without the trail:
/// let key = VerifyingKey::parse(&std::fs::read_to_string("audit.pub")?)?;
/// let proven = Proof::parse(&std::fs::read_to_string("17.tlog-proof")?)?.check(&key)?;
/// assert_eq!(proven.seq, 17);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// When there is no such record, when it is not signed yet, or when what was signed is no more there.
pub fn prove(source: impl AsRef<Path>, id: &str, known: &Known) -> Result<Proof, ProveError> {
    let source = source.as_ref();
    let all = directories(source, false)?;
    match Named::parse(id) {
        Named::Id(id) => by_id(source, &all, id, known),
        Named::Place { writer: Some(writer), seq } => {
            let path = source.join(writer);
            if all.contains(&path) {
                at(&path, seq, known)
            } else if source.ends_with(writer) {
                at(source, seq, known)
            } else {
                Err(not_there(source, id, ": it has no such writer directory"))
            }
        }
        Named::Place { writer: None, seq } => match &all[..] {
            [one] => at(one, seq, known),
            _ => Err(ProveError::WhichWriter { root: source.to_owned(), count: all.len(), seq }),
        },
    }
}

fn by_id(source: &Path, all: &[PathBuf], id: &str, known: &Known) -> Result<Proof, ProveError> {
    let (mut failed, mut elsewhere) = (None, None);
    for path in all {
        let found = find::by_id(path, id)?;
        elsewhere = elsewhere.or(found.elsewhere.map(|seq| (path, seq)));
        if let Some(seq) = found.seq {
            match at(path, seq, known) {
                Ok(proof) => return Ok(proof),
                // Somebody may have put one with this id before the other.
                Err(error) => failed = failed.or(Some(error)),
            }
        }
    }
    let hint = match elsewhere {
        Some((path, seq)) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            format!("; record {name}/{seq} holds it, not as its own id: name that place")
        }
        None => format!("; `audit query {} --json` shows the id of each", source.display()),
    };
    Err(failed.unwrap_or_else(|| not_there(source, id, &hint)))
}

fn at(path: &Path, seq: u64, known: &Known) -> Result<Proof, ProveError> {
    let own = small(path, VERIFIER)?.and_then(|text| VerifyingKey::parse(&text).ok());
    let key = known.key.clone().or(own).ok_or_else(|| ProveError::NoKey(path.to_owned()))?;
    let proof = walk::prove(path, seq, &key, &known.anchors)?;
    // Not one is given that does not hold.
    proof.check(&key).map_err(|error| ProveError::Damaged {
        directory: path.to_owned(),
        seq,
        finding: crate::Finding {
            file: String::new(),
            line: 0,
            seq: None,
            what: error.reason().to_owned(),
        },
    })?;
    Ok(proof)
}

fn not_there(source: &Path, id: &str, hint: &str) -> ProveError {
    ProveError::NotThere { id: id.to_owned(), path: source.to_owned(), hint: hint.to_owned() }
}

/// The segments of a directory, in order.
fn segments(path: &Path) -> Result<Vec<u64>, ReadError> {
    Ok(numbers(&crate::read::names(path)?))
}
