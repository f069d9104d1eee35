//! Is this a record line?

use audit_core::Group;

use super::{
    MAX_LINE, find,
    json::{Cursor, Why},
};

/// The groups in stored order.
pub(crate) const GROUPS: [&[u8]; 7] =
    [b"actor", b"request", b"response", b"event", b"change", b"metadata", b"error"];

/// Which groups these are: a bit each, in stored order.
pub(crate) fn bits(groups: &[Group]) -> u8 {
    let bit = |group: &Group| GROUPS.iter().position(|name| *name == group.as_str().as_bytes());
    groups.iter().filter_map(bit).fold(0, |all, at| all | 1 << at)
}

/// Levels in a core value, and in a member of a group: as many as a captured body may have.
const DEPTH: u8 = 64;

/// What is needed of a line without parsing it again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    /// The place in the writer directory.
    pub(crate) seq: u64,
    /// The record's kind.
    pub(crate) kind: &'a str,
    /// The text of core member `time`, without quotes.
    pub(crate) time: Option<&'a str>,
    /// The JSON text of core member `control`.
    pub(crate) control: Option<&'a str>,
    /// Which groups are redacted: a bit each, in stored order.
    pub(crate) redacted: u8,
}

impl Parts<'_> {
    /// Is it the control record `op`?
    pub(crate) fn is_control(&self, op: &str) -> bool {
        let rest = self.control.and_then(|c| c.strip_prefix("{\"op\":\""));
        self.kind == "control"
            && rest.and_then(|r| r.strip_prefix(op)).is_some_and(|r| r.starts_with('"'))
    }
}

/// What comes after the number of a control record of the trail, up to its op.
const CONTROL: &[u8] = b",\"kind\":\"control\",\"control\":{\"op\":\"";

/// What a control record says from its op on. Known by exactly these bytes, so that no other spelling can
/// hide one.
pub(crate) fn control_op(line: &[u8]) -> Option<&[u8]> {
    let comma = find(line, b',').unwrap_or(line.len());
    line[comma..].strip_prefix(CONTROL)
}

/// Is it a record that a start writes before it signs anything?
pub(crate) fn is_of_a_start(line: &[u8]) -> bool {
    let op = control_op(line);
    op.is_some_and(|op| op.starts_with(b"open\"") || op.starts_with(b"repair\""))
}

/// Judges a line without its line feed against the grammar in `docs/trail-format.md`.
pub(crate) fn record(line: &[u8]) -> Result<Parts<'_>, Why> {
    if line.len() >= MAX_LINE {
        return Err("a line longer than 1 MiB");
    }
    control_bytes(line)?;
    if std::str::from_utf8(line).is_err() {
        return Err("not UTF-8");
    }
    let inner = line.strip_prefix(b"{").and_then(|l| l.strip_suffix(b"}"));
    let mut pieces = Pieces(inner);
    let mut parts = core(pieces.next()?.ok_or("not a record")?)?;
    let lone = parts.is_control("redact") || parts.is_control("prune");
    if lone && pieces.0.is_some() {
        // What authorises must not be redacted itself.
        return Err("a record of this kind has no groups");
    }
    parts.redacted = groups(&mut pieces)?;
    Ok(parts)
}

/// No byte below 0x20 but TAB, which [`Pieces`] judges.
fn control_bytes(line: &[u8]) -> Result<(), Why> {
    // Without an early exit this loop is vectorised.
    let bad = line.iter().fold(false, |bad, b| bad | (*b < b' ' && *b != b'\t'));
    if bad { Err("a control byte") } else { Ok(()) }
}

/// Splits at `,` TAB.
pub(super) struct Pieces<'a>(pub(super) Option<&'a [u8]>);

impl<'a> Pieces<'a> {
    pub(super) fn next(&mut self) -> Result<Option<&'a [u8]>, Why> {
        let Some(rest) = self.0 else { return Ok(None) };
        let Some(tab) = find(rest, b'\t') else {
            self.0 = None;
            return Ok(Some(rest));
        };
        self.0 = Some(&rest[tab + 1..]);
        rest[..tab].strip_suffix(b",").map(Some).ok_or("a control byte")
    }
}

