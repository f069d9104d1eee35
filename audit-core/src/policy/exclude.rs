//! Requests that leave no record.

/// Which requests are excluded: by path, by extension, by method.
///
/// Paths are matched as they were received, still percent-encoded, where the layer sits: a
/// client that spells `/health` as `/%68ealth` is recorded. A path with a `.` or `..` segment
/// is never excluded by its path, since what serves it may resolve it to another one.
#[derive(Clone, Debug, Default)]
pub struct Exclusions {
    paths: Vec<Glob>,
    extensions: Vec<String>,
    methods: Vec<String>,
}

/// A pattern that could never match.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` can match no path: {why}")]
pub struct BadPattern {
    pattern: String,
    why: &'static str,
}

impl Exclusions {
    /// Excludes a path and the same with a trailing slash. `*` stands for one segment or a part
    /// of one, `**` for any number of segments: `/health` excludes `/health` and `/health/`, not
    /// `/health-secret`; `/assets/**` excludes everything below `/assets`.
    ///
    /// # Errors
    ///
    /// A pattern that does not begin with `/`, or holds a query.
    pub fn path(&mut self, pattern: &str) -> Result<(), BadPattern> {
        self.paths.push(Glob::new(pattern)?);
        Ok(())
    }

    /// Excludes paths whose last segment ends in a dot and this extension, ignoring case.
    ///
    /// # Errors
    ///
    /// An extension that is empty or holds a slash.
    pub fn extension(&mut self, extension: &str) -> Result<(), BadPattern> {
        let plain = extension.trim_start_matches("*.").trim_start_matches('.');
        if plain.is_empty() || plain.contains('/') {
            let why = "an extension is a name such as `css`";
            return Err(BadPattern { pattern: extension.to_owned(), why });
        }
        self.extensions.push(plain.to_ascii_lowercase());
        Ok(())
    }

    /// Excludes a method, such as `OPTIONS`.
    pub fn method(&mut self, method: &str) {
        self.methods.push(method.to_ascii_uppercase());
    }

    pub(crate) fn excludes(&self, method: &str, path: &str) -> bool {
        if self.methods.iter().any(|m| m == method) {
            return true;
        }
        if self.paths.is_empty() && self.extensions.is_empty() {
            return false;
        }
        !has_dot_segment(path)
            && (self.paths.iter().any(|glob| glob.matches(path)) || self.extension_matches(path))
    }

    fn extension_matches(&self, path: &str) -> bool {
        let last = path.rsplit('/').next().unwrap_or_default();
        last.rsplit_once('.').is_some_and(|(stem, extension)| {
            !stem.is_empty() && self.extensions.iter().any(|e| e.eq_ignore_ascii_case(extension))
        })
    }
}

fn has_dot_segment(path: &str) -> bool {
    // `%2e` is a dot to whatever decodes before it resolves. Most paths have no such byte pair.
    path.split('/').any(|segment| {
        let bytes = segment.as_bytes();
        let mut dots = 0;
        let mut at = 0;
        while at < bytes.len() {
            match bytes[at..] {
                [b'.', ..] => at += 1,
                [b'%', b'2', b'e' | b'E', ..] => at += 3,
                _ => return false,
            }
            dots += 1;
        }
        dots == 1 || dots == 2
    })
}

/// A path pattern, split into segments.
#[derive(Clone, Debug)]
struct Glob(Vec<String>);

impl Glob {
    fn new(pattern: &str) -> Result<Self, BadPattern> {
        let bad = |why| BadPattern { pattern: pattern.to_owned(), why };
        let Some(rest) = pattern.strip_prefix('/') else {
            return Err(bad("a path begins with `/`"));
        };
        if pattern.contains(['?', '#']) {
            return Err(bad("a path holds no query and no fragment"));
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        Ok(Self(rest.split('/').map(str::to_owned).collect()))
    }

    fn matches(&self, path: &str) -> bool {
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
                return text.is_some();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn excludes(pattern: &str, path: &str) -> bool {
        let mut exclusions = Exclusions::default();
        exclusions.path(pattern).unwrap();
        exclusions.excludes("GET", path)
    }

    #[test]
    fn segments_are_respected() {
        for (pattern, path, expected) in [
            ("/health", "/health", true),
            ("/health", "/health/", true),
            ("/health/", "/health", true),
            ("/health", "/health-secret", false),
            ("/health", "/health/deep", false),
            ("/health", "/%68ealth", false),
            ("/health", "//health", false),
            ("/health", "/HEALTH", false),
            ("/", "/", true),
            ("/", "/a", false),
            ("/assets/**", "/assets/app.css", true),
            ("/assets/**", "/assets/a/b/c", true),
            ("/assets/**", "/assets-private/x", false),
            ("/assets/**", "/assets/../admin", false),
            ("/assets/**", "/assets/%2E./admin", false),
            ("/assets/**", "/assets/...", true),
            ("/api/*/ping", "/api/v1/ping", true),
            ("/api/*/ping", "/api/v1/v2/ping", false),
            ("/api/**/ping", "/api/v1/v2/ping", true),
            ("/api/**/ping", "/api/ping", true),
            ("/api/**/ping", "/api/ping/pong", false),
            ("/**/a/**/b", "/x/a/y/a/z/b", true),
            ("/**/a/**/b", "/x/a/y/a/z/c", false),
            ("/img-*.png", "/img-1.png", true),
            ("/img-*.png", "/img-1.jpg", false),
            ("/a*b*c", "/a-b-b-c", true),
            ("/a*b*c", "/acb", false),
            ("/ab*ba", "/aba", false),
            ("/**", "/anything/at/all", true),
            ("/health", "*", false),
        ] {
            assert_eq!(excludes(pattern, path), expected, "{pattern} on {path}");
        }
    }

    #[test]
    fn extensions_and_methods() {
        let mut exclusions = Exclusions::default();
        exclusions.extension("css").unwrap();
        exclusions.extension("*.png").unwrap();
        exclusions.method("options");
        assert!(exclusions.excludes("GET", "/assets/app.CSS"));
        assert!(exclusions.excludes("GET", "/logo.png"));
        assert!(exclusions.excludes("OPTIONS", "/orders"));
        assert!(!exclusions.excludes("GET", "/css"));
        assert!(!exclusions.excludes("GET", "/.css"));
        assert!(!exclusions.excludes("GET", "/app.css/orders"));
        assert!(!exclusions.excludes("GET", "/../app.css"));
    }

    #[test]
    fn a_hostile_path_is_linear() {
        let path = "/a".repeat(30_000);
        assert!(!excludes("/**/a/**/a/**/a/**/b", &path));
    }

    #[test]
    fn patterns_that_match_nothing_are_refused() {
        let mut exclusions = Exclusions::default();
        assert!(exclusions.path("health").unwrap_err().to_string().contains("begins with `/`"));
        assert!(exclusions.path("/health?x").is_err());
        assert!(exclusions.extension("").is_err());
    }
}
