//! The headers of one part of a multipart form.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::mask::{
    format::{Format, is_utf8, media_type},
    unparsable::Unparsable,
};

/// The name of a part.
#[derive(Debug)]
pub(super) enum Name<'t> {
    Known(&'t str),
    /// None, several, or one that readers decode in different ways.
    Unclear,
}

/// What the headers of a part say.
#[derive(Debug)]
pub(super) struct Head<'t> {
    pub(super) name: Name<'t>,
    /// Its content is a file's, or nothing that is a text.
    pub(super) file: bool,
    /// Its text is encoded in a way that is not decoded here.
    pub(super) unclear: bool,
    pub(super) content_type: &'t [u8],
}

impl<'t> Head<'t> {
    /// Reads the headers of a part, with the blank line behind them.
    pub(super) fn read(head: &'t [u8]) -> Result<Self, Unparsable> {
        let mut disposition = None;
        let mut content_type: Option<&[u8]> = None;
        let mut unclear = false;
        let mut rest = head;
        while !rest.is_empty() {
            let (line, behind) = rest.split_at(header_len(rest));
            rest = behind;
            if line.trim_ascii().is_empty() {
                continue;
            }
            if line[0].is_ascii_whitespace() {
                unclear = true;
                continue;
            }
            let colon = memchr::memchr(b':', line).ok_or(Unparsable)?;
            let (name, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
            let is = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
            if is("content-disposition") {
                unclear |= disposition.replace(value).is_some();
            } else if is("content-type") {
                unclear |= content_type.replace(value).is_some();
            } else if is("content-transfer-encoding") {
                let plain = [&b"7bit"[..], b"8bit", b"binary"];
                unclear |= !plain.iter().any(|known| known.eq_ignore_ascii_case(value));
            } else if is("content-encoding") || line.contains(&0) {
                unclear = true;
            }
        }
        let content_type = content_type.unwrap_or_default();
        unclear |= !is_utf8(content_type);
        let (name, named_file) = disposition.map_or((Name::Unclear, false), read_disposition);
        let name = if unclear { Name::Unclear } else { name };
        let readable = content_type.is_empty()
            || media_type(content_type).eq_ignore_ascii_case(b"text/plain")
            || Format::of(media_type(content_type)).is_some_and(|f| f != Format::Multipart);
        Ok(Self { name, file: named_file || !readable, unclear, content_type })
    }

    /// How readers may decode the name: as it is, without backslashes, with `%` decoded.
    pub(super) fn spellings<'n>(&self, name: &'n str) -> Vec<Cow<'n, str>> {
        let mut spellings = vec![Cow::Borrowed(name)];
        if name.contains('\\') {
            spellings.push(Cow::Owned(name.replace('\\', "")));
        }
        if name.contains('%') {
            let once = percent_decode_str(name).decode_utf8_lossy().into_owned();
            spellings.push(Cow::Owned(percent_decode_str(&once).decode_utf8_lossy().into_owned()));
            spellings.push(Cow::Owned(once));
        }
        spellings
    }
}

/// How long the first header is, with the lines that go on with it.
fn header_len(head: &[u8]) -> usize {
    let goes_on = |at: usize| matches!(head.get(at + 1), Some(b' ' | b'\t'));
    memchr::memchr_iter(b'\n', head).find(|at| !goes_on(*at)).map_or(head.len(), |at| at + 1)
}

/// The name, and whether there is a file's name.
fn read_disposition(value: &[u8]) -> (Name<'_>, bool) {
    let Ok(value) = std::str::from_utf8(value) else { return (Name::Unclear, true) };
    let (kind, mut rest) = value.split_at(value.find(';').unwrap_or(value.len()));
    let (mut name, mut clear, mut file) = (None, true, false);
    while let Some(after) = rest.strip_prefix(';') {
        let after = after.trim_start();
        let len = after.find(['=', ';']).unwrap_or(after.len());
        let (key, tail) = after.split_at(len);
        let key = key.trim_end();
        let Some(value) = tail.strip_prefix('=') else {
            // A parameter without a value.
            clear &= key.is_empty();
            rest = tail;
            continue;
        };
        let value = value.trim_start();
        let (text, tail) = match value.strip_prefix('"') {
            Some(quoted) => match closing(quoted) {
                Some(end) => (&quoted[..end], quoted[end + 1..].trim_start()),
                None => {
                    (clear, file) =
                        (false, file || key.to_ascii_lowercase().starts_with("filename"));
                    break;
                }
            },
            None => {
                let end = value.find(';').unwrap_or(value.len());
                (value[..end].trim_end(), &value[end..])
            }
        };
        if key.eq_ignore_ascii_case("name") {
            // Where readers end it that was not quoted is anybody's guess.
            let quoted = value.starts_with('"');
            clear &= quoted || !text.contains(|c: char| c.is_whitespace() || c == '"');
            clear &= name.replace(text).is_none();
        } else if key.to_ascii_lowercase().starts_with("name*") {
            clear = false;
        } else if key.to_ascii_lowercase().starts_with("filename") {
            file = true;
        }
        // Something behind a closing quote.
        clear &= tail.is_empty() || tail.starts_with(';');
        rest = tail;
    }
    let foreign = !kind.trim().eq_ignore_ascii_case("form-data");
    let known = name.filter(|name| {
        clear
            && !foreign
            && !name.contains(['\0', '\'', '\n'])
            && !name.contains("&#")
            && !name.contains("\\\"")
            && !name.contains("\\u")
            && !name.contains("=?")
    });
    (known.map_or(Name::Unclear, Name::Known), file || foreign)
}

/// Where the quote is that closes a text. A backslash escapes it, to most.
fn closing(quoted: &str) -> Option<usize> {
    let bytes = quoted.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 1,
            b'"' => return Some(at),
            _ => {}
        }
        at += 1;
    }
    None
}
