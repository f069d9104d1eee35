//! The walk over one directory.

use std::{collections::BTreeMap, fs::File, io, ops::Range, path::Path};

use super::{
    Finding, Known, Verdict,
    grants::{Grants, is_open},
    odd::Times,
    told::Told,
};
use crate::{
    ReadError,
    files::{CHECKPOINT, VERIFIER, file_name, is_foreign, is_writer, numbers},
    line::{self, Lines, Next, Parts},
    lock::is_held,
    note::{Checkpoint, VerifyingKey, from_line},
    read::{names, open_file},
    segment::{Header, parse_header},
    tree::{Hash, Tree},
};

/// No note or key is longer, in bytes.
const SMALL: u64 = 4096;

/// How often a directory is read again from which segments were removed meanwhile.
const AGAIN: u32 = 100;

/// What whoever watches a walk is told.
pub(crate) enum Seen<'a> {
    /// The walk begins again: nothing that was told before counts.
    Anew,
    /// So many bytes were read.
    Bytes(u64),
    /// A segment goes on with the tree, with this number.
    Segment(u64),
    /// A writer begins with the next record: these it has taken over as the file was, and they allow nothing.
    Adopted(Range<u64>),
    /// A record has joined the tree, with this seq. It is what was signed if the verdict's size is greater.
    Record(&'a [u8], u64),
}

