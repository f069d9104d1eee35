//! What to do when the active segment is not as it was left.

use std::{
    fs::File,
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::FileExt,
    },
    sync::Arc,
};

use rustix::{fs, io::Errno};

use super::{Sealed, Stop, Writer, without_notes};
use crate::{
    directory::{Directory, file_id, size},
    files::{LOCK, file_name},
    line::{Event, MAX_LINE},
    lock::Lock,
    recover::move_tail,
};

impl Writer {
    /// Sees to it that there is an active segment and that nobody else has touched it.
    pub(crate) fn make_ready(&mut self) -> Result<(), Stop> {
        self.give_way()?;
        let Some(active) = &self.active else { return self.reopen() };
        match self.directory.stat(&file_name(active.from)) {
            Ok(stat) if file_id(&stat) == active.id => {}
            Ok(_) | Err(Errno::NOENT) => {
                if self.give_way()? {
                    return self.have_active();
                }
                self.lose("was removed, renamed or replaced");
                return self.reopen();
            }
            Err(error) => return Err(error.into()),
        }
        let found = size(&fs::fstat(&active.file)?);
        if found == active.len + active.torn {
            if active.torn > 0 {
                self.directory.disk().truncate(active.file.as_fd(), active.len)?;
            }
            if let Some(active) = &mut self.active {
                active.torn = 0;
            }
            return Ok(());
        }
        self.realign(found)
    }

    /// The file has another length than this writer gave it.
    fn realign(&mut self, found: u64) -> Result<(), Stop> {
        // What another writer appended that holds the directory now is not foreign.
        if self.give_way()? {
            return self.have_active();
        }
        let Some(active) = &self.active else { return Ok(()) };
        let (name, file) = (file_name(active.from), duplicate(&active.file)?);
        let (len, keep) = (active.len, active.keep);
        let held = [&self.in_flight[..], &self.unsynced[..]];
        if found >= len && holds(&file, keep, held) {
            let (moved, bytes) = self.move_away(&name, &file, len, found)?;
            self.with_active(|active| active.torn = 0);
            let reason = format!("something else appended to {name} at byte {len}");
            self.push_event(&Event::Repair { file: Some(moved), bytes, reason });
            return Ok(());
        }
        if found >= keep {
            // Cut, or mixed with what somebody else wrote, but only where memory still holds
            // the lines: they are written once more.
            let mut repair = None;
            if found > keep {
                repair = Some(self.move_away(&name, &file, keep, found)?);
            }
            self.write_again();
            self.with_active(|active| (active.len, active.torn) = (keep, 0));
            let reason = format!("something else changed {name} after byte {keep}");
            let (file, bytes) = repair.map_or((None, 0), |(file, bytes)| (Some(file), bytes));
            self.push_event(&Event::Repair { file, bytes, reason });
            return Ok(());
        }
        // Durable lines are gone. The end may be the middle of a line.
        let whole = whole_lines(&file, found)?;
        if whole < found {
            self.move_away(&name, &file, whole, found)?;
        }
        self.seal(&format!("was cut from {len} to {found} bytes"));
        if let Some(sealed) = &mut self.sealed {
            sealed.keep = None;
            sealed.lost = keep - whole;
        }
        self.reopen()
    }

    fn move_away(
        &mut self,
        name: &str,
        file: &File,
        keep: u64,
        end: u64,
    ) -> Result<(String, u64), Stop> {
        move_tail(&self.directory, name, file, keep, end).map_err(|error| {
            if error == Errno::IO {
                // It may have been the sync of the segment: another would report success.
                self.seal(&format!("moving away its end failed: {error}"));
            }
            error.into()
        })
    }

    fn with_active<T>(&mut self, change: impl FnOnce(&mut super::Active) -> T) {
        if let Some(active) = &mut self.active {
            change(active);
        }
    }

    /// Puts the lines that are not durable back before the pending ones.
    fn write_again(&mut self) {
        let mut lines = std::mem::take(&mut self.in_flight);
        lines.append(&mut self.unsynced);
        let mut lines = without_notes(lines);
        lines.extend_from_slice(&self.pending[self.done..]);
        self.pending = lines;
        self.done = 0;
        self.spooled = self.durable;
        self.epoch += 1;
    }

