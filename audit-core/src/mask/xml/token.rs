//! The tokens of XML.

use crate::mask::{fields::find, unparsable::Unparsable};

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
    /// An element begins, whose attributes [`Tokens`] holds up to the next token.
    Start {
        name: &'t str,
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
    /// Of the element that began last.
    pub(super) attributes: Vec<Attribute<'t>>,
}

impl<'t> Tokens<'t> {
    pub(super) const fn new(text: &'t str) -> Self {
        Self { rest: text, first: true, attributes: Vec::new() }
    }

    pub(super) fn next(&mut self) -> Result<Option<Token<'t>>, Bad> {
        let rest = self.rest;
        let first = std::mem::take(&mut self.first);
        if rest.is_empty() {
            return Ok(None);
        }
        if !rest.starts_with('<') {
            let end = find(b'<', rest);
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
        if let Some(name) = rest.strip_prefix("</") {
            let end = find(b'>', name) + 3;
            let raw = rest.get(..end).ok_or(Bad::Torn)?;
            self.rest = &rest[end..];
            // It has to be the name of what is open, which is a name.
            return Ok(Some(Token::End(raw[2..end - 1].trim_ascii_end(), raw)));
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
        let rest = &self.rest[1..];
        let (len, is_name) = name_end(rest)?;
        let (name, mut rest) = rest.split_at(len);
        if !is_name {
            return Err(Bad::Form);
        }
        self.attributes.clear();
        loop {
            let spaced = rest;
            rest = rest.trim_ascii_start();
            let before = &spaced[..spaced.len() - rest.len()];
            let empty = match rest.as_bytes() {
                [b'>', ..] => Some(false),
                [b'/', b'>', ..] => Some(true),
                [] | [b'/'] => return Err(Bad::Torn),
                _ => None,
            };
            if let Some(empty) = empty {
                self.rest = &rest[1 + usize::from(empty)..];
                return Ok(Token::Start { name, empty });
            }
            if before.is_empty() || self.attributes.len() >= ATTRIBUTES {
                return Err(Bad::Form);
            }
            let begin = rest;
            let (len, is_name) = name_end(rest)?;
            let (key, after) = rest.split_at(len);
            let after = after.trim_ascii_start();
            if after.is_empty() {
                return Err(Bad::Torn);
            }
            let value = after.strip_prefix('=').ok_or(Bad::Form)?.trim_ascii_start();
            let quote = *value.as_bytes().first().ok_or(Bad::Torn)?;
            if !matches!(quote, b'"' | b'\'') || !is_name {
                return Err(Bad::Form);
            }
            let value = &value[1..];
            let len = find(quote, value);
            rest = value.get(len + 1..).ok_or(Bad::Torn)?;
            let value = &value[..len];
            if value.bytes().any(|b| is_control(b) || b == b'<') {
                return Err(Bad::Form);
            }
            let raw = &begin[..begin.len() - rest.len()];
            self.attributes.push(Attribute { before, name: key, value, raw });
        }
    }
}

/// Where the name ends that a text begins with, and whether it is one.
fn name_end(text: &str) -> Result<(usize, bool), Bad> {
    let bytes = text.as_bytes();
    let is = |class: u8, byte: u8| NAME[usize::from(byte)] & class != 0;
    let len = bytes.iter().position(|b| !is(INNER, *b)).ok_or(Bad::Torn)?;
    if is(ENDS, bytes[len]) && is(FIRST, bytes[0]) {
        return Ok((len, true));
    }
    // What is no name may be torn, too.
    let more = bytes[len..].iter().position(|b| is(ENDS, *b)).ok_or(Bad::Torn)?;
    Ok((len + more, false))
}

/// What a byte is to a name: it ends one, it may be in one, and be its first.
const ENDS: u8 = 1;
const INNER: u8 = 2;
const FIRST: u8 = 4;

static NAME: [u8; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < table.len() {
        let byte = at as u8;
        table[at] = match byte {
            b'/' | b'>' | b'=' | b'<' => ENDS,
            _ if byte.is_ascii_whitespace() => ENDS,
            b'0'..=b'9' | b'-' | b'.' => INNER,
            b'_' | b':' => INNER | FIRST,
            _ if byte.is_ascii_alphabetic() || !byte.is_ascii() => INNER | FIRST,
            _ => 0,
        };
        at += 1;
    }
    table
};

fn is_control(byte: u8) -> bool {
    byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r')
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
    loop {
        let at = find(b'&', rest);
        out.push_str(&rest[..at]);
        let Some(after) = rest.get(at + 1..) else { return Ok(()) };
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
