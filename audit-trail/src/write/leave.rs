//! Leaving a directory that is not this writer's any more.

use std::{io, path::Path, sync::Arc, time::Instant};

use rand::Rng as _;
use rustix::{fs, io::Errno};

use super::{Active, Granting, Stop, Writer, without_notes};
use crate::{
    TrailError, announced,
    directory::{Directory, file_id},
    line::{self, Event, MAX_LINE},
    recover::{Found, Last},
    segment,
    take::{Place, take},
};

impl Active {
    /// The last segment of a directory that was made fit.
    fn of(last: Last) -> Result<Self, Errno> {
        Ok(Self {
            id: file_id(&fs::fstat(&last.file)?),
            file: Arc::new(last.file),
            from: last.from,
            len: last.len,
            torn: 0,
            keep: last.len,
            header: last.header,
            born: Instant::now().checked_sub(last.age).unwrap_or_else(Instant::now),
            full: false,
        })
    }
}

impl Writer {
    /// Is the directory still held? Whoever removes `LOCK` lets another writer in.
    pub(super) fn is_held(&self) -> bool {
        self.lock.as_ref().is_none_or(|lock| lock.is_in_place(&self.directory))
    }

    /// Leaves a directory that is not held any more. Says whether it did, or made it anew.
    pub(super) fn give_way(&mut self) -> Result<bool, Stop> {
        if self.is_held() {
            return Ok(false);
        }
        self.check_place()?;
        if !self.is_held() {
            self.leave("its file LOCK was removed or replaced")?;
        }
        Ok(true)
    }

    /// Sees to it that there is an active segment where the last one was left.
    pub(super) fn have_active(&mut self) -> Result<(), Stop> {
        if self.active.is_some() { Ok(()) } else { self.reopen() }
    }

    /// Goes on as a new start would: in the first directory that can be written, this one if nobody
    /// else holds it. What is not known to be durable is taken along, so that it may be in both, and
    /// is lost in neither. On an error nothing has changed, and it is tried again.
    pub(super) fn leave(&mut self, why: &str) -> Result<(), Stop> {
        let failed = |error: TrailError| Stop::Failed(io::Error::other(error));
        let old = self.directory.path().to_owned();
        let root = old.parent().ok_or(Errno::NOENT)?;
        let root = Directory::root(root, self.directory.shared_disk()).map_err(failed)?;
        let place = take(&root, &self.signer.key.verifying_key()).map_err(failed)?;
        let Place { directory, lock, mut found } = place;
        let same_folder = file_id(&fs::fstat(&directory)?) == file_id(&fs::fstat(&self.directory)?);
        // Recovery has made durable what it has found.
        let kept = same_folder && found.tree == self.tree_at(self.spooled);
        let name =
            |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let fresh =
            segment::origin(&name(root.path()), self.rng.next_u64(), &name(directory.path()));
        let mut lines = std::mem::take(&mut self.in_flight);
        lines.append(&mut self.unsynced);
        if kept {
            lines.clear();
        }
        lines.extend_from_slice(&self.pending[self.done..]);
        self.pending.clear();
        self.done = 0;
        (self.directory, self.lock) = (directory, Some(lock));
        (self.origin, self.sealed) = (fresh, None);
        // What an operator has ordered there is asked for again, and of those who hold it.
        self.granting = Granting::default();
        self.epoch += 1;
        self.moves += 1;
        let place = old.file_name().unwrap_or_default().to_string_lossy();
        let reason = format!("{place} was given up: {why}");
        found.repairs.push(Event::Repair { file: None, bytes: 0, reason });
        self.active = None;
        let begun = self.begin(found);
        self.take_along(&without_notes(lines));
        Ok(begun?)
    }

    /// Takes the first records in a directory that was made fit.
    pub(crate) fn begin(&mut self, found: Found) -> Result<(), Errno> {
        if let Some(last) = found.segment {
            self.origin.clone_from(&last.origin);
            self.active = Some(Active::of(last)?);
        }
        let next = found.tree.size();
        (self.next, self.spooled, self.durable) = (next, next, next);
        self.tree = found.tree;
        self.leaves.clear();
        let signed = found.signed.unwrap_or_default();
        self.signer.restart(signed);
        self.announced = announced::begin(&found.interrupted, found.noted);
        self.push_event(&Event::Open {
            unclean: found.unclean,
            size: found.signed,
            unsealed: (signed < next).then(|| (signed, next - 1)),
        });
        for repair in &found.repairs {
            self.push_event(repair);
        }
        self.push_interrupted(&found.interrupted);
        Ok(())
    }

    /// Takes lines again that were numbered for another directory. What allows something to be taken
    /// out of that one would be about another record here.
    fn take_along(&mut self, lines: &[u8]) {
        let mut left = 0_u64;
        for line in lines.split_inclusive(|b| *b == b'\n') {
            left += u64::from(!self.take_again(line));
        }
        if left > 0 {
            let reason = format!("{left} lines could not be taken along");
            self.push_event(&Event::Repair { file: None, bytes: 0, reason });
        }
    }

    fn take_again(&mut self, line: &[u8]) -> bool {
        let op = line::control_op(line).unwrap_or_default();
        if op.starts_with(b"redact\"") || op.starts_with(b"prune\"") {
            return false;
        }
        let core = line::core_of(line);
        let begin = self.pending.len();
        self.pending.extend_from_slice(format!("{{\"seq\":{},", self.next).as_bytes());
        self.pending.extend_from_slice(core);
        let whole = &self.pending[begin..];
        let leaf = whole.strip_suffix(b"\n").filter(|line| line.len() < MAX_LINE).map(line::leaf);
        let Some(Ok(leaf)) = leaf else {
            self.pending.truncate(begin);
            return false;
        };
        self.leaves.push_back(leaf);
        self.signer.unsigned_since.get_or_insert_with(Instant::now);
        self.announced.see(core, self.next, self.durable);
        self.next += 1;
        true
    }
}
