use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use audit_core::{BodyAction, Exchange, PANICKED_STATUS};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body::Body;
use pin_project_lite::pin_project;

use crate::{BodyKind, ResponseBody, head};

pin_project! {
    /// Response future for [`Audit`](crate::Audit).
    pub struct ResponseFuture<F, K> {
        // Gone after a panic in it: what panicked must not be polled again.
        #[pin]
        inner: Option<F>,
        // Gone where there is no record, and once it has moved into the body.
        exchange: Option<Exchange>,
        id: Option<(HeaderName, HeaderValue)>,
        kind: PhantomData<fn() -> K>,
    }
}

impl<F, K> ResponseFuture<F, K> {
    pub(crate) fn pass(inner: F, id: Option<(HeaderName, HeaderValue)>) -> Self {
        Self { inner: Some(inner), exchange: None, id, kind: PhantomData }
    }

    /// `inner` is `None` when the call itself panicked.
    pub(crate) fn audit(
        inner: Option<F>,
        exchange: Exchange,
        id: Option<(HeaderName, HeaderValue)>,
    ) -> Self {
        Self { inner, exchange: Some(exchange), id, kind: PhantomData }
    }
}

impl<F, K, R, E> Future for ResponseFuture<F, K>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body<Data = Bytes>,
    K: BodyKind<R>,
{
    type Output = Result<Response<<K as BodyKind<R>>::Response>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
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
        let exchange = this.exchange.take();
        let mut response = match result {
            Some(Ok(response)) => match exchange {
                Some(exchange) => watch(response, exchange),
                None => response.map(ResponseBody::pass),
            },
            Some(Err(error)) => {
                if let Some(mut exchange) = exchange {
                    exchange.service_error(None);
                }
                return Poll::Ready(Err(error));
            }
            None => {
                let mut response = Response::new(ResponseBody::empty());
                *response.status_mut() = StatusCode::from_u16(PANICKED_STATUS).unwrap_or_default();
                response
            }
        };
        if let Some((name, id)) = this.id.take() {
            // What the application set itself stays. A map that is full goes without.
            if let Ok(entry) = response.headers_mut().try_entry(name) {
                let _ = entry.or_try_insert(id);
            }
        }
        Poll::Ready(Ok(response.map(<K as BodyKind<R>>::response)))
    }
}

fn watch<R: Body<Data = Bytes>>(
    response: Response<R>,
    mut exchange: Exchange,
) -> Response<ResponseBody<R>> {
    if let Some(identity) = response.extensions().get() {
        exchange.identity(identity);
    }
    match exchange.head(&head::Answered(&response)) {
        BodyAction::PassOn => response.map(ResponseBody::pass),
        BodyAction::Watch => response.map(|body| ResponseBody::watch(body, exchange)),
    }
}

impl<F, K> fmt::Debug for ResponseFuture<F, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").field("exchange", &self.exchange).finish_non_exhaustive()
    }
}
