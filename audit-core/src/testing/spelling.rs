//! The spellings of a secret.

use percent_encoding::percent_decode_str;

/// Reads a text in another way. `None`: it says nothing else that way.
type Reading = fn(&str) -> Option<String>;

const READINGS: [(&str, Reading); 6] = [
    ("with JSON escapes", json_escapes),
    ("percent-encoded", percent_encoded),
    ("with character references", character_references),
    ("in Base64", base64),
    ("in hex", hex),
    ("with separators", without_separators),
];

/// How many readings are tried one in the other.
const DEEPEST: usize = 3;

/// How `text` spells `secret`, if it does.
pub(super) fn find(text: &str, secret: &str) -> Option<String> {
    if secret.is_empty() {
        return None;
    }
    let lower = secret.to_lowercase();
    let holds = |text: &str| text.contains(secret) || text.to_lowercase().contains(&lower);
    if holds(text) {
        return Some("as it is".to_owned());
    }
    let mut texts = vec![(text.to_owned(), Vec::new())];
    for _ in 0..DEEPEST {
        let mut deeper = Vec::new();
        for (text, how) in &texts {
            for (name, reading) in READINGS {
                let Some(read) = reading(text) else { continue };
                let mut how: Vec<&str> = how.clone();
                how.push(name);
                if holds(&read) {
                    return Some(how.join(", "));
                }
                deeper.push((read, how));
            }
        }
        deeper.sort();
        deeper.dedup_by(|a, b| a.0 == b.0);
        texts = deeper;
    }
    None
}

fn changed(from: &str, to: String) -> Option<String> {
    (to != from).then_some(to)
}

/// Every escape of a JSON string, wherever it stands.
fn json_escapes(text: &str) -> Option<String> {
    let mut units = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let mut after = chars.clone();
        let plain = match (c, after.next()) {
            ('\\', Some('u')) => {
                let digits: String = after.by_ref().take(4).collect();
                match u16::from_str_radix(&digits, 16) {
                    Ok(unit) => {
                        units.push(unit);
                        chars = after;
                        continue;
                    }
                    Err(_) => c,
                }
            }
            ('\\', Some(escaped)) => {
                chars = after;
                match escaped {
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    other => other,
                }
            }
            _ => c,
        };
        units.extend_from_slice(plain.encode_utf16(&mut [0; 2]));
    }
    changed(text, String::from_utf16_lossy(&units))
}

fn percent_encoded(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    changed(text, percent_decode_str(&spaced).decode_utf8_lossy().into_owned())
}

fn character_references(text: &str) -> Option<String> {
    let mut pieces = text.split('&');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let reference = piece.split_once(';').and_then(|(name, rest)| {
            let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok();
            let c = match name {
                "lt" => '<',
                "gt" => '>',
                "amp" => '&',
                "quot" => '"',
                "apos" => '\'',
                _ => {
                    let digits = name.strip_prefix('#')?;
                    let code = match digits.strip_prefix(['x', 'X']) {
                        Some(hex) => number(hex, 16),
                        None => number(digits, 10),
                    };
                    char::from_u32(code?)?
                }
            };
            Some((c, rest))
        });
        match reference {
            Some((c, rest)) => {
                out.push(c);
                out.push_str(rest);
            }
            None => {
                out.push('&');
                out.push_str(piece);
            }
        }
    }
    changed(text, out)
}

/// Shortest run of digits that is decoded.
const RUN: usize = 8;

/// What each run of Base64 digits stands for, begun at each of its first four: others may stand
/// before it.
fn base64(text: &str) -> Option<String> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    };
    let mut out = String::new();
    for run in text.as_bytes().split(|byte| value(*byte).is_none()).filter(|r| r.len() >= RUN) {
        for from in 0..4 {
            let values: Vec<u8> = run[from..].iter().filter_map(|byte| value(*byte)).collect();
            let mut bytes = Vec::new();
            for four in values.chunks(4) {
                let bits = four.iter().fold(0_u32, |bits, v| bits << 6 | u32::from(*v));
                let bits = bits << (6 * (4 - four.len()) + 8);
                bytes.extend_from_slice(&bits.to_be_bytes()[..four.len() * 6 / 8]);
            }
            out.push_str(&String::from_utf8_lossy(&bytes));
            out.push('\n');
        }
    }
    (!out.is_empty()).then_some(out)
}

fn hex(text: &str) -> Option<String> {
    let mut out = String::new();
    let is_digit = |byte: &u8| byte.is_ascii_hexdigit();
    for run in text.as_bytes().split(|byte| !is_digit(byte)).filter(|run| run.len() >= RUN) {
        for from in 0..2 {
            let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0) as u8;
            let bytes: Vec<u8> = run[from..]
                .as_chunks::<2>()
                .0
                .iter()
                .map(|[high, low]| digit(*high) << 4 | digit(*low))
                .collect();
            out.push_str(&String::from_utf8_lossy(&bytes));
            out.push('\n');
        }
    }
    (!out.is_empty()).then_some(out)
}

fn without_separators(text: &str) -> Option<String> {
    changed(text, text.replace([' ', '-', '\0'], ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_found() {
        for (text, how) in [
            (r#"{"a":"x S3cr3t+1/ü x"}"#, "as it is"),
            (r#"{"a":"x s3CR3T+1/Ü x"}"#, "as it is"),
            (r#"{"a":"\u0053\u00333cr3t+1\/\u00fc"}"#, ""),
            (r#"{"a":"\u0053\u0033cr3t+1\/\u00fc"}"#, "with JSON escapes"),
            (r#"{"a":"{\"b\":\"\\u00533cr3t+1/ü\"}"}"#, "with JSON escapes, with JSON escapes"),
            ("?a=S3cr3t%2B1%2f%C3%BC", "percent-encoded"),
            ("<a>S3cr3t&#43;1&#x2F;&#252;</a>", "with character references"),
            ("Basic dXNlcjpTM2NyM3QrMS/DvA==", "in Base64"),
            ("xdXNlcjpTM2NyM3QrMS_DvA", "in Base64"),
            ("5333637233742b312fc3bc", "in hex"),
            ("S3-cr 3t+1/ü", "with separators"),
            ("S\u{0}3\u{0}c\u{0}r\u{0}3\u{0}t\u{0}+\u{0}1\u{0}/\u{0}ü", "with separators"),
            (r"\u0064XNlcjpTM2NyM3QrMS\/DvA==", "with JSON escapes, in Base64"),
            ("S3cr3t", ""),
            ("%", ""),
            ("&#;\\", ""),
        ] {
            assert_eq!(find(text, "S3cr3t+1/ü").as_deref().unwrap_or(""), how, "{text}");
        }
        assert_eq!(find("abc", ""), None);
    }
}
