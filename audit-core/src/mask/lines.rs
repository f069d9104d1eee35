//! Documents on lines of their own: NDJSON, JSON lines, JSON text sequences.

use super::{json::documents, scope::Scope, unparsable::Unparsable};

/// What begins a document of a JSON text sequence.
const RECORD: u8 = 0x1e;

/// Appends lines of JSON, each masked.
///
/// A line that is broken spoils the whole body: what looks like a document after it may be a
/// piece of the one that is broken, as in `{"password":` and `"x"` on two lines.
pub(super) fn lines(
    out: &mut String,
    text: &str,
    cut: bool,
    scope: &mut Scope<'_>,
) -> Result<(), Unparsable> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut rest = text;
    while !rest.is_empty() {
        let plain = plain(rest.as_bytes());
        out.push_str(&rest[..plain]);
        rest = &rest[plain..];
        let bytes = rest.as_bytes();
        let len = match bytes.iter().take(8).position(|b| matches!(*b, b'\n' | RECORD)) {
            Some(near) => near + 1,
            None => memchr::memchr2(b'\n', RECORD, bytes).map_or(rest.len(), |at| at + 1),
        };
        let ends = |b: &u8| !matches!(*b, b'\n' | b'\r' | RECORD);
        let end = bytes[..len].iter().rposition(ends).map_or(0, |last| last + 1);
        let (whole, line) = (&rest[..len], &rest[..end]);
        rest = &rest[len..];
        if !line.trim_ascii().is_empty() {
            documents(out, line, cut && line.len() == whole.len(), scope)?;
        }
        out.push_str(&whole[line.len()..]);
    }
    Ok(())
}

/// How long the lines are that a text begins with which are blank or a number: they stay, and
/// there can be one in every other byte.
fn plain(bytes: &[u8]) -> usize {
    let mut lines = 0;
    let mut at = 0;
    while let Some(byte) = bytes.get(at).copied() {
        at += 1;
        match byte {
            b'\n' | RECORD => {}
            b'0'..=b'9' => {
                while byte != b'0' && bytes.get(at).is_some_and(u8::is_ascii_digit) {
                    at += 1;
                }
                if bytes.get(at) != Some(&b'\n') {
                    break;
                }
                at += 1;
            }
            _ => break,
        }
        lines = at;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{
        super::{part::Part, scope::tests::with_fields},
        *,
    };

    fn masked(text: &str, cut: bool) -> Option<String> {
        with_fields(&[], Part::RequestBody, |scope| {
            let mut out = String::new();
            lines(&mut out, text, cut, scope).ok().map(|()| out)
        })
        .0
    }

    #[test]
    fn each_line_is_masked() {
        for (text, expected) in [
            (
                "{\"u\":1,\"pin\":2}\n{\"pin\":\"x\"}\n",
                Some("{\"u\":1,\"pin\":\"[redacted]\"}\n{\"pin\":\"[redacted]\"}\n"),
            ),
            ("{\"pin\":1}\r\n\r\n7", Some("{\"pin\":\"[redacted]\"}\r\n\r\n7")),
            (
                "\u{1e}{\"pin\":1}\n\u{1e}{\"a\":2}\n",
                Some("\u{1e}{\"pin\":\"[redacted]\"}\n\u{1e}{\"a\":2}\n"),
            ),
            ("{\"a\":1}\n{\"pin\":\"x\n{\"u\":2}\n", None),
            ("{\n\"password\":\n\"x\"\n}", None),
            ("", Some("")),
        ] {
            assert_eq!(masked(text, false).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_cut_line_shows_no_piece() {
        let text = "{\"u\":1,\"pin\":\"Secret-1\"}\n{\"pin\":\"Secret-2\",\"a\":\"b\"}\n";
        for end in 0..text.len() {
            assert!(!masked(&text[..end], true).unwrap_or_default().contains("Secr"));
        }
    }

    #[test]
    fn hostile_lines_are_linear() {
        for piece in ["\n", "1\n", "\u{1e}", "{}\n", "[\n"] {
            let text = piece.repeat(256 * 1024 / piece.len());
            let began = std::time::Instant::now();
            let _ = masked(&text, false);
            assert!(began.elapsed().as_secs() < 2, "{piece}");
        }
    }
}
