//! Which bodies are captured: decided from their headers, before the first byte.

use crate::{
    OmitReason,
    exchange::body::{CONTENT_TYPE, Coding},
    mask::{Format, media_type},
};

/// Most that may be kept of each body. A record holds less anyway.
pub(crate) const LARGEST_LIMIT: usize = 16 * 1024 * 1024;

/// Settings of captured bodies.
#[derive(Clone, Debug)]
pub(crate) struct Bodies {
    /// Whether compressed bodies are captured too.
    pub(crate) decode: bool,
    /// One bit for each [`Format`].
    formats: u8,
    /// Media types besides, without parameters.
    listed: Vec<String>,
}

/// A text that is neither a format of bodies nor a media type.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is none of json, form, multipart, xml, text, ndjson, sse, nor a media type such as \
     image/svg+xml"
)]
pub struct BadBodyType(String);

impl Bodies {
    /// Sets the types that are captured.
    pub(crate) fn set_types<T: AsRef<str>>(
        &mut self,
        types: impl IntoIterator<Item = T>,
    ) -> Result<(), BadBodyType> {
        let (mut formats, mut listed) = (0, Vec::new());
        for text in types {
            let text = text.as_ref();
            match Format::ALL.iter().find(|format| format.as_str() == text) {
                Some(format) => formats |= bit(*format),
                None if is_media_type(text) => listed.push(text.to_owned()),
                None => return Err(BadBodyType(text.to_owned())),
            }
        }
        (self.formats, self.listed) = (formats, listed);
        Ok(())
    }

    /// Whether a body with this description is captured, and how it is coded.
    pub(crate) fn admit(&self, body: &Described<'_>) -> Result<Coding, OmitReason> {
        self.admit_type(body)?;
        match body.coding() {
            Some(Coding::Identity) => Ok(Coding::Identity),
            Some(coding) if self.decode => Ok(coding),
            _ => Err(OmitReason::Encoding),
        }
    }

    fn admit_type(&self, body: &Described<'_>) -> Result<(), OmitReason> {
        // Without a type the body itself is looked at when it is masked.
        let Some(content_type) = body.content_type else { return Ok(()) };
        if body.unclear_type || content_type.len() > CONTENT_TYPE || names_several(content_type) {
            return Err(OmitReason::ContentType);
        }
        let name = media_type(content_type);
        if self.listed.iter().any(|listed| name.eq_ignore_ascii_case(listed.as_bytes())) {
            return Ok(());
        }
        // Before the formats: `application/grpc+json` is no JSON.
        let format = if is_stream(name) { None } else { Format::of(name) };
        match format {
            Some(format) if self.formats & bit(format) != 0 => Ok(()),
            Some(Format::Sse) => Err(OmitReason::Streaming),
            None if is_stream(name) => Err(OmitReason::Streaming),
            _ => Err(OmitReason::ContentType),
        }
    }
}

impl Default for Bodies {
    fn default() -> Self {
        let formats = bit(Format::Json) | bit(Format::Form);
        Self { decode: false, formats, listed: Vec::new() }
    }
}

/// What a head says of its body, gathered line by line in the one pass over the headers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Described<'a> {
    pub(crate) content_type: Option<&'a [u8]>,
    /// There is more than one type, or it is marked sensitive.
    unclear_type: bool,
    encoding: Option<&'a [u8]>,
    encodings: usize,
}

impl<'a> Described<'a> {
    /// A body of which only its type is told; empty: not even that.
    pub(crate) fn of_type(content_type: &'a [u8]) -> Self {
        let content_type = Some(content_type).filter(|text| !text.is_empty());
        Self { content_type, ..Self::default() }
    }

    /// A Content-Type line.
    pub(crate) fn add_type(&mut self, value: &'a [u8], sensitive: bool) {
        let another = self.content_type.replace(value).is_some();
        self.unclear_type |= another || sensitive;
    }

    /// A Content-Encoding line.
    pub(crate) fn add_encoding(&mut self, value: &'a [u8]) {
        self.encoding = Some(value);
        self.encodings += 1;
    }

    fn coding(&self) -> Option<Coding> {
        match self.encodings {
            0 => Some(Coding::Identity),
            1 => self.encoding.and_then(Coding::of),
            _ => None,
        }
    }
}

const fn bit(format: Format) -> u8 {
    1 << format as u8
}

/// Types that have no end in sight, or frames of their own.
fn is_stream(media_type: &[u8]) -> bool {
    let begins = |prefix: &str| {
        media_type.get(..prefix.len()).is_some_and(|b| b.eq_ignore_ascii_case(prefix.as_bytes()))
    };
    begins("application/grpc") || media_type.eq_ignore_ascii_case(b"multipart/x-mixed-replace")
}

