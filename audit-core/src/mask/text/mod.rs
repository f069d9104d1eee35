//! Free text: error messages, panic messages, header values, values inside of documents.

mod block;
mod command;
mod element;
mod encoded;
mod name;
mod next;
mod pairs;
mod sql;
mod url;
mod value;
mod words;

use std::borrow::Cow;

use self::command::Command;
#[cfg(test)]
pub(super) use self::url::LONGEST_HOST;
pub(super) use self::url::{untorn, user_info};
use super::{
    REDACTED,
    how::{How, Value},
    names::Says,
    pair::Role,
    part::Of,
    rules::Sel,
    scope::Scope,
};

/// Appends text with what looks like a secret replaced: the value after a hidden name and `=` or
/// `:`, what follows `Bearer` or `Basic`, an option such as `--password`, an element such as
/// `<password>`, and the user info of a URL. Text has no structure to rely on, so this finds what
/// is written as people and libraries write it, and no more; and what the detectors find.
///
/// It runs from one byte that can mean something to the next, and looks back for the name: most
/// text has few of them.
pub(super) fn text(out: &mut String, text: &str, scope: &mut Scope<'_>) {
    let rules = scope.rules;
    let detected = rules.detectors().mask(text, scope);
    if !words(out, &detected, scope) {
        out.push_str(&detected);
    }
}

/// The same; owned exactly if something was masked.
pub(super) fn inside<'t>(text: &'t str, scope: &mut Scope<'_>) -> Cow<'t, str> {
    let rules = scope.rules;
    match rules.detectors().mask(text, scope) {
        Cow::Borrowed(text) => {
            let mut out = String::new();
            if words(&mut out, text, scope) { Cow::Owned(out) } else { Cow::Borrowed(text) }
        }
        Cow::Owned(text) => {
            let mut out = String::new();
            Cow::Owned(if words(&mut out, &text, scope) { out } else { text })
        }
    }
}

/// Appends a text if something in it is masked; `false`: nothing is, and nothing is copied.
fn words(out: &mut String, text: &str, scope: &mut Scope<'_>) -> bool {
    words_in(out, text, false, scope)
}

/// The same for a value in a text, where values are not looked for by the place of their column.
fn words_in(out: &mut String, text: &str, is_value: bool, scope: &mut Scope<'_>) -> bool {
    let begin = out.len();
    let mut scan = Scan {
        text,
        out,
        copied: 0,
        floor: 0,
        unclosed: Vec::new(),
        told: None,
        named: None,
        looked: 0,
        command: Command::default(),
        is_value,
        scope,
    };
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let trigger = TRIGGERS[usize::from(*byte)];
        if trigger == NONE {
            at += 1;
            continue;
        }
        if !scan.scope.may_go_on() {
            scan.scope.redacted(Sel::SENSITIVE);
            scan.put(REDACTED, at.max(scan.copied), text.len());
            break;
        }
        let next = match trigger {
            SEPARATOR => scan.separator(at),
            SLASH => scan.user_info(at),
            SPACE => scan.scheme(at),
            DASH => scan.option(at),
            OPENS => scan.element(at),
            PAIRS => scan.pair(at),
            QUOTES => scan.quoted(at),
            PERCENT => scan.encoded(at),
            // `password -> x`, `password <> x`.
            _ if at > 0 && matches!(bytes[at - 1], b'-' | b'<') => scan.separator(at),
            _ => at + 1,
        };
        at = next.max(at + 1);
    }
    let copied = scan.copied;
    if copied == 0 && out.len() == begin {
        return false;
    }
    out.push_str(&text[copied..]);
    true
}

/// The same for a text that goes on beyond what was captured: its last word is dropped, since it
/// may be the beginning of something that only its end would show to be a secret.
pub(super) fn text_cut(out: &mut String, cut: &str, scope: &mut Scope<'_>) {
    let rules = scope.rules;
    let end = cut.rfind(char::is_whitespace).unwrap_or(0);
    let detected = rules.detectors().mask_cut(&cut[..end], scope);
    if !words(out, &detected, scope) {
        out.push_str(&detected);
    }
}

const NONE: u8 = 0;
const SEPARATOR: u8 = 1;
const SLASH: u8 = 2;
const SPACE: u8 = 3;
const DASH: u8 = 4;
const CLOSES: u8 = 5;
const OPENS: u8 = 6;
const PAIRS: u8 = 7;
const QUOTES: u8 = 8;
const PERCENT: u8 = 9;

