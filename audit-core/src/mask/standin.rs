//! Stand-ins until the engine for JSON has landed.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::{json, scope::Scope, text, unparsable::Unparsable};

pub(super) fn documents(
    out: &mut String,
    text: &str,
    cut: bool,
    scope: &mut Scope<'_>,
) -> Result<(), Unparsable> {
    for document in serde_json::Deserializer::from_str(text).into_iter::<&RawValue>() {
        match document {
            Ok(raw) => {
                let mut compacted = raw.get().as_bytes().to_vec();
                json::compact(&mut compacted);
                let mut masked = Vec::new();
                json::json(&mut masked, &compacted, scope);
                out.push_str(&String::from_utf8_lossy(&masked));
            }
            Err(_) if cut => return Ok(()),
            Err(_) => return Err(Unparsable),
        }
    }
    Ok(())
}

pub(super) fn inside<'t>(value: &'t str, scope: &mut Scope<'_>) -> Cow<'t, str> {
    let mut out = String::new();
    if value.trim_start().starts_with(['{', '[', '"'])
        && documents(&mut out, value, false, scope).is_ok()
    {
        return if out == value { Cow::Borrowed(value) } else { Cow::Owned(out) };
    }
    out.clear();
    let found = scope.rules.detectors().clone();
    let detected = found.mask(value, scope);
    text::text(&mut out, &detected, scope);
    if out == value { Cow::Borrowed(value) } else { Cow::Owned(out) }
}
