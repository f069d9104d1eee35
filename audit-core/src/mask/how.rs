//! What stands where a value was.

use std::{
    borrow::Cow,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use super::REDACTED;
use crate::{Secret, exchange::drop_quietly};

/// How the values that a selector selects are masked.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum How {
    /// `[redacted]` stands there. What is not a text or a number is always masked so.
    #[default]
    Redact,
    /// The value goes with its name: member, pair, header line. Where that is not possible (a
    /// word in a text, an attribute that is required), it is redacted.
    Remove,
    /// `****` and the last four characters; fewer of a short value: never more than a quarter.
    Last4,
    /// A keyed pseudonym: the same value of the same field and tenant gives the same one under
    /// one [`Secret`], and nobody without the secret can tell the value or try values out.
    /// Of values that few exist (a birthday, a plate number), whoever has the secret can.
    Pseudonym,
    /// What the function makes of the text. Runs on the writer's thread; if it panics, the value
    /// is redacted. Its result is written as it stands: it must not hold the value.
    With(Arc<dyn Fn(&str) -> String + Send + Sync>),
}

impl How {
    /// The spelling used in settings and in `masked`; a function is `function`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Redact => "redact",
            Self::Remove => "remove",
            Self::Last4 => "last4",
            Self::Pseudonym => "pseudonym",
            Self::With(_) => "function",
        }
    }
}

impl fmt::Debug for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is no way to mask.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not one of: redact, remove, last4, pseudonym")]
pub struct UnknownHow(String);

impl std::str::FromStr for How {
    type Err = UnknownHow;

    fn from_str(text: &str) -> Result<Self, UnknownHow> {
        [Self::Redact, Self::Remove, Self::Last4, Self::Pseudonym]
            .into_iter()
            .find(|how| how.as_str() == text)
            .ok_or_else(|| UnknownHow(text.to_owned()))
    }
}

/// A value that is to be masked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'v> {
    /// A text, decoded.
    Text(&'v str),
    /// A JSON number, as written.
    Number(&'v str),
    /// `true`, `false`, `null`, an array or an object; or something that was cut off.
    Other,
}

/// What pseudonyms of one record are made with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys<'k> {
    /// Without one there are no pseudonyms: values are redacted instead.
    pub(super) secret: Option<&'k Secret>,
    pub(super) tenant: &'k str,
}

impl How {
    /// What is written instead of a value of `field`. `None`: nothing, the value goes with its
    /// name.
    pub(super) fn instead(
        &self,
        value: Value<'_>,
        field: &str,
        keys: Keys<'_>,
    ) -> Option<Cow<'static, str>> {
        const REDACT: Cow<'static, str> = Cow::Borrowed(REDACTED);
        let (text, kind) = match value {
            Value::Text(text) => (text, "string"),
            Value::Number(text) => (text, "number"),
            Value::Other => return (!matches!(self, Self::Remove)).then_some(REDACT),
        };
        Some(match self {
            Self::Redact => REDACT,
            Self::Remove => return None,
            Self::Last4 => last_four(text),
            Self::Pseudonym => match keys.secret {
                Some(secret) => Cow::Owned(pseudonym(secret, keys.tenant, field, kind, text)),
                None => REDACT,
            },
            Self::With(function) => match catch_unwind(AssertUnwindSafe(|| function(text))) {
                Ok(text) => Cow::Owned(text),
                Err(payload) => {
                    drop_quietly(payload);
                    REDACT
                }
            },
        })
    }
}

fn last_four(text: &str) -> Cow<'static, str> {
    let kept = (text.chars().count() / 4).min(4);
    match text.char_indices().rev().take(kept).last() {
        Some((from, _)) => Cow::Owned(format!("****{}", &text[from..])),
        None => Cow::Borrowed(REDACTED),
    }
}

/// `hmac-sha256:KEYID:HEX`. Tenants and fields have pseudonyms of their own, and so have the text
/// `1` and the number 1.
pub(super) fn pseudonym(
    secret: &Secret,
    tenant: &str,
    field: &str,
    kind: &str,
    text: &str,
) -> String {
    // Lengths first: no part can look like another one.
    let domain = format!("field {} {tenant} {} {field} {kind}", tenant.len(), field.len());
    let hash = u128::from_be_bytes(secret.pseudonym(&domain, text.as_bytes()));
    format!("hmac-sha256:{}:{hash:032x}", secret.key_id())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instead(how: &How, value: Value<'_>) -> Option<String> {
        let secret = Secret::new([7; 32]);
        let keys = Keys { secret: Some(&secret), tenant: "t" };
        how.instead(value, "v", keys).map(Cow::into_owned)
    }

    fn of(how: &How, text: &str) -> Option<String> {
        instead(how, Value::Text(text))
    }

    #[test]
    fn the_last_four_are_never_more_than_a_quarter() {
        for (text, masked) in [
            ("4000056655665556", "****5556"),
            ("12345678", "****78"),
            ("1234567", "****7"),
            ("123", "[redacted]"),
            ("", "[redacted]"),
            ("éééé", "****é"),
        ] {
            assert_eq!(of(&How::Last4, text).as_deref(), Some(masked));
        }
        assert_eq!(instead(&How::Last4, Value::Number("12345")).as_deref(), Some("****5"));
        assert_eq!(instead(&How::Last4, Value::Other).as_deref(), Some(REDACTED));
    }

    #[test]
    fn pseudonyms_are_apart_by_key_tenant_field_and_type() {
        let (one, other) = (Secret::new([7; 32]), Secret::new([8; 32]));
        let all = [
            pseudonym(&one, "t", "v", "string", "1"),
            pseudonym(&other, "t", "v", "string", "1"),
            pseudonym(&one, "u", "v", "string", "1"),
            pseudonym(&one, "t", "w", "string", "1"),
            pseudonym(&one, "t", "v", "number", "1"),
            pseudonym(&one, "t", "v", "string", "2"),
        ];
        for (at, first) in all.iter().enumerate() {
            assert!(all[at + 1..].iter().all(|second| second != first));
            assert_eq!(first.split(':').map(str::len).collect::<Vec<_>>(), [11, 8, 32]);
        }
        assert_eq!(all[0], pseudonym(&one, "t", "v", "string", "1"));
        assert_eq!(of(&How::Pseudonym, "1"), Some(all[0].clone()));
    }

    #[test]
    fn a_function_may_panic() {
        let first = How::With(Arc::new(|text: &str| text[..1].to_owned()));
        assert_eq!(of(&first, "abc").as_deref(), Some("a"));
        assert_eq!(of(&first, "").as_deref(), Some(REDACTED));
        assert_eq!(of(&How::Remove, "abc"), None);
        assert_eq!("last4".parse::<How>().unwrap().as_str(), "last4");
        assert!("hash".parse::<How>().unwrap_err().to_string().contains("pseudonym"));
    }
}
