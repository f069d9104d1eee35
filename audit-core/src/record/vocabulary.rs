//! The fixed words of a record. Each has one spelling, in the file and in the code.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Declares an enum whose variants have one spelling each: in JSON, in `Display` and in `as_str`.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$var_doc:meta])* $var:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$var_doc])* #[serde(rename = $word)] $var,)+
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$var),+];

            /// The spelling used in records and on the command line.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$var => $word,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                Self::ALL.iter().copied().find(|v| v.as_str() == word).ok_or_else(|| UnknownWord {
                    word: word.to_owned(),
                    allowed: Self::ALL.iter().map(|v| v.as_str()).collect(),
                })
            }
        }
    };
}

/// A word that is none of the allowed ones.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not one of: {}", allowed.join(", "))]
pub struct UnknownWord {
    word: String,
    allowed: Vec<&'static str>,
}

words! {
    /// What a record tells of.
    Kind {
        /// One HTTP request, from its head to the end of its response body.
        Request = "request",
        /// A business event reported by the application.
        Event = "event",
        /// A change of fields, with old and new values.
        Change = "change",
        /// A security event.
        Security = "security",
        /// An automated decision.
        Decision = "decision",
        /// A record of the audit layer about itself: opened, closed, records lost.
        Control = "control",
    }
}

words! {
    /// How much attention a record deserves.
    Level {
        /// Of use while developing.
        Debug = "debug",
        /// As expected. Requests below status 400.
        Info = "info",
        /// Expected, but worth a look.
        Notice = "notice",
        /// Requests of status 4xx, and cancelled ones.
        Warning = "warning",
        /// Requests of status 5xx, panics and errors.
        Error = "error",
        /// Needs a person now.
        Critical = "critical",
    }
}

words! {
    /// How a request ended.
    ///
    /// There is no "client disconnected": a dropped future looks the same whether the client
    /// left, an outer layer timed out or the runtime shut down.
    Outcome {
        /// The response was produced to its end.
        Completed = "completed",
        /// The connection was handed over (101, or 2xx to CONNECT).
        Upgraded = "upgraded",
        /// The request was dropped before its end; [`Phase`] says where.
        Cancelled = "cancelled",
        /// The application panicked; [`Phase`] says where.
        Panicked = "panicked",
        /// The inner service returned an error instead of a response.
        ServiceError = "service_error",
        /// The response body failed after the head was produced.
        BodyError = "body_error",
        /// The process died while the request ran; written by the next start.
        Interrupted = "interrupted",
    }
}

impl Outcome {
    /// Whether a request that ended so, with this status, counts as a success.
    pub(crate) fn succeeded(self, status: Option<u16>) -> bool {
        match self {
            Self::Completed => status.is_some_and(|status| status < 400),
            Self::Upgraded => true,
            _ => false,
        }
    }
}

words! {
    /// Where in its life a request was when it was cancelled or panicked.
    Phase {
        /// Before a response head existed.
        Handler = "handler",
        /// After the response head, while the body was produced.
        ResponseBody = "response_body",
    }
}

words! {
    /// Where a request id comes from.
    IdSource {
        /// The client or a proxy sent it and it was well-formed.
        Inbound = "inbound",
        /// None was sent.
        Generated = "generated",
        /// One was sent and refused: too long, of other characters, or more than one.
        Replaced = "replaced",
    }
}

words! {
    /// A part of a record that can be redacted by itself. Everything else is the core, which
    /// holds no free text and nothing personal.
    Group {
        /// Who: user, roles, session, address.
        Actor = "actor",
        /// What was asked.
        Request = "request",
        /// What was answered.
        Response = "response",
        /// A business event.
        Event = "event",
        /// Old and new values.
        Change = "change",
        /// What the application added.
        Metadata = "metadata",
        /// What went wrong.
        Error = "error",
    }
}

words! {
    /// How much of a body a record holds.
    CaptureState {
        /// All of it, masked.
        Full = "full",
        /// Its beginning, masked, up to the limit.
        Truncated = "truncated",
        /// What the application read of it, masked.
        Partial = "partial",
        /// Nothing of it.
        Omitted = "omitted",
    }
}

words! {
    /// Why a record holds nothing of a body.
    OmitReason {
        /// Its type is not among those that are captured.
        ContentType = "content_type",
        /// It is compressed, or in a character set that is not read.
        Encoding = "encoding",
        /// It is not what its type says, so nothing in it can be masked for sure.
        Unparsable = "unparsable",
        /// It is a stream that is not recorded.
        Streaming = "streaming",
        /// The application, or a rule, said so.
        Policy = "policy",
        /// There was no room for it in the memory budget.
        Memory = "memory",
        /// There was none.
        Empty = "empty",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_spelled_the_same_everywhere() {
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse::<Kind>().unwrap(), *kind);
            assert_eq!(serde_json::to_string(kind).unwrap(), format!("\"{kind}\""));
        }
    }

    #[test]
    fn an_unknown_word_names_the_allowed_ones() {
        let error = "over".parse::<Phase>().unwrap_err().to_string();
        assert_eq!(error, "`over` is not one of: handler, response_body");
    }
}
