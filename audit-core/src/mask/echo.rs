//! What was masked in one place and stands in others.

use memchr::memmem;

use super::REDACTED;
use crate::record::json as token;

/// A group of a record with these texts redacted, wherever its strings hold them as they are.
/// `None`: they hold none.
pub(super) fn without(group: &[u8], texts: &[String]) -> Option<Vec<u8>> {
    let mut out: Option<Vec<u8>> = None;
    for text in texts.iter().filter(|text| is_only_in_strings(text)) {
        let mut quoted = Vec::new();
        token::string(&mut quoted, text);
        let needle = &quoted[1..quoted.len() - 1];
        let hay = out.as_deref().unwrap_or(group);
        let mut found = memmem::find_iter(hay, needle).peekable();
        if found.peek().is_none() {
            continue;
        }
        let (mut replaced, mut from) = (Vec::with_capacity(hay.len()), 0);
        for at in found {
            replaced.extend_from_slice(&hay[from..at]);
            replaced.extend_from_slice(REDACTED.as_bytes());
            from = at + needle.len();
        }
        replaced.extend_from_slice(&hay[from..]);
        out = Some(replaced);
    }
    out
}

/// Whether JSON can hold a text nowhere but inside of one string: between strings there are
/// numbers, signs and three words. What stands for a masked value is not looked for.
fn is_only_in_strings(text: &str) -> bool {
    let between = |b: u8| b.is_ascii_digit() || b"+-.Ee{}[],: truefalsn".contains(&b);
    !text.bytes().all(between) && !REDACTED.contains(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_strings_lose_what_was_masked() {
        let texts = ["S3\"cr3t\n9".to_owned(), "1,2,3,4,5".to_owned(), "hunter2hunter2".to_owned()];
        let group = br#"{"a":"x S3\"cr3t\n9 y","b":[1,2,3,4,5],"c":"hunter2hunter2hunter2"}"#;
        let kept = without(group, &texts).unwrap();
        let expected = r#"{"a":"x [redacted] y","b":[1,2,3,4,5],"c":"[redacted]hunter2"}"#;
        assert_eq!(String::from_utf8(kept).unwrap(), expected);
        assert_eq!(without(b"{\"a\":1}", &texts), None);
    }
}
