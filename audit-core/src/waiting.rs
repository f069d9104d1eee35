//! A future for blocking work, without a runtime.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
    thread,
};

/// Completes with the result of work done on a thread of its own.
pub(crate) struct Waiting<T>(Arc<Mutex<State<T>>>);

struct State<T> {
    result: Option<T>,
    waker: Option<Waker>,
}

impl<T: Send + 'static> Waiting<T> {
    /// Starts the work at once, whether or not the future is polled.
    pub(crate) fn start(work: impl FnOnce() -> T + Send + 'static) -> Self {
        let state = Arc::new(Mutex::new(State { result: None, waker: None }));
        let work = Arc::new(Mutex::new(Some(work)));
        let (to, mine) = (state.clone(), work.clone());
        let spawned =
            thread::Builder::new().name("audit-close".into()).spawn(move || run(&mine, &to));
        if spawned.is_err() {
            // No thread to be had: blocking here is better than not doing it.
            run(&work, &state);
        }
        Self(state)
    }
}

fn run<T>(work: &Mutex<Option<impl FnOnce() -> T>>, state: &Mutex<State<T>>) {
    let work = work.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(work) = work else { return };
    let result = work();
    let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
    state.result = Some(result);
    if let Some(waker) = state.waker.take() {
        waker.wake();
    }
}

impl<T> Future for Waiting<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match state.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}
