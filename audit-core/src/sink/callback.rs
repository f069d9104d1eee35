//! Records handed to a closure.

use std::fmt;

use super::{Sink, SinkError};
use crate::Record;

/// Calls a closure with each record, on the writer's thread (or the sink's own, when it is a
/// further sink). A slow closure as the primary sink holds up all records; a panic in it is
/// caught, and that record counts as refused.
pub struct Callback<F> {
    call: F,
}

impl<F: FnMut(&Record) + Send + 'static> Callback<F> {
    /// Calls `call` once for each record.
    pub const fn new(call: F) -> Self {
        Self { call }
    }
}

impl<F: FnMut(&Record) + Send + 'static> Sink for Callback<F> {
    fn write(&mut self, record: &Record) -> Result<(), SinkError> {
        let call = std::panic::AssertUnwindSafe(|| (self.call)(record));
        // The panic's message is not repeated: it may quote the record or anything else.
        std::panic::catch_unwind(call).map_err(|payload| {
            crate::exchange::drop_quietly(payload);
            SinkError::refused("the callback panicked")
        })
    }

    fn commit(&mut self) -> Result<(), SinkError> {
        Ok(())
    }
}

impl<F> fmt::Debug for Callback<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback").finish_non_exhaustive()
    }
}
