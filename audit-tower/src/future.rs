use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use audit_core::{BodyAction, Exchange, PANICKED_STATUS, REFUSED_STATUS};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;

use crate::{BodyKind, ResponseBody, head};

pin_project! {
    /// Response future for [`Audit`](crate::Audit).
    pub struct ResponseFuture<F, K, R> {
        // Gone after a panic in it: what panicked must not be polled again. And where it must not
        // be polled at all.
        #[pin]
        inner: Option<F>,
        // Gone where there is no record, and once it has moved into the body.
        exchange: Option<Exchange>,
        // The request may run: it is on record, or nobody has asked for that.
        admitted: bool,
        // The answer to a strict request, until its status is on record. Without a body after a
        // panic. In a box, for what only strict requests need must not make all futures larger.
        held: Option<Box<Response<Option<R>>>>,
        id: Option<(HeaderName, HeaderValue)>,
        kind: PhantomData<fn() -> K>,
    }
}

impl<F, K, R> ResponseFuture<F, K, R> {
    pub(crate) fn pass(inner: F, id: Option<(HeaderName, HeaderValue)>) -> Self {
        Self {
            inner: Some(inner),
            exchange: None,
            admitted: true,
            held: None,
            id,
            kind: PhantomData,
        }
    }

    /// `inner` is `None` when the call itself panicked.
    pub(crate) fn audit(
        inner: Option<F>,
        exchange: Exchange,
        id: Option<(HeaderName, HeaderValue)>,
    ) -> Self {
        let admitted = !exchange.is_strict();
        Self { inner, exchange: Some(exchange), admitted, held: None, id, kind: PhantomData }
    }

    /// Without a record there is no request.
    pub(crate) fn refuse(id: Option<(HeaderName, HeaderValue)>) -> Self {
        Self { inner: None, exchange: None, admitted: false, held: None, id, kind: PhantomData }
    }
}

impl<F, K, R, E> Future for ResponseFuture<F, K, R>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body<Data = Bytes>,
    K: BodyKind<R>,
{
    type Output = Result<Response<<K as BodyKind<R>>::Response>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if !*this.admitted {
            let refused = match this.exchange {
                Some(exchange) => ready!(exchange.poll_intent(cx)).is_err(),
                None => true,
            };
            if refused {
                Exchange::drop_caught(|| this.inner.set(None));
                *this.exchange = None;
                let response = instead(REFUSED_STATUS).map(|_: Option<R>| ResponseBody::empty());
                return Poll::Ready(Ok(finish::<K, R>(response, this.id)));
            }
            *this.admitted = true;
        }
        if this.held.is_none() {
            let result = match (this.inner.as_mut().as_pin_mut(), &mut *this.exchange) {
                (Some(inner), None) => Some(ready!(inner.poll(cx))),
                (Some(inner), Some(exchange)) => match exchange.run(|| inner.poll(cx)) {
                    Ok(poll) => Some(ready!(poll)),
                    Err(_) => {
                        Exchange::drop_caught(|| this.inner.set(None));
                        None
                    }
                },
                // The call panicked already.
                (None, _) => None,
            };
            let response = match result {
                Some(Ok(response)) => response.map(Some),
                Some(Err(error)) => {
                    if let Some(mut exchange) = this.exchange.take() {
                        exchange.service_error(None);
                    }
                    return Poll::Ready(Err(error));
                }
                None => instead(PANICKED_STATUS),
            };
            if !this.exchange.as_ref().is_some_and(Exchange::is_strict) {
                let response = watch(response, this.exchange.take());
                return Poll::Ready(Ok(finish::<K, R>(response, this.id)));
            }
            *this.held = Some(Box::new(response));
        }
        if let (Some(exchange), Some(held)) = (&mut *this.exchange, &*this.held)
            && ready!(exchange.poll_head(cx, held.status().as_u16())).is_err()
        {
            Exchange::drop_caught(|| *this.held = Some(Box::new(instead(REFUSED_STATUS))));
        }
        let response = this.held.take().map_or_else(|| instead(REFUSED_STATUS), |held| *held);
        let response = watch(response, this.exchange.take());
        Poll::Ready(Ok(finish::<K, R>(response, this.id)))
    }
}

/// An answer that is not the application's.
fn instead<R>(status: u16) -> Response<Option<R>> {
    let mut response = Response::new(None);
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
    response
}

/// Tells the exchange of the head, unless it has ended already.
fn watch<R: Body<Data = Bytes>>(
    response: Response<Option<R>>,
    exchange: Option<Exchange>,
) -> Response<ResponseBody<R>> {
    let (head, body) = response.into_parts();
    let (Some(body), exchange) = (body, exchange) else {
        return Response::from_parts(head, ResponseBody::empty());
    };
    let response = Response::from_parts(head, body);
    let Some(mut exchange) = exchange else { return response.map(ResponseBody::pass) };
    if let Some(identity) = response.extensions().get() {
        exchange.identity(identity);
    }
    match exchange.head(&head::Answered(&response)) {
        BodyAction::PassOn => response.map(ResponseBody::pass),
        BodyAction::Watch => response.map(|body| ResponseBody::watch(body, exchange)),
    }
}

/// Sends the request's id along, in the body that leaves the layer.
fn finish<K: BodyKind<R>, R>(
    mut response: Response<ResponseBody<R>>,
    id: &mut Option<(HeaderName, HeaderValue)>,
) -> Response<K::Response> {
    if let Some((name, id)) = id.take() {
        // What the application set itself stays. A map that is full goes without.
        if let Ok(entry) = response.headers_mut().try_entry(name) {
            let _ = entry.or_try_insert(id);
        }
    }
    response.map(K::response)
}

impl<F, K, R> fmt::Debug for ResponseFuture<F, K, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").field("exchange", &self.exchange).finish_non_exhaustive()
    }
}
