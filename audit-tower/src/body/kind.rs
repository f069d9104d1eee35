use bytes::Bytes;
use http_body::Body;

use super::{BoxError, RequestBody, ResponseBody};

/// Which body types leave the layer: towards the application and towards the server.
///
/// A wrapper changes the body's type, and some places are pinned to one: `axum::serve` wants
/// axum's body, so does everything below `axum::middleware::from_fn`. So the kind is a parameter
/// of the layer. [`Wrap`] takes and gives any; the frameworks' kinds take any and give theirs.
/// For a stack that is pinned to a body of its own, implement this for a marker:
///
/// ```
/// use audit_tower::{BodyKind, BoxError, RequestBody, ResponseBody};
/// use bytes::Bytes;
/// use http_body_util::{BodyExt, combinators::BoxBody};
///
/// enum Boxed {}
/// impl<B> BodyKind<B> for Boxed
/// where
///     B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Sync + 'static,
/// {
///     type Request = BoxBody<Bytes, BoxError>;
///     type Response = BoxBody<Bytes, BoxError>;
///     fn request(body: RequestBody<B>) -> Self::Request { body.map_err(Into::into).boxed() }
///     fn response(body: ResponseBody<B>) -> Self::Response { body.boxed() }
/// }
/// type AuditLayer = audit_tower::AuditLayer<Boxed>;
/// ```
#[diagnostic::on_unimplemented(
    message = "the audit layer's kind `{Self}` cannot take the body `{B}`",
    note = "in axum use `audit_tower::axum::AuditLayer`, in tonic `audit_tower::tonic::AuditLayer`, elsewhere `audit_tower::hyper::AuditLayer`",
    note = "the body's data must be `Bytes` and its error `Into<BoxError>`; axum and tonic also want it `Send + 'static`"
)]
pub trait BodyKind<B> {
    /// The request body that the inner service gets.
    type Request: Body<Data = Bytes>;
    /// The response body that the outer service gets.
    type Response: Body<Data = Bytes>;
    /// Makes the inner service's request body. Called once for each request.
    fn request(body: RequestBody<B>) -> Self::Request;
    /// Makes the outer service's response body. Called once for each response.
    fn response(body: ResponseBody<B>) -> Self::Response;
}

/// Gives the wrappers themselves: for inner services that take any body.
#[derive(Debug)]
pub enum Wrap {}

impl<B> BodyKind<B> for Wrap
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    type Request = RequestBody<B>;
    type Response = ResponseBody<B>;

    fn request(body: RequestBody<B>) -> Self::Request {
        body
    }

    fn response(body: ResponseBody<B>) -> Self::Response {
        body
    }
}

/// Gives axum's body both ways. A body that is axum's already and is not watched passes as it
/// is, without an allocation.
#[cfg(feature = "axum")]
#[derive(Debug)]
pub enum Axum {}

#[cfg(feature = "axum")]
impl<B> BodyKind<B> for Axum
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Request = axum_core::body::Body;
    type Response = axum_core::body::Body;

    fn request(body: RequestBody<B>) -> Self::Request {
        match body.into_unwatched() {
            // `Body::new` gives a body that is its own type back.
            Ok(inner) => axum_core::body::Body::new(inner),
            Err(watched) => axum_core::body::Body::new(watched),
        }
    }

    fn response(body: ResponseBody<B>) -> Self::Response {
        match body.into_unwatched() {
            Ok(Some(inner)) => axum_core::body::Body::new(inner),
            Ok(None) => axum_core::body::Body::empty(),
            Err(watched) => axum_core::body::Body::new(watched),
        }
    }
}

/// Gives tonic's body both ways. A body that is tonic's already and is not watched passes as it
/// is.
#[cfg(feature = "tonic")]
#[derive(Debug)]
pub enum Tonic {}

#[cfg(feature = "tonic")]
impl<B> BodyKind<B> for Tonic
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Request = tonic::body::Body;
    type Response = tonic::body::Body;

    fn request(body: RequestBody<B>) -> Self::Request {
        match body.into_unwatched() {
            Ok(inner) => tonic::body::Body::new(inner),
            Err(watched) => tonic::body::Body::new(watched),
        }
    }

    fn response(body: ResponseBody<B>) -> Self::Response {
        match body.into_unwatched() {
            Ok(Some(inner)) => tonic::body::Body::new(inner),
            Ok(None) => tonic::body::Body::empty(),
            Err(watched) => tonic::body::Body::new(watched),
        }
    }
}