fn core(text: &[u8]) -> Result<Parts<'_>, Why> {
    const BEGIN: Why = "does not begin with seq and kind";
    let mut at = Cursor::new(text);
    at.word(b"\"seq\":").ok_or(BEGIN)?;
    let seq = at.uint().ok_or("seq is not a number in range")?;
    at.word(b",\"kind\":\"").ok_or(BEGIN)?;
    let kind = at.run(|b| b.is_ascii_lowercase() || b == b'_');
    at.word(b"\"").ok_or(BEGIN)?;
    if kind.is_empty() {
        return Err(BEGIN);
    }
    let (mut time, mut control) = (None, None);
    let mut names: Vec<&[u8]> = Vec::with_capacity(24);
    names.extend([&b"seq"[..], b"kind"]);
    while !at.at_end() {
        at.word(b",").ok_or("core members are not separated by commas")?;
        let name = at.name().ok_or("a core member's name is not plain")?;
        if GROUPS.contains(&name) || name == b"salt" || name == b"salts" {
            return Err("a group without its TAB");
        }
        names.push(name);
        let value = at.value(DEPTH)?;
        match name {
            b"time" => time = value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")),
            b"control" => control = Some(value),
            _ => {}
        }
    }
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err("a core member occurs twice");
    }
    // The whole line was found to be UTF-8, and these end at quotes and braces.
    let text = |bytes| std::str::from_utf8(bytes).unwrap_or_default();
    let (time, control) = (time.map(text), control.map(text));
    Ok(Parts { seq, kind: text(kind), time, control, redacted: 0 })
}

/// Gives which are redacted.
fn groups(pieces: &mut Pieces<'_>) -> Result<u8, Why> {
    let (mut open, mut redacted) = ([false; GROUPS.len()], 0_u8);
    let mut least = 0;
    while let Some(piece) = pieces.next()? {
        let mut at = Cursor::new(piece);
        let name = at.name().ok_or("a group's name is not plain")?;
        if name == b"salt" || name == b"salts" {
            if pieces.0.is_some() {
                return Err("something after the salt");
            }
            salts(&mut at, name == b"salt", &open, redacted)?;
            return Ok(redacted);
        }
        let index = GROUPS.iter().position(|g| *g == name).ok_or("not a group's name")?;
        if index < least {
            return Err("groups out of order");
        }
        least = index + 1;
        match at.peek() {
            Some(b'{') => {
                at.value(DEPTH + 1)?;
                open[index] = true;
            }
            Some(b'"') => {
                commitment(&mut at).ok_or("neither a group nor its commitment")?;
                redacted |= 1 << index;
            }
            _ => return Err("a group that is no object"),
        }
        if !at.at_end() {
            return Err("something after a group");
        }
    }
    if open.contains(&true) { Err("groups without a salt") } else { Ok(redacted) }
}

