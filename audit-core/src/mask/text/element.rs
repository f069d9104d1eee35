//! Elements in a text that is no XML: `<password t="1">x</password>`, or with `&lt;` for `<`.

use super::{Scan, name_start};
use crate::mask::{pair::Role, part::Of, rules::Sel};

/// Most names of elements of which is remembered that they are not closed.
const UNCLOSED: usize = 16;
/// Steps of the name of a tag, of a look through its attributes, and of each of them.
const TAG_NAME: usize = 10;

impl<'t> Scan<'t, '_, '_, '_> {
    /// At a `<`, or the `&` of a `&lt;`.
    pub(super) fn element(&mut self, at: usize) -> usize {
        let bytes = self.text.as_bytes();
        let encoded = bytes[at] == b'&';
        let opens = if encoded { "&lt;" } else { "<" };
        if !self.text[at..].starts_with(opens) {
            return at + 1;
        }
        let from = at + opens.len();
        let rest = &self.text[from..];
        let end = from + rest.find(|c| !is_name(c)).unwrap_or(rest.len());
        let name = &self.text[from..end];
        let local = &self.text[name_start(self.text, from, end)..end];
        if local.is_empty() {
            return at + 1;
        }
        self.scope.spend(TAG_NAME);
        let says = self.scope.says(local, local.len());
        let Some(sel) = says.selected else {
            if let Some(next) = self.pair_of_elements(at, end, (opens, says.role)) {
                return next;
            }
            return match bytes.get(end) {
                Some(b' ' | b'\t' | b'\n' | b'\r') if !encoded => self.attributes(at, end),
                _ => at + 1,
            };
        };
        let Some((close, content)) = tag_end(bytes, end, encoded) else {
            // A tag that was cut off, or none.
            return match bytes[end..].first() {
                Some(b' ' | b'\t' | b'\n' | b'\r')
                    if bytes[end..]
                        .iter()
                        .take(ATTRIBUTE)
                        .take_while(|b| !matches!(b, b'<' | b'&'))
                        .any(|b| *b == b'=') =>
                {
                    self.replace(sel, end, self.text.len(), false)
                }
                _ => at + 1,
            };
        };
        if self.text[end..close].contains('=') {
            self.replace(sel, end, close, false);
        } else {
            self.inside(end, close);
        }
        if bytes[close - 1] == b'/' || content == bytes.len() {
            return content;
        }
        let end = match self.closed(content, opens, name) {
            Some(end) => end,
            None => {
                // `usage: <password> <host>` names what goes there.
                let next = bytes[content..].iter().find(|b| **b != b' ');
                let hidden = self.text[content..].trim_start().starts_with("<!")
                    || !self.unclosed.contains(&name);
                if !hidden
                    && matches!(next, None | Some(b'<' | b'\n' | b'[' | b')' | b'"' | b'.' | b','))
                {
                    return content;
                }
                bytes.len()
            }
        };
        match end > content {
            true => self.replace(sel, content, end, end < bytes.len()),
            false => content,
        }
    }
}

impl<'t> Scan<'t, '_, '_, '_> {
    /// An element that is the name in a pair, or the value: `<name>pin</name><value>x</value>`.
    fn pair_of_elements(&mut self, at: usize, from: usize, of: (&str, Role)) -> Option<usize> {
        let (opens, role) = of;
        if !matches!(role, Role::Name | Role::Value) {
            return None;
        }
        self.scope.spend(TOLD);
        let (_, content) = tag_end(self.text.as_bytes(), from, opens.len() > 1)?;
        let near = &self.text[..self.text.floor_char_boundary(content + TAG)];
        let next = near[content..].find(opens).map_or(near.len(), |len| content + len);
        if role == Role::Name {
            self.named = self.scope.find_told(&near[content..next]).map(|sel| (sel, at));
            return None;
        }
        let (sel, _) = self.named.filter(|(_, named)| at - named <= TAG)?;
        let end = closing(near, content, opens, &near[at + opens.len()..from]).unwrap_or(next);
        (end > content).then(|| self.replace(sel, content, end, true))
    }

    /// In a tag whose name says nothing: an attribute may be the name of another, or of what is
    /// in the element, as in `<input name="password" value="x">`.
    fn attributes(&mut self, at: usize, from: usize) -> usize {
        self.scope.spend(TAG_NAME);
        let bytes = self.text.as_bytes();
        let end = tag_end(bytes, from, false);
        // Where the text ends in the tag, its name may still come.
        let torn = end.is_none() && bytes.len() < from + TAG && !bytes[from..].contains(&b'<');
        let Some((close, content)) = end.or(torn.then_some((bytes.len(), bytes.len()))) else {
            return at + 1;
        };
        let mut told = torn.then_some(Sel::SENSITIVE);
        let mut values = Vec::new();
        for (name, span) in (Attributes { text: &self.text[..close], at: from }) {
            self.scope.spend(TAG_NAME);
            match self.scope.role(Of::Field, name) {
                Role::Name => told = told.or(self.scope.find_told(&self.text[span])),
                Role::Value | Role::Text if !span.is_empty() => values.push(span),
                _ => {}
            }
        }
        // A `<` and a word, with no value that a name may tell, begin no tag.
        let Some(sel) = told.filter(|_| !torn || !values.is_empty()) else { return at + 1 };
        let mut rest = from;
        for span in &values {
            let quote = Some(bytes[span.start - 1]).filter(|b| matches!(b, b'"' | b'\''));
            self.inside(rest, span.start - usize::from(quote.is_some()));
            self.replace(sel, span.start, span.end, true);
            rest = span.end + usize::from(quote.is_some() && bytes.get(span.end) == quote.as_ref());
        }
        // The other attributes have names of their own.
        self.inside(rest, close);
        if !values.is_empty() {
            return content;
        }
        match self.closed(content, "<", &self.text[at + 1..from]) {
            Some(end) if end > content => self.replace(sel, content, end, true),
            _ => content,
        }
    }

    /// Where an element is closed. That it is not is remembered, so that nobody can have it looked
    /// for again and again.
    fn closed(&mut self, content: usize, opens: &str, name: &'t str) -> Option<usize> {
        if self.unclosed.contains(&name) || self.unclosed.len() >= UNCLOSED {
            return None;
        }
        let end = closing(self.text, content, opens, name);
        if end.is_none() {
            self.unclosed.push(name);
        }
        end
    }
}

