//! Inside of a value that is not itself selected.

use std::borrow::Cow;

use super::{REDACTED, json, rules::Sel, scope::Scope, text};

/// Whether a text without a `:`, a `=` or a `<` in it may still hide something.
pub(super) fn may_hide(text: &str) -> bool {
    /// Of `Bearer x`. What is before `--password x` and `//user@host` is the byte itself.
    const SCHEMES: [&[u8]; 4] = [b"earer", b"asic", b"oken", b"igest"];
    let bytes = text.as_bytes();
    let mut before = 0;
    for (at, byte) in bytes.iter().enumerate() {
        let marks = match *byte {
            b' ' if matches!(before | 0x20, b'r' | b'c' | b'n' | b't') => {
                SCHEMES.iter().any(|scheme| {
                    let word = at.checked_sub(scheme.len()).map(|from| &bytes[from..at]);
                    word.is_some_and(|word| word.eq_ignore_ascii_case(scheme))
                })
            }
            b'-' | b'/' => before == *byte,
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
    if text.trim_start().starts_with(['{', '[', '"'])
        && (ends_like_json(text) || scope.strings == 0)
    {
        if !scope.spend(DOCUMENT) {
            return redacted(scope);
        }
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
    scope.spend(TEXT);
    text::inside(text, scope)
}

/// Whether the end of a text is that of JSON which begins as it does: to find out by reading it
/// takes longer.
fn ends_like_json(text: &str) -> bool {
    let text = text.trim();
    match text.starts_with('"') {
        true => text.len() > 1 && text.ends_with('"'),
        false => text.ends_with([']', '}']),
    }
}

/// Steps of a value that may be a document, and of another one.
const DOCUMENT: usize = 60;
const TEXT: usize = 15;

/// JSON inside of JSON inside of JSON and so on: what can name anything goes whole.
fn deeper_than_looked_at<'t>(text: &'t str, scope: &mut Scope<'_>) -> Cow<'t, str> {
    if !text.contains(['{', ':', '=', '\\', ' ', '<']) {
        return Cow::Borrowed(text);
    }
    redacted(scope)
}

fn redacted(scope: &mut Scope<'_>) -> Cow<'static, str> {
    scope.redacted(Sel::SENSITIVE);
    Cow::Owned(REDACTED.to_owned())
}
