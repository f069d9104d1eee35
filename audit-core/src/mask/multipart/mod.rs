//! Multipart forms: `multipart/form-data`.

mod head;

use super::{
    REDACTED,
    body::engine,
    fields::Fields,
    format::{Format, media_type},
    how::Value,
    pair::{Role, Told},
    part::Of,
    rules::Sel,
    scope::Scope,
    unparsable::Unparsable,
    value::inside,
};
use head::{Head, Name};

/// Most parts of a body.
const PARTS: usize = 1_000;

/// Appends a multipart form: fields masked by name and inside, files never with their content or
/// name. What stands before the first part and after the last goes. Whatever can be read in two
/// ways is redacted.
pub(super) fn multipart(
    out: &mut String,
    bytes: &[u8],
    boundary: &[u8],
    cut: bool,
    scope: &mut Scope<'_>,
) -> Result<(), Unparsable> {
    let boundary = std::str::from_utf8(boundary).map_err(|_| Unparsable)?.trim_end();
    if !(1..=200).contains(&boundary.len()) || boundary.contains(|c: char| c.is_control()) {
        return Err(Unparsable);
    }
    let parts = split(bytes, boundary.as_bytes(), cut)?;
    let heads: Vec<_> = parts.iter().map(|part| Head::read(part.head)).collect::<Result<_, _>>()?;
    // A form can say in a field of its own how its texts are encoded.
    let foreign = parts.iter().zip(&heads).any(|(part, head)| {
        matches!(&head.name, Name::Known(name) if name.eq_ignore_ascii_case("_charset_"))
            && !part.body.trim_ascii().eq_ignore_ascii_case(b"utf-8")
    });
    let mut told = tell(&parts, &heads, scope);
    let mut fields = Fields::default();
    for (part, head) in parts.iter().zip(&heads) {
        let begin = out.len();
        out.push_str("--");
        out.push_str(boundary);
        out.push_str("\r\n");
        let of_pair = match head.name {
            Name::Known(name) if scope.role(Of::Form, name) == Role::Value => match cut {
                // Its name may still come.
                true => Some(Sel::SENSITIVE),
                false => told.next(name),
            },
            _ => None,
        };
        if !write(out, part, head, (foreign, of_pair), &mut fields, scope)? {
            out.truncate(begin);
        }
    }
    if !cut {
        out.push_str("--");
        out.push_str(boundary);
        out.push_str("--\r\n");
    }
    Ok(())
}

/// What the fields tell of each other.
fn tell(parts: &[Part<'_>], heads: &[Head<'_>], scope: &Scope<'_>) -> Told {
    let mut told = Told::default();
    for (part, head) in parts.iter().zip(heads) {
        if let Name::Known(name) = head.name {
            told.add(scope, name, || String::from_utf8_lossy(part.body));
        }
    }
    told
}

/// Appends a part. `false`: it goes.
fn write(
    out: &mut String,
    part: &Part<'_>,
    head: &Head<'_>,
    (foreign, of_pair): (bool, Option<Sel>),
    fields: &mut Fields,
    scope: &mut Scope<'_>,
) -> Result<bool, Unparsable> {
    let mut selected = None;
    out.push_str("Content-Disposition: form-data");
    if let Name::Known(name) = &head.name {
        for spelling in head.spellings(name) {
            selected = selected.or(fields.find(scope, &spelling)?);
        }
        selected = selected.or(of_pair);
        out.push_str("; name=\"");
        out.push_str(&inside(name, scope).replace('"', "%22").replace(['\r', '\n'], " "));
        out.push('"');
    }
    let unclear = foreign || part.doubtful || head.unclear || !matches!(head.name, Name::Known(_));
    // A form inside of a form, of another boundary.
    let nested = memchr::memmem::find(part.body, b"isposition: form-data").is_some();
    let unclear = unclear || nested;
    let text = std::str::from_utf8(part.body).ok();
    let value = text.filter(|_| !unclear && !part.torn).map_or(Value::Other, Value::Text);
    if head.file {
        if let Some(sel) = selected
            && scope.instead(sel, Value::Other).is_none()
        {
            return Ok(false);
        }
        let known = media_type(head.content_type);
        let plain = |b: &u8| b.is_ascii_alphanumeric() || b"/+-.".contains(b);
        if !known.is_empty() && known.len() <= 100 && known.iter().all(plain) {
            out.push_str("\r\nContent-Type: ");
            out.push_str(&String::from_utf8_lossy(known));
        }
        out.push_str("\r\n\r\n");
        match part.torn {
            true => out.push_str("[file]\r\n"),
            false => out.push_str(&format!("[file, {} bytes]\r\n", part.body.len())),
        }
        return Ok(true);
    }
    out.push_str("\r\n\r\n");
    if let Some(sel) = selected {
        let Some(instead) = scope.instead(sel, value) else { return Ok(false) };
        out.push_str(&instead);
    } else if part.torn {
        return Ok(true);
    } else if let (false, Some(text)) = (unclear, text) {
        let reached = match head.name {
            Name::Known(name) => fields.reached(scope, name),
            Name::Unclear => Default::default(),
        };
        scope.at(reached, |scope| content(out, text, head, scope));
    } else {
        scope.redacted(Sel::SENSITIVE);
        out.push_str(REDACTED);
    }
    out.push_str("\r\n");
    Ok(true)
}

