//! Inside of a value that is not itself selected.

use std::borrow::Cow;

use super::{
    REDACTED, fields,
    format::{begins_like_events, is_multipart},
    json,
    rules::Sel,
    scope::Scope,
    sse::sse,
    text,
    unparsable::Unparsable,
    xml::xml,
};

/// Whether a text may still hide something that has none of the signs of most that do, such as
/// a `:` or a `=`.
pub(super) fn may_hide(text: &str) -> bool {
    let bytes = text.as_bytes();
    let hides = |from: usize, to: usize| (from..to).any(|at| hides_at(bytes, at));
    if hides(0, bytes.len().min(2)) {
        return true;
    }
    let mut at = 2;
    // Most texts have none of the bytes in a row that it takes. Sixteen places at a time, without
    // a branch and each alike, which compilers turn into a few instructions for all of them.
    while let Some(some) = bytes.get(at - 2..at + 16) {
        let mut marks = 0;
        for n in 0..16 {
            marks |= is_mark(some[n], some[n + 1], some[n + 2]);
        }
        if marks != 0 && hides(at, at + 16) {
            return true;
        }
        at += 16;
    }
    hides(at, bytes.len())
}

/// Whether something may be hidden where the byte at a place is.
fn hides_at(bytes: &[u8], at: usize) -> bool {
    /// Of `Bearer x`. What is before `--password x` and `//user@host` is the byte itself.
    const SCHEMES: [&[u8]; 6] = [b"earer", b"asic", b"oken", b"igest", b" is", b" was"];
    let before = at.checked_sub(1).map_or(0, |before| bytes[before]);
    match bytes[at] {
        b' ' => SCHEMES.iter().any(|scheme| {
            let word = at.checked_sub(scheme.len()).map(|from| &bytes[from..at]);
            word.is_some_and(|word| word.eq_ignore_ascii_case(scheme))
        }),
        b'-' if matches!(before, 0 | b' ') => {
            bytes.get(at + 1).is_some_and(u8::is_ascii_alphabetic)
        }
        byte @ (b'-' | b'/') => before == byte,
        b'\'' | b'"' => matches!(before, b' ' | b'(' | b','),
        // Of `values(`, too.
        b'(' => matches!(before | 0x20, b' ' | b's'),
        _ => false,
    }
}

/// Not 0 where [`hides_at`] may say yes of the third of these bytes.
#[inline(always)]
fn is_mark(first: u8, second: u8, third: u8) -> u8 {
    let is = |byte: u8, wanted: u8| u8::from(byte == wanted);
    let (a, b) = (first | 0x20, second | 0x20);
    let scheme = ((is(b, b'r') | is(b, b'n')) & is(a, b'e'))
        | (is(b, b'c') & is(a, b'i'))
        | (is(b, b't') & is(a, b's'))
        | (is(b, b's') & (is(a, b'i') | is(a, b'a')));
    let quote = is(third, b'\'') | is(third, b'"');
    let spaced =
        (is(b, b' ') & (is(third, b'-') | quote)) | quote & (is(second, b'(') | is(second, b','));
    let bracket = is(third, b'(') & (is(b, b' ') | is(b, b's'));
    let twice = is(third, second) & (is(third, b'-') | is(third, b'/'));
    (is(third, b' ') & scheme) | spaced | bracket | twice
}

