//! Patterns of paths.

use std::fmt;

/// A pattern that could never match.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` can match no path: {why}")]
pub struct BadPattern {
    pattern: String,
    why: &'static str,
}

impl BadPattern {
    pub(super) fn new(pattern: &str, why: &'static str) -> Self {
        Self { pattern: pattern.to_owned(), why }
    }
}

/// Whether what serves a path may take it for another one: because of `.` or `..` segments, or of
/// slashes that are hidden in escapes.
pub(super) fn leads_elsewhere(path: &str) -> bool {
    path.split('/').any(|segment| is_dots(segment) || hides_slash(segment))
}

/// `%2e` is a dot to whatever decodes before it resolves.
fn is_dots(segment: &str) -> bool {
    let bytes = segment.as_bytes();
    let (mut dots, mut at) = (0, 0);
    while at < bytes.len() {
        match bytes[at..] {
            [b'.', ..] => at += 1,
            [b'%', b'2', b'e' | b'E', ..] => at += 3,
            _ => return false,
        }
        dots += 1;
    }
    dots == 1 || dots == 2
}

fn hides_slash(segment: &str) -> bool {
    let escaped =
        |three: &[u8]| matches!(three, [b'%', b'2', b'f' | b'F'] | [b'%', b'5', b'c' | b'C']);
    segment.contains('\\') || (segment.contains('%') && segment.as_bytes().windows(3).any(escaped))
}

/// A path pattern, split into segments: `*` stands for a segment or a part of one, `**` for any
/// number of segments, none too.
#[derive(Clone, Debug)]
pub(crate) struct Glob(pub(super) Vec<String>);

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|segment| write!(f, "/{segment}"))
    }
}

impl Glob {
    pub(crate) fn new(pattern: &str) -> Result<Self, BadPattern> {
        let bad = |why| BadPattern::new(pattern, why);
        let Some(rest) = pattern.strip_prefix('/') else {
            return Err(bad("a path begins with `/`"));
        };
        if pattern.contains(['?', '#']) {
            return Err(bad("a path holds no query and no fragment"));
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        Ok(Self(rest.split('/').map(str::to_owned).collect()))
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        let Some(rest) = path.strip_prefix('/') else {
            return false;
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        segments_match(&self.0, rest)
    }
}

/// Matches `rest` segment by segment. After a failed match goes back to the last `**` only,
/// which is enough for globs and keeps hostile paths linear in each of the two lengths.
fn segments_match(pattern: &[String], rest: &str) -> bool {
    let (mut at, mut text) = (0, Some(rest));
    let mut retry: Option<(usize, &str)> = None;
    loop {
        if pattern.get(at).is_some_and(|p| p == "**") {
            if at + 1 == pattern.len() {
                return true;
            }
            at += 1;
            retry = text.map(|text| (at, text));
            continue;
        }
        let (segment, after) = match text {
            None if at == pattern.len() => return true,
            None => return false,
            Some(text) => text.split_once('/').map_or((text, None), |(s, r)| (s, Some(r))),
        };
        if pattern.get(at).is_some_and(|p| segment_matches(p, segment)) {
            at += 1;
            text = after;
            continue;
        }
        let Some((again, from)) = retry else {
            return false;
        };
        let Some((_, shorter)) = from.split_once('/') else {
            return false;
        };
        retry = Some((again, shorter));
        at = again;
        text = Some(shorter);
    }
}

fn segment_matches(pattern: &str, segment: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = segment.strip_prefix(first) else {
        return false;
    };
    let Some(mut pending) = parts.next() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some(found) = rest.find(pending) else {
            return false;
        };
        rest = &rest[found + pending.len()..];
        pending = part;
    }
    rest.ends_with(pending)
}
