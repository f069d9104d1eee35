//! Who asks: request id, client address, trace context, session.

mod client;
mod request_id;
mod secret;
mod trace;

pub use self::{
    client::{BadProxy, ForwardedHeader, TrustedProxies},
    request_id::RequestId,
    secret::Secret,
};
pub(crate) use self::{request_id::Inbound, trace::trace_ids};
