//! The copy of one body, made while it goes by.

use super::{
    body::{BodyEnd, BodyField, CONTENT_TYPE, Coding},
    frame::Tag,
};
use crate::{OmitReason, pipeline::Pipe};

/// A buffer larger than this is not kept for the next request: one of the default limit, with its
/// Content-Type.
const KEEP: usize = 8 * 1024 + CONTENT_TYPE;
/// The least that a buffer grows to, so that small chunks do not each ask for more.
const LEAST: usize = 512;

/// The beginning of one body, and what is known of its end.
///
/// Bytes are copied, never held: a kept `Bytes` would pin the buffer that the server read into.
#[derive(Debug, Default)]
pub(crate) struct Copied {
    state: State,
    coding: Coding,
    /// The Content-Type, then the bytes.
    buffer: Vec<u8>,
    type_len: usize,
    /// Most bytes of the body to copy.
    limit: usize,
    /// Bytes of the body so far, copied or not.
    seen: u64,
    /// The length that the head told.
    declared: Option<u64>,
    /// The body gave its end.
    at_end: bool,
    /// What the buffer holds of the memory budget: its capacity.
    pub(crate) reserved: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Not asked for: the record does not mention it.
    #[default]
    Off,
    Open,
    /// What the record will say.
    Settled(BodyEnd),
}

impl Copied {
    /// Nothing is copied, for this reason.
    pub(crate) fn omit(&mut self, reason: OmitReason) {
        self.state = State::Settled(BodyEnd::Omitted(reason));
    }

    /// Nothing is copied and the record does not mention it.
    pub(crate) fn forget(&mut self) {
        self.state = State::Off;
    }

    /// Begins a copy of at most `limit` bytes, where there is room. Afterwards it is open, or
    /// omitted for want of memory.
    pub(crate) fn start(
        &mut self,
        pipe: &Pipe,
        (coding, content_type): (Coding, &[u8]),
        declared: Option<u64>,
        limit: usize,
    ) {
        // What an earlier request left to this one is memory that this one holds.
        if !pipe.reserve_for_body(self.buffer.capacity()) {
            return self.omit(OmitReason::Memory);
        }
        self.reserved = self.buffer.capacity();
        (self.state, self.coding) = (State::Open, coding);
        (self.limit, self.declared) = (limit, declared);
        if self.make_room(pipe, content_type.len()) {
            self.buffer.extend_from_slice(content_type);
            self.type_len = content_type.len();
        }
    }

    /// Whether the record does not mention it.
    pub(crate) fn is_off(&self) -> bool {
        self.state == State::Off
    }

    /// Whether bytes are copied.
    pub(crate) fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// The body gave bytes.
    pub(crate) fn data(&mut self, pipe: &Pipe, bytes: &[u8]) {
        self.seen = self.seen.saturating_add(bytes.len() as u64);
        if self.is_open() {
            let bytes = &bytes[..bytes.len().min(self.limit - self.kept())];
            if !bytes.is_empty() && self.make_room(pipe, bytes.len()) {
                self.buffer.extend_from_slice(bytes);
            }
        }
        self.at_end |= self.declared == Some(self.seen);
    }

    /// The body gave its end.
    pub(crate) fn at_end(&mut self) {
        self.at_end = true;
    }

    /// The whole size, when the end was seen.
    pub(crate) fn size(&self) -> Option<u64> {
        self.at_end.then_some(self.seen)
    }

    /// Nothing more will come: decides what the record says. `told`: the head told of a body, so
    /// one of which nothing came was not read, and not empty.
    pub(crate) fn settle(&mut self, told: bool) {
        if !self.is_open() {
            return;
        }
        let kept = self.kept() as u64;
        // Nobody may have asked for more than fits, but there was more.
        let more = self.kept() == self.limit && self.declared > Some(kept);
        let end = match self.at_end {
            _ if self.seen > kept || more => BodyEnd::Cut,
            _ if kept == 0 && (self.at_end || !told) => BodyEnd::Omitted(OmitReason::Empty),
            true => BodyEnd::Complete,
            false => BodyEnd::Partial,
        };
        self.state = State::Settled(end);
    }

    /// Keeps at most `limit` bytes of what was copied. More may have been, since a rule that was
    /// not followed in the end would have kept more.
    pub(crate) fn cut(&mut self, limit: usize) {
        let kept = matches!(self.state, State::Settled(end) if !matches!(end, BodyEnd::Omitted(_)));
        if kept && self.kept() > limit {
            self.buffer.truncate(self.type_len + limit);
            self.state = State::Settled(BodyEnd::Cut);
        }
    }

    /// Leaves out what was copied, for this reason. A body of which nothing was kept anyway stays
    /// omitted for its own. Gives whether that changed anything.
    pub(crate) fn leave_out(&mut self, reason: OmitReason) -> bool {
        let kept = !matches!(self.state, State::Off | State::Settled(BodyEnd::Omitted(_)));
        if kept {
            self.omit(reason);
        }
        kept
    }

    /// What the frame says of it; call [`settle`](Self::settle) first.
    pub(crate) fn field(&self) -> Option<BodyField<'_>> {
        match self.state {
            State::Settled(BodyEnd::Omitted(reason)) => Some(BodyField::omitted(reason)),
            State::Settled(end) => {
                let (content_type, bytes) = self.buffer.split_at(self.type_len);
                Some(BodyField { end, coding: self.coding, content_type, bytes })
            }
            _ => None,
        }
    }

    /// Bytes that [`push`](Self::push) appends.
    pub(crate) fn field_len(&self) -> usize {
        self.field().map_or(0, |field| field.len())
    }

    /// Appends its field, if it has one.
    pub(crate) fn push(&self, to: &mut Vec<u8>, tag: Tag) {
        if let Some(field) = self.field() {
            field.push(to, tag);
        }
    }

    /// What the buffer holds of memory.
    pub(crate) fn footprint(&self) -> usize {
        self.buffer.capacity()
    }

    /// Makes it new for the next request, and keeps the buffer if it is not outsize. What was
    /// reserved is no longer its own.
    pub(crate) fn renew(&mut self) {
        let mut buffer = std::mem::take(&mut self.buffer);
        if buffer.capacity() > KEEP {
            buffer = Vec::new();
        }
        buffer.clear();
        *self = Self { buffer, ..Self::default() };
    }

    fn kept(&self) -> usize {
        self.buffer.len() - self.type_len
    }

    /// Room for `more` bytes. `false`: there is none in the budget, and all of it is given up, so
    /// that it is there for records.
    fn make_room(&mut self, pipe: &Pipe, more: usize) -> bool {
        let need = self.buffer.len() + more;
        if need <= self.buffer.capacity() {
            return true;
        }
        let most = self.limit.saturating_add(CONTENT_TYPE);
        let wanted = (self.buffer.capacity() * 2).max(LEAST).min(most).max(need);
        let growth = wanted - self.buffer.capacity();
        if pipe.reserve_for_body(growth) {
            self.buffer.reserve_exact(wanted - self.buffer.len());
            // An allocator may give more than it was asked for; that it is not counted is what
            // every other buffer does.
            self.reserved += growth;
            return true;
        }
        pipe.release(self.reserved);
        (self.reserved, self.type_len) = (0, 0);
        self.buffer = Vec::new();
        self.omit(OmitReason::Memory);
        false
    }
}

#[cfg(test)]
mod tests;
