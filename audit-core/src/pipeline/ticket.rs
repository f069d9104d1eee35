//! What a request waits for: that something it has asked the writer for is durable.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, Waker},
};

use super::told::quietly;

const WAITING: u8 = 0;
const DURABLE: u8 = 1;
const LOST: u8 = 2;

#[derive(Debug)]
struct State {
    settled: AtomicU8,
    waker: Mutex<Option<Waker>>,
}

impl State {
    /// Settles it, unless it is settled. The first word counts.
    fn settle(&self, as_what: u8) {
        let order = Ordering::AcqRel;
        if self.settled.compare_exchange(WAITING, as_what, order, Ordering::Acquire).is_ok() {
            let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(waker) = waker {
                // Somebody else's code, on the writer's thread.
                quietly(|| waker.wake());
            }
        }
    }

    fn is_settled(&self) -> bool {
        self.settled.load(Ordering::Acquire) != WAITING
    }
}

/// A promise and the one who waits for it.
pub(super) fn ticket() -> (Promise, Wait) {
    let state = Arc::new(State { settled: AtomicU8::new(WAITING), waker: Mutex::new(None) });
    (Promise(state.clone()), Wait(state))
}

/// The writer's side. Dropped without a word, it is broken: whoever waits is told so.
#[derive(Debug)]
pub(super) struct Promise(Arc<State>);

impl Promise {
    pub(super) fn keep(self) {
        self.0.settle(DURABLE);
    }

    /// Nobody waits any more: the request was dropped, or the time is over.
    pub(super) fn is_settled(&self) -> bool {
        self.0.is_settled()
    }

    /// For whoever watches the time.
    pub(super) fn watch(&self) -> Watched {
        Watched(Arc::downgrade(&self.0))
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        self.0.settle(LOST);
    }
}

/// A promise under the watch of time. It does not keep it alive.
#[derive(Debug)]
pub(super) struct Watched(Weak<State>);

impl Watched {
    pub(super) fn is_settled(&self) -> bool {
        self.0.upgrade().is_none_or(|state| state.is_settled())
    }

    pub(super) fn time_is_over(&self) {
        if let Some(state) = self.0.upgrade() {
            state.settle(LOST);
        }
    }
}

/// It was not made durable, or not in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lost;

/// The request's side. Dropped, it tells the writer that nobody waits.
#[derive(Debug)]
pub(crate) struct Wait(Arc<State>);

impl Wait {
    pub(crate) fn poll(&self, cx: &Context<'_>) -> Poll<Result<(), Lost>> {
        if let Some(answer) = self.answer() {
            return Poll::Ready(answer);
        }
        {
            let mut waker = self.0.waker.lock().unwrap_or_else(PoisonError::into_inner);
            match &mut *waker {
                Some(known) => known.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
        }
        // Settled between the two, it has found no waker.
        self.answer().map_or(Poll::Pending, Poll::Ready)
    }

    fn answer(&self) -> Option<Result<(), Lost>> {
        match self.0.settled.load(Ordering::Acquire) {
            WAITING => None,
            DURABLE => Some(Ok(())),
            _ => Some(Err(Lost)),
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        // No waker is called: whoever drops it does not wait.
        let _ = self.0.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.0.settle(LOST);
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::atomic::AtomicUsize, task::Wake};

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn the_first_word_counts_and_wakes_once() {
        let count = Arc::new(Count::default());
        let waker = Waker::from(count.clone());
        let cx = Context::from_waker(&waker);
        let (promise, wait) = ticket();
        let watched = promise.watch();
        assert!(wait.poll(&cx).is_pending() && wait.poll(&cx).is_pending());
        promise.keep();
        watched.time_is_over();
        assert_eq!(wait.poll(&cx), Poll::Ready(Ok(())));
        assert_eq!(count.0.load(Ordering::Relaxed), 1);

        let (promise, wait) = ticket();
        assert!(wait.poll(&cx).is_pending() && !promise.is_settled());
        promise.watch().time_is_over();
        assert!(promise.is_settled());
        promise.keep();
        assert_eq!(wait.poll(&cx), Poll::Ready(Err(Lost)), "too late");
        assert_eq!(count.0.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_side_that_is_dropped_is_heard_of() {
        let cx = Context::from_waker(Waker::noop());
        let (promise, wait) = ticket();
        drop(promise);
        assert_eq!(wait.poll(&cx), Poll::Ready(Err(Lost)));
        let (promise, wait) = ticket();
        drop(wait);
        assert!(promise.is_settled() && promise.watch().is_settled());
    }
}
