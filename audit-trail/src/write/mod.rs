//! The state of a writer, and the way of a record through it.
//!
//! ```text
//! push ──> pending ──write(2)──> unsynced ──fdatasync──> durable
//! ```
//! A line stays in memory until a sync that began after it was written has returned without an
//! error. So whatever the disk loses, the lines that were not promised to be durable can be
//! written again: after a failed fdatasync the kernel may have thrown the dirty pages away and
//! marked them clean, and a second fdatasync on the same file would report success.

mod grant;
mod leave;
mod repair;
mod rotate;
mod sign;
mod sync;

use std::{
    collections::VecDeque,
    io,
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
    time::{Duration, Instant},
};

use rand::{Rng as _, rngs::StdRng};
use rustix::{fs, io::Errno};

use crate::{
    announced::{Announced, Interrupted},
    directory::{Directory, FileId, size},
    disk::write_all,
    line::{self, Event},
    lock::Lock,
    note::from_line,
    tree::{Hash, Tree},
};

pub(crate) use self::{grant::Granting, sign::Signer, sync::Shared};

/// Settings of a writer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) segment_bytes: u64,
    pub(crate) segment_age: Duration,
    pub(crate) commit_interval: Duration,
    pub(crate) heartbeat: Duration,
}

/// Why a step did not come to its end. What was taken is still held.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The disk does not take it now.
    Failed(io::Error),
    /// A sync is under way on another thread, and this step must come after it.
    Syncing,
}

impl From<Errno> for Stop {
    fn from(error: Errno) -> Self {
        Self::Failed(error.into())
    }
}

/// The segment that is being appended to.
pub(crate) struct Active {
    pub(crate) file: Arc<OwnedFd>,
    pub(crate) id: FileId,
    pub(crate) from: u64,
    /// Whole lines, in bytes. Only this writer appends, so it is the file's length.
    pub(crate) len: u64,
    /// Bytes of a line after `len` that could be neither finished nor cut.
    pub(crate) torn: u64,
    /// As much of it as is durable, in bytes.
    pub(crate) keep: u64,
    /// The header's length, in bytes.
    pub(crate) header: u64,
    /// When its first record was written.
    pub(crate) born: Instant,
    /// The file system takes no more in this file.
    pub(crate) full: bool,
}

/// A segment that is not written any more because the disk or somebody else meddled with it.
pub(crate) struct Sealed {
    pub(crate) file: Arc<OwnedFd>,
    pub(crate) from: u64,
    /// Where the durable lines end; absent where the file must not be touched.
    pub(crate) keep: Option<u64>,
    pub(crate) reason: String,
    /// How many bytes of records are gone, as far as it is known.
    pub(crate) lost: u64,
}

/// Writes one directory.
pub(crate) struct Writer {
    pub(crate) directory: Directory,
    pub(crate) lock: Option<Lock>,
    pub(crate) settings: Settings,
    pub(crate) origin: String,
    pub(crate) rng: StdRng,
    /// The seq of the next line to be taken.
    pub(crate) next: u64,
    /// Lines taken; `pending[..done]` are in the file already.
    pub(crate) pending: Vec<u8>,
    pub(crate) done: usize,
    /// The seq of the first line that is not in the file.
    pub(crate) spooled: u64,
    /// Lines in the file that no sync covers, and those that the sync under way covers.
    pub(crate) unsynced: Vec<u8>,
    pub(crate) in_flight: Vec<u8>,
    pub(crate) syncing: bool,
    /// The seq of the first line that is not durable.
    pub(crate) durable: u64,
    /// The tree of the durable lines, and the leaves of those after them.
    pub(crate) tree: Tree,
    pub(crate) leaves: VecDeque<Hash>,
    pub(crate) signer: Signer,
    /// Rises whenever the file was cut or left, so that a sync that began before is not counted.
    pub(crate) epoch: u64,
    /// How often it went on in another directory, where lines have other numbers.
    pub(crate) moves: u64,
    /// Absent after a failure: the next step opens a new one.
    pub(crate) active: Option<Active>,
    pub(crate) sealed: Option<Sealed>,
    pub(crate) last_line: Instant,
    /// Requests whose records are to come.
    pub(crate) announced: Announced,
    pub(crate) granting: Granting,
}

