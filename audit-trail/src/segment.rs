//! A segment: its first line.

use crate::{
    line::MAX_SEQ,
    tree::{Tree, hex, unhex},
};

/// The version of the format, as headers and `open` records name it.
pub(crate) const FORMAT: &str = "audit-trail-1";

/// The first line of a segment, with its line feed: it states the tree of the records before it.
pub(crate) fn header(origin: &str, before: &Tree) -> String {
    let from = before.size();
    let hashes: Vec<String> =
        before.roots().iter().map(|root| format!("\"{}\"", hex(root))).collect();
    let hashes = hashes.join(",");
    format!(
        "{{\"trail\":\"{FORMAT}\",\"origin\":\"{origin}\",\"from\":{from},\"hashes\":[{hashes}]}}\n"
    )
}

/// What a first line says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Header {
    /// A segment of this version.
    Known {
        /// Which directory of which trail it belongs to.
        origin: String,
        /// The tree of the records before it; its size is the seq of its first record.
        before: Tree,
    },
    /// A segment of another version, whose name is given.
    Other(String),
}

/// Reads a first line, given without its line feed.
pub(crate) fn parse_header(line: &[u8]) -> Option<Header> {
    let rest = std::str::from_utf8(line).ok()?.strip_prefix("{\"trail\":\"")?;
    let (format, rest) = rest.split_once('"')?;
    if format != FORMAT {
        let version = format.strip_prefix("audit-trail-")?;
        let plain = matches!(version.len(), 1..=9) && version.bytes().all(|b| b.is_ascii_digit());
        return (plain && rest.ends_with('}')).then(|| Header::Other(format.to_owned()));
    }
    let (origin, rest) = rest.strip_prefix(",\"origin\":\"")?.split_once('"')?;
    let (from, rest) = rest.strip_prefix(",\"from\":")?.split_once(',')?;
    let hashes = rest.strip_prefix("\"hashes\":[")?.strip_suffix("]}")?;
    let from: u64 = from.parse().ok().filter(|from| *from <= MAX_SEQ)?;
    let roots = hashes.split(',').filter(|hash| !hash.is_empty());
    let root = |hash: &str| unhex(hash.strip_prefix('"')?.strip_suffix('"')?.as_bytes());
    let before = Tree::from_roots(from, roots.map(root).collect::<Option<_>>()?)?;
    let origin_fits = !origin.is_empty() && origin.bytes().all(in_origin);
    // Exactly one spelling: no leading zeros, no sign, no comma too many.
    let same = origin_fits && header(origin, &before).trim_end().as_bytes() == line;
    same.then(|| Header::Known { origin: origin.to_owned(), before })
}

/// The bytes an origin is made of.
pub(crate) const fn in_origin(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'/' | b'-')
}

/// The origin of a new writer directory: it is unique for ever, so that no segment of another
/// directory passes for one of this.
pub(crate) fn origin(root_name: &str, random: u64, writer: &str) -> String {
    let fit = |c: char| if c != '/' && c.is_ascii() && in_origin(c as u8) { c } else { '_' };
    let name: String = root_name.chars().take(64).map(fit).collect();
    let name = if name.is_empty() { "trail" } else { &name };
    format!("{name}/{random:016x}/{writer}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_have_one_spelling() {
        let before = Tree::from_roots(5, vec![[1; 32], [0xab; 32]]).unwrap();
        let line = header("shop/00ff/00", &before);
        let (one, two) = ("01".repeat(32), "ab".repeat(32));
        let text = format!(
            r#"{{"trail":"audit-trail-1","origin":"shop/00ff/00","from":5,"hashes":["{one}","{two}"]}}"#
        );
        assert_eq!(line.trim_end(), text);
        let known = Header::Known { origin: "shop/00ff/00".into(), before };
        assert_eq!(parse_header(text.as_bytes()), Some(known));
        for wrong in [
            text.replace(":5,", ":05,"),
            text.replace(":5,", ":+5,"),
            text.replace(":5,", ":-1,"),
            text.replace(":5,", ":7,"),
            text.replace("shop", "sh op"),
            text.replace("shop/00ff/00", ""),
            text.replace("trail-1", "trail-"),
            text.replace("trail-1", "trail-x"),
            text.replace("ab", "AB"),
            text.replace("\",\"", "\",,\""),
            text.replace("]}", ",]}"),
            format!("{text} "),
            String::new(),
        ] {
            assert_eq!(parse_header(wrong.as_bytes()), None, "{wrong}");
        }
        let other = text.replace("trail-1", "trail-2");
        assert_eq!(parse_header(other.as_bytes()), Some(Header::Other("audit-trail-2".into())));
        let empty = header("x", &Tree::default());
        assert_eq!(
            empty,
            "{\"trail\":\"audit-trail-1\",\"origin\":\"x\",\"from\":0,\"hashes\":[]}\n"
        );
    }

    #[test]
    fn an_origin_fits_the_grammar() {
        assert_eq!(origin("my trail/é", 255, "03"), "my_trail__/00000000000000ff/03");
        assert_eq!(origin("", 0, "00"), "trail/0000000000000000/00");
    }
}