fn commitment(at: &mut Cursor<'_>) -> Option<()> {
    at.word(b"\"#")?;
    let digits = at.run(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    (digits.len() == 64).then_some(())?;
    at.word(b"\"")
}

/// `salt` when every group is open, else `salts` of the open ones.
fn salts(at: &mut Cursor<'_>, one: bool, open: &[bool], redacted: u8) -> Result<(), Why> {
    const WRONG: Why = "the salt does not fit the groups";
    let any = open.contains(&true);
    if !any || one != (redacted == 0) {
        return Err(WRONG);
    }
    if one {
        at.hex(32).ok_or(WRONG)?;
    } else {
        at.word(b"{").ok_or(WRONG)?;
        let mut first = true;
        for (group, _) in GROUPS.iter().zip(open).filter(|(_, open)| **open) {
            if !first {
                at.word(b",").ok_or(WRONG)?;
            }
            first = false;
            (at.name() == Some(*group)).then_some(()).ok_or(WRONG)?;
            at.hex(32).ok_or(WRONG)?;
        }
        at.word(b"}").ok_or(WRONG)?;
    }
    if at.at_end() { Ok(()) } else { Err(WRONG) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: &str = "\"salt\":\"00112233445566778899aabbccddeeff\"";

    #[test]
    fn the_vector_of_the_format() {
        let line = "{\"seq\":0,\"kind\":\"event\",\"module\":\"m\",\t\"actor\":{\"user\":\"admin\"},\
            \t\"salt\":\"00112233445566778899aabbccddeeff\"}";
        let parts = record(line.as_bytes()).unwrap();
        assert_eq!((parts.seq, parts.kind, parts.time), (0, "event", None));
    }

    #[test]
    fn control_lines_are_known_by_their_op() {
        let line = br#"{"seq":7,"kind":"control","control":{"op":"close"},"id":"x","time":"t"}"#;
        let parts = record(line).unwrap();
        assert!(parts.is_control("close") && !parts.is_control("clos"));
        assert_eq!(parts.time, Some("t"));
        let other = br#"{"seq":7,"kind":"event","control":{"op":"close"}}"#;
        assert!(!record(other).unwrap().is_control("close"));
    }

    #[test]
    fn redacted_groups_and_their_salts() {
        let hash = format!("\"#{}\"", "a".repeat(64));
        let hex = "0".repeat(32);
        for (tail, good) in [
            (format!(",\t\"actor\":{hash}"), true),
            (format!(",\t\"actor\":{hash},\t{SALT}"), false),
            (format!(",\t\"actor\":{hash},\t\"event\":{{}},\t{SALT}"), false),
            (
                format!(",\t\"actor\":{hash},\t\"event\":{{}},\t\"salts\":{{\"event\":\"{hex}\"}}"),
                true,
            ),
            (
                format!(",\t\"actor\":{hash},\t\"event\":{{}},\t\"salts\":{{\"actor\":\"{hex}\"}}"),
                false,
            ),
            (format!(",\t\"event\":{{}},\t\"salts\":{{\"event\":\"{hex}\"}}"), false),
        ] {
            let line = format!("{{\"seq\":0,\"kind\":\"event\"{tail}}}");
            assert_eq!(record(line.as_bytes()).is_ok(), good, "{line}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let actor = "\"actor\":{}";
        let deep = "[".repeat(65) + &"]".repeat(65);
        for text in [
            String::new(),
            "{}".into(),
            "null".into(),
            "{\"kind\":\"event\",\"seq\":0}".into(),
            "{\"seq\":00,\"kind\":\"event\"}".into(),
            "{\"seq\":-1,\"kind\":\"event\"}".into(),
            "{\"seq\":9999999999999999999,\"kind\":\"event\"}".into(),
            "{\"seq\":0,\"kind\":\"\"}".into(),
            "{\"seq\":0,\"kind\":\"\\u0065vent\"}".into(),
            "{ \"seq\":0,\"kind\":\"event\"}".into(),
            "{\"seq\":0,\"kind\":\"event\"} ".into(),
            "{\"seq\":0,\"kind\":\"event\"}\r".into(),
            "{\"seq\":0,\"kind\":\"event\",\"a\": 1}".into(),
            "{\"seq\":0,\"kind\":\"event\",\"a\":1,\"a\":1}".into(),
            "{\"seq\":0,\"kind\":\"event\",\"kind\":\"control\"}".into(),
            "{\"seq\":0,\"kind\":\"event\",\"\\u0061\":1}".into(),
            "{\"seq\":0,\"kind\":\"event\",\"a\":NaN}".into(),
            format!("{{\"seq\":0,\"kind\":\"event\",\"a\":{deep}}}"),
            format!("{{\"seq\":0,\"kind\":\"event\",{actor}}}"),
            format!("{{\"seq\":0,\"kind\":\"event\",\t{actor}}}"),
            format!("{{\"seq\":0,\"kind\":\"event\",\t{SALT}}}"),
            format!("{{\"seq\":0,\"kind\":\"event\",\t{actor},\t{actor},\t{SALT}}}"),
            format!("{{\"seq\":0,\"kind\":\"event\",\t\"error\":{{}},\t{actor},\t{SALT}}}"),
            format!("{{\"seq\":0,\"kind\":\"event\",\t{actor},\t{SALT},\t\"error\":{{}}}}"),
            format!("{{\"seq\":0,\"kind\":\"event\",\t{actor}, \t{SALT}}}"),
            format!("{{\"seq\":0,\"kind\":\"event\",\t\"actor\":{{\t}},\t{SALT}}}"),
            format!("{{\"seq\":0,\"kind\":\"event\",\t\"actor\":{{}}}},\t{SALT}}}"),
            format!("{{\"seq\":0,\"kind\":\"event\",\t\"actor\":[],\t{SALT}}}"),
            format!("{{\"seq\":0,\"kind\":\"event\",\t\"other\":{{}},\t{SALT}}}"),
            format!("{{\"seq\":0,\"kind\":\"event\",\t{actor},\t\"salt\":\"00\"}}"),
            "\t".into(),
            "{\t}".into(),
            "{,\t}".into(),
        ] {
            assert!(record(text.as_bytes()).is_err(), "{text:?}");
        }
        assert!(record(b"{\"seq\":0,\"kind\":\"event\",\"a\":\"\xff\"}").is_err());
        assert!(record(&vec![b'x'; MAX_LINE]).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = record(&bytes);
        }

        #[test]
        fn no_change_of_a_byte_makes_it_panic(at in 0_usize..120, byte: u8) {
            let mut line = "{\"seq\":0,\"kind\":\"event\",\"module\":\"m\",\t\"actor\":{\"user\":\"a\"},\
                \t\"salt\":\"00112233445566778899aabbccddeeff\"}".as_bytes().to_vec();
            let at = at % line.len();
            line[at] = byte;
            let _ = record(&line);
        }
    }
}
