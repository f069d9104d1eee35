//! The time that strict requests wait at most.
//!
//! It is watched by a thread of its own: the writer's may be stuck in the very sink that is waited
//! for, and the core has no runtime with timers.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::ticket::{Lost, Promise, Watched};

/// Promises and when the time for each is over.
#[derive(Debug)]
pub(super) struct Deadlines {
    within: Duration,
    shared: Arc<Shared>,
    /// The thread, which is started with the first promise: whether there is one.
    started: OnceLock<bool>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// In the order of their times: all wait equally long.
    queue: VecDeque<(Instant, Watched)>,
    /// The thread sleeps until it is woken; else it looks again by itself before any time that is
    /// added is over.
    idle: bool,
    stop: bool,
}

impl Deadlines {
    pub(super) fn new(within: Duration) -> Self {
        Self { within, shared: Arc::default(), started: OnceLock::new() }
    }

    pub(super) const fn within(&self) -> Duration {
        self.within
    }

    /// Breaks the promise when the time is over. `Err`: there is no thread to see to it.
    pub(super) fn watch(&self, promise: &Promise) -> Result<(), Lost> {
        let start = || {
            let shared = self.shared.clone();
            let run = move || shared.run();
            thread::Builder::new().name("audit-strict".into()).spawn(run).is_ok()
        };
        if !*self.started.get_or_init(start) {
            return Err(Lost);
        }
        let mut state = self.shared.lock();
        while state.queue.front().is_some_and(|(_, first)| first.is_settled()) {
            state.queue.pop_front();
        }
        state.queue.push_back((Instant::now() + self.within, promise.watch()));
        if std::mem::take(&mut state.idle) {
            self.shared.changed.notify_one();
        }
        Ok(())
    }
}

impl Drop for Deadlines {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.changed.notify_one();
    }
}

impl Shared {
    fn run(&self) {
        let mut state = self.lock();
        while !state.stop {
            let now = Instant::now();
            let first = state.queue.front();
            let Some((at, _)) = first.filter(|(at, first)| *at > now && !first.is_settled()) else {
                if let Some((_, over)) = state.queue.pop_front() {
                    drop(state);
                    // Wakes a task, which is somebody else's code.
                    over.time_is_over();
                    state = self.lock();
                } else {
                    state.idle = true;
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
                continue;
            };
            let pause = at.saturating_duration_since(now);
            let waited = self.changed.wait_timeout(state, pause);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in the critical sections leaves the queue half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::pipeline::ticket::ticket;

    #[test]
    fn promises_are_broken_when_their_time_is_over() {
        let cx = Context::from_waker(Waker::noop());
        let deadlines = Deadlines::new(Duration::from_millis(30));
        // Again after the thread has been idle.
        for _ in 0..2 {
            let (kept, waits) = ticket();
            let (broken, waits_in_vain) = ticket();
            let begun = Instant::now();
            deadlines.watch(&kept).unwrap();
            deadlines.watch(&broken).unwrap();
            kept.keep();
            while waits_in_vain.poll(&cx).is_pending() {
                assert!(begun.elapsed() < Duration::from_secs(10));
                thread::sleep(Duration::from_millis(1));
            }
            assert!(begun.elapsed() >= Duration::from_millis(30));
            assert_eq!(waits_in_vain.poll(&cx), Poll::Ready(Err(Lost)));
            assert_eq!(waits.poll(&cx), Poll::Ready(Ok(())));
            thread::sleep(Duration::from_millis(40));
        }
        let shared = Arc::downgrade(&deadlines.shared);
        drop(deadlines);
        let begun = Instant::now();
        while shared.upgrade().is_some() {
            assert!(begun.elapsed() < Duration::from_secs(10), "its thread ends with it");
            thread::sleep(Duration::from_millis(1));
        }
    }
}
