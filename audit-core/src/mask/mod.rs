//! Masking: the only way from captured bytes to a [`Record`](crate::Record).

mod announced;
mod body;
mod captured;
mod change;
#[cfg(feature = "decode")]
mod decode;
mod detect;
mod draft;
mod echo;
mod fields;
mod form;
mod format;
mod groups;
mod headers;
mod how;
mod json;
mod known;
mod lines;
mod list;
mod multipart;
mod names;
mod pair;
mod part;
mod paths;
mod policies;
mod preview;
mod query;
mod request;
mod route;
mod rules;
mod scope;
mod selector;
mod sse;
mod text;
mod unparsable;
mod value;
mod words;
mod xml;

pub(crate) use self::{
    announced::announce,
    format::{Format, media_type},
    headers::{cookie, hides_header},
    json::{DEEPEST, compact, depth},
    preview::value,
    request::{Clock, Masker, ServiceInfo, config_change, gap},
};
pub use self::{
    detect::{Detector, UnknownDetector},
    how::{How, UnknownHow},
    preview::{BodyMasker, MaskedBody},
    rules::MaskRules,
    selector::BadSelector,
};

/// What stands where a value was.
pub(crate) const REDACTED: &str = "[redacted]";
