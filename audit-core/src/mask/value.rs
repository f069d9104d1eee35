//! Inside of a value that is not itself selected.

use std::borrow::Cow;

use super::{REDACTED, fields, json, scope::Scope, text, xml::xml};

/// Whether a text without a `:`, a `=` or a `<` in it may still hide something.
pub(super) fn may_hide(text: &str) -> bool {
    /// Of `Bearer x`. What is before `--password x` and `//user@host` is the byte itself.
    const SCHEMES: [&[u8]; 6] = [b"earer", b"asic", b"oken", b"igest", b" is", b" was"];
    let bytes = text.as_bytes();
    let mut before = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let marks = match *byte {
            b' ' if matches!(before | 0x20, b'r' | b'c' | b'n' | b't' | b's') => {
                SCHEMES.iter().any(|scheme| {
                    let word = at.checked_sub(scheme.len()).map(|from| &bytes[from..at]);
                    word.is_some_and(|word| word.eq_ignore_ascii_case(scheme))
                })
            }
            b'-' if matches!(before, 0 | b' ') => {
                bytes.get(at + 1).is_some_and(u8::is_ascii_alphabetic)
            }
            b'-' | b'/' => before == *byte,
            b'\'' | b'"' => before == b' ',
            // Of `values(`, too.
            b'(' => matches!(before | 0x20, b' ' | b's'),
            _ => false,
        };
        if marks {
            return true;
        }
        before = *byte;
    }
    false
}

/// Masks inside of a decoded value: JSON in it, to a depth of four; pairs and URLs; what the
/// detectors find. Owned exactly if something was masked.
pub(super) fn inside<'t>(text: &'t str, scope: &mut Scope<'_>) -> Cow<'t, str> {
    if text.trim_start().starts_with(['{', '[', '"']) {
        // A text that is no JSON after all may have listed what is written otherwise.
        let (mark, before) = (scope.list.mark(), scope.masked);
        let Some(strings) = scope.strings.checked_sub(1) else {
            return deeper_than_looked_at(text, scope);
        };
        let mut masked = String::with_capacity(text.len());
        scope.strings = strings;
        let whole = json::documents(&mut masked, text, false, scope);
        scope.strings += 1;
        if whole.is_ok() {
            // Only what was masked loses its white space.
            return if scope.masked > before { Cow::Owned(masked) } else { Cow::Borrowed(text) };
        }
        scope.list.take_back(mark);
    }
    if let Some(masked) = encoded(text, scope).or_else(|| elements(text, scope)) {
        return Cow::Owned(masked);
    }
    text::inside(text, scope)
}

/// A document of elements, if something in it is masked.
fn elements(text: &str, scope: &mut Scope<'_>) -> Option<String> {
    let strings = scope.strings.checked_sub(1).filter(|_| text.trim_start().starts_with('<'))?;
    let (mark, before) = (scope.list.mark(), scope.masked);
    let mut masked = String::new();
    scope.strings = strings;
    let whole = xml(&mut masked, text.trim(), false, scope);
    scope.strings += 1;
    if whole.is_err() {
        scope.list.take_back(mark);
    }
    (whole.is_ok() && scope.masked > before).then_some(masked)
}

/// JSON that was encoded for a URL, if something in it is masked.
fn encoded(text: &str, scope: &mut Scope<'_>) -> Option<String> {
    if !text.starts_with('%') {
        return None;
    }
    let decoded = fields::decode(text).0;
    let strings = scope.strings.checked_sub(1).filter(|_| decoded.starts_with(['{', '[', '"']))?;
    let (mark, before) = (scope.list.mark(), scope.masked);
    scope.strings = strings;
    let mut masked = String::new();
    let whole = json::documents(&mut masked, &decoded, false, scope);
    scope.strings += 1;
    if whole.is_err() {
        scope.list.take_back(mark);
    }
    (whole.is_ok() && scope.masked > before).then_some(masked)
}

/// JSON inside of JSON inside of JSON and so on: what can name anything goes whole.
fn deeper_than_looked_at<'t>(text: &'t str, scope: &mut Scope<'_>) -> Cow<'t, str> {
    if !text.contains(['{', ':', '=', '\\', ' ', '<']) {
        return Cow::Borrowed(text);
    }
    scope.redacted(super::rules::Sel::SENSITIVE);
    Cow::Owned(REDACTED.to_owned())
}
