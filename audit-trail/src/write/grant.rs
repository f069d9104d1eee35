//! What an operator has ordered: records that allow something to be taken out of the trail.
//!
//! They are appended like any others, signed, and published. Where one of them is about a record in the
//! active segment, a new segment begins: the other is not written any more, and whoever has ordered
//! it may rewrite it.

use std::io;

use audit_core::Timestamp;
use rustix::fs::FileType;

use super::{Stop, Writer};
use crate::{
    directory::{FileId, file_id},
    files::ORDER,
    line::Event,
    order::{self, Order},
};

/// How far an order has come.
#[derive(Debug, Default)]
pub(crate) struct Granting {
    under_way: Option<UnderWay>,
    /// When the last order was made: a copy of an old one, put there again, is none.
    last: Option<Timestamp>,
    /// The file of an order that was refused and could not be removed.
    refused: Option<FileId>,
}

#[derive(Debug)]
struct UnderWay {
    /// A checkpoint of this size covers all that was ordered.
    size: u64,
    /// The last record that may be redacted.
    last: Option<u64>,
    /// It was found in a file.
    file: bool,
}

impl Writer {
    /// Looks for an order, and takes it.
    pub(super) fn take_order(&mut self) {
        let Ok(stat) = self.directory.stat(ORDER) else { return };
        let known = self.granting.refused == Some(file_id(&stat));
        let regular = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
        if self.granting.under_way.is_some() || known || !regular {
            return;
        }
        let text = self.directory.read_small(ORDER, order::LONGEST);
        let key = self.signer.key.verifying_key();
        let order = text
            .ok()
            .flatten()
            .ok_or("it cannot be read")
            .and_then(|text| Order::verify(&text, &key, &self.origin, Timestamp::now()));
        let granted = order.and_then(|order| {
            if self.granting.last >= Some(order.time) {
                return Err("it was carried out already");
            }
            self.granting.last = Some(order.time);
            self.grant(&order.events, true)
        });
        if let Err(why) = granted {
            let directory = self.directory.path().display();
            tracing::warn!(target: "audit", %directory, why, "an order is refused");
            self.directory.remove(ORDER);
            // Where it cannot be removed it is told once.
            let left = self.directory.stat(ORDER).ok();
            self.granting.refused = left.as_ref().map(file_id);
        }
    }

    /// Takes records that an operator has ordered. [`finish_order`](Self::finish_order) does the rest.
    pub(crate) fn grant(&mut self, events: &[Event], file: bool) -> Result<(), &'static str> {
        let mut last = None;
        for event in events {
            match event {
                Event::Redact { seq, .. } if *seq >= self.next => {
                    return Err("it is about a record that is not there");
                }
                Event::Redact { seq, .. } => last = last.max(Some(*seq)),
                Event::Prune { to, .. } if *to > self.next => {
                    return Err("it would remove what is not there");
                }
                _ => {}
            }
        }
        for event in events {
            self.push_event(event);
        }
        tracing::info!(
            target: "audit",
            directory = %self.directory.path().display(),
            records = events.len(),
            "an order is carried out"
        );
        self.granting.under_way = Some(UnderWay { size: self.next, last, file });
        Ok(())
    }

    /// Signs and publishes what was ordered, and begins a new segment where that is needed. What
    /// fails is tried again by the next call.
    pub(crate) fn finish_order(&mut self) -> Result<(), Stop> {
        let Some(order) = &self.granting.under_way else { return Ok(()) };
        let (size, last, file) = (order.size, order.last, order.file);
        // The checkpoint stands in the segment, too: whoever has listed the segments before a new one
        // begins must find it.
        self.checkpoint(true)?;
        if self.signer.size < size {
            // The record of a repair came between.
            self.checkpoint(true)?;
        }
        if self.signer.size < size {
            return Err(Stop::Failed(io::Error::other("the disk does not keep what is written")));
        }
        // Before its answer: where a power cut took the line, what is taken out now would be granted by
        // nothing that stands before the next start.
        if self.syncing {
            return Err(Stop::Syncing);
        }
        self.sync_here()?;
        let in_active = |active: &super::Active| last.is_some_and(|last| last >= active.from);
        if self.active.as_ref().is_some_and(in_active) {
            self.rotate()?;
        }
        self.granting.under_way = None;
        if file {
            self.directory.remove(ORDER);
        }
        Ok(())
    }
}
