//! Functions of the application that look at heads and add to records.

use std::{
    fmt,
    net::IpAddr,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

use super::{AuditContext, RequestHead, ResponseHead};

/// A hook that panicked so often is not called again.
const MOST_PANICS: u32 = 10;

/// The head of a request, as a hook sees it.
pub struct RequestView<'r>(&'r dyn AnyRequest);

impl<'r> RequestView<'r> {
    /// `GET`, `POST`, …
    #[must_use]
    pub fn method(&self) -> &'r str {
        self.0.method()
    }

    /// The path as it was received, still percent-encoded, without the query.
    #[must_use]
    pub fn path(&self) -> &'r str {
        self.0.path()
    }

    /// The query as it was received, without its question mark.
    #[must_use]
    pub fn query(&self) -> Option<&'r str> {
        self.0.query()
    }

    /// The template of the matched route, where it is known when the layer is called: in axum
    /// under `Router::layer`, not around a whole router, and not in actix.
    #[must_use]
    pub fn route(&self) -> Option<&'r str> {
        self.0.route()
    }

    /// The socket's peer, which may be a proxy.
    #[must_use]
    pub fn peer(&self) -> Option<IpAddr> {
        self.0.peer()
    }

    /// The first value of a header, if it is text. Its name is compared ignoring case. Whoever
    /// sends a request writes its headers: believe only what your proxy sets or replaces.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'r str> {
        text(self.headers(name))
    }

    /// All values of a header, in order.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &'r [u8]> + use<'r> {
        values(name, |each| self.0.each_header(each))
    }
}

/// The head of a response, as a hook sees it.
pub struct ResponseView<'r>(&'r dyn AnyResponse);

impl<'r> ResponseView<'r> {
    /// 200, 404, …
    #[must_use]
    pub fn status(&self) -> u16 {
        self.0.status()
    }

    /// The first value of a header, if it is text. Its name is compared ignoring case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'r str> {
        text(self.headers(name))
    }

    /// All values of a header, in order.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &'r [u8]> + use<'r> {
        values(name, |each| self.0.each_header(each))
    }
}

fn values<'r>(name: &str, visit: impl FnOnce(Each<'_, 'r>)) -> std::vec::IntoIter<&'r [u8]> {
    let mut values = Vec::new();
    visit(&mut |header, value| {
        if header.eq_ignore_ascii_case(name) {
            values.push(value);
        }
    });
    values.into_iter()
}

fn text<'r>(mut values: impl Iterator<Item = &'r [u8]>) -> Option<&'r str> {
    values.next().and_then(|value| str::from_utf8(value).ok())
}

/// What is called with each header's name and value.
type Each<'e, 'a> = &'e mut dyn FnMut(&'a str, &'a [u8]);

/// A [`RequestHead`] of whatever type.
trait AnyRequest {
    fn method(&self) -> &str;
    fn path(&self) -> &str;
    fn query(&self) -> Option<&str>;
    fn route(&self) -> Option<&str>;
    fn peer(&self) -> Option<IpAddr>;
    fn each_header<'a>(&'a self, each: Each<'_, 'a>);
}

impl<T: RequestHead> AnyRequest for T {
    fn method(&self) -> &str {
        RequestHead::method(self)
    }

    fn path(&self) -> &str {
        RequestHead::path(self)
    }

    fn query(&self) -> Option<&str> {
        RequestHead::query(self)
    }

    fn route(&self) -> Option<&str> {
        RequestHead::route(self)
    }

    fn peer(&self) -> Option<IpAddr> {
        RequestHead::peer(self)
    }

    fn each_header<'a>(&'a self, each: Each<'_, 'a>) {
        RequestHead::headers(self, |name, value, _| each(name, value));
    }
}

/// A [`ResponseHead`] of whatever type.
trait AnyResponse {
    fn status(&self) -> u16;
    fn each_header<'a>(&'a self, each: Each<'_, 'a>);
}

impl<T: ResponseHead> AnyResponse for T {
    fn status(&self) -> u16 {
        ResponseHead::status(self)
    }

    fn each_header<'a>(&'a self, each: Each<'_, 'a>) {
        ResponseHead::headers(self, |name, value, _| each(name, value));
    }
}

/// A response of which only the status is known.
pub(super) struct StatusOnly(pub(super) u16);

impl ResponseHead for StatusOnly {
    fn status(&self) -> u16 {
        self.0
    }

    fn end_stream(&self) -> bool {
        false
    }

    fn body_size(&self) -> Option<u64> {
        None
    }

    fn headers<'a>(&'a self, _: impl FnMut(&'a str, &'a [u8], bool)) {}
}

type OnRequest = dyn Fn(&RequestView<'_>, &AuditContext) + Send + Sync;
type OnResponse = dyn Fn(&ResponseView<'_>, &AuditContext) + Send + Sync;

/// All hooks, in the order in which they were set.
#[derive(Default)]
pub(crate) struct Hooks {
    request: Vec<Hook<OnRequest>>,
    response: Vec<Hook<OnResponse>>,
}

impl Hooks {
    pub(crate) fn on_request(&mut self, hook: Box<OnRequest>) {
        self.request.push(Hook { hook, panics: AtomicU32::new(0) });
    }

    pub(crate) fn on_response(&mut self, hook: Box<OnResponse>) {
        self.response.push(Hook { hook, panics: AtomicU32::new(0) });
    }

    /// Nothing happens, not even a look at the context, where no hook is set.
    pub(super) fn request(&self, head: &impl RequestHead, context: impl Fn() -> AuditContext) {
        for one in &self.request {
            one.call("on_request", &context(), |hook, audit| hook(&RequestView(head), audit));
        }
    }

    pub(super) fn response(&self, head: &impl ResponseHead, context: impl Fn() -> AuditContext) {
        for one in &self.response {
            one.call("on_response", &context(), |hook, audit| hook(&ResponseView(head), audit));
        }
    }
}

/// A function of the application.
struct Hook<F: ?Sized> {
    panics: AtomicU32,
    hook: Box<F>,
}

impl<F: ?Sized> Hook<F> {
    fn call(&self, name: &str, context: &AuditContext, call: impl FnOnce(&F, &AuditContext)) {
        if self.panics.load(Relaxed) >= MOST_PANICS {
            return context.hook_failed();
        }
        let _entered = context.clone().enter();
        let called = catch_unwind(AssertUnwindSafe(|| call(&self.hook, context)));
        let Err(payload) = called else { return };
        super::drop_quietly(payload);
        context.hook_failed();
        // Told once, and once more at the end: a line for each request would be a new trouble.
        let panics = self.panics.fetch_add(1, Relaxed) + 1;
        if panics == 1 {
            tracing::error!(target: "audit", "a hook ({name}) panicked: records are made without it");
        } else if panics == MOST_PANICS {
            tracing::error!(target: "audit", "a hook ({name}) panicked {panics} times: it is disabled");
        }
    }
}

impl fmt::Debug for RequestView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A path or a header may hold a secret.
        f.debug_struct("RequestView").field("method", &self.method()).finish_non_exhaustive()
    }
}

impl fmt::Debug for ResponseView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseView").field("status", &self.status()).finish_non_exhaustive()
    }
}