impl Writer {
    /// Takes a line; `Err` says why it will never be taken.
    pub(crate) fn push<'a>(
        &mut self,
        core: &[u8],
        groups: impl Iterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<(), &'static str> {
        let rng = &mut self.rng;
        let salt = || {
            let mut salt = [0; 16];
            rng.fill_bytes(&mut salt);
            salt
        };
        let leaf = line::encode(&mut self.pending, self.next, core, groups, salt)?;
        self.leaves.push_back(leaf);
        self.signer.unsigned_since.get_or_insert_with(Instant::now);
        self.announced.see(core, self.next, self.durable);
        self.next += 1;
        Ok(())
    }

    /// Takes a record of the trail about itself. This is the one place where a fault of the
    /// trail is told as an event too, so each is told once.
    pub(crate) fn push_event(&mut self, event: &Event) {
        self.tell(event);
        if let Err(why) = self.push(&event.core(), [].into_iter()) {
            tracing::error!(target: "audit", ?event, why, "a control record is not a line");
        }
    }

    /// Takes the records of requests that ran when the process before this one ended.
    pub(crate) fn push_interrupted(&mut self, requests: &[Interrupted]) {
        for request in requests {
            let made = line::interrupted(&request.line, request.id, request.status);
            let pushed = made.and_then(|(core, groups)| {
                self.push(&core, groups.iter().map(|(name, value)| (*name, &value[..])))
            });
            if let Err(why) = pushed {
                tracing::error!(target: "audit", why, "an intent makes no record");
            }
        }
        if !requests.is_empty() {
            tracing::warn!(
                target: "audit",
                directory = %self.directory.path().display(),
                count = requests.len(),
                "strict requests ran when the process before this one ended; each has its record, \
                 with outcome interrupted"
            );
        }
    }

    fn tell(&self, event: &Event) {
        let directory = self.directory.path().display();
        match event {
            Event::Open { unclean: true, .. } => tracing::warn!(
                target: "audit",
                %directory,
                "the process before this one did not close the trail; its last records may be \
                 missing"
            ),
            Event::Repair { file, bytes, reason } => tracing::error!(
                target: "audit",
                %directory,
                moved_to = file.as_deref(),
                bytes,
                reason,
                "the trail was repaired"
            ),
            // What was asked for is told once, and not by record.
            _ => {}
        }
    }

    /// All lines before `seq` are durable.
    pub(super) fn set_durable(&mut self, seq: u64) {
        let new = usize::try_from(seq - self.durable).unwrap_or(usize::MAX);
        for leaf in self.leaves.drain(..new.min(self.leaves.len())) {
            self.tree.push(leaf);
        }
        self.durable = seq;
    }

    /// The tree of the lines before `seq`, which is not before those that are durable.
    pub(super) fn tree_at(&self, seq: u64) -> Tree {
        let mut tree = self.tree.clone();
        let more = usize::try_from(seq - self.durable).unwrap_or(usize::MAX);
        self.leaves.iter().take(more).for_each(|leaf| tree.push(*leaf));
        tree
    }

    /// Is nothing waiting to be written?
    pub(crate) fn is_idle(&self) -> bool {
        self.done == self.pending.len()
    }

    /// Bytes held for a sync.
    pub(crate) fn held(&self) -> usize {
        self.unsynced.len() + self.in_flight.len()
    }

    /// Writes what is pending: one `write` for all of it, unless segments roll in between or
    /// the disk takes it in parts.
    pub(crate) fn commit(&mut self) -> Result<(), Stop> {
        while !self.is_idle() {
            self.make_ready()?;
            let end = self.fitting();
            if end == self.done {
                self.rotate()?;
            } else {
                self.append(end)?;
            }
        }
        self.pending.clear();
        self.done = 0;
        Ok(())
    }

    /// How far `pending` goes into the active segment, in whole lines; `done` where it has to
    /// roll first. A segment takes at least one record, however long.
    fn fitting(&self) -> usize {
        let Some(active) = &self.active else { return self.done };
        let rest = &self.pending[self.done..];
        let has_records = active.len > active.header;
        if has_records && (active.full || active.born.elapsed() >= self.settings.segment_age) {
            return self.done;
        }
        let room = self.settings.segment_bytes.saturating_sub(active.len);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        if rest.len() <= room {
            return self.pending.len();
        }
        let whole = rest[..room].iter().rposition(|b| *b == b'\n');
        let whole = match whole {
            None if !has_records => rest.iter().position(|b| *b == b'\n'),
            whole => whole,
        };
        self.done + whole.map_or(0, |at| at + 1)
    }

    /// Appends `pending[done..end]`, whole lines.
    fn append(&mut self, end: usize) -> Result<(), Stop> {
        let Some(active) = &mut self.active else { return Err(Errno::BADF.into()) };
        let bytes = &self.pending[self.done..end];
        let (written, result) = write_all(self.directory.disk(), &active.file, bytes);
        // After an error in the middle of a line, the whole lines before it count.
        let whole = memchr::memrchr(b'\n', &bytes[..written]).map_or(0, |at| at + 1);
        let lines = memchr::memchr_iter(b'\n', &bytes[..whole]).count();
        if active.len == active.header && whole > 0 {
            active.born = Instant::now();
        }
        active.len += whole as u64;
        active.torn = (written - whole) as u64;
        if self.unsynced.is_empty() && self.done == 0 && whole == self.pending.len() {
            // The common case: all of it, without a copy.
            std::mem::swap(&mut self.unsynced, &mut self.pending);
            self.pending.clear();
        } else {
            self.unsynced.extend_from_slice(&self.pending[self.done..self.done + whole]);
            self.done += whole;
        }
        self.spooled += lines as u64;
        self.last_line = Instant::now();
        if let Err(error) = result {
            self.write_failed(error);
            return Err(error.into());
        }
        // Somebody may have appended between the look before the write and the write. Then our
        // lines are not where they are thought to be, and must not be counted as durable.
        let Some(active) = &self.active else { return Ok(()) };
        if size(&fs::fstat(&active.file)?) != active.len {
            self.make_ready()?;
        }
        Ok(())
    }

    fn write_failed(&mut self, error: Errno) {
        match error {
            // The disk failed: what this file holds beyond its durable part is not known.
            Errno::IO => self.seal(&format!("writing failed: {error}")),
            // This file has reached a limit; another has not.
            Errno::FBIG => {
                self.cut_torn();
                if let Some(active) = &mut self.active {
                    active.full = active.len > active.header;
                }
            }
            // No space, or no rights for now: all of it is tried again.
            _ => self.cut_torn(),
        }
    }

    /// Cuts the part of a line that a full disk has left, so that the file stays a sequence of
    /// whole lines whatever becomes of this process.
    fn cut_torn(&mut self) {
        if let Some(active) = &mut self.active
            && active.torn > 0
            && self.directory.disk().truncate(active.file.as_fd(), active.len).is_ok()
        {
            active.torn = 0;
        }
    }
}

/// Lines that are to be written again, without their checkpoints: where they will stand, other
/// ones may be true.
fn without_notes(lines: Vec<u8>) -> Vec<u8> {
    let is_note = |line: &&[u8]| from_line(line.strip_suffix(b"\n").unwrap_or(line)).is_some();
    if !lines.split_inclusive(|b| *b == b'\n').any(|line| is_note(&line)) {
        return lines;
    }
    lines
        .split_inclusive(|b| *b == b'\n')
        .filter(|line| !is_note(line))
        .flatten()
        .copied()
        .collect()
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("directory", &self.directory.path())
            .field("next", &self.next)
            .field("spooled", &self.spooled)
            .field("durable", &self.durable)
            .finish_non_exhaustive()
    }
}