/// Whether a Content-Type is a list, as of repeated lines that a proxy joined, or is cut short in
/// a quoted string: then nobody knows which type the application takes it for.
fn names_several(content_type: &[u8]) -> bool {
    let mut quoted = false;
    let mut bytes = content_type.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => quoted = !quoted,
            b'\\' if quoted => drop(bytes.next()),
            b',' if !quoted => return true,
            _ => {}
        }
    }
    quoted
}

fn is_media_type(text: &str) -> bool {
    let token = |part: &str| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b);
        !part.is_empty() && part.bytes().all(plain)
    };
    text.split_once('/').is_some_and(|(kind, name)| token(kind) && token(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described<'a>(types: &[&'a str], encodings: &[&'a str]) -> Described<'a> {
        let mut body = Described::default();
        types.iter().for_each(|t| body.add_type(t.as_bytes(), false));
        encodings.iter().for_each(|e| body.add_encoding(e.as_bytes()));
        body
    }

    fn set(types: &[&str]) -> Bodies {
        let mut bodies = Bodies::default();
        bodies.set_types(types).unwrap();
        bodies
    }

    const CAPTURED: Result<Coding, OmitReason> = Ok(Coding::Identity);
    const TYPE: Result<Coding, OmitReason> = Err(OmitReason::ContentType);
    const STREAM: Result<Coding, OmitReason> = Err(OmitReason::Streaming);
    const CODED: Result<Coding, OmitReason> = Err(OmitReason::Encoding);

    #[test]
    fn types_decide() {
        let long = format!("application/json; a={}", "b".repeat(CONTENT_TYPE));
        for (types, expected) in [
            (&[][..], CAPTURED),
            (&["application/json"], CAPTURED),
            (&["Application/Problem+JSON; charset=utf-8"], CAPTURED),
            (&["application/x-www-form-urlencoded"], CAPTURED),
            (&["application/json; a=\"b,c\\\"\""], CAPTURED),
            (&[""], TYPE),
            (&["text/plain"], TYPE),
            (&["image/png"], TYPE),
            (&["application/json, text/html"], TYPE),
            (&["application/json; charset=utf-8, text/html"], TYPE),
            (&["application/json; a=\"b"], TYPE),
            (&["application/json", "application/json"], TYPE),
            (&[&long], TYPE),
            (&["text/event-stream"], STREAM),
            (&["application/grpc"], STREAM),
            (&["application/grpc+json"], STREAM),
            (&["application/grpc-web-text"], STREAM),
            (&["multipart/x-mixed-replace; boundary=a"], STREAM),
        ] {
            assert_eq!(Bodies::default().admit(&described(types, &[])), expected, "{types:?}");
        }
        let mut sensitive = Described::default();
        sensitive.add_type(b"application/json", true);
        assert_eq!(Bodies::default().admit(&sensitive), TYPE);
    }

    #[test]
    fn what_is_configured_is_captured() {
        for (setting, content_type) in [
            ("text", "text/plain; charset=utf-8"),
            ("sse", "text/event-stream"),
            ("text/event-stream", "text/event-stream"),
            ("multipart", "multipart/form-data; boundary=a"),
            ("multipart/x-mixed-replace", "multipart/x-mixed-replace; boundary=a"),
            ("Image/SVG+xml", "image/svg+xml"),
            ("application/grpc+json", "application/grpc+json"),
        ] {
            let bodies = set(&[setting]);
            assert_eq!(bodies.admit(&described(&[content_type], &[])), CAPTURED, "{setting}");
            assert_eq!(bodies.admit(&described(&["application/json"], &[])), TYPE, "{setting}");
        }
        assert_eq!(set(&[]).admit(&described(&["text/plain"], &[])), TYPE);
    }

    #[test]
    fn codings_decide() {
        let decode = Bodies { decode: true, ..Bodies::default() };
        for (encodings, without, with) in [
            (&[""][..], CAPTURED, CAPTURED),
            (&["identity"], CAPTURED, CAPTURED),
            (&["gzip"], CODED, Ok(Coding::Gzip)),
            (&["br"], CODED, Ok(Coding::Brotli)),
            (&["compress"], CODED, CODED),
            (&["gzip, br"], CODED, CODED),
            (&["gzip", "gzip"], CODED, CODED),
            (&["identity", "identity"], CODED, CODED),
        ] {
            let body = described(&["application/json"], encodings);
            assert_eq!(Bodies::default().admit(&body), without, "{encodings:?}");
            assert_eq!(decode.admit(&body), with, "{encodings:?}");
        }
        // The type is told first: it will not be captured decoded either.
        assert_eq!(decode.admit(&described(&["image/png"], &["gzip"])), TYPE);
    }

    #[test]
    fn a_wrong_setting_says_what_is_allowed() {
        for wrong in ["", "JSON", "html", "text/", "a/b/c", "text/html; charset=utf-8", "*/*"] {
            let error = Bodies::default().set_types([wrong]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{wrong}` is none of json, form, ")), "{error}");
        }
        let error = BadBodyType(String::new()).to_string();
        assert!(Format::ALL.iter().all(|format| error.contains(format.as_str())), "{error}");
    }
}