/// The value of a field that is not selected. One that is not what its type says is omitted.
fn content(out: &mut String, text: &str, head: &Head<'_>, scope: &mut Scope<'_>) {
    let begin = out.len();
    let masked = match Format::of(media_type(head.content_type)) {
        None | Some(Format::Text | Format::Multipart) => {
            out.push_str(&inside(text, scope));
            Ok(())
        }
        Some(format) => engine(format, out, text, false, scope),
    };
    if masked.is_err() {
        out.truncate(begin);
        out.push_str("[omitted]");
    }
}

struct Part<'t> {
    head: &'t [u8],
    body: &'t [u8],
    /// It goes on beyond what was captured.
    torn: bool,
    /// It holds a line that some take for a boundary.
    doubtful: bool,
}

/// What a line is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    Other,
    /// It begins like a boundary, and goes on in another way.
    Doubtful,
    Boundary,
    Last,
}

fn line(line: &[u8], boundary: &[u8], finder: &memchr::memmem::Finder<'_>) -> Line {
    // Most lines of a hostile body are short. No boundary has a line end in it.
    if line.len() - line_end(line) < boundary.len() {
        return Line::Other;
    }
    let Some(rest) = line.strip_prefix(b"--").and_then(|rest| rest.strip_prefix(boundary)) else {
        // Indented, in the middle of a line, or in other case.
        let near = line.strip_prefix(b"--").and_then(|rest| rest.get(..boundary.len()));
        let found = near.is_some_and(|near| near.eq_ignore_ascii_case(boundary))
            || finder.find(line).is_some();
        return if found { Line::Doubtful } else { Line::Other };
    };
    match (rest.trim_ascii_end(), rest.strip_prefix(b"--").map(<[u8]>::trim_ascii_end)) {
        (b"", _) => Line::Boundary,
        (_, Some(b"")) => Line::Last,
        _ => Line::Doubtful,
    }
}

