//! Which names hide their value.

/// A part of a record in which values can hide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Path,
    Query,
    RequestHeaders,
    ResponseHeaders,
    Metadata,
    Error,
}

impl Part {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Path => "request.path",
            Self::Query => "request.query",
            Self::RequestHeaders => "request.headers",
            Self::ResponseHeaders => "response.headers",
            Self::Metadata => "metadata",
            Self::Error => "error",
        }
    }
}

/// The built-in names. A name matches where some of its words in a row, run together, are one of
/// these run together: `new_password`, `userPassword` and `pass-word` match `password`;
/// `shipping` does not match `pin`. Sorted as they
/// run together, for binary search.
const BUILT_IN: &[&str] = &[
    "access_key",
    "access_token",
    "api_key",
    "authorization",
    "bearer",
    "card_number",
    "cc_number",
    "client_secret",
    "credential",
    "credit_card",
    "csrf",
    "cvc",
    "cvv",
    "id_token",
    "jsessionid",
    "jwt",
    "otp",
    "pan",
    "pass",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "passwort",
    "phpsessid",
    "pin",
    "private_key",
    "pwd",
    "refresh_token",
    "secret",
    "secret_key",
    "security_code",
    "session_id",
    "session_token",
    "signing_key",
    "social_security",
    "ssn",
    "token",
    "totp",
    "xsrf",
];

/// Names that carry secrets in a query but are plain words elsewhere; the whole name must match.
const IN_QUERY: &[&str] = &[
    "assertion",
    "auth",
    "code",
    "key",
    "saml_response",
    "session",
    "sid",
    "sig",
    "signature",
    "ticket",
];

/// Longest run of words that can match, in bytes.
const LONGEST: usize = 16;

/// The names that hide their value.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    built_in: bool,
    /// In lower case.
    exact: Vec<String>,
}

impl Names {
    pub(crate) fn new(built_in: bool, exact: impl IntoIterator<Item = String>) -> Self {
        Self { built_in, exact: exact.into_iter().map(|name| name.to_lowercase()).collect() }
    }

    /// The selector that hides the value under `name` in `part`. Configured names match the
    /// whole name, ignoring case; built-in ones match by words.
    pub(crate) fn find(&self, part: Part, name: &str) -> Option<&str> {
        let configured = || self.exact.iter().find(|e| same_ignoring_case(e, name));
        if let Some(configured) = configured() {
            return Some(configured);
        }
        self.built_in.then(|| built_in(part, name)).flatten()
    }
}

fn same_ignoring_case(lower: &str, name: &str) -> bool {
    lower.eq_ignore_ascii_case(name) || (!name.is_ascii() && name.to_lowercase() == *lower)
}

fn built_in(part: Part, name: &str) -> Option<&'static str> {
    let mut joined = String::with_capacity(name.len());
    let mut starts = Vec::with_capacity(8);
    for word in Words(name) {
        starts.push(joined.len());
        joined.extend(word.chars().map(|c| c.to_ascii_lowercase()));
    }
    starts.push(joined.len());
    for (at, &start) in starts.iter().enumerate() {
        // The longest run first: `pass_word` is a password, not a pass.
        let ends = &starts[at + 1..];
        let fitting = ends.partition_point(|end| end - start <= LONGEST + 1);
        for &end in ends[..fitting].iter().rev() {
            if let Some(found) = one_of(BUILT_IN, &joined[start..end]) {
                return Some(found);
            }
        }
    }
    let whole = matches!(part, Part::Query | Part::Path).then(|| one_of(IN_QUERY, &joined));
    whole.flatten()
}

fn one_of(list: &'static [&'static str], text: &str) -> Option<&'static str> {
    let run = |name: &'static str| name.bytes().filter(|b| *b != b'_');
    let find = |text: &str| {
        let place = list.binary_search_by(|name| run(name).cmp(text.bytes()));
        place.ok().map(|at| list[at])
    };
    find(text).or_else(|| find(text.strip_suffix('s')?))
}

