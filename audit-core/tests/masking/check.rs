//! What holds for every masked body.

use audit_core::{BodyMasker, CaptureState, How, MaskedBody};
use serde_json::Value;

use crate::plant::{self, Format, Plant};

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

/// How a text shows a secret, if it does.
pub(crate) type Look = fn(&str, &[String]) -> Option<String>;

/// Checks a planted body, whole and cut at these places. The whole one is looked at in a way that
/// may take its time.
pub(crate) fn planted(
    format: Format,
    masker: &mut BodyMasker,
    plant: &Plant,
    look: Look,
    cuts: impl Iterator<Item = usize>,
) {
    let bytes = plant.body.as_bytes();
    let (whole, json) = mask(masker, &plant.content_type, bytes, bytes.len());
    let show = |json: &str| format!("\n{}: {}\nmasked: {json}", plant.content_type, plant.body);
    if let Some(leak) = look(&json, &plant.secrets) {
        panic!("{leak}{}", show(&json));
    }
    if !plant.odd {
        assert_eq!(whole.state, CaptureState::Full, "{}", show(&json));
    }
    if let Some(body) = whole.body {
        let text = text(format, &plant.body, &body);
        for kept in &plant.kept {
            let there = body.contains(kept) || text.contains(kept);
            assert!(there, "`{kept}` is gone{}", show(&json));
        }
        if !plant.once {
            let (again, _) = mask(masker, &plant.content_type, text.as_bytes(), usize::MAX);
            assert_eq!(again.body.as_deref(), Some(&*body), "masked twice{}", show(&json));
        }
    }
    let mut before = String::new();
    for cut in cuts {
        let (_, json) = mask(masker, &plant.content_type, bytes, cut);
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
