//! The tokens of XML.

use crate::mask::unparsable::Unparsable;

/// Why there is no next token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bad {
    /// The text ends inside of one.
    Torn,
    /// This is no XML, or none that is read here.
    Form,
}

pub(super) struct Attribute<'t> {
    /// The white space before it.
    pub(super) before: &'t str,
    pub(super) name: &'t str,
    pub(super) value: &'t str,
    /// Name and value as written.
    pub(super) raw: &'t str,
}

pub(super) enum Token<'t> {
    Declaration(&'t str),
    /// A comment or a processing instruction.
    Dropped,
    Text(&'t str),
    CData {
        raw: &'t str,
        text: &'t str,
    },
    Start {
        name: &'t str,
        attributes: Vec<Attribute<'t>>,
        empty: bool,
    },
    /// The name, and the tag as written.
    End(&'t str, &'t str),
}

/// Most attributes of an element.
const ATTRIBUTES: usize = 1_000;

pub(super) struct Tokens<'t> {
    rest: &'t str,
    first: bool,
    /// Of elements before, emptied.
    attributes: Vec<Attribute<'t>>,
}

impl<'t> Tokens<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self { rest: text, first: true, attributes: Vec::new() }
    }

    /// Takes a list back that is not needed any more, for the next element.
    pub(super) fn take_back(&mut self, mut attributes: Vec<Attribute<'t>>) {
        attributes.clear();
        self.attributes = attributes;
    }

    pub(super) fn next(&mut self) -> Result<Option<Token<'t>>, Bad> {
        let rest = self.rest;
        let first = std::mem::take(&mut self.first);
        if rest.is_empty() {
            return Ok(None);
        }
        if !rest.starts_with('<') {
            let end = memchr::memchr(b'<', rest.as_bytes()).unwrap_or(rest.len());
            // A text that the end of what was captured cuts is not known whole.
            let (text, after) = rest.split_at(end);
            if after.is_empty() && !text.trim_ascii().is_empty() {
                return Err(Bad::Torn);
            }
            if text.bytes().any(is_control) {
                return Err(Bad::Form);
            }
            self.rest = after;
            return Ok(Some(Token::Text(text)));
        }
        if rest.starts_with("<!--") {
            self.until(4, "-->")?;
            return Ok(Some(Token::Dropped));
        }
        if rest.starts_with("<![CDATA[") {
            let raw = self.until(9, "]]>")?;
            let text = &raw[9..raw.len() - 3];
            return match text.bytes().any(is_control) {
                true => Err(Bad::Form),
                false => Ok(Some(Token::CData { raw, text })),
            };
        }
        if rest.starts_with("<?") {
            let raw = self.until(2, "?>")?;
            let declares = raw.get(2..5).is_some_and(|name| name.eq_ignore_ascii_case("xml"))
                && raw[5..].starts_with(|c: char| c.is_ascii_whitespace());
            return match declares {
                true if !first || !is_plain(raw) => Err(Bad::Form),
                true => Ok(Some(Token::Declaration(raw))),
                false => Ok(Some(Token::Dropped)),
            };
        }
        if rest.starts_with("<!") {
            // `<!-` and `<![CDA` may be cut; a document type is not read.
            let torn = "<!--".starts_with(rest) || "<![CDATA[".starts_with(rest);
            return Err(if torn { Bad::Torn } else { Bad::Form });
        }
        if rest.starts_with("</") {
            let raw = self.until(2, ">")?;
            let name = raw[2..raw.len() - 1].trim_ascii_end();
            return if is_name(name) { Ok(Some(Token::End(name, raw))) } else { Err(Bad::Form) };
        }
        self.start().map(Some)
    }

    fn until(&mut self, from: usize, end: &str) -> Result<&'t str, Bad> {
        let found = memchr::memmem::find(&self.rest.as_bytes()[from..], end.as_bytes());
        let (raw, rest) = self.rest.split_at(from + found.ok_or(Bad::Torn)? + end.len());
        self.rest = rest;
        Ok(raw)
    }

    fn start(&mut self) -> Result<Token<'t>, Bad> {
        let name_end = |b: u8| b.is_ascii_whitespace() || matches!(b, b'/' | b'>' | b'=' | b'<');
        let rest = &self.rest[1..];
        let (name, mut rest) = rest.split_at(rest.bytes().position(name_end).ok_or(Bad::Torn)?);
        if !is_name(name) {
            return Err(Bad::Form);
        }
        let mut attributes = std::mem::take(&mut self.attributes);
        loop {
            let spaced = rest;
            rest = rest.trim_ascii_start();
            let before = &spaced[..spaced.len() - rest.len()];
            if let Some(after) = rest.strip_prefix('>') {
                self.rest = after;
                return Ok(Token::Start { name, attributes, empty: false });
            }
            if let Some(after) = rest.strip_prefix("/>") {
                self.rest = after;
                return Ok(Token::Start { name, attributes, empty: true });
            }
            if rest.is_empty() || rest == "/" {
                return Err(Bad::Torn);
            }
            if before.is_empty() || attributes.len() >= ATTRIBUTES {
                return Err(Bad::Form);
            }
            let begin = rest;
            let (key, after) = rest.split_at(rest.bytes().position(name_end).ok_or(Bad::Torn)?);
            let after = after.trim_ascii_start();
            if after.is_empty() {
                return Err(Bad::Torn);
            }
            let value = after.strip_prefix('=').ok_or(Bad::Form)?.trim_ascii_start();
            let quote = value.chars().next().ok_or(Bad::Torn)?;
            if !matches!(quote, '"' | '\'') || !is_name(key) {
                return Err(Bad::Form);
            }
            let value = &value[1..];
            let len = memchr::memchr(quote as u8, value.as_bytes()).ok_or(Bad::Torn)?;
            rest = &value[len + 1..];
            let value = &value[..len];
            if value.bytes().any(|b| is_control(b) || b == b'<') {
                return Err(Bad::Form);
            }
            let raw = &begin[..begin.len() - rest.len()];
            attributes.push(Attribute { before, name: key, value, raw });
        }
    }
}

