//! Values as they stand in a document, and what is written instead of them.

use std::borrow::Cow;

use super::scan;
use crate::mask::{REDACTED, how::Value};

/// [`REDACTED`] as a JSON string.
pub(super) const QUOTED: &str = "\"[redacted]\"";

/// A JSON value as the strategies see it.
pub(super) enum Token<'t> {
    Text(Cow<'t, str>),
    Number(&'t str),
    Other,
}

impl Token<'_> {
    pub(super) fn borrowed(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::Text(text),
            Self::Number(text) => Value::Number(text),
            Self::Other => Value::Other,
        }
    }
}

pub(super) fn value_of(token: &str) -> Token<'_> {
    match token.as_bytes().first() {
        Some(b'"') => {
            let raw = token.get(1..token.len().saturating_sub(1)).unwrap_or_default();
            Token::Text(match raw.contains('\\') {
                true => Cow::Owned(scan::unescape(raw).0),
                false => Cow::Borrowed(raw),
            })
        }
        Some(b'-' | b'0'..=b'9') => Token::Number(token),
        _ => Token::Other,
    }
}

/// How far the comma behind a value reaches, over the white space before it.
pub(super) fn comma_behind(rest: &[u8]) -> Option<usize> {
    let blank = scan::blanks(rest);
    (rest.get(blank) == Some(&b',')).then_some(blank + 1)
}

pub(super) fn push_string(out: &mut String, text: &str) {
    let plain = |b: u8| b >= 0x20 && b != b'"' && b != b'\\';
    if text == REDACTED {
        return out.push_str(QUOTED);
    }
    out.push('"');
    match text.bytes().all(plain) {
        true => out.push_str(text),
        false => {
            let quoted = serde_json::to_string(text).unwrap_or_default();
            out.push_str(quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default());
        }
    }
    out.push('"');
}
