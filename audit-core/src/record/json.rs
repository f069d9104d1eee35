//! The few JSON tokens a record is made of, appended to a byte buffer.

use std::io::Write as _;

/// Appends `text` as a JSON string: quotes, backslashes and control bytes escaped, the rest as
/// it stands.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    // Writing to a Vec does not fail, and a `str` has no value that JSON cannot hold.
    let _ = serde_json::to_writer(out, text);
}

/// Appends `,` (unless the object has just begun) and `"name":`. Names are ours and plain.
pub(crate) fn name(out: &mut Vec<u8>, name: &str) {
    if !matches!(out.last(), None | Some(b'{')) {
        out.push(b',');
    }
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// Appends a string member.
pub(crate) fn text_member(out: &mut Vec<u8>, key: &str, value: &str) {
    name(out, key);
    string(out, value);
}

/// Appends a string member, or nothing.
pub(crate) fn optional_text(out: &mut Vec<u8>, key: &str, value: Option<&str>) {
    if let Some(value) = value {
        text_member(out, key, value);
    }
}

/// Appends a whole number member.
pub(crate) fn number_member(out: &mut Vec<u8>, key: &str, value: u64) {
    name(out, key);
    let _ = write!(out, "{value}");
}

/// Appends a member that is a share from 0 to 1.
pub(crate) fn share_member(out: &mut Vec<u8>, key: &str, share: f64) {
    name(out, key);
    out.extend_from_slice(share.to_string().as_bytes());
}

/// Appends a duration in milliseconds, to the microsecond.
pub(crate) fn millis_member(out: &mut Vec<u8>, key: &str, nanos: u64) {
    name(out, key);
    let micros = nanos / 1_000;
    let _ = write!(out, "{}.{:03}", micros / 1_000, micros % 1_000);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_separated_and_escaped() {
        let mut out = b"{".to_vec();
        text_member(&mut out, "a", "x\t\"\u{1}é");
        number_member(&mut out, "b", 7);
        millis_member(&mut out, "c", 1_002_345);
        out.push(b'}');
        assert_eq!(String::from_utf8(out).unwrap(), r#"{"a":"x\t\"\u0001é","b":7,"c":1.002}"#);
    }
}
