//! Requests that were announced and have no record yet.
//!
//! A writer knows them while it runs, and what it has written before the last segment it notes
//! beside the segments: `DIR/announced` holds the seq of the oldest one in them. So the next start
//! reads back exactly as far as one may be found, and for a trail without strict requests no
//! further than the last segment.

use std::{
    collections::{HashMap, VecDeque},
    fs::File,
    io,
};

use rustix::io::Errno;
use uuid::Uuid;

use crate::{
    TrailError,
    directory::Directory,
    files::ANNOUNCED,
    line::{self, Lines, Next, Told, core_of, told},
};

/// Most bytes of intents that are held while a directory is recovered, and most intents.
const MOST_BYTES: usize = 32 << 20;
const MOST: usize = 1 << 18;

/// What a writer knows of them.
#[derive(Debug, Default)]
pub(crate) struct Announced {
    /// The seq of each intent without a record.
    open: HashMap<Uuid, u64>,
    /// Of those with one: its seq, and that of the intent. A record counts when it is durable.
    ended: VecDeque<(u64, u64)>,
    /// The note is there.
    noted: bool,
}

impl Announced {
    /// Sees a record that takes `seq`; all before `durable` are.
    pub(crate) fn see(&mut self, core: &[u8], seq: u64, durable: u64) {
        // In most trails there never is one.
        if self.open.is_empty() && !core.starts_with(b"\"kind\":\"control\"") {
            return;
        }
        match told(core) {
            Some(Told::Intent(id)) => {
                self.open.insert(id, seq);
            }
            Some(Told::Ended(id)) => {
                if let Some(intent) = self.open.remove(&id) {
                    self.ended.push_back((seq, intent));
                }
            }
            _ => return,
        }
        self.forget(durable);
    }

    fn forget(&mut self, durable: u64) {
        while self.ended.front().is_some_and(|(ended, _)| *ended < durable) {
            self.ended.pop_front();
        }
    }

    /// The oldest one before `from`, with the records from there on not counted.
    fn oldest(&self, from: u64) -> Option<u64> {
        let late = self.ended.iter().filter(|(ended, _)| *ended >= from).map(|(_, intent)| intent);
        self.open.values().chain(late).filter(|intent| **intent < from).min().copied()
    }

    /// Notes the oldest one before `from`, where a new segment begins that nothing is written to
    /// before this is durable.
    pub(crate) fn note(&mut self, directory: &Directory, from: u64) -> Result<(), Errno> {
        match self.oldest(from) {
            Some(oldest) => {
                directory.replace_whole(ANNOUNCED, format!("{oldest:020}\n").as_bytes())?;
                self.noted = true;
            }
            // Left where it cannot be removed, it makes the next start read more than it has to.
            None if std::mem::take(&mut self.noted) => directory.remove(ANNOUNCED),
            None => {}
        }
        Ok(())
    }
}

/// What the note of a directory tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// There is none: no intent before the last segment is without a record.
    Missing,
    /// From this seq on an intent may be without one.
    At(u64),
    /// It is not what a writer has left.
    Damaged,
}

/// Reads the note of a directory.
pub(crate) fn noted(directory: &Directory) -> Result<Note, TrailError> {
    let Some(text) = directory.read_small(ANNOUNCED, 64)? else { return Ok(Note::Missing) };
    let oldest = text.trim_end().parse().unwrap_or_default();
    let same = format!("{oldest:020}\n") == text;
    Ok(if same { Note::At(oldest) } else { Note::Damaged })
}

/// What the lines of a directory tell, in their order.
#[derive(Debug, Default)]
pub(crate) struct Unrecorded {
    intents: HashMap<Uuid, Intent>,
    /// Bytes of their lines.
    held: usize,
    /// Not held: there are too many.
    too_many: u64,
}

#[derive(Debug)]
struct Intent {
    seq: u64,
    line: Vec<u8>,
    status: Option<u16>,
}

/// A request without a record.
#[derive(Debug)]
pub(crate) struct Interrupted {
    pub(crate) id: Uuid,
    pub(crate) seq: u64,
    /// The line of its intent.
    pub(crate) line: Vec<u8>,
    pub(crate) status: Option<u16>,
}

impl Unrecorded {
    /// Sees a line that was found to be a record.
    pub(crate) fn see(&mut self, line: &[u8], seq: u64) {
        match told(core_of(line)) {
            Some(Told::Intent(id)) if !self.intents.contains_key(&id) => {
                if self.held + line.len() > MOST_BYTES || self.intents.len() >= MOST {
                    self.too_many += 1;
                    return;
                }
                self.held += line.len();
                let line = line.to_vec();
                self.intents.insert(id, Intent { seq, line, status: None });
            }
            Some(Told::Head(id, status)) => {
                if let Some(intent) = self.intents.get_mut(&id) {
                    intent.status = Some(status);
                }
            }
            Some(Told::Ended(id)) => {
                if let Some(intent) = self.intents.remove(&id) {
                    self.held -= intent.line.len();
                }
            }
            _ => {}
        }
    }

    /// Reads a segment that is not the last one. What is no record in it is passed.
    pub(crate) fn look_at(&mut self, file: &File) -> io::Result<()> {
        let mut lines = Lines::at(0);
        loop {
            match lines.next(file)? {
                Next::Line(line) => {
                    if let Ok(parts) = line::record(line) {
                        self.see(line, parts.seq);
                    }
                }
                Next::TooLong => {}
                Next::End(_) => return Ok(()),
            }
        }
    }

    /// Those without a record, oldest first, and how many more there may be.
    pub(crate) fn finish(self) -> (Vec<Interrupted>, u64) {
        let found = self.intents.into_iter().map(|(id, intent)| {
            let Intent { seq, line, status } = intent;
            Interrupted { id, seq, line, status }
        });
        let mut found: Vec<_> = found.collect();
        found.sort_unstable_by_key(|request| request.seq);
        (found, self.too_many)
    }
}

/// What a writer begins with: these are open, and there may be a note.
pub(crate) fn begin(interrupted: &[Interrupted], noted: bool) -> Announced {
    let open = interrupted.iter().map(|request| (request.id, request.seq)).collect();
    Announced { open, ended: VecDeque::new(), noted }
}
