//! Having control records written, signed and published.

use std::{
    thread,
    time::{Duration, Instant},
};

use audit_core::Timestamp;

use super::{
    MaintainError, Maintenance,
    scan::{published, writer_of},
};
use crate::{
    TrailError,
    directory::Directory,
    files::ORDER,
    line::Event,
    lock::is_held,
    opening::Opening,
    order::{self, Order},
    take::{Tried, attempt},
    write::Shared,
};

/// How often it is looked whether an order was carried out.
const LOOK: Duration = Duration::from_millis(10);
/// How often an order is made, or the directory taken, where its writer ends meanwhile.
const TRIES: u32 = 5;

impl Maintenance {
    /// Returns when a published checkpoint covers these records, or should: whoever asks looks.
    pub(super) fn have_written(
        &self,
        directory: &Directory,
        events: &[Event],
    ) -> Result<(), MaintainError> {
        let mut left = events;
        // Its writer may end meanwhile, and somebody who only looks whether there is one is in the way for a moment.
        for _ in 0..TRIES {
            if left.is_empty() {
                return Ok(());
            }
            match self.writer_in(directory)? {
                Some(writer) => return write_here(directory, &writer, left),
                None => left = self.order(directory, left)?,
            }
        }
        match left {
            [] => Ok(()),
            _ => Err(MaintainError::Refused { directory: directory.path().to_owned() }),
        }
    }

    /// By the living writer. Gives those that it has not taken, where there is none any more.
    fn order<'a>(
        &self,
        directory: &Directory,
        mut events: &'a [Event],
    ) -> Result<&'a [Event], MaintainError> {
        let path = directory.path();
        let origin = published(directory, &self.key.verifying_key())?.origin;
        while let Some(part) = order::parts(events).next() {
            let time = Timestamp::now();
            let order = Order { origin: origin.clone(), time, events: part.to_vec() };
            let put = directory.replace_whole(ORDER, order.sign(&self.key).as_bytes());
            put.map_err(|error| TrailError::io("write an order to", path, error))?;
            let mut waited = Waited::new(self.patience);
            while directory.stat(ORDER).is_ok() {
                if waited.too_long() {
                    directory.remove(ORDER);
                    let (directory, seconds) = (path.to_owned(), self.patience.as_secs());
                    return Err(MaintainError::NotTaken { directory, seconds });
                }
                if waited.now_and_then() && !is_held(path) {
                    directory.remove(ORDER);
                    return Ok(events);
                }
                thread::sleep(LOOK);
            }
            events = &events[part.len()..];
        }
        Ok(events)
    }

    /// Begins a new segment where nobody writes; where somebody does, does nothing.
    pub(super) fn begin_segment_if_free(&self, directory: &Directory) -> Result<(), MaintainError> {
        let Some(writer) = self.writer_in(directory)? else { return Ok(()) };
        writer
            .begin_segment()
            .and_then(|()| writer.close())
            .map_err(|error| TrailError::io("write to", directory.path(), error).into())
    }

    /// Waits until the records before `size` are signed, or for so long that they will not be.
    pub(super) fn have_signed(
        &self,
        directory: &Directory,
        size: u64,
    ) -> Result<(), MaintainError> {
        let waited = Waited::new(self.patience);
        while published(directory, &self.key.verifying_key())?.size < size && !waited.too_long() {
            if !is_held(directory.path()) {
                // The next writer signs what the last one has left.
                return self.begin_segment_if_free(directory);
            }
            thread::sleep(LOOK);
        }
        Ok(())
    }

    /// A writer in a directory that nobody holds; `None` where somebody does.
    fn writer_in(&self, directory: &Directory) -> Result<Option<Shared>, MaintainError> {
        let path = directory.path();
        let own = self.root_directory.existing(&writer_of(directory))?;
        let place = match attempt(own, &self.key.verifying_key())? {
            Tried::Fit(place) => *place,
            Tried::Held => return Ok(None),
            Tried::Left(why) => {
                let why = format!(
                    "nothing is written there any more: {why}. It is evidence: see `audit verify`; \
                     what must go has to be removed by hand, with the whole directory"
                );
                return Err(MaintainError::Evidence { directory: path.to_owned(), why });
            }
        };
        let said = audit_core::settings::Trail::default();
        let root_name = self.root.file_name().map(|name| name.to_string_lossy());
        let opening = Opening {
            root: &self.root,
            name: &root_name.unwrap_or_default(),
            key: self.key.clone(),
            said: &said,
            heartbeat: Duration::MAX,
        };
        Ok(Some(opening.begin(place.directory, place.lock, place.found)?))
    }
}

fn write_here(
    directory: &Directory,
    writer: &Shared,
    events: &[Event],
) -> Result<(), MaintainError> {
    // In parts, of which the memory is free again before the next.
    order::parts(events)
        .try_for_each(|part| writer.carry_out(part))
        .and_then(|()| writer.close())
        .map_err(|error| TrailError::io("write to", directory.path(), error).into())
}

/// How long something was waited for.
struct Waited {
    begun: Instant,
    patience: Duration,
    looked: Instant,
}

impl Waited {
    fn new(patience: Duration) -> Self {
        let now = Instant::now();
        Self { begun: now, patience, looked: now }
    }

    fn too_long(&self) -> bool {
        self.begun.elapsed() >= self.patience
    }

    /// True once a second.
    fn now_and_then(&mut self) -> bool {
        let due = self.looked.elapsed() >= Duration::from_secs(1);
        if due {
            self.looked = Instant::now();
        }
        due
    }
}