/// Masks inside of a decoded value: JSON in it, to a depth of four; pairs and URLs; what the
/// detectors find. Owned exactly if something was masked.
pub(super) fn inside<'t>(text: &'t str, scope: &mut Scope<'_>) -> Cow<'t, str> {
    let first = first(text);
    if matches!(first, Some(b'{' | b'[' | b'"')) && (ends_like_json(text) || scope.strings == 0) {
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
    let masked = match first {
        Some(b'%') => encoded(text, scope),
        Some(b'<') => elements(text, scope),
        _ => None,
    };
    let masked =
        masked.or_else(|| if fields::has(text, b'\n') { lines(text, scope) } else { None });
    if let Some(masked) = masked {
        return Cow::Owned(masked);
    }
    scope.spend(TEXT);
    text::inside(text, scope)
}

/// The first byte of a text that is not white space.
fn first(text: &str) -> Option<u8> {
    let at = text.bytes().position(|b| !matches!(b, b' ' | b'\t'..=b'\r'))?;
    match text.as_bytes()[at] {
        ascii if ascii.is_ascii() => Some(ascii),
        // There is other white space.
        _ => text[at..].trim_start().bytes().next(),
    }
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

/// Steps of a value that may be a document: of JSON, encoded, of elements; and of another one.
const DOCUMENT: usize = 46;
const ENCODED: usize = 30;
const ELEMENTS: usize = 90;
const TEXT: usize = 16;

/// A document of elements, if something in it is masked.
fn elements(text: &str, scope: &mut Scope<'_>) -> Option<String> {
    if !text.trim_end().ends_with('>') {
        return None;
    }
    // Without steps, its signs are not looked at as those of a text either.
    if !scope.spend(ELEMENTS) {
        return None;
    }
    deeper(scope, |out, scope| xml(out, text.trim(), false, scope))
}

/// A multipart form, or a stream of events, if something in it is masked.
fn lines(text: &str, scope: &mut Scope<'_>) -> Option<String> {
    if is_multipart(text) {
        return Some(redacted(scope).into_owned());
    }
    if !begins_like_events(text) || !scope.spend(DOCUMENT) {
        return None;
    }
    deeper(scope, |out, scope| sse(out, text, false, scope))
}

/// What one of the engines makes of a value, if something in it is masked.
fn deeper(
    scope: &mut Scope<'_>,
    mask: impl FnOnce(&mut String, &mut Scope<'_>) -> Result<(), Unparsable>,
) -> Option<String> {
    let strings = scope.strings.checked_sub(1)?;
    let (mark, before) = (scope.list.mark(), scope.masked);
    let mut masked = String::new();
    scope.strings = strings;
    let whole = mask(&mut masked, scope);
    scope.strings += 1;
    if whole.is_err() {
        scope.list.take_back(mark);
    }
    (whole.is_ok() && scope.masked > before).then_some(masked)
}

/// JSON that was encoded for a URL, if something in it is masked.
fn encoded(text: &str, scope: &mut Scope<'_>) -> Option<String> {
    if !text.starts_with('%') || !scope.spend(ENCODED) {
        return None;
    }
    let decoded = fields::decode(text).0;
    if !decoded.starts_with(['{', '[', '"']) {
        return None;
    }
    deeper(scope, |out, scope| json::documents(out, &decoded, false, scope).map(|_| ()))
}

/// JSON inside of JSON inside of JSON and so on: what can name anything goes whole.
fn deeper_than_looked_at<'t>(text: &'t str, scope: &mut Scope<'_>) -> Cow<'t, str> {
    if tells(text) { redacted(scope) } else { Cow::Borrowed(text) }
}

/// Whether a text may name anything.
pub(super) fn tells(text: &str) -> bool {
    text.contains(['{', ':', '=', '\\', ' ', '<'])
}

fn redacted(scope: &mut Scope<'_>) -> Cow<'static, str> {
    scope.redacted(Sel::SENSITIVE);
    Cow::Owned(REDACTED.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_seen_at_every_place() {
        let marks = [
            "Bearer x", "basic x", " tOken x", "digest x", "a is x", "A WAS x", " -p x", "--p x",
            "//u@h", " 'x'", " \"x\"", " (x", "values(x", "S(x", "\0(x", "\0-x", "- - -x", "x('y",
            "x,\"y",
        ];
        let plain = ["A plain, item: this, has er en st is as- -1 - (", "", "x- /x 's \u{e9}("];
        for filler in ["", "x", "xe", "xs", "e ", "-x", "x/"] {
            for len in 0..40 {
                let around: String = filler.chars().cycle().take(len).collect();
                for text in marks.iter().chain(&plain) {
                    for text in [format!("{around}{text}"), format!("{text}{around}x")] {
                        let bytes = text.as_bytes();
                        let hides = (0..bytes.len()).any(|at| hides_at(bytes, at));
                        assert_eq!(may_hide(&text), hides, "{text}");
                    }
                }
            }
        }
        assert!(marks.iter().all(|text| may_hide(text) && may_hide(&format!("{text:>40}"))));
        assert!(!may_hide("A plain product, blue, medium size"));
    }
}
