//! Strict requests in the lines of a trail: announced, answered, recorded.

use audit_core::{Level, Outcome};
use uuid::Uuid;

use super::{
    check::Pieces,
    json::{Cursor, Why},
};

/// What a record says of a request that was, or may have been, announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// It is about to run, and a record with this id is to come.
    Intent(Uuid),
    /// Its response is about to be sent, with this status.
    Head(Uuid, u16),
    /// The record itself.
    Ended(Uuid),
}

const INTENT: &[u8] = br#""kind":"control","control":{"op":"intent","record":""#;
const HEAD: &[u8] = br#""kind":"control","control":{"op":"head","record":""#;
const ENDED: &[u8] = br#""kind":"request","id":""#;

/// What a record says by the first members of its core, which the masker writes in one way.
pub(crate) fn told(core: &[u8]) -> Option<Told> {
    let id = |begin: &[u8]| {
        let (id, rest) = core.strip_prefix(begin)?.split_first_chunk::<36>()?;
        Some((Uuid::try_parse_ascii(id).ok()?, rest.strip_prefix(b"\"")?))
    };
    if let Some((id, _)) = id(ENDED) {
        return Some(Told::Ended(id));
    }
    if let Some((id, _)) = id(INTENT) {
        return Some(Told::Intent(id));
    }
    let (id, rest) = id(HEAD)?;
    let (status, rest) = rest.strip_prefix(b",\"status\":")?.split_first_chunk::<3>()?;
    let status = std::str::from_utf8(status).ok()?.parse().ok()?;
    rest.starts_with(b"}").then_some(Told::Head(id, status))
}

/// The core of a line that is a record: what comes after its seq.
pub(crate) fn core_of(line: &[u8]) -> &[u8] {
    let after = line.iter().position(|b| *b == b',').map_or(line.len(), |at| at + 1);
    &line[after..]
}

/// A record's core, and its groups by name.
pub(crate) type Parts = (Vec<u8>, Vec<(&'static str, Vec<u8>)>);

/// The record of a request whose process died, of its intent, which is a line that was checked,
/// and of the status that was announced. What the intent holds was masked before it was written.
pub(crate) fn interrupted(intent: &[u8], id: Uuid, status: Option<u16>) -> Result<Parts, Why> {
    let inner = intent.strip_prefix(b"{").and_then(|line| line.strip_suffix(b"}"));
    let mut pieces = Pieces(inner);
    let mut at = Cursor::new(pieces.next()?.ok_or("not a record")?);
    let (mut time, mut rest) = (&b"null"[..], Vec::new());
    loop {
        let name = at.name().ok_or("a core member's name is not plain")?;
        let value = at.value(64)?;
        match name {
            b"seq" | b"kind" | b"control" | b"id" | b"level" => {}
            b"time" => time = value,
            _ => {
                rest.extend_from_slice(b",\"");
                rest.extend_from_slice(name);
                rest.extend_from_slice(b"\":");
                rest.extend_from_slice(value);
            }
        }
        if at.word(b",").is_none() {
            break;
        }
    }
    let mut core = format!("\"kind\":\"request\",\"id\":\"{id}\",\"time\":").into_bytes();
    core.extend_from_slice(time);
    let (level, outcome) = (Level::Error, Outcome::Interrupted);
    let so = format!(",\"level\":\"{level}\",\"outcome\":\"{outcome}\",\"success\":false");
    core.extend_from_slice(so.as_bytes());
    core.append(&mut rest);
    let mut groups = Vec::new();
    while let Some(piece) = pieces.next()? {
        for name in ["actor", "request"] {
            // One that was redacted is gone.
            let group = piece.strip_prefix(format!("\"{name}\":").as_bytes());
            if let Some(group) = group.filter(|group| group.starts_with(b"{")) {
                groups.push((name, group.to_vec()));
            }
        }
    }
    if let Some(status) = status {
        groups.push(("response", format!("{{\"status\":{status}}}").into_bytes()));
    }
    Ok((core, groups))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0193a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";

    #[test]
    fn what_is_told_of_a_request() {
        let id: Uuid = ID.parse().unwrap();
        let told = |core: &str| told(core.replace("ID", ID).as_bytes());
        let intent = r#""kind":"control","control":{"op":"intent","record":"ID"},"id":"x""#;
        assert_eq!(told(intent), Some(Told::Intent(id)));
        let head =
            r#""kind":"control","control":{"op":"head","record":"ID","status":201},"id":"x""#;
        assert_eq!(told(head), Some(Told::Head(id, 201)));
        assert_eq!(told(r#""kind":"request","id":"ID","time":"t""#), Some(Told::Ended(id)));
        for other in [
            "",
            r#""kind":"request","id":"""#,
            r#""kind":"request","id":"x193a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b""#,
            r#""kind":"control","control":{"op":"close"},"id":"ID""#,
            r#""kind":"control","control":{"op":"head","record":"ID","status":20}"#,
            r#""kind":"event","id":"ID""#,
        ] {
            assert_eq!(told(other), None, "{other}");
        }
    }

    #[test]
    fn the_record_of_an_intent() {
        let line = r#"{"seq":7,"kind":"control","control":{"op":"intent","record":"ID"},"id":"x","time":"T","level":"info","trace":{"a":[1,2]},"masked":[],TAB"actor":{"user":"ann"},TAB"request":{"path":"/"},TAB"salt":"00"}"#;
        let line = line.replace("TAB", "\t");
        let id = ID.parse().unwrap();
        let (core, groups) = interrupted(line.as_bytes(), id, Some(201)).unwrap();
        let expected = r#""kind":"request","id":"ID","time":"T","level":"error","outcome":"interrupted","success":false,"trace":{"a":[1,2]},"masked":[]"#;
        assert_eq!(String::from_utf8(core).unwrap(), expected.replace("ID", ID));
        let text = |at: usize| (groups[at].0, str::from_utf8(&groups[at].1).unwrap());
        assert_eq!(text(0), ("actor", r#"{"user":"ann"}"#));
        assert_eq!(text(1), ("request", r#"{"path":"/"}"#));
        assert_eq!(text(2), ("response", r#"{"status":201}"#));
        let redacted = line.replace(r#"{"user":"ann"}"#, &format!("\"#{}\"", "0".repeat(64)));
        assert_eq!(interrupted(redacted.as_bytes(), id, None).unwrap().1.len(), 1);
    }
}
