use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use audit_core::Exchange;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::BoxError;

pin_project! {
    /// Response body for [`Audit`](crate::Audit).
    ///
    /// Forwards every frame, the size hint and the end as they are, and tells the exchange. A
    /// caught panic becomes an error, never a clean end: else the client would take the part for
    /// the whole.
    pub struct ResponseBody<B> {
        // Gone after a panic in it, and where a panic left no body.
        #[pin]
        inner: Option<B>,
        // Gone where there is nothing to watch.
        exchange: Option<Exchange>,
    }
}

impl<B> ResponseBody<B> {
    pub(crate) const fn pass(inner: B) -> Self {
        Self { inner: Some(inner), exchange: None }
    }

    pub(crate) const fn watch(inner: B, exchange: Exchange) -> Self {
        Self { inner: Some(inner), exchange: Some(exchange) }
    }

    pub(crate) const fn empty() -> Self {
        Self { inner: None, exchange: None }
    }

    /// The body as it came (nothing after a panic), or the wrapper where it is watched. For
    /// implementations of [`BodyKind`](crate::BodyKind).
    ///
    /// # Errors
    ///
    /// The wrapper itself, when it has to stay.
    pub fn into_unwatched(self) -> Result<Option<B>, Self> {
        if self.exchange.is_some() { Err(self) } else { Ok(self.inner) }
    }
}

impl<B> Body for ResponseBody<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    type Data = Bytes;
    // Not `B::Error`: the error that stands for a panic cannot be made of any type.
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut this = self.project();
        let Some(mut inner) = this.inner.as_mut().as_pin_mut() else {
            return Poll::Ready(None);
        };
        let Some(exchange) = this.exchange else {
            return inner.poll_frame(cx).map_err(Into::into);
        };
        // The end is asked for at once: a server that sees it does not poll again.
        let poll = exchange.run(|| {
            let frame = inner.as_mut().poll_frame(cx);
            frame.map(|frame| (frame, inner.is_end_stream()))
        });
        let (polled, ended) = match poll {
            Ok(poll) => ready!(poll),
            Err(_) => {
                Exchange::drop_caught(|| this.inner.set(None));
                let error = BoxError::from("the response body panicked");
                return Poll::Ready(Some(Err(error)));
            }
        };
        Poll::Ready(match polled {
            None => {
                exchange.end();
                None
            }
            Some(Err(error)) => {
                let error = error.into();
                exchange.body_error(&error);
                Some(Err(error))
            }
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    exchange.data(data, ended);
                } else if let Some(trailers) = frame.trailers_ref() {
                    exchange.trailers(trailers.get("grpc-status").map(http::HeaderValue::as_bytes));
                }
                Some(Ok(frame))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

/// Empty: for layers outside that answer in our stead, such as a timeout.
impl<B> Default for ResponseBody<B> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<B> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").field("exchange", &self.exchange).finish_non_exhaustive()
    }
}