/// Verifies one directory.
pub(crate) fn directory(
    path: &Path,
    known: &Known,
    see: &mut dyn FnMut(Seen<'_>),
) -> Result<Verdict, ReadError> {
    let mut tried = 1;
    loop {
        see(Seen::Anew);
        let (verdict, segments) = once(path, known, see)?;
        let gone = |from: &u64| {
            let found = path.join(file_name(*from)).symlink_metadata();
            found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
        };
        // Pruned between listing and reading them, which looks like a hole.
        if verdict.is_good() || tried == AGAIN || !segments.iter().any(gone) {
            return Ok(verdict);
        }
        tried += 1;
    }
}

/// Verifies what is there now; tells which segments were.
fn once(
    path: &Path,
    known: &Known,
    see: &mut dyn FnMut(Seen<'_>),
) -> Result<(Verdict, Vec<u64>), ReadError> {
    let mut walk = Walk::new(path, known.key.is_some());
    if !path.symlink_metadata().is_ok_and(|meta| meta.is_dir()) {
        walk.fail("", 0, None, "is no folder".into());
        return Ok((walk.verdict, Vec::new()));
    }
    // First what was published, then the names, then the segments: what a living writer adds
    // meanwhile is behind all of it.
    let published = small(path, CHECKPOINT)?;
    let found = names(path)?;
    // A root that a file was put into, so that it looks like a directory, is no new one.
    walk.others = found.iter().any(|name| is_writer(name));
    let own = small(path, VERIFIER)?;
    let is_empty =
        own.is_none() && published.is_none() && !found.iter().any(|name| name.ends_with(".jsonl"));
    let own = own.as_deref().map(|text| VerifyingKey::parse(text).ok());
    let Some(key) = known.key.clone().or_else(|| own.flatten()) else {
        if is_empty {
            // A start makes the key's file before anything that it could verify.
            return Ok((walk.finish(), Vec::new()));
        }
        walk.fail(
            "",
            0,
            None,
            "there is no key to verify it with: its file verifier.key is missing or is none".into(),
        );
        return Ok((walk.verdict, Vec::new()));
    };
    let segments = walk.segments(&found);
    walk.expect(published, known, &key);
    walk.segments_in_order(path, &segments, &key, see)?;
    Ok((walk.finish(), segments))
}

#[derive(Default)]
pub(super) struct Walk {
    pub(super) verdict: Verdict,
    pub(super) tree: Tree,
    /// The size of the first segment's header; set once it was read.
    pub(super) begun: Option<u64>,
    /// The size of the last checkpoint line.
    pub(super) noted: Option<u64>,
    /// What the tree must be at these sizes, and what says so; an anchor by its place.
    pub(super) expected: BTreeMap<u64, Vec<(Hash, Option<usize>)>>,
    /// Those of the published checkpoint, and of anchors, before their origin is known.
    pub(super) claims: Vec<(Checkpoint, bool)>,
    /// The origins that anchors name which this key has not signed.
    pub(super) no_anchors: Vec<String>,
    pub(super) grants: Grants,
    told: Told,
    pub(super) times: Times,
    /// How many lines of the segment so far must stand in the next one too, and the next one, read
    /// as far as these go.
    repeated: u64,
    next: Option<(File, Lines)>,
    /// The first line that is not as it must be.
    pub(super) stopped: Option<Finding>,
    /// The time of each checkpoint is that of the record before it.
    pub(super) last_time: Option<String>,
    pub(super) signed_time: Option<String>,
    /// There are records that a writer writes behind a checkpoint only.
    pub(super) others: bool,
}

/// Where a line stands.
pub(super) struct Place<'a> {
    pub(super) file: &'a str,
    pub(super) line: u64,
}

impl Walk {
    fn new(path: &Path, pinned: bool) -> Self {
        let verdict = Verdict { directory: path.to_owned(), pinned, ..Verdict::default() };
        Self { verdict, ..Self::default() }
    }

    pub(super) fn fail(&mut self, file: &str, line: u64, seq: Option<u64>, what: String) {
        self.verdict.broken(file, line, seq, what);
    }

    /// The segments in order; what only looks like one is foreign.
    fn segments(&mut self, found: &[String]) -> Vec<u64> {
        self.verdict.foreign = found.iter().filter(|name| is_foreign(name)).cloned().collect();
        self.verdict.foreign.sort_unstable();
        numbers(found)
    }

    fn segments_in_order(
        &mut self,
        path: &Path,
        segments: &[u64],
        key: &VerifyingKey,
        see: &mut dyn FnMut(Seen<'_>),
    ) -> Result<(), ReadError> {
        for (at, from) in segments.iter().enumerate() {
            let name = file_name(*from);
            let file = match open_file(&path.join(&name)) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    return Err(ReadError::io(&path.join(&name), error));
                }
                // Pruned since it was listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound && self.begun.is_none() => {
                    continue;
                }
                Err(_) => {
                    self.verdict.foreign.push(name);
                    continue;
                }
            };
            let next = segments.get(at + 1).copied();
            let failed = |error| ReadError::io(&path.join(&name), error);
            self.segment(path, &file, (&name, *from), next, key, see).map_err(failed)?;
        }
        Ok(())
    }

    fn segment(
        &mut self,
        path: &Path,
        file: &File,
        (name, from): (&str, u64),
        next: Option<u64>,
        key: &VerifyingKey,
        see: &mut dyn FnMut(Seen<'_>),
    ) -> io::Result<()> {
        (self.repeated, self.next) = (0, None);
        let mut lines = Lines::at(0);
        let (mut number, mut passed) = (0, 0);
        loop {
            let line = lines.next(file)?;
            number += 1;
            let place = Place { file: name, line: number };
            match line {
                Next::Line(line) => match number {
                    1 => {
                        self.header(&place, line, from);
                        if self.stopped.is_none() {
                            see(Seen::Segment(from));
                        }
                    }
                    _ => self.line(&place, line, next, key, see)?,
                },
                Next::TooLong => self.stop(&place, "a line longer than 1 MiB"),
                Next::End(0) if number > 1 => break,
                // A writer makes it before it writes the header.
                Next::End(0) if next.is_none() && from == self.tree.size() => break,
                Next::End(0) if next.is_none() => {
                    self.stop(&place, "an empty segment that does not follow");
                    break;
                }
                // A writer that gave up a segment may have left half a line behind the repeated
                // ones; one that lives may be writing it.
                Next::End(_) => {
                    let given_up = self.repeated > 0 || next == Some(self.tree.size());
                    if !given_up && (next.is_some() || !is_held(path)) {
                        self.stop(&place, "the line is cut off");
                    }
                    break;
                }
            }
            if lines.offset() - passed > 1 << 20 {
                see(Seen::Bytes(lines.offset() - passed));
                passed = lines.offset();
            }
        }
        see(Seen::Bytes(lines.offset() - passed));
        Ok(())
    }

    /// The tree stops here. What comes after may still show that more was signed.
    fn stop(&mut self, place: &Place<'_>, what: impl Into<String>) {
        if self.stopped.is_none() {
            let seq = Some(self.tree.size());
            let (file, line) = (place.file.to_owned(), place.line);
            self.stopped = Some(Finding { file, line, seq, what: what.into() });
        }
    }

    fn header(&mut self, place: &Place<'_>, line: &[u8], from: u64) {
        if self.stopped.is_some() {
            return;
        }
        let (origin, before) = match parse_header(line) {
            Some(Header::Known { origin, before }) => (origin, before),
            Some(Header::Other(version)) => {
                return self.stop(
                    place,
                    format!("is of version {version}, which this program does not know"),
                );
            }
            None => return self.stop(place, "the first line is no header"),
        };
        if before.size() != from {
            return self.stop(place, "the header is that of another segment");
        }
        if self.begun.is_none() {
            self.begun = Some(from);
            self.verdict.origin = origin;
            self.tree = before;
            self.adopt_claims();
            self.reached(place);
        } else if origin != self.verdict.origin {
            self.stop(place, format!("a segment of another directory, {origin}"));
        } else if from != self.tree.size() {
            self.stop(
                place,
                format!("begins with record {from}: a segment is missing or cut, or one too many"),
            );
        } else if before != self.tree {
            self.stop(place, "the header states another tree than that of the records before it");
        }
    }

    fn line(
        &mut self,
        place: &Place<'_>,
        line: &[u8],
        next: Option<u64>,
        key: &VerifyingKey,
        see: &mut dyn FnMut(Seen<'_>),
    ) -> io::Result<()> {
        if let Some(note) = from_line(line) {
            self.note(place, &note, key);
            return Ok(());
        }
        if self.stopped.is_some() {
            // Where nothing is signed, what is damaged must not hide what was.
            if self.verdict.root.is_empty() && !self.others {
                self.others = line::record(line).is_ok() && !line::is_of_a_start(line);
            }
            return Ok(());
        }
        let judged = line::record(line).and_then(|parts| Ok((line::leaf(line)?, parts)));
        let (leaf, parts) = match judged {
            Ok(whole) => whole,
            Err(why) => {
                self.stop(place, why);
                return Ok(());
            }
        };
        self.others |= !line::is_of_a_start(line);
        if parts.seq != self.tree.size() + self.repeated {
            let what = format!("is numbered {}: a record is missing, moved or doubled", parts.seq);
            self.stop(place, what);
        } else if let Some(next) = next.filter(|next| parts.seq >= *next) {
            return self.repetition(place, line, next);
        } else {
            self.record(line, &parts, leaf);
            if is_open(line) {
                see(Seen::Adopted(self.verdict.size..parts.seq));
            }
            see(Seen::Record(line, parts.seq));
            self.reached(place);
        }
        Ok(())
    }

    fn record(&mut self, line: &[u8], parts: &Parts<'_>, leaf: Hash) {
        self.tree.push(leaf);
        self.grants.see(line, parts.seq, parts.redacted);
        if parts.kind == "control"
            && let Some(control) = parts.control
        {
            self.told.see(control, &self.times);
        }
        if let Some(time) = parts.time {
            self.times.see(time, line::is_of_a_start(line));
            let last = self.last_time.get_or_insert_default();
            last.clear();
            last.push_str(time);
        }
    }

    /// A record of a segment that was given up: it must stand in the next one too, and counts there.
    fn repetition(&mut self, place: &Place<'_>, line: &[u8], next: u64) -> io::Result<()> {
        let name = file_name(next);
        if self.next.is_none() {
            match open_file(&self.verdict.directory.join(&name)) {
                Ok(file) => self.next = Some((file, Lines::at(0))),
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Err(error),
                Err(_) => {}
            }
        }
        while let Some((file, lines)) = &mut self.next {
            match lines.next(file)? {
                Next::Line(other) if other == line => {
                    self.repeated += 1;
                    return Ok(());
                }
                Next::Line(_) | Next::TooLong => {}
                Next::End(_) => break,
            }
        }
        self.stop(place, format!("it begins to repeat {name}, and is not a line of it"));
        Ok(())
    }

    fn note(&mut self, place: &Place<'_>, note: &str, key: &VerifyingKey) {
        let Some(checkpoint) = Checkpoint::verify(note, key) else {
            return self.stop(place, "a checkpoint that this key has not signed");
        };
        let size = checkpoint.size;
        if let Some(stopped) = &self.stopped {
            // Signed, and further than the records that are whole: they were changed.
            if size > self.tree.size() && checkpoint.origin == self.verdict.origin {
                let stopped = stopped.clone();
                if !self.verdict.broken.contains(&stopped) {
                    self.verdict.broken.push(stopped);
                }
            }
            return;
        }
        if checkpoint.origin != self.verdict.origin {
            return self
                .stop(place, format!("a checkpoint of another directory, {}", checkpoint.origin));
        }
        let count = self.tree.size();
        if size > count {
            let what = format!("a checkpoint of {size} records, and {count} are there before it");
            self.fail(place.file, place.line, Some(count), what);
            return self.stop(place, "a checkpoint of more records than are there");
        }
        let again = self.noted.is_some_and(|noted| size <= noted);
        let what = format!("a checkpoint of size {size} at record {count}");
        if size < count || again {
            // A copy of something old, which anybody can append.
            return self.stop(place, what);
        }
        if self.repeated > 0 {
            let what = format!("{what}, where records are repeated that come after it");
            self.fail(place.file, place.line, Some(count), what.clone());
            return self.stop(place, what);
        }
        if checkpoint.root != self.tree.root() {
            let from = self.noted.or(self.begun).unwrap_or(0);
            let what = format!(
                "records {from} to {} are not those that were signed",
                size.saturating_sub(1)
            );
            self.fail(place.file, place.line, None, what);
            return self.stop(place, "a checkpoint of other records");
        }
        self.noted = Some(size);
        self.sign(size);
    }

    /// The tree of this size is what was signed.
    pub(super) fn sign(&mut self, size: u64) {
        if size >= self.verdict.size {
            self.verdict.size = size;
            let root = self.tree.root();
            self.verdict.set_root(&root);
            self.signed_time.clone_from(&self.last_time);
            self.grants.sign();
            self.times.sign();
            self.told.sign(&mut self.verdict);
        }
    }
}

/// The beginning of a small file; `None` where there is none, empty where it is no regular file.
pub(crate) fn small(path: &Path, name: &str) -> Result<Option<String>, ReadError> {
    use io::Read as _;
    let path = path.join(name);
    let file = match open_file(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            return Err(ReadError::io(&path, error));
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(_) => return Ok(Some(String::new())),
    };
    let mut text = Vec::new();
    file.take(SMALL).read_to_end(&mut text).map_err(|error| ReadError::io(&path, error))?;
    Ok(Some(String::from_utf8_lossy(&text).into_owned()))
}
