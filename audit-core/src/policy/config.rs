//! The settings that the request path reads.

use std::str::FromStr;

use super::{Bodies, Exclusions};
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
    /// And the request's body, masked, as far as the application read it.
    Request,
    /// And the response's body, masked.
    Full,
}

impl Capture {
    /// Every level, from the least to the most.
    pub const ALL: &'static [Self] =
        &[Self::None, Self::Metadata, Self::Headers, Self::Request, Self::Full];

    /// The spelling used in records and settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Metadata => "metadata",
            Self::Headers => "headers",
            Self::Request => "request",
            Self::Full => "full",
        }
    }
}

/// A text that is not a level of capture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not one of: none, metadata, headers, request, full")]
pub struct UnknownCapture(String);

impl FromStr for Capture {
    type Err = UnknownCapture;

    fn from_str(text: &str) -> Result<Self, UnknownCapture> {
        Self::ALL
            .iter()
            .copied()
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
    /// Not at all.
    None,
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
    /// How much is recorded where the application says nothing.
    pub(crate) capture: Capture,
    /// How much an application may ask for.
    pub(crate) capture_up_to: Capture,
    pub(crate) bodies: Bodies,
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
    /// How much is gathered of each request, so that the application can still ask for it.
    pub(crate) fn gathered(&self) -> Capture {
        self.capture.max(self.capture_up_to)
    }

    /// How much is recorded of a request for which the application `asked` for a level, or not.
    pub(crate) fn recorded(&self, asked: Option<Capture>) -> Capture {
        asked.unwrap_or(self.capture).min(self.gathered())
    }

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
            capture_up_to: Capture::None,
            bodies: Bodies::default(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_in_order_and_spelled_one_way() {
        assert!(Capture::ALL.is_sorted());
        for level in Capture::ALL {
            assert_eq!(level.as_str().parse(), Ok(*level));
        }
        let error = "bodies".parse::<Capture>().unwrap_err().to_string();
        let (_, listed) = error.split_once(": ").unwrap();
        assert_eq!(listed, Capture::ALL.iter().map(|l| l.as_str()).collect::<Vec<_>>().join(", "));
    }

    #[test]
    fn an_application_gets_what_it_asks_for_up_to_what_is_gathered() {
        let config = Config { capture: Capture::Headers, ..Config::default() };
        assert_eq!(config.recorded(None), Capture::Headers);
        assert_eq!(config.recorded(Some(Capture::Metadata)), Capture::Metadata);
        assert_eq!(config.recorded(Some(Capture::Full)), Capture::Headers);
        let config = Config { capture_up_to: Capture::Request, ..config };
        assert_eq!(config.recorded(None), Capture::Headers);
        assert_eq!(config.recorded(Some(Capture::Full)), Capture::Request);
    }
}
