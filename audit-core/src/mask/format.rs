//! Which formats of bodies are understood, and which a Content-Type names.

/// A format of bodies that can be masked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Form,
    Multipart,
    Xml,
    Text,
    Ndjson,
    Sse,
}

impl Format {
    pub(crate) const ALL: [Self; 7] =
        [Self::Json, Self::Form, Self::Multipart, Self::Xml, Self::Text, Self::Ndjson, Self::Sse];

    /// The spelling used in settings.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Form => "form",
            Self::Multipart => "multipart",
            Self::Xml => "xml",
            Self::Text => "text",
            Self::Ndjson => "ndjson",
            Self::Sse => "sse",
        }
    }

    /// The format of a media type, without parameters. `None`: none that is understood.
    pub(crate) fn of(media_type: &[u8]) -> Option<Self> {
        let is = |name: &str| media_type.eq_ignore_ascii_case(name.as_bytes());
        let ends = |suffix: &str| {
            let from = media_type.len().saturating_sub(suffix.len());
            media_type[from..].eq_ignore_ascii_case(suffix.as_bytes())
        };
        let one_of = |names: &[&str]| names.iter().any(|name| is(name));
        Some(match () {
            () if one_of(NDJSON) => Self::Ndjson,
            () if is("application/x-www-form-urlencoded") => Self::Form,
            () if is("multipart/form-data") => Self::Multipart,
            () if is("text/event-stream") => Self::Sse,
            () if is("application/json") || is("text/json") || ends("+json") => Self::Json,
            () if is("application/xml") || is("text/xml") || ends("+xml") => Self::Xml,
            () if one_of(&["text/plain", "text/markdown"]) => Self::Text,
            () => return None,
        })
    }
}

const NDJSON: &[&str] = &[
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/jsonlines",
    "application/x-jsonlines",
    "application/json-seq",
    "text/jsonl",
];

/// The media type of a Content-Type, without its parameters: `text/html` of `text/html; charset=x`.
pub(crate) fn media_type(content_type: &[u8]) -> &[u8] {
    content_type[..media_type_len(content_type)].trim_ascii()
}

/// Whether a text holds a multipart form: where its values are, no text tells.
pub(super) fn is_multipart(text: &str) -> bool {
    let has_line = text.trim_start().starts_with("--")
        || memchr::memmem::find(text.as_bytes(), b"\n--").is_some();
    has_line && text.to_ascii_lowercase().contains("content-disposition")
}

/// Whether a text begins as a stream of events does.
pub(super) fn begins_like_events(text: &str) -> bool {
    let name = text.bytes().take(6).position(|b| b == b':').map(|end| &text[..end]);
    matches!(name, Some("" | "data" | "event" | "id" | "retry"))
}

/// A parameter of a Content-Type, without its quotes. `None` when it is not there, or twice.
pub(crate) fn parameter<'a>(content_type: &'a [u8], wanted: &str) -> Option<&'a [u8]> {
    let mut rest = &content_type[media_type_len(content_type)..];
    let mut found = None;
    while let Some(after) = rest.strip_prefix(b";") {
        let after = after.trim_ascii_start();
        let name_len = after.iter().position(|b| matches!(b, b'=' | b';')).unwrap_or(after.len());
        let (name, tail) = after.split_at(name_len);
        let Some(value) = tail.strip_prefix(b"=") else {
            rest = tail;
            continue;
        };
        let (value, tail) = match value.strip_prefix(b"\"") {
            // A quoted value with an escape in it is nothing that a known parameter has.
            Some(quoted) => {
                let end = quoted.iter().position(|b| *b == b'"')?;
                (&quoted[..end], quoted[end + 1..].trim_ascii_start())
            }
            None => {
                let end = value.iter().position(|b| *b == b';').unwrap_or(value.len());
                (value[..end].trim_ascii(), &value[end..])
            }
        };
        if name.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes())
            && found.replace(value).is_some()
        {
            return None;
        }
        rest = tail;
    }
    found
}

/// Whether a text of this Content-Type is UTF-8: nothing else is said, or not clearly.
pub(crate) fn is_utf8(content_type: &[u8]) -> bool {
    let lower = content_type.to_ascii_lowercase();
    if !lower.windows(7).any(|word| word == b"charset") {
        return true;
    }
    let charset = parameter(content_type, "charset");
    let is = |name: &&[u8]| charset.is_some_and(|charset| charset.eq_ignore_ascii_case(name));
    [&b"utf-8"[..], b"utf8", b"us-ascii"].iter().any(is)
}

fn media_type_len(content_type: &[u8]) -> usize {
    content_type.iter().position(|b| *b == b';').unwrap_or(content_type.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_name_formats() {
        for (content_type, format) in [
            ("Application/JSON; Charset=UTF-8", Some(Format::Json)),
            ("application/vnd.api+json; ext=bulk", Some(Format::Json)),
            ("application/json-patch+json", Some(Format::Json)),
            ("application/x-ndjson", Some(Format::Ndjson)),
            ("application/x-www-form-urlencoded;charset=utf-8", Some(Format::Form)),
            ("multipart/form-data; boundary=x", Some(Format::Multipart)),
            ("multipart/mixed; boundary=x", None),
            ("application/soap+xml", Some(Format::Xml)),
            ("text/event-stream", Some(Format::Sse)),
            ("text/plain", Some(Format::Text)),
            ("text/html", None),
            ("text/html, application/json", None),
            ("application/octet-stream", None),
            ("", None),
            ("+json", Some(Format::Json)),
        ] {
            assert_eq!(Format::of(media_type(content_type.as_bytes())), format, "{content_type}");
        }
    }

    #[test]
    fn an_unclear_charset_is_not_utf_8() {
        for (content_type, utf8) in [
            ("application/json", true),
            ("application/json; charset=UTF-8", true),
            ("application/json; charset=\"utf-8\"", true),
            ("application/json; charset=utf-16", false),
            ("application/json; charset=utf-7; charset=utf-7", false),
            ("application/json; charset=\"utf-7", false),
            ("application/json; x=\"; charset=utf-8", false),
            ("application/json; charset", false),
        ] {
            assert_eq!(is_utf8(content_type.as_bytes()), utf8, "{content_type}");
        }
    }

    #[test]
    fn parameters_are_found_once() {
        for (content_type, boundary) in [
            ("multipart/form-data; boundary=bnd7", Some("bnd7")),
            ("multipart/form-data; boundary=\"b n;d\"; a=b", Some("b n;d")),
            ("multipart/form-data;a=\"b\";BOUNDARY=x ; c", Some("x")),
            ("multipart/form-data; boundary=a; boundary=b", None),
            ("multipart/form-data; boundary=\"a", None),
            ("multipart/form-data; boundary", None),
            ("multipart/form-data", None),
        ] {
            let found = parameter(content_type.as_bytes(), "boundary");
            assert_eq!(found, boundary.map(str::as_bytes), "{content_type}");
        }
    }
}
