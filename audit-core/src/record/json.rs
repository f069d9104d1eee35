//! The few JSON tokens a record is made of, appended to a byte buffer.

use std::io::Write as _;

use crate::sixteen;

/// Appends `text` as a JSON string: quotes, backslashes and control bytes escaped, the rest as
/// it stands.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (stays, special) = rest.split_at(plain(rest));
        out.extend_from_slice(stays);
        if special.is_empty() {
            break;
        }
        let (near, behind) = special.split_at(special.len().min(NEAR));
        escaped(out, near);
        rest = behind;
    }
    out.push(b'"');
}

/// Where one byte is escaped, others are near: up to there it is faster to go byte by byte.
const NEAR: usize = 16;

/// Appends a few bytes, of which many may be escaped.
fn escaped(out: &mut Vec<u8>, near: &[u8]) {
    let mut buffer = [0; 2 * NEAR];
    let mut len = 0;
    for byte in near {
        let short = SHORT[usize::from(*byte)];
        match buffer[len..].first_chunk_mut() {
            Some(two) if short.len > 0 => *two = short.bytes,
            _ => {
                // A control byte without a short form.
                out.extend_from_slice(&buffer[..len]);
                out.extend_from_slice(escape(*byte).unwrap_or_default().as_bytes());
                len = 0;
            }
        }
        len += usize::from(short.len);
    }
    out.extend_from_slice(&buffer[..len]);
}

/// What is written for a byte: itself, a backslash and a letter, or nothing as short.
#[derive(Clone, Copy)]
struct Short {
    bytes: [u8; 2],
    len: u8,
}

static SHORT: [Short; 256] = {
    let mut table = [Short { bytes: [0; 2], len: 0 }; 256];
    let mut at = 0;
    while at < table.len() {
        let byte = at as u8;
        let letter = match byte {
            8 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            12 => b'f',
            b'\r' => b'r',
            b'"' | b'\\' => byte,
            _ => 0,
        };
        table[at] = match byte {
            _ if letter > 0 => Short { bytes: [b'\\', letter], len: 2 },
            ..b' ' => Short { bytes: [0; 2], len: 0 },
            _ => Short { bytes: [byte, 0], len: 1 },
        };
        at += 1;
    }
    table
};

/// What is between the quotes of a text as a JSON string.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = *rest.as_bytes().first()?;
        let (piece, len) = match escape(first) {
            Some(escape) => (escape, 1),
            None => {
                let len = plain(rest.as_bytes());
                (&rest[..len], len)
            }
        };
        rest = &rest[len..];
        Some(piece)
    })
}

/// Whether a byte stands for something else in a string of JSON.
const fn is_special(byte: u8) -> bool {
    (byte < b' ') | (byte == b'"') | (byte == b'\\')
}

/// How many bytes a text begins with that stay as they are.
fn plain(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(sixteen) = bytes[at..].first_chunk() {
        if let Some(special) = sixteen::first(sixteen::which(sixteen, is_special)) {
            return at + special;
        }
        at += 16;
    }
    at + bytes[at..].iter().take_while(|byte| !is_special(**byte)).count()
}

/// What is written for a byte that stands for something else.
fn escape(byte: u8) -> Option<&'static str> {
    const CONTROLS: [&str; 32] = [
        "\\u0000", "\\u0001", "\\u0002", "\\u0003", "\\u0004", "\\u0005", "\\u0006", "\\u0007",
        "\\b", "\\t", "\\n", "\\u000b", "\\f", "\\r", "\\u000e", "\\u000f", "\\u0010", "\\u0011",
        "\\u0012", "\\u0013", "\\u0014", "\\u0015", "\\u0016", "\\u0017", "\\u0018", "\\u0019",
        "\\u001a", "\\u001b", "\\u001c", "\\u001d", "\\u001e", "\\u001f",
    ];
    match byte {
        b'"' => Some("\\\""),
        b'\\' => Some("\\\\"),
        control => CONTROLS.get(usize::from(control)).copied(),
    }
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
    fn strings_are_written_as_serde_json_writes_them() {
        let specials: Vec<char> =
            (0..0x30).chain([0x5c, 0x7f, 0xe9, 0x1f600]).filter_map(char::from_u32).collect();
        for len in 0..40 {
            for special in &specials {
                for text in [
                    format!("{}{special}", "x".repeat(len)),
                    format!("{special}{}{special}{special}é", "é".repeat(len)),
                ] {
                    let mut out = Vec::new();
                    string(&mut out, &text);
                    assert_eq!(
                        String::from_utf8(out).unwrap(),
                        serde_json::to_string(&text).unwrap()
                    );
                }
            }
        }
    }

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
