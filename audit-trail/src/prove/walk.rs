//! From the segment of a record to the latest checkpoint that covers it.

use std::{fs::File, io, path::Path};

use super::{Proof, ProveError, not_there, segments};
use crate::{
    Finding, ReadError,
    files::{CHECKPOINT, file_name},
    line::{self, Lines, Next},
    note::{Checkpoint, VerifyingKey, from_line},
    read::open_file,
    segment::{Header, parse_header},
    tree::{Branch, Hash, Tree},
    verify::small,
};

/// The proof of the record with this seq, against the latest checkpoint that covers it; where there
/// are anchors, the latest of these.
pub(super) fn prove(
    path: &Path,
    seq: u64,
    key: &VerifyingKey,
    anchors: &[String],
) -> Result<Proof, ProveError> {
    // First what was published, then the names: so a living writer's segments reach it.
    let published = small(path, CHECKPOINT)?;
    let anchored = !anchors.is_empty();
    let kept = if anchored { anchors } else { published.as_slice() };
    let mut kept: Vec<_> = kept.iter().filter_map(|note| claim(note, key)).collect();
    if anchored && kept.is_empty() {
        return Err(ProveError::NoAnchor);
    }
    kept.sort_unstable_by_key(|(signed, _)| std::cmp::Reverse(signed.size));
    let segments = segments(path)?;
    let gone = |from| ProveError::Pruned { directory: path.to_owned(), seq, from };
    let at = match (segments.partition_point(|from| *from <= seq), segments.first()) {
        (_, None) => return Err(not_there(path, &seq.to_string(), ": it holds no segment")),
        (0, Some(first)) => return Err(gone(*first)),
        (after, Some(_)) => after - 1,
    };
    let mut walk = Walk {
        seq,
        key,
        kept,
        anchored,
        origin: String::new(),
        tree: Tree::default(),
        branch: None,
        record: String::new(),
        latest: None,
    };
    let mut stopped = None;
    for (at, from) in segments.iter().enumerate().skip(at) {
        let name = file_name(*from);
        let failed = |error| ReadError::io(&path.join(&name), error);
        let file = match open_file(&path.join(&name)) {
            Ok(file) => file,
            // Pruned since it was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound && walk.origin.is_empty() => {
                return Err(gone(segments.get(at + 1).copied().unwrap_or(seq + 1)));
            }
            // What cannot be read matters only where the proof would need it.
            Err(_) if walk.latest.is_some() => break,
            Err(error) => return Err(failed(error).into()),
        };
        let next = segments.get(at + 1).copied();
        stopped = walk.segment(&file, (&name, *from), next).map_err(failed)?;
        if stopped.is_some() || walk.is_done() {
            break;
        }
    }
    let record = Some(walk.record);
    match (walk.latest, stopped) {
        (Some((hashes, checkpoint)), _) => Ok(Proof { index: seq, hashes, checkpoint, record }),
        (None, Some(finding)) => {
            Err(ProveError::Damaged { directory: path.to_owned(), seq, finding })
        }
        (None, None) if walk.branch.is_some() && anchored => {
            Err(ProveError::NotAnchored { directory: path.to_owned(), seq })
        }
        (None, None) if walk.branch.is_some() => {
            Err(ProveError::NotSigned { directory: path.to_owned(), seq })
        }
        (None, None) => {
            let hint = format!(": it holds {} records so far", walk.tree.size());
            Err(not_there(path, &seq.to_string(), &hint))
        }
    }
}

struct Walk<'a> {
    seq: u64,
    key: &'a VerifyingKey,
    /// Checkpoints that do not stand in the lines and that the tree has not come to, the largest
    /// first: the published one, or the anchors.
    kept: Vec<(Checkpoint, String)>,
    /// Only what is kept counts.
    anchored: bool,
    /// Set by the first header.
    origin: String,
    tree: Tree,
    /// From the record on.
    branch: Option<Branch>,
    record: String,
    /// The way up to the latest checkpoint that covers it, and that checkpoint.
    latest: Option<(Vec<Hash>, String)>,
}

