//! Building a record line.

use std::io::Write as _;

use super::{check, leaf::leaf};
use crate::tree::Hash;

/// Appends one line with its line feed: `seq`, the core, each group after `,` TAB, and a salt
/// where there are groups. Gives its leaf. On refusal nothing is appended, and the reason is
/// given.
///
/// JSON forbids a raw TAB in a string and allows it between tokens, so that splitting a line at
/// TAB gives the core and the groups to the byte, without a JSON parser.
pub(crate) fn encode<'a>(
    out: &mut Vec<u8>,
    seq: u64,
    core: &[u8],
    groups: impl Iterator<Item = (&'a str, &'a [u8])>,
    salt: impl FnOnce() -> [u8; 16],
) -> Result<Hash, &'static str> {
    let start = out.len();
    // Writing to a Vec does not fail.
    let _ = write!(out, "{{\"seq\":{seq},");
    out.extend_from_slice(core);
    let mut any = false;
    for (name, value) in groups {
        any = true;
        out.extend_from_slice(b",\t\"");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        out.extend_from_slice(value);
    }
    if any {
        out.extend_from_slice(b",\t\"salt\":\"");
        for byte in salt() {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        }
        out.push(b'"');
    }
    out.push(b'}');
    // What recovery would not take as a line must never be written: at the next start it, and
    // all that follows it, would be taken for a torn tail.
    match check::record(&out[start..]).and_then(|_| leaf(&out[start..])) {
        Ok(leaf) => {
            out.push(b'\n');
            Ok(leaf)
        }
        Err(why) => {
            out.truncate(start);
            Err(why)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::line::MAX_LINE;

    #[test]
    fn as_in_the_format() {
        let mut out = Vec::new();
        let groups = [("actor", &br#"{"user":"admin"}"#[..])];
        let salt = || [0, 17, 34, 51, 68, 85, 102, 119, 136, 153, 170, 187, 204, 221, 238, 255];
        encode(&mut out, 0, br#""kind":"event","module":"m""#, groups.into_iter(), salt).unwrap();
        let line = "{\"seq\":0,\"kind\":\"event\",\"module\":\"m\",\t\"actor\":{\"user\":\"admin\"},\
            \t\"salt\":\"00112233445566778899aabbccddeeff\"}\n";
        assert_eq!(String::from_utf8(out).unwrap(), line);
    }

    #[test]
    fn a_record_without_groups_has_no_salt() {
        let mut out = Vec::new();
        encode(&mut out, 3, br#""kind":"control""#, [].into_iter(), || panic!("no salt")).unwrap();
        assert_eq!(out, b"{\"seq\":3,\"kind\":\"control\"}\n");
    }

    #[test]
    fn what_is_refused_leaves_nothing_behind() {
        let long = format!("{{\"x\":\"{}\"}}", "a".repeat(MAX_LINE));
        let pretty = "{\n\t\"a\": 1\n}";
        for value in [&long[..], pretty, "{\"a\":1", "[]"] {
            let mut out = b"before\n".to_vec();
            let groups = [("event", value.as_bytes())];
            encode(&mut out, 0, br#""kind":"event""#, groups.into_iter(), || [0; 16]).unwrap_err();
            assert_eq!(out, b"before\n");
        }
    }

    #[test]
    fn a_line_of_exactly_one_mib_is_taken() {
        let rest = "{\"seq\":0,\"kind\":\"event\",\"a\":\"\"}\n".len();
        for (len, good) in [(MAX_LINE - rest, true), (MAX_LINE - rest + 1, false)] {
            let core = format!("\"kind\":\"event\",\"a\":\"{}\"", "x".repeat(len));
            let mut out = Vec::new();
            let done = encode(&mut out, 0, core.as_bytes(), [].into_iter(), || [0; 16]);
            assert_eq!(done.is_ok(), good);
            assert_eq!(out.len(), if good { MAX_LINE } else { 0 });
        }
    }

    proptest! {
        #[test]
        fn split_at_tab_gives_exactly_core_and_groups(
            seq in 0..=super::super::MAX_SEQ, text in any::<String>(), which in 0_u8..128, salt: [u8; 16],
        ) {
            let value = serde_json::to_string(&text).unwrap();
            let core = format!("\"kind\":\"event\",\"module\":{value}");
            let names = ["actor", "request", "response", "event", "change", "metadata", "error"];
            let group = format!("{{\"x\":{value},\"y\":[{value}]}}");
            let groups: Vec<(&str, &[u8])> = names.into_iter().enumerate()
                .filter(|(i, _)| which & (1 << i) != 0)
                .map(|(_, name)| (name, group.as_bytes()))
                .collect();
            let mut out = Vec::new();
            encode(&mut out, seq, core.as_bytes(), groups.iter().copied(), || salt).unwrap();

            let line = out.strip_suffix(b"\n").unwrap();
            prop_assert!(!line.contains(&b'\n'));
            prop_assert_eq!(check::record(line).unwrap().seq, seq);
            prop_assert!(serde_json::from_slice::<serde_json::Value>(line).is_ok());
            let inner = line.strip_prefix(b"{").unwrap().strip_suffix(b"}").unwrap();
            let mut pieces = inner.split(|b| *b == b'\t').map(|p| p.strip_suffix(b",").unwrap_or(p));
            let first = format!("\"seq\":{seq},{core}");
            prop_assert_eq!(pieces.next().unwrap(), first.as_bytes());
            for (name, value) in &groups {
                let expected = [b"\"", name.as_bytes(), b"\":", value].concat();
                prop_assert_eq!(pieces.next().unwrap(), &expected[..]);
            }
            if !groups.is_empty() {
                let salt = pieces.next().unwrap();
                prop_assert!(salt.starts_with(b"\"salt\":\"") && salt.len() == 41);
            }
            prop_assert!(pieces.next().is_none());
        }
    }
}