const TRIGGERS: [u8; 256] = {
    let mut table = [NONE; 256];
    table[b'=' as usize] = SEPARATOR;
    table[b':' as usize] = SEPARATOR;
    table[b'/' as usize] = SLASH;
    table[b' ' as usize] = SPACE;
    table[b'\t' as usize] = SPACE;
    table[b'-' as usize] = DASH;
    table[b'>' as usize] = CLOSES;
    table[b'<' as usize] = OPENS;
    table[b'&' as usize] = OPENS;
    table[b'(' as usize] = PAIRS;
    table[b',' as usize] = PAIRS;
    table[b'|' as usize] = PAIRS;
    table[b'"' as usize] = QUOTES;
    table[b'\'' as usize] = QUOTES;
    table[b'%' as usize] = PERCENT;
    table
};

struct Scan<'t, 'o, 's, 'a> {
    text: &'t str,
    out: &'o mut String,
    /// How much of the text is copied or replaced.
    copied: usize,
    /// No name begins before this.
    floor: usize,
    /// Names of elements that are not closed in what follows.
    unclosed: Vec<&'t str>,
    /// What the last name of a pair selects, as in `name=password value=x`, and where it ends.
    told: Option<(Sel, usize)>,
    /// The same of the last element which is the name of a pair.
    named: Option<(Sel, usize)>,
    /// How far what is encoded was looked at.
    looked: usize,
    command: Command<'t>,
    is_value: bool,
    scope: &'s mut Scope<'a>,
}

