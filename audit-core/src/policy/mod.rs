//! What to record: how much, and what not at all.

mod bodies;
mod config;
#[cfg(feature = "config")]
mod cover;
mod exclude;
mod explain;
mod glob;
mod rule;
mod rules;

#[cfg(feature = "config")]
pub(crate) use self::cover::{Never, Steps};
pub use self::{
    bodies::BadBodyType,
    config::{Capture, SessionAs, UnknownCapture},
    exclude::Exclusions,
    explain::{Explanation, Question, Tried},
    glob::BadPattern,
    rule::{Reliability, Rule},
};
pub(crate) use self::{
    bodies::{Bodies, Described, LARGEST_LIMIT},
    config::{Config, Ids, Session},
    glob::Glob,
    rules::{
        Candidates, Checked, EndCondition, Facts, HeadCondition, MOST_RULES, Rules, Sampled, Says,
    },
};
