//! What holds for every masked body.

use audit_core::{BodyMasker, CaptureState, How, MaskedBody};
use serde_json::Value;

use crate::plant::{self, Format, Plant};

/// Whether a format is masked, or omitted.
pub(crate) const FORMATS: &[Format] = &Format::ALL;

pub(crate) fn masker(how: How) -> BodyMasker {
    BodyMasker::new(plant::rules(how))
}

/// A masked body as a record holds it: valid, on one line.
pub(crate) fn mask(
    masker: &mut BodyMasker,
    content_type: &str,
    body: &[u8],
    limit: usize,
) -> (MaskedBody, String) {
    let masked = masker.body(content_type, body, limit);
    let json = masked.to_json();
    assert!(json.bytes().all(|b| b >= b' '), "a line feed or a control character: {json:?}");
    let value: Value = serde_json::from_str(&json).unwrap_or_else(|e| panic!("{e}: {json}"));
    assert_eq!(value["state"], masked.state.as_str());
    assert_eq!(masked.body.is_none(), masked.state == CaptureState::Omitted);
    assert_eq!(masked.body.is_none(), masked.reason.is_some());
    assert!(masked.body.is_none() || masked.state != CaptureState::Full || body.len() <= limit);
    (masked, json)
}

/// Checks a planted body, whole and cut at these places.
pub(crate) fn planted(format: Format, how: How, plant: &Plant, cuts: impl Iterator<Item = usize>) {
    let mut masker = masker(how);
    let bytes = plant.body.as_bytes();
    let (whole, json) = mask(&mut masker, &plant.content_type, bytes, bytes.len());
    let show = |json: &str| format!("\n{}: {}\nmasked: {json}", plant.content_type, plant.body);
    if let Some(leak) = plant::leak(&json, &plant.secrets) {
        panic!("{leak}{}", show(&json));
    }
    if !plant.odd && FORMATS.contains(&format) {
        assert_eq!(whole.state, CaptureState::Full, "{}", show(&json));
    }
    if let Some(body) = whole.body.filter(|_| FORMATS.contains(&format)) {
        let text = text(format, &plant.body, &body);
        for kept in &plant.kept {
            let there = body.contains(kept) || text.contains(kept);
            assert!(there, "`{kept}` is gone{}", show(&json));
        }
        if !plant.once {
            let (again, _) = mask(&mut masker, &plant.content_type, text.as_bytes(), usize::MAX);
            assert_eq!(again.body.as_deref(), Some(&*body), "masked twice{}", show(&json));
        }
    }
    let mut before = String::new();
    for cut in cuts {
        let (_, json) = mask(&mut masker, &plant.content_type, bytes, cut);
        if json == before {
            continue;
        }
        if let Some(leak) = plant::glimpse(&json, &plant.secrets) {
            panic!("{leak}, cut at {cut}{}", show(&json));
        }
        before = json;
    }
}

/// The text that a masked body is of: some are JSON strings that hold it.
pub(crate) fn text(format: Format, original: &str, masked: &str) -> String {
    let is_value = (format == Format::Json && original.trim_start().starts_with('"'))
        || !masked.starts_with('"');
    match serde_json::from_str(masked) {
        Ok(Value::String(text)) if !is_value => text,
        _ => masked.to_owned(),
    }
}
