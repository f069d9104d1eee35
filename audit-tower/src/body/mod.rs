//! The bodies that leave the layer, and which ones.

mod kind;
mod request;
mod response;

#[cfg(feature = "axum")]
pub use self::kind::Axum;
#[cfg(feature = "tonic")]
pub use self::kind::Tonic;
pub use self::{
    kind::{BodyKind, Wrap},
    request::RequestBody,
    response::ResponseBody,
};

/// An error of any type.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;
