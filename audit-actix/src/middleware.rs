use std::{
    fmt,
    future::{Ready, ready},
    task::{Context, Poll},
};

use actix_web::{
    Error, HttpMessage,
    body::MessageBody,
    dev::{Service, ServiceRequest, ServiceResponse, Transform},
    http::header::{HeaderName, HeaderValue},
};
use audit_core::{Auditor, Begin, RequestId};

use crate::{
    AuditBody, AuditContext, ResponseFuture,
    context::{NotRecorded, Recorded},
    head, payload,
};

/// Middleware that leaves one record of each request. See the [crate docs](crate) for an example.
///
/// Cheap to clone, and `Send`: make it once and clone it into the factory of the server.
#[derive(Clone, Debug)]
pub struct Audit {
    auditor: Auditor,
    id_header: Option<HeaderName>,
}

impl Audit {
    /// A middleware whose records go to `auditor`.
    #[must_use]
    pub fn new(auditor: &Auditor) -> Self {
        // The builder took the name for a header's already.
        let id_header = auditor.response_id_header().and_then(|name| name.parse().ok());
        Self { auditor: auditor.clone(), id_header }
    }

    /// The header that tells the client its request's id.
    fn header(&self, id: Option<&RequestId>) -> Option<(HeaderName, HeaderValue)> {
        let value = HeaderValue::from_maybe_shared(id?.to_bytes()).ok()?;
        Some((self.id_header.clone()?, value))
    }
}

impl<S, B> Transform<S, ServiceRequest> for Audit
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<AuditBody<B>>;
    type Error = Error;
    type Transform = AuditMiddleware<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, Self::InitError>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(AuditMiddleware { inner, audit: self.clone() }))
    }
}

/// Service made by [`Audit`].
pub struct AuditMiddleware<S> {
    inner: S,
    audit: Audit,
}

impl<S, B> Service<ServiceRequest> for AuditMiddleware<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<AuditBody<B>>;
    type Error = Error;
    type Future = ResponseFuture<S::Future, B>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        // An outer one of ours has decided on this request: one record is enough.
        if AuditContext::decided(request.request()).is_some() {
            return ResponseFuture::pass(self.inner.call(request), None);
        }
        match self.audit.auditor.begin(&head::Arrived(&request)) {
            Begin::Pass(id) => {
                // actix panics where its extensions are borrowed twice: no borrow outlives a
                // statement.
                request.request().extensions_mut().insert(NotRecorded);
                let id = self.audit.header(id.as_ref());
                ResponseFuture::pass(self.inner.call(request), id)
            }
            Begin::Refuse(id) => ResponseFuture::refuse(self.audit.header(id.as_ref())),
            Begin::Record(mut exchange) => {
                let id = self.audit.header(exchange.id());
                if exchange.wants_route()
                    && let Some(route) = request.match_pattern()
                {
                    exchange.expect_route(&route);
                }
                request.request().extensions_mut().insert(Recorded);
                if let Some(identity) = request.request().extensions().get() {
                    exchange.identity(identity);
                }
                if let Some(tee) = exchange.tee() {
                    payload::watch(&mut request, tee);
                }
                // A service may panic here already, before there is a future.
                let future = exchange.run(|| self.inner.call(request));
                ResponseFuture::audit(future.ok(), exchange, id)
            }
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for AuditMiddleware<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditMiddleware").field("inner", &self.inner).finish_non_exhaustive()
    }
}
