//! Inside of a value that is not itself selected.

use std::{borrow::Cow, sync::LazyLock};

use aho_corasick::AhoCorasick;

use super::{REDACTED, json, scope::Scope, text};

/// Whether a text without a `:`, a `=` or a `<` in it may still hide something.
pub(super) fn may_hide(text: &str) -> bool {
    /// Of `Bearer x`, `--password x` and `//user@host`.
    const MARKS: [&str; 10] =
        ["earer ", "EARER ", "asic ", "ASIC ", "oken ", "OKEN ", "igest ", "IGEST ", "--", "//"];
    static MACHINE: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| AhoCorasick::new(MARKS).ok());
    MACHINE.as_ref().is_none_or(|machine| machine.is_match(text))
}

/// Masks inside of a decoded value: JSON in it, to a depth of three; pairs and URLs; what the
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

/// JSON inside of JSON inside of JSON and so on: what has members goes whole.
fn deeper_than_looked_at<'t>(text: &'t str, scope: &mut Scope<'_>) -> Cow<'t, str> {
    if !text.contains(['{', ':']) {
        return Cow::Borrowed(text);
    }
    scope.redacted(super::rules::Sel::SENSITIVE);
    Cow::Borrowed(REDACTED)
}
