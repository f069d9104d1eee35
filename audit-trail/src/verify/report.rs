//! What was found.

use std::{collections::HashSet, fmt, path::PathBuf};

use audit_core::Timestamp;

use super::{Known, claims::origin_of};
use crate::{lock::is_held, note::Checkpoint, tree::hex};

/// Something that is not as it was signed, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, by its name in the directory; empty for the directory itself.
    pub file: String,
    /// The line in it, from 1; 0 for all of it.
    pub line: u64,
    /// The record that was expected there, where that is known.
    pub seq: Option<u64>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.file.is_empty(), self.line) {
            (true, _) => {}
            (false, 0) => write!(f, "{}: ", self.file)?,
            (false, line) => write!(f, "{} line {line}: ", self.file)?,
        }
        if let Some(seq) = self.seq {
            write!(f, "record {seq}: ")?;
        }
        f.write_str(&self.what)
    }
}

/// A checkpoint that was kept elsewhere, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// How many records it covers.
    pub size: u64,
    /// Whether the directory holds just these; absent where they were pruned since.
    pub holds: Option<bool>,
}

/// What is known of one writer directory.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Verdict {
    /// The directory.
    pub directory: PathBuf,
    /// Which directory of which trail it says it is.
    pub origin: String,
    /// What is not as it was signed. Empty: every record up to `size` is what was signed.
    pub broken: Vec<Finding>,
    /// How many records a checkpoint covers.
    pub size: u64,
    /// The root of their tree, in hex.
    pub root: String,
    /// The time of the last of them.
    pub fresh: Option<Timestamp>,
    /// Whether the key came from outside. If not, all of this says only that the directory is
    /// consistent in itself.
    pub pinned: bool,
    /// The checkpoints that were kept elsewhere.
    pub anchors: Vec<Anchor>,
    /// The first record that is there: those before were pruned, as a signed record says.
    pub pruned: u64,
    /// Signed records with redacted groups, as signed records say.
    pub redacted: u64,
    /// Ranges of records, from and to, that were not signed when a process died, and were taken
    /// over by the next as the file was.
    pub unsealed: Vec<(u64, u64)>,
    /// Gaps that records tell of: how many records were lost.
    pub lost: u64,
    /// How often something was not as it was left, as signed records tell.
    pub repairs: u64,
    /// What is no proof of a change, and yet more than a writer leaves by itself: an unsigned tail, or a
    /// range that was taken over, which is too long.
    pub warnings: Vec<String>,
    /// Records after the last checkpoint: nobody vouches for them.
    pub tail: u64,
    /// Why the rest of the tail is none.
    pub tail_damage: Option<Finding>,
    /// Files that end in `.jsonl` and are no segments.
    pub foreign: Vec<String>,
}

impl Verdict {
    /// Whether all is well: nothing is broken, the tail is whole, and no file is foreign.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.broken.is_empty() && self.tail_damage.is_none() && self.foreign.is_empty()
    }
}

impl Verdict {
    /// Whether a checkpoint covers any of it. A start that was cut off early leaves a directory in
    /// which nothing is signed; so does whoever takes all of it away, which only a key or an anchor
    /// from outside can tell.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        !self.root.is_empty()
    }
}

/// One line.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.directory.display())?;
        match self.broken.first() {
            None if !self.is_signed() => f.write_str("nothing is signed")?,
            None => write!(f, "integrity ok, {} records, root {}", self.size, self.root)?,
            Some(first) => write!(f, "integrity FAIL: {first}")?,
        }
        if let Some(damage) = &self.tail_damage {
            write!(f, "; tail damage: {damage}")?;
        }
        if !self.foreign.is_empty() {
            write!(f, "; foreign files: {}", self.foreign.join(", "))?;
        }
        Ok(())
    }
}

impl Verdict {
    pub(super) fn broken(&mut self, file: &str, line: u64, seq: Option<u64>, what: String) {
        self.broken.push(Finding { file: file.to_owned(), line, seq, what });
    }

    pub(super) fn set_root(&mut self, root: &[u8; 32]) {
        self.root = hex(root);
    }
}

/// What concerns all directories: with a key from outside, something must be signed by it. One that is a copy of another is none, and an anchor that is
/// of no directory is told of the first.
pub(super) fn match_all(verdicts: &mut [Verdict], known: &Known) {
    let begins = |verdict: &Verdict| !verdict.is_signed() && verdict.broken.is_empty();
    let lives = |verdict: &Verdict| is_held(&verdict.directory);
    if known.key.is_some() && verdicts.iter().all(begins) && !verdicts.iter().any(lives) {
        let what = "nothing here is signed by this key: a first start that was cut off leaves that, and so does \
                    whoever takes all of it away";
        if let Some(first) = verdicts.first_mut() {
            first.broken("", 0, None, what.to_owned());
        }
    }
    let mut origins = HashSet::new();
    for verdict in verdicts.iter_mut().filter(|verdict| !verdict.origin.is_empty()) {
        if !origins.insert(verdict.origin.clone()) {
            let what = format!("another directory here is {} too: one is a copy", verdict.origin);
            verdict.broken("", 0, None, what);
        }
    }
    for note in &known.anchors {
        let origin = origin_of(note);
        if verdicts.iter().any(|verdict| verdict.origin == origin) {
            continue;
        }
        if let Some(first) = verdicts.first_mut() {
            let what = match known.key.as_ref().map(|key| Checkpoint::verify(note, key)) {
                Some(None) => "an anchor is no checkpoint that this key has signed".to_owned(),
                _ => format!("an anchor is of {origin:?}, which is none of the directories here"),
            };
            first.broken("", 0, None, what);
        }
    }
}
