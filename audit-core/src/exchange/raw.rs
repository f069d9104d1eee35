//! What an exchange gathers on its way, reused from one request to the next.

use std::{sync::Arc, time::Instant};

use super::{
    ContextState,
    flags::{Flag, Flags},
    frame::{self, Tag},
};
use crate::RequestId;

/// An arena larger than this is not kept for the next request.
const KEEP: usize = 16 * 1024;

/// The gathered facts of one request. Pooled, so that a request in a steady stream allocates
/// nothing here.
pub(crate) struct Raw {
    pub(crate) start: Instant,
    pub(crate) id: Option<RequestId>,
    pub(crate) context: Arc<ContextState>,
    /// Fields in the frame's own encoding.
    pub(crate) arena: Vec<u8>,
    pub(crate) flags: Flags,
    /// What this exchange holds of the memory budget.
    pub(crate) reserved: usize,
    pub(crate) request_size: Option<u64>,
    pub(crate) head_request: bool,
    pub(crate) connect_request: bool,
}

impl Raw {
    pub(crate) fn new() -> Box<Self> {
        Box::new(Self {
            start: Instant::now(),
            id: None,
            context: Arc::default(),
            arena: Vec::with_capacity(1024),
            flags: Flags::default(),
            reserved: 0,
            request_size: None,
            head_request: false,
            connect_request: false,
        })
    }

    /// Makes it new for the next request. `false`: not worth keeping.
    pub(crate) fn renew(&mut self) -> bool {
        if self.arena.capacity() > KEEP {
            return false;
        }
        ContextState::renew(&mut self.context);
        self.arena.clear();
        self.flags = Flags::default();
        self.id = None;
        self.reserved = 0;
        self.request_size = None;
        true
    }

    /// Appends a field, cut to `most` bytes and flagged when it was longer.
    pub(crate) fn push(&mut self, tag: Tag, value: &[u8], most: usize, flag: Flag) {
        if value.len() > most {
            self.flags.set(flag);
        }
        frame::push(&mut self.arena, tag, b"", &value[..value.len().min(most)]);
    }
}