/// Where the tag stands that closes an element, whose content begins here. In what is quoted so
/// that it is no tag there is none, and elements of the same name have their own.
fn closing(text: &str, content: usize, opens: &str, name: &str) -> Option<usize> {
    let closes = if opens.len() > 1 { "&gt;" } else { ">" };
    let ends = |rest: &str| match rest.strip_prefix(name) {
        Some(rest) => rest.starts_with(closes) || !rest.starts_with(is_name),
        None => false,
    };
    let (mut at, mut depth) = (content, 0);
    loop {
        at += text[at..].find(opens)? + opens.len();
        let rest = &text[at..];
        let quoted = [("![CDATA[", "]]"), ("!--", "--")];
        if let Some((_, end)) = quoted.into_iter().find(|(begin, _)| rest.starts_with(begin)) {
            let end = format!("{end}{closes}");
            at += rest.find(&end)? + end.len();
        } else if rest.strip_prefix('/').is_some_and(ends) {
            if depth == 0 {
                return Some(at - opens.len());
            }
            depth -= 1;
        } else if ends(rest) && !is_empty(rest, closes) {
            depth += 1;
        }
    }
}

/// Whether a tag is an element by itself, as `<a/>`.
fn is_empty(tag: &str, closes: &str) -> bool {
    let near = &tag[..tag.floor_char_boundary(TAG)];
    near.find(closes).is_some_and(|end| near[..end].ends_with('/'))
}

/// The attributes of a tag that is well-formed enough: their names, and where their values are.
struct Attributes<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Iterator for Attributes<'t> {
    type Item = (&'t str, std::ops::Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.text.as_bytes();
        let equal = self.at + memchr::memchr(b'=', bytes.get(self.at..)?)?;
        let name = self.text[self.at..equal].trim_ascii_end();
        let name = name.rsplit([' ', '\t', '\n', '\r', '"', '\'']).next().unwrap_or_default();
        let blank = bytes[equal + 1..].iter().take_while(|b| b.is_ascii_whitespace()).count();
        let from = equal + 1 + blank;
        let (begin, end) = match bytes.get(from)? {
            quote @ (b'"' | b'\'') => {
                // One that is not closed goes on to where the tag ends.
                let rest = &bytes[from + 1..];
                let len = memchr::memchr(*quote, rest).unwrap_or(rest.len());
                self.at = from + len + 2;
                (from + 1, from + 1 + len)
            }
            _ => {
                let over = |b: &u8| b.is_ascii_whitespace() || *b == b'/';
                let len = bytes[from..].iter().position(over).unwrap_or(bytes.len() - from);
                self.at = from + len;
                (from, from + len)
            }
        };
        // The next name, where there is no value.
        let signs = |b: Option<&u8>| matches!(b, Some(b'=' | b':'));
        let behind = bytes.get(self.at..).unwrap_or_default();
        let named = signs(behind.iter().find(|b| !b.is_ascii_whitespace()))
            || signs(bytes[..end].last())
            || bytes[from..].starts_with(b"--");
        let end = if blank > 0 && named { begin } else { end };
        Some((name, begin..end))
    }
}

/// Whether a character is in the name of an element.
fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ':') || !c.is_ascii()
}

/// Steps of an element that may be one of a pair.
const TOLD: usize = 35;
/// Longest tag: each is looked through by itself.
const TAG: usize = 512;
/// How far behind the name of a torn tag an attribute begins.
const ATTRIBUTE: usize = 128;

/// Where the end of a tag stands, and what is behind it.
fn tag_end(bytes: &[u8], from: usize, encoded: bool) -> Option<(usize, usize)> {
    let bytes = &bytes[..bytes.len().min(from + TAG)];
    let mut at = from;
    if encoded {
        loop {
            at += memchr::memchr(b'&', &bytes[at..])?;
            match &bytes[at..] {
                [b'&', b'g', b't', b';', ..] => return Some((at, at + 4)),
                [b'&', b'l', b't', b';', ..] => return None,
                _ => at += 1,
            }
        }
    }
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'>' => return Some((at, at + 1)),
            b'<' => return None,
            b'"' | b'\'' => at += 1 + memchr::memchr(*byte, &bytes[at + 1..])?,
            _ => {}
        }
        at += 1;
    }
    None
}
