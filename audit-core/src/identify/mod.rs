//! Who asks: request id, client address, trace context, session.

mod client;
mod request_id;
mod secret;
mod trace;

pub(crate) use self::{
    client::tells_address,
    request_id::{Inbound, fresh_uuid},
    trace::trace_ids,
};
pub use self::{
    client::{BadProxy, ClientIp, ForwardedHeader, TrustedProxies},
    request_id::RequestId,
    secret::Secret,
};