impl Walk<'_> {
    /// Gives what the walk must stop at, if anything.
    fn segment(
        &mut self,
        file: &File,
        (name, from): (&str, u64),
        next: Option<u64>,
    ) -> io::Result<Option<Finding>> {
        let mut lines = Lines::at(0);
        let mut number = 0;
        loop {
            number += 1;
            let stopped = match lines.next(file)? {
                Next::Line(line) if number == 1 => self.header(line, from),
                Next::Line(line) => match self.line(line, next) {
                    Ok(true) => Ok(()),
                    // What is repeated in the next.
                    Ok(false) => return Ok(None),
                    Err(why) => Err(why),
                },
                Next::TooLong => Err("a line longer than 1 MiB".to_owned()),
                // Half a line may follow where it was given up; the next header tells.
                Next::End(_) => return Ok(None),
            };
            if let Err(what) = stopped {
                let (file, seq) = (name.to_owned(), Some(self.tree.size()));
                return Ok(Some(Finding { file, line: number, seq, what }));
            }
        }
    }

    fn header(&mut self, line: &[u8], from: u64) -> Result<(), String> {
        let (origin, before) = match parse_header(line) {
            Some(Header::Known { origin, before }) if before.size() == from => (origin, before),
            Some(Header::Other(version)) => {
                return Err(format!("is of version {version}, which this program does not know"));
            }
            _ => return Err("the first line is not the header of this segment".to_owned()),
        };
        if self.origin.is_empty() {
            (self.origin, self.tree) = (origin, before);
            return self.reached();
        }
        match origin == self.origin && before == self.tree {
            true => Ok(()),
            false => Err("the segment does not follow the one before it".to_owned()),
        }
    }

    /// Whether the next line is looked at too.
    fn line(&mut self, line: &[u8], next: Option<u64>) -> Result<bool, String> {
        if let Some(note) = from_line(line) {
            let signed = Checkpoint::verify(&note, self.key)
                .ok_or("a checkpoint that this key has not signed")?;
            if signed.origin != self.origin || signed.size != self.tree.size() {
                return Err("a checkpoint of another place".to_owned());
            }
            self.is_root(&signed)?;
            if !self.anchored {
                self.cover(note);
            }
            return Ok(true);
        }
        let parts = line::record(line)?;
        let leaf = line::leaf(line)?;
        if next.is_some_and(|next| parts.seq >= next) {
            return Ok(false);
        }
        if parts.seq != self.tree.size() {
            return Err(format!("is numbered {}", parts.seq));
        }
        match &mut self.branch {
            Some(branch) => branch.grow(&mut self.tree, leaf),
            None if parts.seq == self.seq => {
                self.branch = Some(Branch::begin(&mut self.tree, leaf));
                self.record = String::from_utf8_lossy(line).into_owned();
            }
            None => self.tree.push(leaf),
        }
        self.reached().map(|()| true)
    }

    /// Nothing more is to come that counts.
    fn is_done(&self) -> bool {
        self.anchored && self.kept.is_empty() && self.branch.is_some()
    }

    /// Is the tree as large as a checkpoint that is kept?
    fn reached(&mut self) -> Result<(), String> {
        let size = self.tree.size();
        while let Some((signed, note)) = self.kept.pop_if(|(signed, _)| signed.size <= size) {
            if signed.size == size && signed.origin == self.origin {
                self.is_root(&signed)?;
                self.cover(note);
            }
        }
        Ok(())
    }

    /// The tree is as large as a checkpoint that was signed.
    fn is_root(&self, signed: &Checkpoint) -> Result<(), String> {
        match signed.root == self.tree.root() {
            true => Ok(()),
            false => {
                let size = signed.size;
                Err(format!("the records before {size} are not those that were signed"))
            }
        }
    }

    /// The checkpoint is of the tree as it is.
    fn cover(&mut self, checkpoint: String) {
        if let Some(branch) = &self.branch {
            self.latest = Some((branch.hashes(&self.tree), checkpoint));
        }
    }
}

/// What a note says that the key has signed.
fn claim(note: &str, key: &VerifyingKey) -> Option<(Checkpoint, String)> {
    Some((Checkpoint::verify(note, key)?, note.to_owned()))
}
