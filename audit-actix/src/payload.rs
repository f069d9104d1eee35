use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use actix_web::{HttpMessage, dev::Payload, dev::ServiceRequest, error::PayloadError};
use audit_core::Tee;
use bytes::Bytes;
use futures_core::Stream;

/// A request's payload of which the beginning is copied. Polled exactly when the application
/// polls; chunks and errors pass as they are.
struct Watched {
    inner: Payload,
    // Gone after the end.
    tee: Option<Tee>,
}

/// Puts the tee between the application and the payload.
pub(crate) fn watch(request: &mut ServiceRequest, tee: Tee) {
    match request.take_payload() {
        // Nothing comes, so nothing is worth a box.
        Payload::None => tee.end(),
        inner => {
            let payload = Box::pin(Watched { inner, tee: Some(tee) });
            request.set_payload(Payload::Stream { payload });
        }
    }
}

impl Stream for Watched {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = ready!(Pin::new(&mut self.inner).poll_next(cx));
        if let Some(tee) = &self.tee {
            match &polled {
                Some(Ok(chunk)) => tee.data(chunk, false),
                // What failed is not whole.
                Some(Err(_)) => {}
                None => {
                    tee.end();
                    self.tee = None;
                }
            }
        }
        Poll::Ready(polled)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}
