//! The context of the request whose code runs on this thread, and how it goes along with work
//! that runs elsewhere.

use std::{
    cell::RefCell,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

use super::AuditContext;

thread_local! {
    static CURRENT: RefCell<Option<AuditContext>> = const { RefCell::new(None) };
}

impl AuditContext {
    /// The handle of the request whose code runs on this thread right now: in its handlers, inner
    /// services and bodies, between two awaits, and in what they call. Tasks and threads that
    /// they spawn have it where it was sent along: [`InAuditContext`], [`in_audit_context`].
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(|current| current.try_borrow().ok()?.clone()).ok().flatten()
    }

    /// A closure in which this is the [current](Self::current) one, for a thread or a pool of
    /// threads.
    ///
    /// ```
    /// # fn handler(audit: audit_core::AuditContext) {
    /// use audit_core::AuditContext;
    ///
    /// std::thread::spawn(audit.wrap(|| {
    ///     AuditContext::current().map(|audit| audit.metadata("resized", true).clone())
    /// }));
    /// # }
    /// ```
    pub fn wrap<T, F: FnOnce() -> T>(&self, f: F) -> impl FnOnce() -> T + use<T, F> {
        let context = self.clone();
        move || {
            let _entered = context.enter();
            f()
        }
    }

    /// Makes this the current one until the guard is dropped.
    pub(super) fn enter(self) -> Entered {
        Entered(swap(Some(self)))
    }
}

/// A closure that takes the current request's context along, for `spawn_blocking` and the like.
/// Where there is none, the closure as it is.
///
/// ```
/// # fn spawn_blocking<T>(f: impl FnOnce() -> T) -> T { f() }
/// use audit_core::{AuditContext, in_audit_context};
///
/// spawn_blocking(in_audit_context(|| {
///     AuditContext::current().map(|audit| audit.metadata("resized", true).clone())
/// }));
/// ```
pub fn in_audit_context<T, F: FnOnce() -> T>(f: F) -> impl FnOnce() -> T + use<T, F> {
    let context = AuditContext::current();
    move || {
        let _entered = context.map(AuditContext::enter);
        f()
    }
}

/// Takes a request's context along into a spawned task: with it [`AuditContext::current`] gives
/// that request's handle in the task too, as long as the task runs. What is added after the
/// request has ended is ignored. Implemented for every future.
///
/// ```
/// # fn spawn<F: Future>(_: F) {}
/// use audit_core::{AuditContext, InAuditContext};
///
/// async fn notify() {
///     if let Some(audit) = AuditContext::current() {
///         audit.metadata("notified", true);
///     }
/// }
/// spawn(notify().in_audit_context());
/// ```
pub trait InAuditContext: Future + Sized {
    /// With the context that is current where this is called; where none is, as it is.
    fn in_audit_context(self) -> WithAuditContext<Self> {
        WithAuditContext { inner: self, context: AuditContext::current() }
    }

    /// With this context.
    fn with_audit_context(self, context: &AuditContext) -> WithAuditContext<Self> {
        WithAuditContext { inner: self, context: Some(context.clone()) }
    }
}

impl<F: Future> InAuditContext for F {}

pin_project! {
    /// Future of [`InAuditContext`]: its context is the current one whenever it is polled.
    pub struct WithAuditContext<F> {
        #[pin]
        inner: F,
        context: Option<AuditContext>,
    }
}

impl<F: Future> Future for WithAuditContext<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let _entered = this.context.clone().map(AuditContext::enter);
        this.inner.poll(cx)
    }
}

impl<F> fmt::Debug for WithAuditContext<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithAuditContext").field("context", &self.context).finish_non_exhaustive()
    }
}

/// The context that was current before.
pub(super) struct Entered(Option<AuditContext>);

impl Drop for Entered {
    fn drop(&mut self) {
        swap(self.0.take());
    }
}

fn swap(with: Option<AuditContext>) -> Option<AuditContext> {
    // While a thread is torn down its locals are gone, and nothing is current.
    CURRENT
        .try_with(|current| {
            current.try_borrow_mut().ok().and_then(|mut c| std::mem::replace(&mut *c, with))
        })
        .ok()
        .flatten()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn is(context: &AuditContext) -> bool {
        AuditContext::current().is_some_and(|current| Arc::ptr_eq(&current.0, &context.0))
    }

    fn contexts() -> (AuditContext, AuditContext) {
        (AuditContext(Arc::default()), AuditContext(Arc::default()))
    }

    #[test]
    fn the_current_context_is_that_of_the_innermost_request() {
        let (outer, inner) = contexts();
        let first = outer.clone().enter();
        let second = inner.clone().enter();
        assert!(is(&inner));
        drop(second);
        assert!(is(&outer));
        drop(first);
        assert!(AuditContext::current().is_none());
    }

    #[test]
    fn work_takes_its_context_along() {
        let (context, other) = contexts();
        let entered = context.clone().enter();
        let here = in_audit_context({
            let context = context.clone();
            move || is(&context)
        });
        let mut future = Box::pin(async { is(&context) }.in_audit_context());
        drop(entered);
        std::thread::scope(|scope| {
            // Where another is current, and where none is.
            scope.spawn(other.wrap(move || assert!(here() && !is(&AuditContext::detached()))));
            scope.spawn(move || {
                let _other = other.clone().enter();
                let poll = future.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop()));
                assert!(matches!(poll, Poll::Ready(true)) && is(&other));
            });
        });
        assert!(AuditContext::current().is_none());
    }

    #[test]
    fn where_none_is_current_nothing_changes() {
        let (context, _) = contexts();
        let (closure, future) =
            (in_audit_context(AuditContext::current), async { is(&context) }.in_audit_context());
        let _entered = context.clone().enter();
        assert!(closure().is_some());
        let poll =
            Box::pin(future).as_mut().poll(&mut Context::from_waker(std::task::Waker::noop()));
        assert!(matches!(poll, Poll::Ready(true)));
    }

    #[test]
    fn a_panic_leaves_no_context_behind() {
        let (context, _) = contexts();
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(
            context.wrap(|| std::panic::panic_any(())),
        ));
        assert!(result.is_err() && AuditContext::current().is_none());
    }
}