fn split<'t>(bytes: &'t [u8], boundary: &[u8], cut: bool) -> Result<Vec<Part<'t>>, Unparsable> {
    let mut parts = Vec::new();
    // With more or fewer dashes it is none, but not to all.
    let dashes = boundary.iter().take_while(|b| **b == b'-').count();
    let finder = memchr::memmem::Finder::new(&[b"--", &boundary[dashes..]].concat()).into_owned();
    let (mut at, mut ended) = (0, false);
    // Where the part began whose end is looked for, and where its head ends.
    let mut open: Option<(usize, Option<usize>)> = None;
    let mut doubtful = false;
    while at < bytes.len() {
        // Lines may be short, for which a search over many bytes at once is slow to begin.
        let near = bytes[at..].iter().take(8).position(|b| *b == b'\n');
        let end = near.or_else(|| memchr::memchr(b'\n', &bytes[at..]));
        let end = end.map_or(bytes.len(), |len| at + len + 1);
        // In a cut body the last line may go on.
        let whole = end < bytes.len() || bytes[end - 1] == b'\n' || !cut;
        let found = if whole { line(&bytes[at..end], boundary, &finder) } else { Line::Other };
        match (found, &mut open) {
            (Line::Boundary | Line::Last, before) => {
                if let Some((begin, body)) = before.take() {
                    // A part without a blank line has no body, or no head: nobody knows.
                    let body = body.ok_or(Unparsable)?;
                    let ends = at - line_end(&bytes[body..at]);
                    parts.push(Part {
                        head: &bytes[begin..body],
                        body: &bytes[body..ends.max(body)],
                        torn: false,
                        doubtful,
                    });
                    doubtful = false;
                }
                if parts.len() > PARTS {
                    return Err(Unparsable);
                }
                if found == Line::Last {
                    ended = true;
                    break;
                }
                open = Some((end, None));
            }
            (Line::Doubtful, _) => doubtful = true,
            (Line::Other, Some((_, body @ None)))
                if whole && bytes[at..end].trim_ascii().is_empty() =>
            {
                *body = Some(end);
            }
            (Line::Other, _) => {}
        }
        at = end;
    }
    match open {
        _ if ended => {}
        Some((begin, Some(body))) if cut => {
            parts.push(Part {
                head: &bytes[begin..body],
                body: &bytes[body..],
                torn: true,
                doubtful,
            });
        }
        _ if cut => {}
        _ => return Err(Unparsable),
    }
    Ok(parts)
}