/// The words of a name: split at anything but letters and digits, between letters and digits,
/// and where case says that a word begins (`userPassword`, `APIKey`).
struct Words<'a>(&'a str);

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let start = self.0.find(char::is_alphanumeric)?;
        let rest = &self.0[start..];
        let mut chars = rest.char_indices().peekable();
        let mut end = rest.len();
        let mut before: Option<char> = None;
        while let Some((at, c)) = chars.next() {
            let next_is_lower = chars.peek().is_some_and(|(_, n)| n.is_lowercase());
            let begins = before.is_some_and(|b| {
                !c.is_alphanumeric()
                    || b.is_numeric() != c.is_numeric()
                    || (c.is_uppercase() && (!b.is_uppercase() || next_is_lower))
            });
            if begins {
                end = at;
                break;
            }
            before = Some(c);
        }
        let (word, rest) = rest.split_at(end);
        self.0 = rest;
        Some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_and_short() {
        for list in [BUILT_IN, IN_QUERY] {
            assert!(list.is_sorted_by_key(|name| name.replace('_', "")));
            assert!(list.iter().all(|name| name.len() <= LONGEST));
            assert!(list.iter().all(|name| one_of(list, &name.replace('_', "")) == Some(name)));
        }
    }

    #[test]
    fn words_are_split_as_people_write_names() {
        let split = |name| Words(name).collect::<Vec<_>>().join("|");
        for (name, words) in [
            ("userPassword", "user|Password"),
            ("new_password", "new|password"),
            ("APIKey", "API|Key"),
            ("oauth2Token", "oauth|2|Token"),
            (" pass-word ", "pass|word"),
            ("a.b/c d", "a|b|c|d"),
            ("SHOUT", "SHOUT"),
            ("größeNeu", "größe|Neu"),
            ("--", ""),
        ] {
            assert_eq!(split(name), words);
        }
    }

    #[test]
    fn built_in_names_match_by_words() {
        let names = Names::new(true, []);
        let find = |name| names.find(Part::Metadata, name);
        for (name, selector) in [
            ("password", "password"),
            ("PASSWORD", "password"),
            ("pass-word", "password"),
            ("userPassword", "password"),
            ("new_password", "password"),
            (" password ", "password"),
            ("password2", "password"),
            ("user.passwords", "password"),
            ("X-Auth-Token", "token"),
            ("accessToken", "access_token"),
            ("apiKey", "api_key"),
            ("API_KEY", "api_key"),
            ("api-keys", "api_key"),
            ("card_number", "card_number"),
            ("customerPIN", "pin"),
            ("X-Session-ID", "session_id"),
            ("client_secret", "client_secret"),
            ("app_secret", "secret"),
        ] {
            assert_eq!(find(name), Some(selector), "{name}");
        }
        for name in ["shipping", "spinner", "tokenizer", "compass", "code", "key", "user", "", "_"]
        {
            assert_eq!(find(name), None, "{name}");
        }
    }

    #[test]
    fn some_names_hide_only_in_a_query() {
        let names = Names::new(true, []);
        for name in ["code", "sig", "Key", "SAMLResponse"] {
            assert!(names.find(Part::Query, name).is_some(), "{name}");
            assert!(names.find(Part::Metadata, name).is_none(), "{name}");
        }
        assert!(names.find(Part::Query, "country_code").is_none());
    }

    #[test]
    fn configured_names_match_whole_ignoring_case() {
        let names = Names::new(false, ["Salary".into(), "größe".into()]);
        assert_eq!(names.find(Part::Metadata, "SALARY"), Some("salary"));
        assert_eq!(names.find(Part::Metadata, "GRÖSSE"), None);
        assert_eq!(names.find(Part::Metadata, "GRÖßE"), Some("größe"));
        assert_eq!(names.find(Part::Metadata, "base_salary"), None);
        assert_eq!(names.find(Part::Metadata, "password"), None);
    }
}
