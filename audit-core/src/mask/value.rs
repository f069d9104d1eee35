//! Inside of a value that is not itself selected.

use std::borrow::Cow;

use super::{REDACTED, json, scope::Scope, text};

/// Whether a text without a `:`, a `=` or a `<` in it may still hide something: `Bearer x`,
/// `--password x`, `//user@host`.
pub(super) fn may_hide(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    // Most texts have none of the bytes in a row that it takes. Sixteen places at a time, without
    // a branch and each alike, which compilers turn into a few instructions for all of them.
    while let Some(some) = bytes.get(at..at + 18) {
        let mut marks = 0;
        for n in 0..16 {
            marks |= is_mark(some[n], some[n + 1], some[n + 2]);
        }
        if marks != 0 && marks_in(bytes, at, at + 18) {
            return true;
        }
        at += 16;
    }
    matches!(bytes, [b'-', b'-', ..] | [b'/', b'/', ..]) || marks_in(bytes, at, bytes.len())
}

/// Whether something may be hidden behind these three bytes: not 0 if so.
#[inline(always)]
fn is_mark(first: u8, second: u8, third: u8) -> u8 {
    let is = |byte: u8, wanted: u8| u8::from(byte == wanted);
    let (a, b) = (first | 0x20, second | 0x20);
    let scheme = (is(b, b'r') | is(b, b'n')) & is(a, b'e')
        | is(b, b'c') & is(a, b'i')
        | is(b, b't') & is(a, b's');
    is(third, b' ') & scheme | is(third, second) & (is(third, b'-') | is(third, b'/'))
}

#[inline(never)]
fn marks_in(bytes: &[u8], from: usize, to: usize) -> bool {
    /// Of `Bearer`, `Basic`, `Token`, `Digest`.
    const SCHEMES: [&[u8]; 4] = [b"earer", b"asic", b"oken", b"igest"];
    (from + 2..to).any(|at| match bytes[at] {
        b' ' => SCHEMES.iter().any(|scheme| {
            let word = at.checked_sub(scheme.len()).map(|from| &bytes[from..at]);
            word.is_some_and(|word| word.eq_ignore_ascii_case(scheme))
        }),
        byte @ (b'-' | b'/') => bytes[at - 1] == byte,
        _ => false,
    })
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
    text::inside(text, scope)
}

/// JSON inside of JSON inside of JSON and so on: what can name anything goes whole.
fn deeper_than_looked_at<'t>(text: &'t str, scope: &mut Scope<'_>) -> Cow<'t, str> {
    if !text.contains(['{', ':', '=', '\\', ' ', '<']) {
        return Cow::Borrowed(text);
    }
    scope.redacted(super::rules::Sel::SENSITIVE);
    Cow::Owned(REDACTED.to_owned())
}
