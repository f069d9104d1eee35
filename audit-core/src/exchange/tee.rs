//! The copy of a request's body, on the application's side of the layer.

use std::{fmt, sync::Arc};

use super::ContextState;
use crate::pipeline::Pipe;

/// What an adapter tells of a request's body while the application reads it.
///
/// It goes into the wrapped body, which the application may keep for longer than the request
/// lasts: what comes after the end of the request changes nothing. Bytes are copied up to a limit
/// and none are held.
pub struct Tee {
    context: Arc<ContextState>,
    pipe: Arc<Pipe>,
}

impl Tee {
    pub(super) const fn new(context: Arc<ContextState>, pipe: Arc<Pipe>) -> Self {
        Self { context, pipe }
    }

    /// The body gave `bytes`; `end_stream` if it says that it is at its end now. Called for each
    /// frame of data, in order.
    pub fn data(&self, bytes: &[u8], end_stream: bool) {
        self.context.request_body(|body| {
            body.data(&self.pipe, bytes);
            if end_stream {
                body.at_end();
            }
        });
    }

    /// The body gave its end, or its trailers. Not called for an error: what failed is not whole.
    pub fn end(&self) {
        self.context.request_body(super::copied::Copied::at_end);
    }
}

impl fmt::Debug for Tee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What was copied may be secret until it has passed the masker.
        f.debug_struct("Tee").finish_non_exhaustive()
    }
}
