//! Orders to the writer: flush, close. And its answers.

use std::{
    sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError},
    thread::Thread,
    time::{Duration, Instant},
};

/// Why a flush did not do what it says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FlushError {
    /// Not within the time given. Records are safe as long as the process lives.
    #[error("the sink did not take all records in time; they are kept in memory")]
    Timeout,
    /// The sink failed. Records that it did not take are kept and tried again.
    #[error("{0}")]
    Sink(String),
    /// The auditor is closed.
    #[error("the auditor is closed")]
    Closed,
}

/// Why closing lost records.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CloseError {
    /// Not all records were taken before the deadline.
    #[error("{left} records were not written before the deadline: {cause}")]
    Unwritten {
        /// How many records were left in memory.
        left: u64,
        /// What the sink said last.
        cause: String,
    },
    /// All records were taken, but the sink failed to close.
    #[error("all records were handed over, but the sink failed to close: {0}")]
    Sink(String),
}

/// The orders and answers, and who waits for them.
#[derive(Debug, Default)]
pub(crate) struct Control {
    state: Mutex<State>,
    changed: Condvar,
    writer: OnceLock<Thread>,
}

#[derive(Debug, Default)]
struct State {
    flush_wanted: u64,
    flush_done: u64,
    flush_error: Option<String>,
    close_by: Option<Instant>,
    closed: Option<Result<(), CloseError>>,
}

/// What the writer is asked to do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Orders {
    /// The newest flush that waits.
    pub(super) flush: Option<u64>,
    /// When closing has to be over.
    pub(super) close_by: Option<Instant>,
}

impl Control {
    /// Waits until everything accepted so far is as safe as the sink can make it.
    pub(crate) fn flush(&self, within: Duration) -> Result<(), FlushError> {
        let deadline = Instant::now() + within;
        let mut state = self.lock();
        if state.closed.is_some() {
            return Err(FlushError::Closed);
        }
        state.flush_wanted += 1;
        let mine = state.flush_wanted;
        self.wake_writer();
        while state.flush_done < mine {
            if state.closed.is_some() {
                return Err(FlushError::Closed);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(FlushError::Timeout);
            }
            state = self.wait(state, left);
        }
        state.flush_error.clone().map_or(Ok(()), |error| Err(FlushError::Sink(error)))
    }

    /// Orders the end and does not wait for it.
    pub(crate) fn order_close(&self, within: Duration) {
        let mut state = self.lock();
        let by = Instant::now() + within;
        state.close_by = Some(state.close_by.map_or(by, |earlier| earlier.min(by)));
        drop(state);
        self.wake_writer();
    }

    /// Orders the end and waits for it. `left` tells how many records are in memory.
    pub(crate) fn close(&self, within: Duration, left: impl Fn() -> u64) -> Result<(), CloseError> {
        self.order_close(within);
        // The writer keeps to the deadline unless the sink blocks inside a call.
        let patience = Instant::now() + within + Duration::from_millis(200);
        let mut state = self.lock();
        loop {
            if let Some(result) = &state.closed {
                return result.clone();
            }
            let wait = patience.saturating_duration_since(Instant::now());
            if wait.is_zero() {
                let cause = "the sink does not return".to_owned();
                return Err(CloseError::Unwritten { left: left(), cause });
            }
            state = self.wait(state, wait);
        }
    }

    /// Neither closed nor about to be.
    pub(crate) fn is_open(&self) -> bool {
        let state = self.lock();
        state.closed.is_none() && state.close_by.is_none()
    }

    /// The writer has ended.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed.is_some()
    }

    pub(super) fn orders(&self) -> Orders {
        let state = self.lock();
        let flush = (state.flush_wanted > state.flush_done).then_some(state.flush_wanted);
        Orders { flush, close_by: state.close_by }
    }

    pub(super) fn flushed(&self, ticket: u64, error: Option<String>) {
        let mut state = self.lock();
        state.flush_done = state.flush_done.max(ticket);
        state.flush_error = error;
        self.changed.notify_all();
    }

    pub(super) fn closed(&self, result: Result<(), CloseError>) {
        self.lock().closed = Some(result);
        self.changed.notify_all();
    }

    /// Makes the calling thread the one that orders wake.
    pub(super) fn i_am_the_writer(&self) {
        let _ = self.writer.set(std::thread::current());
        // An order given before this found nobody to wake.
        std::thread::current().unpark();
    }

    /// Ends the writer's pause.
    pub(super) fn wake_writer(&self) {
        if let Some(writer) = self.writer.get() {
            writer.unpark();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, most: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, most).unwrap_or_else(PoisonError::into_inner).0
    }
}
