//! Checkpoints: the tree so far, signed.
//!
//! What is signed is durable, and stands in the file directly before the note: so the file is
//! synced while nothing is appended, once a second or every few thousand records.

use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::{Stop, Writer};
use crate::{
    disk::write_all,
    files::CHECKPOINT,
    note::{Checkpoint, SigningKey, to_line},
    tree::Tree,
};

/// How long after an error it is tried again.
const AGAIN: Duration = Duration::from_millis(400);

/// What a writer knows of its checkpoints.
#[derive(Debug)]
pub(crate) struct Signer {
    pub(crate) key: SigningKey,
    /// How long after a record one is signed at the latest, and how often one is published.
    pub(crate) interval: Duration,
    /// How many records one covers at most.
    pub(crate) records: u64,
    /// The size of the last one.
    pub(crate) size: u64,
    /// When the first record after it was taken.
    pub(crate) unsigned_since: Option<Instant>,
    /// When one was last published, and the one that is to be.
    published: Option<Instant>,
    unpublished: Option<String>,
    failed: Option<Instant>,
}

impl Signer {
    pub(crate) const fn new(key: SigningKey, interval: Duration, records: u64, size: u64) -> Self {
        Self {
            key,
            interval,
            records,
            size,
            unsigned_since: None,
            published: None,
            unpublished: None,
            failed: None,
        }
    }
}

impl Signer {
    /// Goes on in another directory, of which so much is signed.
    pub(super) fn restart(&mut self, size: u64) {
        self.size = size;
        (self.unsigned_since, self.published, self.unpublished) = (None, None, None);
        self.failed = None;
    }
}

impl Writer {
    /// How long until a checkpoint is due; `None` where there is nothing to sign or to publish.
    pub(super) fn checkpoint_due(&self) -> Option<Duration> {
        let signer = &self.signer;
        let left = |since: Instant, wait: Duration| wait.saturating_sub(since.elapsed());
        let sign = signer.unsigned_since.map(|since| match self.next - signer.size {
            unsigned if unsigned >= signer.records => Duration::ZERO,
            _ => left(since, signer.interval),
        });
        let publish = signer
            .unpublished
            .as_ref()
            .map(|_| signer.published.map_or(Duration::ZERO, |last| left(last, signer.interval)));
        let due = sign.into_iter().chain(publish).min()?;
        // What fails is not tried at once again.
        Some(signer.failed.map_or(due, |failed| due.max(left(failed, AGAIN))))
    }

    /// Signs what was taken, and publishes the checkpoint unless one was published just now;
    /// `last` publishes whatever.
    pub(super) fn checkpoint(&mut self, last: bool) -> Result<(), Stop> {
        let done = self.sign().and_then(|()| self.publish(last));
        self.signer.failed = match done {
            Err(Stop::Failed(_)) => Some(Instant::now()),
            Ok(()) | Err(Stop::Syncing) => None,
        };
        done
    }

    fn sign(&mut self) -> Result<(), Stop> {
        if self.next == self.signer.size {
            return Ok(());
        }
        self.make_ready()?;
        self.commit()?;
        if self.syncing {
            return Err(Stop::Syncing);
        }
        self.sync_here()?;
        let Some(active) = &mut self.active else { return Ok(()) };
        if self.durable != self.next {
            // Some of it was taken meanwhile, such as the record of a repair.
            return Ok(());
        }
        let note = signed(&self.signer, &self.origin, &self.tree);
        let line = to_line(&note);
        let (written, result) = write_all(self.directory.disk(), &active.file, &line);
        if let Err(error) = result {
            active.torn = written as u64;
            self.write_failed(error);
            return Err(error.into());
        }
        active.len += line.len() as u64;
        self.unsynced.extend_from_slice(&line);
        self.signer.size = self.durable;
        self.signer.unsigned_since = None;
        self.signer.unpublished = Some(note);
        Ok(())
    }

    /// Signs and publishes the tree that a new segment states, all of which is durable. Gives the
    /// line of the checkpoint.
    pub(super) fn vouch(&mut self, before: &Tree) -> Result<Vec<u8>, Errno> {
        let size = before.size();
        if size == 0 {
            return Ok(Vec::new());
        }
        let note = signed(&self.signer, &self.origin, before);
        self.put(&note)?;
        // Sizes grow from line to line: what has a line already gets no second one.
        let line = if self.signer.size < size { to_line(&note) } else { Vec::new() };
        self.signer.size = self.signer.size.max(size);
        if self.next == self.signer.size {
            self.signer.unsigned_since = None;
        }
        Ok(line)
    }

    fn publish(&mut self, last: bool) -> Result<(), Stop> {
        let signer = &mut self.signer;
        let recently = signer.published.is_some_and(|at| at.elapsed() < signer.interval);
        if recently && !last {
            return Ok(());
        }
        let Some(note) = signer.unpublished.take() else { return Ok(()) };
        self.put(&note).inspect_err(|_| self.signer.unpublished = Some(note))?;
        Ok(())
    }

    /// Publishes a checkpoint, after which none waits for it.
    fn put(&mut self, note: &str) -> Result<(), Errno> {
        self.directory.replace_whole(CHECKPOINT, note.as_bytes())?;
        self.signer.unpublished = None;
        self.signer.published = Some(Instant::now());
        Ok(())
    }
}

fn signed(signer: &Signer, origin: &str, tree: &Tree) -> String {
    let (origin, size, root) = (origin.to_owned(), tree.size(), tree.root());
    Checkpoint { origin, size, root }.sign(&signer.key)
}
