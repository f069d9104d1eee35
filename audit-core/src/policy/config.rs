//! The settings that the request path reads.

use std::str::FromStr;

use super::{Bodies, Exclusions, Rules};
use crate::{ClientIp, ForwardedHeader, MaskRules, TrustedProxies};

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

impl SessionAs {
    /// Every form.
    pub const ALL: &'static [Self] = &[Self::Pseudonym, Self::Clear, Self::None];

    /// The spelling used in settings.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pseudonym => "pseudonym",
            Self::Clear => "clear",
            Self::None => "none",
        }
    }
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

/// What the settings come to: all that the request path reads, and the masks. Header names are in
/// lower case.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Tells one from those before it; 0 is the first.
    pub(crate) generation: u32,
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
    pub(crate) rules: Rules,
    /// What rules mask; by [`Says::mask`](super::Says).
    pub(crate) masks: Vec<MaskRules>,
    /// What masks a request while several rules with masks of their own may decide; one of those.
    pub(crate) intent_mask: usize,
    pub(crate) client_ip: ClientIp,
}

impl Config {
    /// Whether this header holds the session id, which is recorded in its own member only.
    pub(crate) fn is_session(&self, header: &str) -> bool {
        matches!(&self.session, Some(Session::Header(name)) if name == header)
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
}