fn is_control(byte: u8) -> bool {
    byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r')
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !matches!(name.as_bytes().first(), Some(b'0'..=b'9' | b'-' | b'.'))
        && name.bytes().all(|b| {
            !b.is_ascii() || b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':')
        })
}

/// Whether a declaration says nothing but a version and an encoding that is read here.
fn is_plain(declaration: &str) -> bool {
    let lower = declaration.to_ascii_lowercase();
    let encoding = lower
        .split_once("encoding")
        .map(|(_, rest)| rest.trim_start_matches([' ', '\t', '\r', '\n', '=', '"', '\'']));
    declaration.len() <= 128
        && encoding.is_none_or(|e| ["utf-8", "utf8", "us-ascii"].iter().any(|k| e.starts_with(k)))
        && lower.bytes().all(|b| b.is_ascii_alphanumeric() || b"<>?=\"'.- \t\r\n".contains(&b))
}

/// The name without its prefix.
pub(super) fn local(name: &str) -> &str {
    match name.bytes().rposition(|b| b == b':') {
        Some(colon) => &name[colon + 1..],
        None => name,
    }
}

/// Appends a text with its entities and character references decoded.
pub(super) fn decode(out: &mut String, raw: &str) -> Result<(), Unparsable> {
    let mut rest = raw;
    // A search over many bytes at once is slow to begin.
    if raw.len() < 16 && !raw.as_bytes().contains(&b'&') {
        out.push_str(raw);
        return Ok(());
    }
    while let Some(at) = memchr::memchr(b'&', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        // The longest is `&#x10FFFF;`, with some zeros before it.
        let near = &after.as_bytes()[..after.len().min(16)];
        let end = memchr::memchr(b';', near).ok_or(Unparsable)?;
        let entity = &after[..end];
        out.push(match entity {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                let number = entity.strip_prefix('#').ok_or(Unparsable)?;
                let code = match number.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16),
                    None => number.parse(),
                };
                code.ok().and_then(char::from_u32).ok_or(Unparsable)?
            }
        });
        rest = &after[end + 1..];
    }
    out.push_str(rest);
    Ok(())
}

pub(super) fn escape(out: &mut String, text: &str) {
    if !text.bytes().any(|b| matches!(b, b'<' | b'>' | b'&' | b'"')) {
        out.push_str(text);
        return;
    }
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
}
