//! The auditor: what an application makes once and hands to its layers.

use std::{fmt, future::Future, sync::Arc, time::Duration};

use crate::{
    Begin, CloseError, Counters, FlushError, RequestHead, Sink, builder::AuditorBuilder, exchange,
    pipeline::Pipe, policy::Config, waiting::Waiting,
};

/// How long `close` waits for the sink.
const CLOSE_WITHIN: Duration = Duration::from_secs(10);

/// Makes one record for each request and sees it to its sink.
///
/// Made once; clones are handles to the same auditor. When the last handle is gone, what was
/// accepted is still written, but nobody waits for it: call [`close`](Self::close) before the
/// program ends.
#[derive(Clone)]
pub struct Auditor {
    pub(crate) core: Arc<Core>,
}

pub(crate) struct Core {
    pub(crate) config: Config,
    pub(crate) pipe: Arc<Pipe>,
}

impl Auditor {
    /// An auditor with default settings that writes to `sink`.
    ///
    /// # Panics
    ///
    /// If the system cannot start a thread. [`AuditorBuilder::build`] returns that as an error.
    #[must_use]
    pub fn to(sink: impl Sink) -> Self {
        match Self::builder().build(sink) {
            Ok(auditor) => auditor,
            Err(error) => panic!("cannot start the auditor: {error}"),
        }
    }

    /// Settings for an auditor.
    pub fn builder() -> AuditorBuilder {
        AuditorBuilder::new()
    }

    /// Begins the exchange of a request. For adapters.
    pub fn begin(&self, head: &impl RequestHead) -> Begin {
        exchange::begin(self, head)
    }

    /// The header, in lower case, in which the request id is sent with the response.
    #[must_use]
    pub fn response_id_header(&self) -> Option<&str> {
        self.core.config.ids.outbound.as_deref()
    }

    /// What became of all requests so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.core.pipe.counters()
    }

    /// Blocks until every record accepted before the call is as safe as the sink can make it;
    /// at most ten seconds. In async code, call it where blocking is allowed.
    ///
    /// # Errors
    ///
    /// When the sink fails or takes longer. The records are kept and written later.
    pub fn flush(&self) -> Result<(), FlushError> {
        self.core.pipe.control.flush(CLOSE_WITHIN)
    }

    /// Writes everything accepted so far, then closes the sink; waits at most ten seconds.
    /// Requests that end later are counted as dropped. Needs no particular runtime, and goes on
    /// when the future is dropped.
    pub fn close(&self) -> impl Future<Output = Result<(), CloseError>> + Send + 'static {
        let auditor = self.clone();
        Waiting::start(move || auditor.close_blocking())
    }

    /// Like [`close`](Self::close), for programs without async code.
    ///
    /// # Errors
    ///
    /// When the sink did not take everything within ten seconds, or failed to close.
    pub fn close_blocking(&self) -> Result<(), CloseError> {
        self.core.pipe.control.close(CLOSE_WITHIN, || self.counters().in_memory)
    }

    /// A guard that closes the auditor when it goes out of scope, for `main` of a program
    /// without async code.
    pub fn guard(&self) -> AuditorGuard {
        AuditorGuard(self.clone())
    }
}

impl fmt::Debug for Auditor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Auditor").field("counters", &self.counters()).finish_non_exhaustive()
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.pipe.control.order_close(CLOSE_WITHIN);
    }
}

/// Closes its auditor when dropped, and waits for it: at most ten seconds.
#[must_use = "dropped at once, it closes the auditor at once"]
#[derive(Debug)]
pub struct AuditorGuard(Auditor);

impl Drop for AuditorGuard {
    fn drop(&mut self) {
        if let Err(error) = self.0.close_blocking() {
            tracing::error!(target: "audit", "{error}");
        }
    }
}
