use std::{
    fmt,
    task::{Context, Poll},
};

use audit_core::{Auditor, Begin, Tee};
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use crate::{
    AuditContext, AuditLayer, BodyKind, RequestBody, ResponseFuture, Wrap, context::NotRecorded,
    head,
};

/// Service that leaves one record of each request. See the [crate docs](crate) for an example.
///
/// The inner service is called directly, by the same `&mut self` that was polled ready: no clone,
/// no box, and no bound on it beyond being a service.
pub struct Audit<S, K = Wrap> {
    inner: S,
    layer: AuditLayer<K>,
}

impl<S, K> Audit<S, K> {
    pub(crate) fn new(inner: S, layer: AuditLayer<K>) -> Self {
        Self { inner, layer }
    }

    /// The layer that makes this service.
    #[must_use]
    pub fn layer(auditor: &Auditor) -> AuditLayer<K> {
        AuditLayer::new(auditor)
    }

    /// The inner service.
    pub const fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The inner service.
    pub const fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The inner service.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, K, B, R> Service<Request<B>> for Audit<S, K>
where
    B: Body<Data = Bytes>,
    R: Body<Data = Bytes>,
    K: BodyKind<B> + BodyKind<R>,
    S: Service<Request<<K as BodyKind<B>>::Request>, Response = Response<R>>,
{
    type Response = Response<<K as BodyKind<R>>::Response>;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, K, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        // An outer layer of ours has decided on this request: one record is enough.
        if AuditContext::of(request.extensions()).is_some() {
            let future = self.inner.call(request.map(|body| pass::<B, K>(body, None)));
            return ResponseFuture::pass(future, None);
        }
        match self.layer.auditor.begin(&head::Arrived(&request)) {
            Begin::Pass(id) => {
                request.extensions_mut().insert(NotRecorded);
                let future = self.inner.call(request.map(|body| pass::<B, K>(body, None)));
                ResponseFuture::pass(future, self.layer.header(id.as_ref()))
            }
            Begin::Refuse(id) => ResponseFuture::refuse(self.layer.header(id.as_ref())),
            Begin::Record(mut exchange) => {
                let id = self.layer.header(exchange.id());
                if let Some(identity) = request.extensions().get() {
                    exchange.identity(identity);
                }
                request.extensions_mut().insert(AuditContext::new(exchange.context()));
                let tee = exchange.tee();
                let request = request.map(|body| pass::<B, K>(body, tee));
                // A service may panic here already, before there is a future.
                let future = exchange.run(|| self.inner.call(request));
                ResponseFuture::audit(future.ok(), exchange, id)
            }
        }
    }
}

fn pass<B, K: BodyKind<B>>(body: B, tee: Option<Tee>) -> K::Request {
    K::request(RequestBody::new(body, tee))
}

impl<S: Clone, K> Clone for Audit<S, K> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), layer: self.layer.clone() }
    }
}

impl<S: fmt::Debug, K> fmt::Debug for Audit<S, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit").field("inner", &self.inner).field("layer", &self.layer).finish()
    }
}
