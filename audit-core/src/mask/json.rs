//! Values inside JSON that is known to be valid, because it was serialised here.

use super::{REDACTED, list::Scope};
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

/// Appends valid JSON with the whole value under each hidden name replaced. Everything else is
/// copied byte for byte: numbers keep their digits, objects their order.
pub(super) fn json(out: &mut Vec<u8>, json: &[u8], scope: &mut Scope<'_>) {
    let (mut at, mut copied) = (0, 0);
    while at < json.len() {
        if json[at] != b'"' {
            at += 1;
            continue;
        }
        let end = string_end(json, at);
        // In valid JSON a string is a name exactly if a colon follows.
        if json.get(end) == Some(&b':') && hides(&json[at..end], scope) {
            out.extend_from_slice(&json[copied..=end]);
            token::string(out, REDACTED);
            at = value_end(json, end + 1);
            copied = at;
        } else {
            at = end;
        }
    }
    out.extend_from_slice(&json[copied..]);
}

fn hides(quoted: &[u8], scope: &mut Scope<'_>) -> bool {
    // Decodes the escapes. What cannot be decoded hides its value.
    serde_json::from_slice::<String>(quoted).map_or(true, |name| scope.hides(&name))
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
        super::{Names, list::MaskedList, names::Part},
        *,
    };

    fn masked(text: &str) -> String {
        let names = Names::new(true, []);
        let mut list = MaskedList::default();
        let mut out = Vec::new();
        let mut scope = Scope { names: &names, part: Part::Metadata, list: &mut list };
        json(&mut out, text.as_bytes(), &mut scope);
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
        ] {
            assert_eq!(masked(text), expected);
        }
    }

    #[test]
    fn depth_ignores_brackets_in_strings() {
        assert_eq!(depth(br#""[[[[""#), 0);
        assert_eq!(depth(br#"{"a":[1,[2]],"b":"\"["}"#), 3);
    }
}
