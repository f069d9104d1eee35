//! The settings that the request path reads.

use std::str::FromStr;

use super::Exclusions;
use crate::{ForwardedHeader, TrustedProxies};

/// How much of a request is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Capture {
    /// Nothing: as if the request were excluded.
    None,
    /// Who, what, when, from where, how long, how it ended.
    #[default]
    Metadata,
    /// And all headers of both sides, masked.
    Headers,
}

impl Capture {
    /// The spelling used in records and settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Metadata => "metadata",
            Self::Headers => "headers",
        }
    }
}

/// A text that is not a level of capture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not one of: none, metadata, headers")]
pub struct UnknownCapture(String);

impl FromStr for Capture {
    type Err = UnknownCapture;

    fn from_str(text: &str) -> Result<Self, UnknownCapture> {
        [Self::None, Self::Metadata, Self::Headers]
            .into_iter()
            .find(|c| c.as_str() == text)
            .ok_or_else(|| UnknownCapture(text.to_owned()))
    }
}

/// How a session id is recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionAs {
    /// As a keyed pseudonym: one session's records belong together, nobody can use the id.
    #[default]
    Pseudonym,
    /// As it was sent. Whoever reads the records can take over the session.
    Clear,
}

/// Where the session id is found.
#[derive(Clone, Debug)]
pub(crate) enum Session {
    Cookie(String),
    Header(String),
}

/// Request ids: read from, sent in, and whether excluded requests get one.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    pub(crate) inbound: Option<String>,
    pub(crate) outbound: Option<String>,
    pub(crate) on_excluded: bool,
}

/// All settings that the request path reads. Header names are in lower case.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) capture: Capture,
    pub(crate) exclusions: Exclusions,
    pub(crate) ids: Ids,
    pub(crate) catch_panics: bool,
    pub(crate) action_from_method: bool,
    pub(crate) proxies: TrustedProxies,
    pub(crate) forwarded: ForwardedHeader,
    pub(crate) session: Option<Session>,
    pub(crate) session_as: SessionAs,
}

impl Config {
    /// Whether this header holds the session id, which is recorded in its own member only.
    pub(crate) fn is_session(&self, header: &str) -> bool {
        matches!(&self.session, Some(Session::Header(name)) if name == header)
    }
}

impl Default for Config {
    fn default() -> Self {
        let id = || Some("x-request-id".to_owned());
        Self {
            capture: Capture::default(),
            exclusions: Exclusions::default(),
            ids: Ids { inbound: id(), outbound: id(), on_excluded: true },
            catch_panics: true,
            action_from_method: false,
            proxies: TrustedProxies::default(),
            forwarded: ForwardedHeader::default(),
            session: None,
            session_as: SessionAs::default(),
        }
    }
}
