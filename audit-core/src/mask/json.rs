//! Values inside JSON that is known to be valid, because it was serialised here.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use super::{REDACTED, how::Value, part::Of, scope::Scope, text};
use crate::record::json as token;

/// Deepest nesting of a metadata value: with the group around it, the trail's limit of 64.
pub(crate) const DEEPEST: usize = 63;

/// How deep valid JSON nests; a scalar is 0.
pub(crate) fn depth(json: &[u8]) -> usize {
    let (mut at, mut depth, mut deepest) = (0, 0_usize, 0);
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => at = string_end(json, at) - 1,
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    deepest
}

/// Removes the white space between the tokens of valid JSON. Values that hold raw JSON bring it
/// along, a line feed too, which would end the record's line.
pub(crate) fn compact(json: &mut Vec<u8>) {
    let mut quoted = false;
    let mut escaped = false;
    json.retain(|byte| {
        if quoted {
            (quoted, escaped) = (escaped || *byte != b'"', !escaped && *byte == b'\\');
            return true;
        }
        quoted = *byte == b'"';
        !byte.is_ascii_whitespace()
    });
}

/// Appends valid, compact JSON with the whole value under each hidden name replaced, and strings
/// masked inside as JSON or as text. Everything else is copied byte for byte: numbers keep their
/// digits, objects their order.
pub(super) fn json(out: &mut Vec<u8>, json: &[u8], scope: &mut Scope<'_>) {
    inside(out, json, scope, STRINGS);
}

/// How deep JSON inside of strings of JSON is looked for.
const STRINGS: usize = 4;

fn inside(out: &mut Vec<u8>, json: &[u8], scope: &mut Scope<'_>, strings: usize) {
    let (mut at, mut copied) = (0, 0);
    while at < json.len() {
        if json[at] != b'"' {
            at += 1;
            continue;
        }
        let end = string_end(json, at);
        // In valid JSON a string is a name exactly if a colon follows.
        if json.get(end) == Some(&b':') {
            if let Some(instead) = hides(&json[at..end], scope) {
                out.extend_from_slice(&json[copied..=end]);
                token::string(out, &instead);
                copied = value_end(json, end + 1);
                at = copied;
            } else {
                at = end;
            }
        } else {
            if let Some(masked) = string(&json[at..end], scope, strings) {
                out.extend_from_slice(&json[copied..at]);
                token::string(out, &masked);
                copied = end;
            }
            at = end;
        }
    }
    out.extend_from_slice(&json[copied..]);
}

/// A string masked, if there was something to mask in it.
fn string(quoted: &[u8], scope: &mut Scope<'_>, strings: usize) -> Option<String> {
    if !quoted.iter().any(|b| matches!(b, b'=' | b':' | b' ' | b'\\')) {
        return None;
    }
    let Ok(value) = serde_json::from_slice::<Cow<'_, str>>(quoted) else {
        return Some(REDACTED.to_owned());
    };
    let looks_like_json = value.trim_start().starts_with(['{', '[', '"']);
    if looks_like_json && serde_json::from_str::<IgnoredAny>(&value).is_ok() {
        let Some(strings) = strings.checked_sub(1) else {
            return Some(REDACTED.to_owned());
        };
        let mut compacted = value.as_bytes().to_vec();
        compact(&mut compacted);
        let mut masked = Vec::with_capacity(compacted.len());
        inside(&mut masked, &compacted, scope, strings);
        // Only what was masked loses its white space.
        return (masked != compacted).then(|| String::from_utf8_lossy(&masked).into_owned());
    }
    let mut masked = String::with_capacity(value.len());
    text::text(&mut masked, &value, scope);
    (masked != value).then_some(masked)
}

fn hides(quoted: &[u8], scope: &mut Scope<'_>) -> Option<Cow<'static, str>> {
    // Decodes the escapes. What cannot be decoded hides its value.
    match serde_json::from_slice::<String>(quoted) {
        Ok(name) => scope.find(Of::Field, &name).map(|sel| scope.in_place(sel, Value::Other)),
        Err(_) => Some(Cow::Borrowed(REDACTED)),
    }
}

/// Where the string that begins at `at` ends, behind its closing quote.
fn string_end(json: &[u8], at: usize) -> usize {
    let mut end = at + 1;
    while let Some(byte) = json.get(end) {
        match byte {
            b'\\' => end += 2,
            b'"' => return end + 1,
            _ => end += 1,
        }
    }
    json.len()
}

/// Where the value that begins at `at` ends.
fn value_end(json: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => {
                at = string_end(json, at);
                if depth == 0 {
                    return at;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' | b',' if depth == 0 => return at,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use super::{
        super::{part::Part, scope::tests::with_fields},
        *,
    };

    fn masked(text: &str) -> String {
        let mut out = Vec::new();
        with_fields(&[], Part::Metadata, |scope| json(&mut out, text.as_bytes(), scope));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_whole_value_goes_and_the_rest_stays() {
        for (text, expected) in [
            (r#"{"password":"x","n":1.50}"#, r#"{"password":"[redacted]","n":1.50}"#),
            (r#"{"p\u0061ssword":12345}"#, r#"{"p\u0061ssword":"[redacted]"}"#),
            (r#"{"pin":{"a":[1,"]}"]},"b":"pin"}"#, r#"{"pin":"[redacted]","b":"pin"}"#),
            (
                r#"[{"token":null},{"token":[true]}]"#,
                r#"[{"token":"[redacted]"},{"token":"[redacted]"}]"#,
            ),
            (r#"{"a":{"otp":-1e9}}"#, r#"{"a":{"otp":"[redacted]"}}"#),
            (r#""password:""#, r#""password:""#),
            (r#"{"quo\"te":"a\\","secret":""}"#, r#"{"quo\"te":"a\\","secret":"[redacted]"}"#),
            ("7", "7"),
            // Strings that hold JSON, to any depth, or text with a secret in it.
            (r#"["{\"password\" : {\"a\":\"x\"}}"]"#, r#"["{\"password\":\"[redacted]\"}"]"#),
            (
                r#"{"b":"[\"{\\\"pin\\\":1}\"]"}"#,
                r#"{"b":"[\"{\\\"pin\\\":\\\"[redacted]\\\"}\"]"}"#,
            ),
            (
                r#"{"e":"GET https://u:p@h/?sig=x"}"#,
                r#"{"e":"GET https://[redacted]@h/?sig=[redacted]"}"#,
            ),
            (r#"{"n":"{ \"a\" : 1 }","t":"a b: c\n"}"#, r#"{"n":"{ \"a\" : 1 }","t":"a b: c\n"}"#),
        ] {
            assert_eq!(masked(text), expected);
        }
    }

    #[test]
    fn depth_ignores_brackets_in_strings() {
        assert_eq!(depth(br#""[[[[""#), 0);
        assert_eq!(depth(br#"{"a":[1,[2]],"b":"\"["}"#), 3);
    }

    #[test]
    fn white_space_between_tokens_goes() {
        let mut text = b"{\n \"a \\\" b\" : [ 1 ,\t\"\\\\\" ,\r\n{} ] }".to_vec();
        compact(&mut text);
        assert_eq!(String::from_utf8(text).unwrap(), r#"{"a \" b":[1,"\\",{}]}"#);
    }
}
