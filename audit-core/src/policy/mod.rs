//! What to record: how much, and what not at all.

mod config;
mod exclude;

pub(crate) use self::config::{Config, Session};
pub use self::{
    config::{Capture, SessionAs, UnknownCapture},
    exclude::{BadPattern, Exclusions},
};
