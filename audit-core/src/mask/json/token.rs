//! Values as they stand in a document, and what is written instead of them.

use std::borrow::Cow;

use super::scan;
use crate::{
    mask::{REDACTED, how::Value},
    record::json,
};

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

/// Whether an array between these two texts, of which the first element and the comma are left
/// out, is a pair of a name and its value rather than a list of names: it has one more element, a
/// number or a text that is more than a word; and it is not the member of an object that lists.
pub(super) fn is_pair(before: &str, rest: &str, cut: bool) -> bool {
    const LISTS: [&str; 12] = [
        "s", "by", "enum", "exclude", "group", "include", "loc", "only", "order", "path",
        "required", "type",
    ];
    let name = before.trim_end().strip_suffix('[').unwrap_or(before).trim_end();
    if let Some(name) = name.strip_suffix(':') {
        let name = name.trim_end().trim_end_matches('"').as_bytes();
        let ends = |list: &&str| {
            let from = name.len().saturating_sub(list.len());
            name[from..].eq_ignore_ascii_case(list.as_bytes())
        };
        if LISTS.iter().any(ends) {
            return false;
        }
    }
    let bytes = rest.as_bytes();
    let at = scan::blanks(bytes);
    let second = match bytes.get(at) {
        Some(b'{' | b'[') => return false,
        Some(b'"') => scan::string(bytes, at + 1).map(|quoted| quoted.end() + 1),
        _ => scan::scalar(bytes, at, !cut),
    };
    let Ok(end) = second else { return cut };
    let word = |b: u8| b.is_ascii_lowercase() || b == b'_';
    let is_word = rest[at..end].trim_matches('"').bytes().all(word);
    match bytes[end..].get(scan::blanks(&bytes[end..])) {
        Some(b']') => !is_word,
        None => cut,
        Some(_) => false,
    }
}

pub(super) fn push_string(out: &mut String, text: &str) {
    if text == REDACTED {
        return out.push_str(QUOTED);
    }
    out.push('"');
    out.extend(json::pieces(text));
    out.push('"');
}