/// How long the line end is that a text ends in.
fn line_end(text: &[u8]) -> usize {
    match text {
        [.., b'\r', b'\n'] => 2,
        [.., b'\n'] => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            How, MaskRules, part,
            scope::tests::{with_fields, with_rules},
        },
        *,
    };

    fn masked(text: &str, cut: bool) -> Option<String> {
        with_fields(&["$.user.card"], part::Part::RequestBody, |scope| {
            let mut out = String::new();
            multipart(&mut out, text.as_bytes(), b"b7", cut, scope).ok().map(|()| out)
        })
        .0
    }

    fn part(head: &str, body: &str) -> String {
        format!(
            "--b7\r\n{head}\r\n\r\n{body}\r\n--b7\r\nContent-Disposition: form-data; name=\"u\"\r\n\r\nkept\r\n--b7--\r\n"
        )
    }

    fn named(name: &str, body: &str) -> String {
        part(&format!("Content-Disposition: form-data; {name}"), body)
    }

    #[test]
    fn no_spelling_of_a_name_shows_its_value() {
        for name in [
            r#"name="password""#,
            "name=password",
            "NAME = \"PassWord\"",
            r#"name="user[password]""#,
            r#"name="user.card""#,
            r#"name="pass\word""#,
            r#"name="p%61ssword""#,
            r#"name="p&#97;ssword""#,
            "name*=UTF-8''p%61ssword",
            "name=u; name=password",
            "name=password junk",
            "name=pass\"word",
            r#"name="pass\u0077ord""#,
            "name*0=pass; name*1=word",
            "name=\"=?utf-8?Q?p=61ssword?=\"",
            "x=y",
            "name=\"a",
            "filename=x; name=password",
            "name=password; filename=\"Secret-1\"",
            "name=u; filename*=utf-8''Secret-1",
        ] {
            for text in [named(name, "Secret-1"), named(name, "Secret-1").replace("\r\n", "\n")] {
                let out = masked(&text, false).unwrap();
                assert!(!out.contains("Secret") && out.contains("kept"), "{name}: {out}");
                for end in 0..text.len() {
                    let out = masked(&text[..end], true).unwrap_or_default();
                    assert!(!out.contains("Secr"), "{name}: {out}");
                }
            }
        }
    }

    #[test]
    fn no_part_shows_what_it_hides() {
        let plain = "Content-Disposition: form-data; name=d";
        for (head, body) in [
            ("Content-Type: application/json", r#"{"pin":"Secret-1"}"#),
            ("", r#"{"pin":"Secret-1"}"#),
            ("", "password=Secret-1"),
            ("Content-Type: application/json", r#"{"pin":"Secret-1"#),
            ("Content-Type: text/plain; charset=utf-16", "Secret-1"),
            ("Content-Transfer-Encoding: base64", "Secret-1"),
            ("content-type: image/png", "Secret-1"),
            ("Content-Type: multipart/mixed; boundary=x", "--x\r\n\r\nSecret-1\r\n--x--"),
            ("Content-Type: text/plain\r\nContent-Type: application/json", "Secret-1"),
            ("Content-Disposition: form-data; name=password", "Secret-1"),
            ("Content-Type: application/x-www-form-urlencoded", "pin=Secret-1"),
            ("Content-Type: application/xml", "<pin>Secret-1</pin>"),
            ("Content-Type: text/event-stream", "data: {\"pin\":\ndata: \"Secret-1\"}\n\n"),
            ("Content-Type: application/x-ndjson", "{\"pin\":\n\"Secret-1\"}\n"),
            ("", " --b7\r\nContent-Disposition: form-data; name=pin\r\n\r\nSecret-1"),
            ("", "x--b7\r\nContent-Disposition: form-data; name=pin\r\n\r\nSecret-1"),
            ("", "--q\r\nContent-Disposition: form-data; name=pin\r\n\r\nSecret-1\r\n--q--"),
            ("", "--B7\r\nContent-Disposition: form-data; name=pin\r\n\r\nSecret-1"),
            ("", "--b7x\r\nContent-Disposition: form-data; name=pin\r\n\r\nSecret-1"),
        ] {
            let head =
                if head.is_empty() { plain.to_owned() } else { format!("{plain}\r\n{head}") };
            let out = masked(&part(&head, body), false).unwrap();
            assert!(!out.contains("Secret") && out.contains("kept"), "{head}: {out}");
        }
        let file =
            masked(&named("name=f; filename=x.png\r\nContent-Type: image/png", "12345"), false)
                .unwrap();
        assert!(file.contains("Content-Type: image/png\r\n\r\n[file, 5 bytes]\r\n--b7"), "{file}");
        let lines =
            masked(&named("name=password", "l1-Secret\r\n--not\r\nl2-Secret"), false).unwrap();
        assert!(!lines.contains("Secret") && lines.contains("kept"), "{lines}");
        let whole = named("name=\"note\"", "a\r\nb").replace("name=u", "name=\"u\"");
        assert_eq!(masked(&whole, false), Some(whole));
        let charset = named("name=_charset_", "utf-16");
        assert!(!masked(&charset, false).unwrap().contains("kept"));
    }

    #[test]
    fn what_has_no_clear_parts_is_omitted() {
        for text in [
            "",
            "password=x",
            "--b8\r\n\r\nx\r\n--b8--\r\n",
            "--b7\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n",
            "--b7\r\nContent-Disposition: form-data; name=a\r\n--b7--\r\n",
            "--b7\r\nno colon\r\n\r\nx\r\n--b7--\r\n",
        ] {
            assert_eq!(masked(text, false), None, "{text}");
        }
        let mut out = String::new();
        with_fields(&[], part::Part::RequestBody, |scope| {
            assert!(multipart(&mut out, b"--\r\n\r\n\r\n----", b"", false, scope).is_err());
        });
    }

    #[test]
    fn parts_are_removed_whole() {
        let rules = MaskRules::new().how(How::Remove);
        let (out, _) = with_rules(&rules, part::Part::RequestBody, |scope| {
            let mut out = String::new();
            multipart(&mut out, named("name=pin", "1").as_bytes(), b"b7", false, scope).unwrap();
            out
        });
        assert_eq!(
            out,
            "--b7\r\nContent-Disposition: form-data; name=\"u\"\r\n\r\nkept\r\n--b7--\r\n"
        );
    }

    #[test]
    fn a_hostile_body_is_linear() {
        for piece in [
            "\n",
            "--b7\n",
            "--b7x\n",
            "--b7\n\n\n",
            "a:b\n",
            "--b7\nContent-Disposition: form-data; name=a\n\nb\n",
        ] {
            let text = piece.repeat(256 * 1024 / piece.len());
            let began = std::time::Instant::now();
            let _ = (masked(&text, false), masked(&text, true));
            assert!(began.elapsed().as_secs() < 2, "{piece}");
        }
    }
}
