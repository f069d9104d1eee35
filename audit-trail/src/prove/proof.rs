//! A proof: what a third party needs to check one record without the trail.

use std::{fmt, str::FromStr};

use audit_core::Group;
use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::BadProof;
use crate::{
    line::{self, MAX_LINE, MAX_SEQ},
    note::{Checkpoint, VerifyingKey},
    tree::{Hash, MAX_BRANCH, hex, root_of},
};

/// The first line of a proof.
const BEGIN: &str = "c2sp.org/tlog-proof@v1\n";

/// The proof that one record stands at its place in a trail: the record, the hashes beside its way
/// up the tree, and the signed root. Whoever has the trail's public key can check it; the trail is
/// not needed.
///
/// Its text ([`Display`](fmt::Display), [`parse`](Self::parse)) is a
/// [C2SP tlog-proof](https://c2sp.org/tlog-proof), which has the record's line as its extra data. A
/// proof of a record of 1 KiB in a trail of a million is about 2.5 KiB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    pub(super) index: u64,
    pub(super) hashes: Vec<Hash>,
    /// A signed note.
    pub(super) checkpoint: String,
    /// The record's line, without its line feed.
    pub(super) record: Option<String>,
}

/// What a proof shows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proven {
    /// Which directory of which trail the record stands in: name, random id, directory.
    pub origin: String,
    /// The record's place in it, counted from 0.
    pub seq: u64,
    /// How many records the checkpoint covers that was signed.
    pub size: u64,
    /// The root of their tree, in hex.
    pub root: String,
    /// The groups that the record has and that are not shown: only that they are the ones
    /// that were signed. In stored order.
    pub hidden: Vec<Group>,
}

impl Proof {
    /// The most bytes the text of a proof has that can hold.
    pub const MAX_BYTES: usize = 3 << 19;

    /// From its text. Only the form is judged here: see [`check`](Self::check).
    ///
    /// # Errors
    ///
    /// When it is no proof, or is not spelled exactly as [`Display`](fmt::Display) does.
    pub fn parse(text: &str) -> Result<Self, BadProof> {
        let rest =
            text.strip_prefix(BEGIN).ok_or("its first line is not c2sp.org/tlog-proof@v1")?;
        let (head, checkpoint) = rest.split_once("\n\n").ok_or("it has no checkpoint")?;
        let mut lines = head.split('\n').peekable();
        let extra = lines.next_if(|line| line.starts_with("extra "));
        let record = extra.map(|line| decoded_record(&line["extra ".len()..])).transpose()?;
        let index = lines.next().and_then(|line| line.strip_prefix("index "));
        let index: u64 = index
            .and_then(|index| index.parse().ok())
            .filter(|index| *index <= MAX_SEQ)
            .ok_or("it has no line `index N` where one should be")?;
        let hash = |line: &str| STANDARD.decode(line).ok()?.try_into().ok();
        let hashes: Vec<Hash> = lines
            .take(MAX_BRANCH + 1)
            .map(hash)
            .collect::<Option<_>>()
            .ok_or("a line before the checkpoint is no hash in Base64")?;
        if hashes.len() > MAX_BRANCH {
            return Err("it has more than 63 hashes".into());
        }
        let proof = Self { index, hashes, checkpoint: checkpoint.to_owned(), record };
        // One spelling only: of the numbers, of Base64, and nothing between.
        let empty = proof.record.as_deref().is_some_and(str::is_empty);
        match !empty && proof.to_string() == text {
            true => Ok(proof),
            false => Err("it is not spelled as a proof is".into()),
        }
    }

    /// Checks all of it: that the checkpoint was signed by this key, and that the record stands at
    /// its place in the tree that was signed.
    ///
    /// # Errors
    ///
    /// When it does not hold, with the first reason.
    pub fn check(&self, key: &VerifyingKey) -> Result<Proven, BadProof> {
        let signed = Checkpoint::verify(&self.checkpoint, key)
            .ok_or("its checkpoint is none that this key has signed")?;
        let text = self.record().ok_or("it holds no record, and none was given")?;
        let wrong = |why| BadProof::from(format!("its record is none: {why}"));
        let parts = line::record(text.as_bytes()).map_err(wrong)?;
        let leaf = line::leaf(text.as_bytes()).map_err(wrong)?;
        let (index, size) = (self.index, signed.size);
        if parts.seq != index {
            let seq = parts.seq;
            return Err(format!("its record is number {seq}, and the proof is of {index}").into());
        }
        if index >= size {
            return Err(format!("its checkpoint covers {size} records, and not {index}").into());
        }
        let root = root_of(leaf, index, size, &self.hashes).ok_or_else(|| {
            let count = self.hashes.len();
            BadProof::from(format!("{count} hashes do not lead from record {index} to {size}"))
        })?;
        if root != signed.root {
            return Err("its record and hashes do not lead to the root that was signed".into());
        }
        let is_hidden = |group: &Group| parts.redacted & line::bits(&[*group]) != 0;
        Ok(Proven {
            origin: signed.origin,
            seq: index,
            size,
            root: hex(&root),
            hidden: Group::ALL.iter().copied().filter(is_hidden).collect(),
        })
    }

    /// The place of the record in its directory, counted from 0.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.index
    }

    /// The checkpoint: a signed note, as in the file `checkpoint` of a directory.
    #[must_use]
    pub fn checkpoint(&self) -> &str {
        &self.checkpoint
    }

    /// The record's line, without its line feed; absent in proofs of which it is kept apart. Nobody
    /// vouches for it before [`check`](Self::check).
    #[must_use]
    pub fn record(&self) -> Option<&str> {
        self.record.as_deref()
    }

    /// The proof with this line in place of the record that it holds. Its line feed, if it has
    /// one, is left out.
    #[must_use]
    pub fn with_record(mut self, line: &str) -> Self {
        self.record = Some(line.strip_suffix('\n').unwrap_or(line).to_owned());
        self
    }

    /// The proof without some groups of its record: it shows as much as before of the others, and of
    /// these only that the record has them. Those that it does not have are passed.
    ///
    /// # Errors
    ///
    /// When the proof holds no record, or what it holds is none.
    pub fn without(mut self, groups: &[Group]) -> Result<Self, BadProof> {
        let record = self.record.as_deref().ok_or("it holds no record")?;
        let wrong = |why: &str| BadProof::from(format!("its record is none: {why}"));
        line::record(record.as_bytes()).map_err(wrong)?;
        let record = line::redact(record.as_bytes(), line::bits(groups)).map_err(wrong)?;
        self.record = Some(String::from_utf8_lossy(&record).into_owned());
        Ok(self)
    }
}

fn decoded_record(text: &str) -> Result<String, BadProof> {
    let bytes = STANDARD.decode(text).map_err(|_| "its extra line is not Base64")?;
    if bytes.len() >= MAX_LINE {
        return Err("its record is longer than 1 MiB".into());
    }
    String::from_utf8(bytes).map_err(|_| "its record is not UTF-8".into())
}

/// Its text.
impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(BEGIN)?;
        if let Some(record) = &self.record {
            writeln!(f, "extra {}", STANDARD.encode(record))?;
        }
        writeln!(f, "index {}", self.index)?;
        self.hashes.iter().try_for_each(|hash| writeln!(f, "{}", STANDARD.encode(hash)))?;
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for Proof {
    type Err = BadProof;

    fn from_str(text: &str) -> Result<Self, BadProof> {
        Self::parse(text)
    }
}
