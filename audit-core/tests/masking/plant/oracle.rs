//! Whether a secret can be seen.

/// How many characters of a secret in a row are a leak.
const PIECE: usize = 6;

/// How a text shows one of these secrets, or a piece of one, without the spellings that take long
/// to look for.
pub(crate) fn glimpse(text: &str, secrets: &[String]) -> Option<String> {
    let mut text = text.to_owned();
    for times in 0..4 {
        for secret in secrets {
            if let Some(piece) = pieces(secret).find(|piece| text.contains(piece)) {
                return Some(format!("the piece `{piece}` of `{secret}`, {times} times decoded"));
            }
        }
        let plain = plain(&text);
        if plain == text {
            break;
        }
        text = plain;
    }
    None
}

fn pieces(secret: &str) -> impl Iterator<Item = &str> {
    let starts = secret.char_indices().map(|(at, _)| at);
    let ends = secret.char_indices().map(|(at, c)| at + c.len_utf8()).skip(PIECE - 1);
    starts.zip(ends).map(|(from, to)| &secret[from..to])
}

/// Every escape that any of the formats knows decoded, wherever it stands.
fn plain(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '%', '&']) {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        rest = &rest[at..];
        let hex = |from: usize, to: usize| {
            let digits = rest.get(from..to)?;
            let code = u32::from_str_radix(digits, 16).ok()?;
            Some((code, &rest[to..]))
        };
        let decoded = match rest.as_bytes() {
            [b'\\', b'u', ..] => hex(2, 6),
            [b'\\', ..] => {
                rest = &rest[1..];
                continue;
            }
            [b'%', ..] => hex(1, 3).map(|(byte, after)| {
                out.push(byte as u8);
                (u32::MAX, after)
            }),
            _ => reference(rest),
        };
        match decoded {
            Some((code, after)) => {
                if let Some(c) = char::from_u32(code) {
                    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                rest = after;
            }
            None => {
                out.push(rest.as_bytes()[0]);
                rest = &rest[1..];
            }
        }
    }
    out.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&out).into_owned()
}

/// The character of a reference such as `&lt;` or `&#x3c;`.
fn reference(text: &str) -> Option<(u32, &str)> {
    let (name, after) = text.get(1..)?.split_once(';')?;
    let code = match name {
        "lt" => u32::from('<'),
        "gt" => u32::from('>'),
        "amp" => u32::from('&'),
        "quot" => u32::from('"'),
        "apos" => u32::from('\''),
        _ => {
            let digits = name.strip_prefix('#')?;
            match digits.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => digits.parse().ok()?,
            }
        }
    };
    Some((code, after))
}
