//! Templates of routes: where the parameters of a path are.

use std::{borrow::Cow, ops::Range};

use percent_encoding::percent_decode_str;

use super::{part::Of, rules::Sel, scope::Scope};

/// Most segments of a template.
const SEGMENTS: usize = 256;

/// The hidden parameters of a path, in order. `None`: none is hidden, or the template is not that
/// of the path.
pub(super) fn hidden(
    route: &str,
    path: &str,
    scope: &Scope<'_>,
) -> Option<Vec<(Sel, Range<usize>)>> {
    if !route.contains(['{', ':', '*']) {
        return None;
    }
    let templates = segments(route);
    let mut hidden = Vec::new();
    let mut rest = Some(0..path.len());
    let mut templates = templates.into_iter().take(SEGMENTS).peekable();
    while let Some(template) = templates.next() {
        let Some(here) = rest else {
            // `/a/` is also found as `/a`.
            return (template.is_empty() && templates.peek().is_none()).then_some(hidden);
        };
        let parameter = Parameter::read(template);
        let last = templates.peek().is_none();
        let takes_all = last && parameter.as_ref().is_some_and(|p| p.is_tail);
        let slash = memchr::memchr(b'/', &path.as_bytes()[here.clone()]).filter(|_| !takes_all);
        let end = slash.map_or(path.len(), |at| here.start + at);
        let segment = &path[here.start..end];
        match parameter {
            None => {
                let plain = segment.split(';').next().unwrap_or(segment);
                if plain != template && percent_decode_str(plain).decode_utf8_lossy() != template {
                    return None;
                }
            }
            Some(parameter) => {
                let value = segment
                    .strip_prefix(&*parameter.before)
                    .and_then(|value| value.strip_suffix(&*parameter.behind))?;
                let from = here.start + parameter.before.len();
                let found = parameter.names.iter().find_map(|n| scope.find(Of::PathParameter, n));
                if let Some(sel) = found.filter(|_| !value.is_empty()) {
                    hidden.push((sel, from..from + value.len()));
                }
            }
        }
        rest = slash.map(|_| end + 1..path.len());
    }
    // What is left may be the slash at the end, and no more.
    (rest.is_none_or(|rest| rest.is_empty()) && !hidden.is_empty()).then_some(hidden)
}

/// The segments of a template; a `/` in braces is a pattern's.
fn segments(route: &str) -> Vec<&str> {
    let (mut depth, mut from) = (0_usize, 0);
    let mut segments = Vec::new();
    for (at, byte) in route.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b'/' if depth == 0 => {
                segments.push(&route[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    segments.push(&route[from..]);
    segments
}

/// A segment with parameters in it.
struct Parameter<'t> {
    names: Vec<&'t str>,
    /// It takes what follows too, slashes and all.
    is_tail: bool,
    /// What is around it in the segment.
    before: Cow<'t, str>,
    behind: Cow<'t, str>,
}

impl<'t> Parameter<'t> {
    fn read(template: &'t str) -> Option<Self> {
        // As older versions of axum wrote it.
        if let Some(name) = template.strip_prefix([':', '*']).filter(|n| !n.is_empty()) {
            let (before, behind) = (Cow::Borrowed(""), Cow::Borrowed(""));
            return Some(Self {
                names: vec![name],
                is_tail: template.starts_with('*'),
                before,
                behind,
            });
        }
        let (mut depth, mut from) = (0_usize, 0);
        let (mut first, mut last) = (None, 0);
        let (mut names, mut is_tail) = (Vec::new(), false);
        for (at, byte) in template.bytes().enumerate() {
            match byte {
                b'{' if template[at + 1..].starts_with('{') && depth == 0 => return None,
                b'{' => {
                    if depth == 0 {
                        first = first.or(Some(at));
                        from = at + 1;
                    }
                    depth += 1;
                }
                b'}' if depth > 0 => {
                    depth -= 1;
                    if depth == 0 {
                        last = at + 1;
                        let text = &template[from..at];
                        let (name, pattern) = text.split_once(':').unwrap_or((text, ""));
                        is_tail |= name.starts_with('*')
                            || pattern.contains(['.', '/'])
                            || pattern.contains("[^");
                        names.push(name.trim_start_matches('*').trim());
                    }
                }
                _ => {}
            }
        }
        let first = first.filter(|_| depth == 0)?;
        let (before, behind) = (&template[..first], &template[last..]);
        Some(Self { names, is_tail, before: Cow::Borrowed(before), behind: Cow::Borrowed(behind) })
    }
}
