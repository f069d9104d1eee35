//! A whole body, masked as its Content-Type says.

use super::{
    form::form,
    format::{Format, begins_like_events, is_multipart, is_utf8, media_type, parameter},
    json,
    lines::lines,
    multipart::multipart,
    scope::Scope,
    sse::sse,
    text,
    unparsable::Unparsable,
    xml::xml,
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
    if !is_utf8(content_type) {
        return Err(OmitReason::Encoding);
    }
    scope.allow(bytes.len());
    let mark = scope.list.mark();
    let masked = masked(content_type, bytes, cut, scope);
    if masked.is_err() {
        scope.list.take_back(mark);
    }
    masked
}

fn masked(
    content_type: &[u8],
    bytes: &[u8],
    cut: bool,
    scope: &mut Scope<'_>,
) -> Result<Body, OmitReason> {
    let format = match media_type(content_type) {
        // Nobody says what it is, so it has to be plain.
        b"" if looks_like_json(bytes) => Format::Json,
        media_type => Format::of(media_type).ok_or(OmitReason::ContentType)?,
    };
    let mut out = String::with_capacity(bytes.len() + bytes.len() / 8);
    if format == Format::Multipart {
        // Its parts have types of their own, and may be no text.
        let boundary = parameter(content_type, "boundary").ok_or(OmitReason::Unparsable)?;
        multipart(&mut out, bytes, boundary, cut, scope).map_err(|_| OmitReason::Unparsable)?;
        return Ok(Body::Text(out));
    }
    let text = text(bytes, cut).ok_or(OmitReason::Unparsable)?;
    // No text has them, but each second byte of UTF-16 is one: its names cannot be seen.
    if memchr::memchr(0, text.as_bytes()).is_some() {
        return Err(OmitReason::Unparsable);
    }
    let done = match format {
        Format::Json => return json(out, text, cut, scope),
        // Whatever it is called, what looks like JSON is masked like JSON.
        Format::Text if text.trim_start().starts_with(['{', '[']) && !is_log(text) => {
            let mark = scope.list.mark();
            match json(out, text, cut, scope) {
                // A log line may begin with a bracket; an object is nothing else.
                Err(_) if !text.contains("{\"") && text.trim_start().starts_with('[') => {
                    scope.list.take_back(mark);
                }
                masked => return masked,
            }
            out = String::new();
            engine(Format::Text, &mut out, text, cut, scope)
        }
        // A form under another name.
        Format::Text if is_multipart(text) => Err(Unparsable),
        Format::Text => {
            let (mark, before) = (scope.list.mark(), scope.masked);
            match look(text).map(|format| engine(format, &mut out, text.trim(), cut, scope)) {
                Some(Ok(())) if scope.masked > before => Ok(()),
                _ => {
                    scope.list.take_back(mark);
                    out.clear();
                    engine(Format::Text, &mut out, text, cut, scope)
                }
            }
        }
        format => engine(format, &mut out, text, cut, scope),
    };
    done.map(|()| Body::Text(out)).map_err(|_| OmitReason::Unparsable)
}

/// Masks a text as what it is said to be: a body, or a part of one.
pub(super) fn engine(
    format: Format,
    out: &mut String,
    text: &str,
    cut: bool,
    scope: &mut Scope<'_>,
) -> Result<(), Unparsable> {
    match format {
        Format::Json => return json::documents(out, text, cut, scope).map(|_| ()),
        Format::Form => return form(out, text, cut, scope),
        Format::Xml => return xml(out, text, cut, scope),
        Format::Ndjson => return lines(out, text, cut, scope),
        Format::Sse => return sse(out, text, cut, scope),
        // Without its boundary it is none.
        Format::Multipart => return Err(Unparsable),
        Format::Text if cut => text::text_cut(out, text, scope),
        Format::Text => text::text(out, text, scope),
    }
    Ok(())
}

fn json(mut out: String, text: &str, cut: bool, scope: &mut Scope<'_>) -> Result<Body, OmitReason> {
    match json::documents(&mut out, text, cut, scope) {
        Ok(shape) if shape.is_value() && !cut => Ok(Body::Value(out)),
        Ok(_) => Ok(Body::Text(out)),
        Err(_) => Err(OmitReason::Unparsable),
    }
}

/// Whether a text begins as lines of logs do, `[INFO]` or `[2026-01-01 10:00]`, and no JSON.
fn is_log(text: &str) -> bool {
    let Some(rest) = text.trim_start().strip_prefix('[') else { return false };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let word = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
    match rest.as_bytes().get(digits.max(word)) {
        Some(b'-' | b'/' | b':') if digits > 0 => true,
        Some(b']' | b' ' | b':' | b'-' | b'.' | b'/' | b'_') => {
            word > 0 && !["true", "false", "null"].contains(&&rest[..word])
        }
        _ => false,
    }
}

/// What a plain text may be as well, by its first bytes.
fn look(text: &str) -> Option<Format> {
    let text = text.trim_start();
    match text.as_bytes().first()? {
        b'<' => Some(Format::Xml),
        b'"' => Some(Format::Json),
        _ => begins_like_events(text).then_some(Format::Sse),
    }
}

fn looks_like_json(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    matches!(bytes.trim_ascii_start().first(), Some(b'{' | b'['))
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
