//! What an exchange gathers on its way, reused from one request to the next.

use std::{sync::Arc, time::Instant};

use super::{
    ContextState, Identity,
    copied::Copied,
    flags::{Flag, Flags},
    frame::{self, Fixed, Tag},
};
use crate::{Capture, OmitReason, RequestId, policy::Candidates};

/// An arena larger than this is not kept for the next request.
const KEEP: usize = 16 * 1024;

/// The gathered facts of one request. Pooled, so that a request in a steady stream allocates
/// nothing here.
pub(crate) struct Raw {
    pub(crate) start: Instant,
    pub(crate) id: Option<RequestId>,
    pub(crate) context: Arc<ContextState>,
    /// Who asks, by an extension.
    pub(super) identity: Option<Identity>,
    /// Fields in the frame's own encoding.
    pub(crate) arena: Vec<u8>,
    pub(crate) flags: Flags,
    /// What this exchange holds of the memory budget, besides its bodies.
    pub(crate) reserved: usize,
    pub(crate) request_size: Option<u64>,
    /// Here while no exchange has it, and after the exchange has ended; in between it is in the
    /// context, for both sides to reach it.
    pub(crate) request_body: Copied,
    pub(crate) response_body: Copied,
    /// The head told of a request body, of whatever length.
    pub(crate) body_told: bool,
    /// The request's body is to be wrapped.
    pub(crate) tee: bool,
    pub(crate) head_request: bool,
    pub(crate) connect_request: bool,
    /// The rules that may decide on it.
    pub(crate) candidates: Candidates,
    /// How much is gathered, so that any of them can still be followed.
    pub(crate) gathered: Capture,
    /// Bytes kept of each body meanwhile.
    pub(crate) limit: usize,
    /// Drawn for sampling.
    pub(crate) lot: u64,
}

impl Raw {
    pub(crate) fn new() -> Box<Self> {
        Box::new(Self {
            start: Instant::now(),
            id: None,
            context: Arc::default(),
            identity: None,
            arena: Vec::with_capacity(1024),
            flags: Flags::default(),
            reserved: 0,
            request_size: None,
            request_body: Copied::default(),
            response_body: Copied::default(),
            body_told: false,
            tee: false,
            head_request: false,
            connect_request: false,
            candidates: Candidates::default(),
            gathered: Capture::None,
            limit: 0,
            lot: 0,
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
        self.identity = None;
        self.reserved = 0;
        self.request_size = None;
        self.request_body.renew();
        self.response_body.renew();
        (self.body_told, self.tee) = (false, false);
        true
    }

    /// What it holds of memory while no request has it.
    pub(crate) fn footprint(&self) -> usize {
        let buffers = self.request_body.footprint() + self.response_body.footprint();
        size_of::<Self>() + size_of::<ContextState>() + self.arena.capacity() + buffers
    }

    /// What all of it holds of the memory budget.
    pub(crate) fn held(&self) -> usize {
        self.reserved + self.request_body.reserved + self.response_body.reserved
    }

    /// Bytes of the fields of its bodies.
    pub(crate) fn bodies_len(&self) -> usize {
        self.request_body.field_len() + self.response_body.field_len()
    }

    /// Leaves out the bodies for want of memory. `false`: there were none.
    pub(crate) fn leave_out_bodies(&mut self) -> bool {
        let request = self.request_body.leave_out(OmitReason::Memory);
        self.response_body.leave_out(OmitReason::Memory) || request
    }

    /// Appends a whole frame to a chunk.
    pub(crate) fn encode(&self, out: &mut Vec<u8>, fixed: &Fixed) {
        frame::encode(out, fixed, &self.arena, self.bodies_len());
        self.request_body.push(out, Tag::RequestBody);
        self.response_body.push(out, Tag::ResponseBody);
    }

    /// What [`encode`](Self::encode) appends, in bytes.
    pub(crate) fn frame_len(&self) -> usize {
        frame::frame_len(self.arena.len() + self.bodies_len())
    }

    /// Appends a field, cut to `most` bytes and flagged when it was longer.
    pub(crate) fn push(&mut self, tag: Tag, value: &[u8], most: usize, flag: Flag) {
        if value.len() > most {
            self.flags.set(flag);
        }
        frame::push(&mut self.arena, tag, b"", &value[..value.len().min(most)]);
    }
}
