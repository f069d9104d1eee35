//! What to record: how much, and what not at all.

mod bodies;
mod config;
mod exclude;

pub use self::{
    bodies::BadBodyType,
    config::{Capture, SessionAs, UnknownCapture},
    exclude::{BadPattern, Exclusions},
};
pub(crate) use self::{
    bodies::{Bodies, Described, LARGEST_LIMIT},
    config::{Config, Session},
};