impl<'t> Scan<'t, '_, '_, '_> {
    /// Replaces the value; what follows is looked at again.
    fn replace(&mut self, sel: Sel, from: usize, to: usize, whole: bool) -> usize {
        if matches!(self.scope.rules.how_of(sel), How::Redact) {
            self.scope.redacted(sel);
            return self.put(REDACTED, from, to);
        }
        let word = &self.text[from..to];
        // What is cut off, or masked already, is not the value.
        let value = match whole && !word.contains(REDACTED) {
            true => Value::Text(word),
            false => Value::Other,
        };
        let instead = self.scope.in_place(sel, value);
        self.put(&instead, from, to)
    }

    fn put(&mut self, instead: &str, from: usize, to: usize) -> usize {
        self.out.push_str(&self.text[self.copied..from]);
        self.out.push_str(instead);
        self.copied = to;
        self.floor = to;
        to
    }

    /// At a `=` or `:`.
    fn separator(&mut self, at: usize) -> usize {
        let (floor, bytes) = (self.floor, self.text.as_bytes());
        self.floor = at + 1;
        let end = name::end(self.text, floor, at);
        let name_end = end;
        let begin = name::start(self.text, floor, end);
        if begin == end && bytes.get(end) != Some(&b']') {
            return at + 1;
        }
        let name = &self.text[begin..end];
        let before = &self.text.as_bytes()[floor..begin];
        // In a query plain words such as `code` carry secrets too.
        let asked = matches!(before.last(), Some(b'?' | b'&'));
        let foreign = name.as_bytes().last().is_some_and(|last| !last.is_ascii());
        self.scope.spend(NAMED + if asked || foreign { OTHER } else { 0 });
        let says = match name.is_empty() {
            // Nothing is named so.
            true => Says::default(),
            false => self.scope.says(&self.text[begin..], end - begin),
        };
        let found = match asked {
            true => self.scope.find_first(Of::Query, &self.text[begin..], end - begin),
            false => says.selected,
        };
        if found.is_none() && says.role == Role::None && name::is_alone(bytes, floor, (begin, end))
        {
            return at + 1;
        }
        self.scope.spend(OTHER);
        let found = found.or_else(|| self.of_pair(says.role, at));
        if found.is_none() && name::is_alone(bytes, floor, (begin, end)) {
            return at + 1;
        }
        let found = found.or_else(|| self.two_words(floor, begin, end));
        let found = found.or_else(|| self.many_words(floor, begin, end));
        let found = found.or_else(|| {
            // What is encoded was looked at as what it stands for.
            if at < self.looked && before.last() == Some(&b'%') {
                return None;
            }
            let otherwise = name::written_otherwise(self.text, floor, (begin, end), self.scope);
            otherwise.unwrap_or(Some(Sel::SENSITIVE))
        });
        let Some(sel) = found else { return at + 1 };
        self.scope.spend(MASKED);
        if bytes[at] == b':' && whole_line(name) {
            return match self.one_credential(at + 1) {
                Some(end) => self.replace(sel, at + 1 + self.spaces(at + 1), end, false),
                None => self.header_line(sel, at + 1, before.last().copied()),
            };
        }
        if bytes[at] == b':'
            && let Some((from, to)) = block::after(self.text, at + 1)
        {
            return self.replace(sel, from, to, true);
        }
        let value = self.value(at + 1);
        let Some(word) = value.end else {
            return self.replace(sel, value.begin, self.text.len(), false);
        };
        if word == value.begin {
            return at + 1;
        }
        let end = self.words_end(floor, (begin, name_end), at, value);
        let word = &self.text[value.begin..end];
        let done = self.replace(sel, value.begin, end, true);
        // `authorization: Bearer x` hides two words.
        if is_scheme(word) && matches!(bytes.get(end), Some(b' ' | b'\t')) {
            let from = end + self.spaces(end);
            self.copied = self.word(from).1.max(end);
            self.floor = self.copied;
            return self.copied;
        }
        done
    }

    /// `Cookie: a=b; c=d` goes to the end of its line, or to the quote that it is in.
    fn header_line(&mut self, sel: Sel, at: usize, before: Option<u8>) -> usize {
        let rest = &self.text.as_bytes()[at..];
        let from = at + rest.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        let rest = &self.text.as_bytes()[from..];
        let quote = before.filter(|b| matches!(b, b'"' | b'\'' | b'`'));
        let end = match (quote, rest.first()) {
            // `"cookie": "a=b"` is no header line.
            (Some(_), Some(b'"' | b'\'' | b'`' | b'\\' | b'[' | b'{')) => {
                let value = self.value(at);
                let end = value.end.unwrap_or(self.text.len());
                return match end > value.begin {
                    true => self.replace(sel, value.begin, end, value.end.is_some()),
                    false => at,
                };
            }
            (Some(quote), _) => memchr::memchr3(b'\n', b'\r', quote, rest),
            (None, _) => memchr::memchr2(b'\n', b'\r', rest),
        };
        let mut end = end.map_or(self.text.len(), |len| from + len);
        // A line that begins with white space goes on the one before.
        let bytes = self.text.as_bytes();
        while let Some(line) = bytes[end..].iter().position(|b| !matches!(b, b'\r' | b'\n'))
            && line > 0
            && line <= 2
            && matches!(bytes[end + line], b' ' | b'\t')
        {
            let from = end + line;
            end =
                memchr::memchr2(b'\n', b'\r', &bytes[from..]).map_or(bytes.len(), |len| from + len);
        }
        if end == from { at } else { self.replace(sel, from, end, true) }
    }

    fn spaces(&self, at: usize) -> usize {
        self.text.as_bytes()[at..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count()
    }

    /// At white space, behind what may be `Bearer`.
    fn scheme(&mut self, at: usize) -> usize {
        let bytes = self.text.as_bytes();
        if at > self.floor + 4 && bytes[at - 1] | 0x20 == b's' {
            self.scope.spend(SCHEME);
            return self.stated(at);
        }
        if at < self.floor + 5 || !matches!(bytes[at - 1] | 0x20, b'r' | b'c' | b't' | b'n') {
            return at + 1;
        }
        self.scope.spend(SCHEME);
        let Some(scheme) = scheme_before(&bytes[self.floor..at]) else { return at + 1 };
        let from = at + self.spaces(at);
        if self.text[from..].starts_with(REDACTED) {
            return from + REDACTED.len();
        }
        let quoted = bytes.get(from).is_some_and(|b| value::is_quote(*b));
        if quoted && !matches!(scheme, "bearer" | "basic") {
            return at + 1;
        }
        self.scope.spend(HOST);
        let (from, end) = self.word(from);
        if !is_credential(scheme, &self.text[from..end]) {
            return at + 1;
        }
        self.scope.redacted(Sel::AUTHORIZATION);
        self.put(REDACTED, from, end)
    }

    /// At a `/`: `//user:password@host`.
    fn user_info(&mut self, at: usize) -> usize {
        let bytes = self.text.as_bytes();
        if bytes.get(at + 1) != Some(&b'/') {
            let scheme = &bytes[at.saturating_sub(3)..at];
            let behind =
                matches!(scheme, [a, b, b':'] if [a, b].iter().all(|c| c.is_ascii_alphabetic()));
            return match behind.then(|| url::of_one_slash(&self.text[at + 1..])).flatten() {
                Some(len) if len > 0 => {
                    self.scope.redacted(Sel::USER_INFO);
                    self.put(REDACTED, at + 1, at + 1 + len)
                }
                _ => at + 1,
            };
        }
        let from = at + 2;
        self.scope.spend(HOST);
        match user_info(&self.text[from..]) {
            Some(0) | None => from,
            Some(len) => {
                self.scope.redacted(Sel::USER_INFO);
                self.put(REDACTED, from, from + len)
            }
        }
    }

    /// At a `-`: `--password x`.
    fn option(&mut self, at: usize) -> usize {
        let bytes = self.text.as_bytes();
        // `-password x` too.
        let dashes = bytes[at..].iter().take(2).take_while(|b| **b == b'-').count();
        if (dashes == 1 && !bytes.get(at + 1).is_some_and(u8::is_ascii_alphabetic))
            || at
                .checked_sub(1)
                .is_some_and(|b| bytes[b].is_ascii_alphanumeric() || bytes[b] == b'-')
        {
            return at + 1;
        }
        if dashes == 1
            && let Some(next) = self.letter(at)
        {
            return next;
        }
        let from = at + dashes;
        let name = &bytes[from..];
        let len = name.iter().position(|b| !is_ascii_name(*b)).unwrap_or(name.len());
        let end = from + len;
        let spaces = self.spaces(end);
        if bytes.get(end) == Some(&b'=')
            && let Some(next) = self.long_option(at, &self.text[from..end], end + 1)
        {
            return next;
        }
        if spaces == 0 || matches!(bytes.get(end + spaces), None | Some(b'-' | b'=' | b':')) {
            return end;
        }
        let name = &self.text[from..end];
        if let Some(next) = self.long_option(at, name, end) {
            return next;
        }
        self.scope.spend(OPTION);
        let Some(sel) = self.scope.find(Of::Field, name) else { return end };
        let value = self.value(end);
        let to = value.end.unwrap_or(self.text.len());
        match to > value.begin {
            true => self.replace(sel, value.begin, to, value.end.is_some()),
            false => end,
        }
    }
}