    /// Writes no more to the active segment: the disk failed. It is never synced again; the
    /// lines that are not durable go into a new one.
    pub(crate) fn seal(&mut self, reason: &str) {
        let Some(active) = self.active.take() else { return };
        self.epoch += 1;
        self.sealed = Some(Sealed {
            file: active.file,
            from: active.from,
            keep: Some(active.keep),
            reason: format!("{} {reason}", file_name(active.from)),
            lost: 0,
        });
    }

    /// The active segment is not under its name any more.
    pub(super) fn lose(&mut self, reason: &str) {
        self.seal(reason);
        if let Some(sealed) = &mut self.sealed {
            sealed.keep = None;
        }
    }

    /// Gives up a folder that was moved or removed and goes on in a new one at its place.
    pub(crate) fn check_place(&mut self) -> Result<(), Stop> {
        if self.directory.is_in_place() {
            return Ok(());
        }
        let path = self.directory.path().to_owned();
        let failed = |error: crate::TrailError| Stop::Failed(std::io::Error::other(error));
        let (Some(root), Some(name)) = (path.parent(), path.file_name().and_then(|n| n.to_str()))
        else {
            return Err(Errno::NOENT.into());
        };
        let root = Directory::root(root, self.directory.shared_disk()).map_err(failed)?;
        let taken = root.child(name).and_then(|folder| Ok((Lock::take(&folder)?, folder)));
        let is_new = |folder: &Directory| {
            folder.names().is_ok_and(|names| names.iter().all(|name| name == LOCK))
        };
        let Some((Some(lock), directory)) = taken.ok().filter(|(_, folder)| is_new(folder)) else {
            return self.leave("it was removed or moved, and something else took its place");
        };
        self.lose("was removed or renamed with its folder");
        self.directory = directory;
        self.lock = Some(lock);
        self.reopen()
    }

    /// Makes a new segment that begins with the first line that is not durable.
    pub(super) fn reopen(&mut self) -> Result<(), Stop> {
        let mut lines = std::mem::take(&mut self.in_flight);
        lines.append(&mut self.unsynced);
        self.unsynced = without_notes(lines);
        self.epoch += 1;
        let lines = std::mem::take(&mut self.unsynced);
        let begun = self.begin_segment(self.durable, &lines);
        self.unsynced = lines;
        let begun = begun?;
        if !self.is_held() {
            // Whether another writer keeps them there is not known: they are taken along.
            self.give_way()?;
            return self.have_active();
        }
        self.active = Some(begun);
        self.unsynced.clear();
        self.set_durable(self.spooled);
        if let Some(sealed) = self.sealed.take() {
            // The lines after the durable ones are in the new segment. Where they were moved
            // away under another name, or cannot be cut, readers know the repetition by its seq.
            if let Some(keep) = sealed.keep
                && Some(sealed.from) != self.active.as_ref().map(|a| a.from)
                && let Err(error) = self.directory.disk().truncate(sealed.file.as_fd(), keep)
            {
                tracing::warn!(target: "audit", %error, "the end of the given up segment cannot be cut");
            }
            let event = Event::Repair { file: None, bytes: sealed.lost, reason: sealed.reason };
            self.push_event(&event);
        }
        Ok(())
    }
}

fn duplicate(file: &Arc<OwnedFd>) -> Result<File, Errno> {
    rustix::io::fcntl_dupfd_cloexec(file, 0).map(File::from)
}

/// Does the file hold these bytes from `at` on?
fn holds(file: &File, mut at: u64, parts: [&[u8]; 2]) -> bool {
    let mut buffer = vec![0; 64 << 10];
    for chunk in parts.into_iter().flat_map(|part| part.chunks(64 << 10)) {
        let found = &mut buffer[..chunk.len()];
        if file.read_exact_at(found, at).is_err() || found != chunk {
            return false;
        }
        at += chunk.len() as u64;
    }
    true
}

/// Where the last whole line before `end` ends.
fn whole_lines(file: &File, end: u64) -> Result<u64, Errno> {
    let start = end.saturating_sub(MAX_LINE as u64);
    let mut bytes = vec![0; usize::try_from(end - start).unwrap_or(0)];
    file.read_exact_at(&mut bytes, start)
        .map_err(|e| Errno::from_io_error(&e).unwrap_or(Errno::IO))?;
    Ok(bytes.iter().rposition(|b| *b == b'\n').map_or(start, |at| start + at as u64 + 1))
}
