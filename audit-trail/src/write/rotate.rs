//! New segments.

use std::{os::fd::AsFd, sync::Arc, time::Instant};

use rustix::{
    fs::{self, OFlags},
    io::Errno,
};

use super::{Active, Stop, Writer};
use crate::{
    directory::file_id, disk::write_all, files::file_name, line::Event, recover::set_aside,
    segment::header,
};

impl Writer {
    /// Goes on in a new segment. The old one is durable before the new one exists, and the new
    /// one and its name are durable before it takes a record: whatever a power cut leaves,
    /// segments join without a hole.
    ///
    /// On an error the old segment stays, nothing half-made is left, and it is tried again.
    pub(super) fn rotate(&mut self) -> Result<(), Stop> {
        if self.syncing {
            // An error of fdatasync is reported to one caller only: two at once would hide it.
            return Err(Stop::Syncing);
        }
        self.sync_here()?;
        if self.give_way()? {
            return self.have_active();
        }
        let active = self.begin_segment(self.spooled, &[])?;
        self.active = Some(active);
        self.epoch += 1;
        Ok(())
    }

    /// A new segment, if the active one holds records.
    pub(super) fn begin_anew(&mut self) -> Result<(), Stop> {
        self.commit()?;
        match self.active.as_ref().is_some_and(|active| active.from < self.spooled) {
            true => self.rotate(),
            false => Ok(()),
        }
    }

    /// A new segment, durable with its name, that begins with `lines`.
    pub(super) fn begin_segment(&mut self, from: u64, lines: &[u8]) -> Result<Active, Errno> {
        self.announced.note(&self.directory, from)?;
        let before = self.tree_at(from);
        let mut content = header(&self.origin, &before).into_bytes();
        // A header that nobody vouches for could state any tree: the next start believes none.
        content.extend(self.vouch(&before)?);
        let name = file_name(from);
        let flags = OFlags::RDWR | OFlags::APPEND;
        let file = match self.directory.create(&name, flags) {
            Err(Errno::EXIST) => {
                // Ours, sealed before it had a durable record; or somebody put it there.
                let moved = set_aside(&self.directory, &name)?;
                let reason = format!("{name} was in the way of a new segment");
                self.push_event(&Event::Repair { file: Some(moved), bytes: 0, reason });
                self.directory.create(&name, flags)?
            }
            done => done?,
        };
        let header = content.len() as u64;
        content.extend_from_slice(lines);
        let disk = self.directory.disk();
        let stat = write_all(disk, &file, &content)
            .1
            .and_then(|()| disk.sync(file.as_fd()))
            .and_then(|()| self.directory.sync())
            .and_then(|()| fs::fstat(&file));
        let stat = match stat {
            Ok(stat) => stat,
            Err(error) => {
                // All of it is still in memory.
                self.directory.remove(&name);
                return Err(error);
            }
        };
        let len = content.len() as u64;
        Ok(Active {
            file: Arc::new(file),
            id: file_id(&stat),
            from,
            len,
            torn: 0,
            keep: len,
            header,
            born: Instant::now(),
            full: false,
        })
    }
}
