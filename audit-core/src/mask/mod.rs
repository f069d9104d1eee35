//! Masking: the only way from captured bytes to a [`Record`](crate::Record).

mod body;
mod captured;
mod detect;
mod draft;
mod format;
mod groups;
mod headers;
mod how;
mod json;
mod list;
mod names;
mod part;
mod paths;
mod preview;
mod query;
mod request;
mod rules;
mod scope;
mod selector;
mod text;
mod unparsable;
mod value;
mod words;

pub use self::{
    detect::{Detector, UnknownDetector},
    how::{How, UnknownHow},
    preview::{BodyMasker, MaskedBody},
    rules::MaskRules,
    selector::BadSelector,
};
pub(crate) use self::{
    format::{Format, media_type},
    headers::{cookie, hides_header},
    json::{DEEPEST, compact, depth},
    request::{Clock, Masker, ServiceInfo, gap},
};

/// What stands where a value was.
pub(crate) const REDACTED: &str = "[redacted]";
