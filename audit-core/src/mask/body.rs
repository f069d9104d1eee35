//! A whole body, masked as its Content-Type says.

use super::{
    format::{Format, media_type, parameter},
    json,
    scope::Scope,
};
use crate::OmitReason;

/// A masked body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// One JSON value, compact: it is embedded as it stands.
    Value(String),
    /// Anything else.
    Text(String),
}

/// Masks a body. With `cut`, it goes on behind the bytes that are there.
pub(super) fn body(
    content_type: &[u8],
    bytes: &[u8],
    cut: bool,
    scope: &mut Scope<'_>,
) -> Result<Body, OmitReason> {
    if bytes.is_empty() && !cut {
        return Err(OmitReason::Empty);
    }
    if parameter(content_type, "charset").is_some_and(|charset| !is_utf8(charset)) {
        return Err(OmitReason::Encoding);
    }
    let text = text(bytes, cut).ok_or(OmitReason::Unparsable);
    let format = match media_type(content_type) {
        // Nobody says what it is, so it has to be plain.
        b"" if text.is_ok_and(|text| text.trim_start().starts_with(['{', '['])) => Format::Json,
        media_type => Format::of(media_type).ok_or(OmitReason::ContentType)?,
    };
    let mark = scope.list.mark();
    let masked = masked(format, text?, cut, scope);
    if masked.is_err() {
        scope.list.take_back(mark);
    }
    masked
}

fn masked(
    format: Format,
    text: &str,
    cut: bool,
    scope: &mut Scope<'_>,
) -> Result<Body, OmitReason> {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    match format {
        Format::Json => {
            let shape = json::documents(&mut out, text, cut, scope);
            let shape = shape.map_err(|_| OmitReason::Unparsable)?;
            if shape.is_value() && !cut {
                return Ok(Body::Value(out));
            }
        }
        _ => return Err(OmitReason::ContentType),
    }
    Ok(Body::Text(out))
}

fn is_utf8(charset: &[u8]) -> bool {
    [&b"utf-8"[..], b"utf8", b"us-ascii"].iter().any(|name| name.eq_ignore_ascii_case(charset))
}

/// The bytes as text, without a byte order mark; a character that was cut in two is dropped.
fn text(bytes: &[u8], cut: bool) -> Option<&str> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if cut && error.error_len().is_none() => {
            std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()?
        }
        Err(_) => return None,
    };
    Some(text.strip_prefix('\u{feff}').unwrap_or(text))
}
