//! Requests that leave no record.

use super::glob::{BadPattern, Glob, leads_elsewhere};

/// Which requests are excluded: by path, by extension, by method.
///
/// Paths are matched as they were received, still percent-encoded, where the layer sits: a
/// client that spells `/health` as `/%68ealth` is recorded. A path with a `.` or `..` segment, or
/// with an escaped slash, is never excluded by its path, since what serves it may resolve it to
/// another one.
#[derive(Clone, Debug, Default)]
pub struct Exclusions {
    pub(super) paths: Vec<Glob>,
    extensions: Vec<String>,
    pub(super) methods: Vec<String>,
}

impl Exclusions {
    /// Excludes a path and the same with a trailing slash. `*` stands for one segment or a part
    /// of one, `**` for any number of segments: `/health` excludes `/health` and `/health/`, not
    /// `/health-secret`; `/assets/**` excludes `/assets` and everything below it.
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
            return Err(BadPattern::new(extension, "an extension is a name such as `css`"));
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
        !leads_elsewhere(path)
            && (self.paths.iter().any(|glob| glob.matches(path))
                || self.extension_of(path).is_some())
    }

    /// The key and the value that exclude a request.
    pub(crate) fn why(&self, method: &str, path: &str) -> Option<String> {
        if let Some(method) = self.methods.iter().find(|m| *m == method) {
            return Some(format!("exclude.methods `{method}`"));
        }
        if leads_elsewhere(path) {
            return None;
        }
        let by_path = || {
            let glob = self.paths.iter().find(|glob| glob.matches(path))?;
            Some(format!("exclude.paths `{glob}`"))
        };
        let by_extension = || Some(format!("exclude.extensions `{}`", self.extension_of(path)?));
        by_path().or_else(by_extension)
    }

    /// The extension that excludes a path.
    pub(super) fn extension_of(&self, path: &str) -> Option<&str> {
        let last = path.rsplit('/').next().unwrap_or_default();
        let (_, extension) = last.rsplit_once('.').filter(|(stem, _)| !stem.is_empty())?;
        let excluded = self.extensions.iter().find(|e| e.eq_ignore_ascii_case(extension));
        excluded.map(String::as_str)
    }
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
            ("/assets/**", "/assets", true),
            ("/assets/**", "/assets/", true),
            ("/assets/**", "/assets-private/x", false),
            ("/assets/**", "/assets/..%2fadmin", false),
            ("/assets/**", "/assets/..%5Cadmin", false),
            ("/assets/**", "/assets/..\\admin", false),
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
