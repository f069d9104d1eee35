use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use actix_web::{
    Error, HttpMessage, HttpResponse, ResponseError,
    body::MessageBody,
    dev::ServiceResponse,
    http::{
        StatusCode,
        header::{HeaderMap, HeaderName, HeaderValue},
    },
};
use audit_core::{BodyAction, Exchange, PANICKED_STATUS};
use pin_project_lite::pin_project;

use crate::{AuditBody, head};

pin_project! {
    /// Response future for [`AuditMiddleware`](crate::AuditMiddleware).
    pub struct ResponseFuture<F> {
        // Gone after a panic in it: what panicked must not be polled again.
        #[pin]
        inner: Option<F>,
        // Gone where there is no record, and once it has moved into the body.
        exchange: Option<Exchange>,
        id: Option<(HeaderName, HeaderValue)>,
    }
}

impl<F> ResponseFuture<F> {
    pub(crate) fn pass(inner: F, id: Option<(HeaderName, HeaderValue)>) -> Self {
        Self { inner: Some(inner), exchange: None, id }
    }

    /// `inner` is `None` when the call itself panicked.
    pub(crate) fn audit(
        inner: Option<F>,
        exchange: Exchange,
        id: Option<(HeaderName, HeaderValue)>,
    ) -> Self {
        Self { inner, exchange: Some(exchange), id }
    }
}

impl<F, B> Future for ResponseFuture<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody,
{
    type Output = Result<ServiceResponse<AuditBody<B>>, Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let result = match (this.inner.as_mut().as_pin_mut(), &mut *this.exchange) {
            (Some(inner), None) => ready!(inner.poll(cx)),
            (Some(inner), Some(exchange)) => match exchange.run(|| inner.poll(cx)) {
                Ok(poll) => ready!(poll),
                Err(_) => {
                    Exchange::drop_caught(|| this.inner.set(None));
                    Err(Panicked {}.into())
                }
            },
            // The call panicked already.
            (None, _) => Err(Panicked {}.into()),
        };
        let (exchange, id) = (this.exchange.take(), this.id.take());
        Poll::Ready(match result {
            Ok(response) => {
                let mut response = match exchange {
                    Some(exchange) => watch(response, exchange),
                    None => response.map_body(|_, body| AuditBody::pass(body)),
                };
                if let Some((name, id)) = id {
                    tell(response.headers_mut(), name, id);
                }
                Ok(response)
            }
            Err(mut error) => {
                if let Some(mut exchange) = exchange {
                    // Changes nothing after a panic: that has finished the exchange.
                    let status = error.as_response_error().status_code();
                    exchange.answered_elsewhere(status.as_u16());
                }
                // The error goes on as it is, for handlers of errors outside; its answer, which
                // actix makes at the very end, gets the id too.
                if let Some((name, id)) = id {
                    error.add_response_mapper(move |mut response| {
                        tell(response.headers_mut(), name.clone(), id.clone());
                        response
                    });
                }
                Err(error)
            }
        })
    }
}

/// Sends the request's id, unless the application set it itself.
fn tell(headers: &mut HeaderMap, name: HeaderName, id: HeaderValue) {
    if !headers.contains_key(&name) {
        headers.insert(name, id);
    }
}

fn watch<B: MessageBody>(
    response: ServiceResponse<B>,
    mut exchange: Exchange,
) -> ServiceResponse<AuditBody<B>> {
    if let Some(route) = response.request().match_pattern() {
        exchange.route(&route);
    }
    // Inner middleware shares the request's extensions, unlike in tower.
    if let Some(identity) = response.request().extensions().get() {
        exchange.identity(identity);
    }
    if let Some(identity) = response.response().extensions().get() {
        exchange.identity(identity);
    }
    match exchange.head(&head::Answered(&response)) {
        BodyAction::PassOn => response.map_body(|_, body| AuditBody::pass(body)),
        BodyAction::Watch => response.map_body(|_, body| AuditBody::watch(body, exchange)),
    }
}

/// The application panicked before it answered.
#[derive(Debug)]
struct Panicked {}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The message may hold secrets: it goes to the record, masked, and nowhere else.
        f.write_str("the application panicked")
    }
}

impl ResponseError for Panicked {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(PANICKED_STATUS).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::new(self.status_code())
    }
}

impl<F> fmt::Debug for ResponseFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").field("exchange", &self.exchange).finish_non_exhaustive()
    }
}
