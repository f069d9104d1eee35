//! Values that were serialised here, and so are known to be valid JSON.

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

#[cfg(test)]
mod tests {
    use super::*;

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
