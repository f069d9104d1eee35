//! Masking: the only way from captured bytes to a [`Record`](crate::Record).

mod captured;
mod format;
mod headers;
mod json;
mod list;
mod names;
mod query;
mod request;
mod text;

pub(crate) use self::{
    format::{Format, media_type, parameter},
    headers::{cookie, hides_header},
    json::{DEEPEST, compact, depth},
    names::Names,
    request::{Clock, Masker, ServiceInfo, gap},
};

/// What stands where a value was.
pub(crate) const REDACTED: &str = "[redacted]";