/// Steps of a separator with a name before it, and of one that is looked up in another way.
const NAMED: usize = 10;
const OTHER: usize = 5;
/// Steps of a value that is masked.
const MASKED: usize = 45;
/// Steps of what may be `Bearer x`, or `//user@host`.
const SCHEME: usize = 6;
const HOST: usize = 10;
/// Steps of an option with a name.
const OPTION: usize = 6;

const fn is_ascii_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// The same by one look, since it is asked of so many.
static ASCII_NAME: [bool; 256] = {
    let mut table = [false; 256];
    let mut at = 0;
    while at < table.len() {
        table[at] = is_ascii_name(at as u8);
        at += 1;
    }
    table
};

/// Whether a character that is not ASCII may be in a name. Most are in the first block, for which
/// there is no need to search through tables.
fn is_letter(c: char) -> bool {
    match c {
        '\u{c0}'..='\u{ff}' => !matches!(c, '\u{d7}' | '\u{f7}'),
        _ => c.is_alphanumeric(),
    }
}

/// Where the name that ends at `end` begins.
fn name_start(text: &str, floor: usize, end: usize) -> usize {
    let Some(mut before) = text.as_bytes().get(floor..end) else { return end };
    loop {
        while let [rest @ .., byte] = before
            && ASCII_NAME[usize::from(*byte)]
        {
            before = rest;
        }
        let begin = floor + before.len();
        if before.last().is_none_or(u8::is_ascii) {
            return begin;
        }
        match text[floor..begin].chars().next_back() {
            Some(c) if is_letter(c) => before = &before[..before.len() - c.len_utf8()],
            _ => return begin,
        }
    }
}

/// Whether everything up to the end of the line is the header's value.
fn whole_line(name: &str) -> bool {
    const HEADERS: [&str; 5] =
        ["cookie", "set-cookie", "set-cookie2", "authorization", "proxy-authorization"];
    HEADERS.iter().any(|header| header.eq_ignore_ascii_case(name))
}

const SCHEMES: [&str; 4] = ["bearer", "basic", "digest", "token"];

fn is_scheme(word: &str) -> bool {
    matches!(word.len(), 5 | 6) && SCHEMES.iter().any(|s| s.eq_ignore_ascii_case(word))
}

/// The scheme that a text ends in.
fn scheme_before(text: &[u8]) -> Option<&'static str> {
    SCHEMES.into_iter().find(|scheme| {
        let from = text.len().wrapping_sub(scheme.len());
        text.get(from..).is_some_and(|word| word.eq_ignore_ascii_case(scheme.as_bytes()))
            && from.checked_sub(1).is_none_or(|b| !text[b].is_ascii_alphanumeric())
    })
}

/// Whether a credential follows the scheme, not a word of prose as in `Basic training`.
fn is_credential(scheme: &str, word: &str) -> bool {
    let random = |b: u8| {
        b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b'=' | b'+' | b'/' | b'_')
    };
    match word.bytes().skip(1).any(random) {
        true => word.len() >= 4,
        false => scheme == "bearer" && word.len() >= 6,
    }
}

#[cfg(test)]
mod tests;
