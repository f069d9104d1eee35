//! Selectors: how settings say which values are masked.

use super::{part::Of, paths::Path};

/// What one setting selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Selects {
    /// Every value under this name, in lower case: anywhere, or of one kind only.
    Name(String, Option<Of>),
    /// The value at a path, in a document.
    Path(Path),
    /// Either: `a.b` may be a path, and is a possible name.
    NameOrPath(String, Path),
}

/// A selector that can select nothing, or is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{selector}` {why}; write a name, `$.path.to[*].field`, `header:x`, `query:x`, `cookie:x` or `path:x`"
)]
pub struct BadSelector {
    selector: String,
    why: &'static str,
}

impl BadSelector {
    pub(super) fn too_many(selector: &str) -> Self {
        Self { selector: selector.to_owned(), why: "is one too many: 10,000 are the most" }
    }
}

const KINDS: [(&str, Of); 4] = [
    ("header:", Of::Header),
    ("query:", Of::Query),
    ("cookie:", Of::Cookie),
    ("path:", Of::PathParameter),
];

impl Selects {
    pub(super) fn parse(selector: &str) -> Result<Self, BadSelector> {
        let bad = |why| BadSelector { selector: selector.to_owned(), why };
        let text = selector.trim();
        if text.is_empty() {
            return Err(bad("is empty"));
        }
        for (prefix, of) in KINDS {
            if let Some(name) = text.strip_prefix(prefix) {
                let name = name.trim();
                if name.is_empty() {
                    return Err(bad("has no name"));
                }
                return Ok(Self::Name(lower(name), Some(of)));
            }
        }
        if text.starts_with('$') {
            return Path::parse(text).map(Self::Path).map_err(bad);
        }
        let name = lower(text);
        // A name may hold a dot or a bracket; most that do are meant as paths.
        match Path::parse(text) {
            Ok(path) if path.is_deep() => Ok(Self::NameOrPath(name, path)),
            _ => Ok(Self::Name(name, None)),
        }
    }
}

/// In lower case, character by character: `ß` stays as it is.
pub(super) fn lower(name: &str) -> String {
    lowered(name).collect()
}

/// The same, one by one.
pub(super) fn lowered(name: &str) -> impl Iterator<Item = char> {
    name.chars().flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_understood() {
        let name = |name: &str, of| Selects::Name(name.to_owned(), of);
        for (text, expected) in [
            ("PassWord", name("password", None)),
            (" api/key ", name("api/key", None)),
            ("header:X-Bin", name("x-bin", Some(Of::Header))),
            ("query: sig", name("sig", Some(Of::Query))),
            ("cookie:sid", name("sid", Some(Of::Cookie))),
            ("path:token", name("token", Some(Of::PathParameter))),
            ("$.a.b", Selects::Path(Path::parse("$.a.b").unwrap())),
            ("a.B", Selects::NameOrPath("a.b".into(), Path::parse("a.B").unwrap())),
            ("a.", name("a.", None)),
        ] {
            assert_eq!(Selects::parse(text), Ok(expected), "{text}");
        }
        for text in ["", "  ", "header:", "$", "$.", "$.a[", "$.a[x]", "$..", "$a"] {
            let error = Selects::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{text}`")) && error.contains("$.path"), "{error}");
        }
    }
}
