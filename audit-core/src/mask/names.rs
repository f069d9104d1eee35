//! Which names hide their value.

use std::sync::LazyLock;

/// A part of a record in which values can hide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Actor,
    Path,
    Query,
    Host,
    RequestHeaders,
    RequestBody,
    ResponseHeaders,
    ResponseBody,
    Metadata,
    Error,
}

impl Part {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::Path => "request.path",
            Self::Query => "request.query",
            Self::Host => "request.host",
            Self::RequestHeaders => "request.headers",
            Self::RequestBody => "request.body",
            Self::ResponseHeaders => "response.headers",
            Self::ResponseBody => "response.body",
            Self::Metadata => "metadata",
            Self::Error => "error",
        }
    }

    /// Whether it is of a URL, where plain words such as `code` carry secrets too.
    const fn is_asked(self) -> bool {
        matches!(self, Self::Query | Self::Path)
    }
}

/// The built-in names. A name matches where some of its words in a row, run together, are one of
/// these run together: `new_password`, `userPassword` and `pass-word` match `password`;
/// `shipping` does not match `pin`. Sorted as they
/// run together, for binary search.
const BUILT_IN: &[&str] = &[
    "access_key",
    "access_token",
    "account_key",
    "api_key",
    "auth_code",
    "auth_key",
    "authorization",
    "bearer",
    "card_number",
    "cc_number",
    "client_assertion",
    "client_secret",
    "code_verifier",
    "cookie",
    "credential",
    "credit_card",
    "csrf",
    "cvc",
    "cvv",
    "functions_key",
    "id_token",
    "jsessionid",
    "jwt",
    "master_key",
    "oauth_verifier",
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
    "pw",
    "pwd",
    "rapidapi_key",
    "refresh_token",
    "secret",
    "secret_key",
    "security_code",
    "session_id",
    "session_token",
    "shared_key",
    "signature",
    "signing_key",
    "social_security",
    "ssn",
    "subscription_key",
    "token",
    "totp",
    "xsrf",
];

/// Names that carry secrets in a query but are plain words elsewhere; the whole name must match.
const IN_QUERY: &[&str] =
    &["assertion", "auth", "code", "key", "saml_response", "session", "sid", "sig", "ticket"];

/// Longest run of words that can match, in bytes.
const LONGEST: usize = 16;

/// The shortest name.
const SHORTEST: usize = 2;

/// The built-in names as they run together, in the same order, each with zeros behind it; and
/// for each byte the range of those that begin with it.
struct Joined {
    names: Vec<[u8; LONGEST + 1]>,
    first: [(u8, u8); 256],
}

static JOINED: LazyLock<Joined> = LazyLock::new(|| {
    let mut joined = Joined { names: Vec::new(), first: [(0, 0); 256] };
    for (at, name) in (0..).zip(BUILT_IN) {
        let mut letters = [0; LONGEST + 1];
        let run = name.bytes().filter(|b| *b != b'_');
        letters.iter_mut().zip(run).for_each(|(to, letter)| *to = letter);
        let range = &mut joined.first[usize::from(letters[0])];
        *range = if range.1 == 0 { (at, at + 1) } else { (range.0, at + 1) };
        joined.names.push(letters);
    }
    joined
});

/// The names that hide their value.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    built_in: bool,
    /// In lower case.
    exact: Vec<String>,
}

impl Names {
    pub(crate) fn new(built_in: bool, exact: impl IntoIterator<Item = String>) -> Self {
        Self { built_in, exact: exact.into_iter().map(|name| lower(&name).collect()).collect() }
    }

    /// The selector that hides the value under `name` in `part`. Configured names match the
    /// whole name, ignoring case, and in a query the last part of `a[b]` and `a.b` too; built-in
    /// ones match by words.
    pub(crate) fn find(&self, part: Part, name: &str) -> Option<&str> {
        if let Some(configured) = self.configured(part, name) {
            return Some(configured);
        }
        self.built_in.then(|| built_in(part, name)).flatten()
    }

    fn configured(&self, part: Part, name: &str) -> Option<&str> {
        if self.exact.is_empty() {
            return None;
        }
        // What reads a form drops these too.
        let name = name.trim_matches(|c: char| c.is_whitespace() || c == '\0');
        let last = part.is_asked().then(|| last_segment(name)).flatten();
        let same = |e: &&String| {
            same_ignoring_case(e, name) || last.is_some_and(|last| same_ignoring_case(e, last))
        };
        self.exact.iter().find(same).map(String::as_str)
    }
}

fn lower(name: &str) -> impl Iterator<Item = char> {
    name.chars().flat_map(char::to_lowercase)
}

fn same_ignoring_case(configured: &str, name: &str) -> bool {
    match name.is_ascii() {
        true => configured.eq_ignore_ascii_case(name),
        false => lower(name).eq(configured.chars()),
    }
}

/// The last part of `user[password]`, `user.password` or `passwords[0][]` that is a name.
fn last_segment(name: &str) -> Option<&str> {
    let named = |s: &&str| !s.is_empty() && !s.bytes().all(|b| b.is_ascii_digit());
    name.rsplit(['[', ']', '.']).find(named)
}

fn built_in(part: Part, name: &str) -> Option<&'static str> {
    in_words(name).or_else(|| {
        let whole = |listed: &&&str| part.is_asked() && is_whole(name, listed);
        IN_QUERY.iter().find(whole).copied()
    })
}

/// Whether all words of `name` run together are `listed`, or more than one of it.
fn is_whole(name: &str, listed: &str) -> bool {
    let mut chars = name.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_lowercase());
    listed.chars().filter(|c| *c != '_').all(|c| chars.next() == Some(c))
        && matches!((chars.next(), chars.next()), (None, _) | (Some('s'), None))
}

/// The built-in name that some words of `name` are: the first, and of those the longest.
///
/// One pass without memory of its own, since clients choose the names.
fn in_words(name: &str) -> Option<&'static str> {
    if name.len() < SHORTEST {
        return None;
    }
    let mut runs = Runs::new();
    let mut before: Option<char> = None;
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        if !c.is_alphanumeric() {
            if before.take().is_some() {
                runs.word_ends();
            }
            continue;
        }
        let next = chars.peek().copied();
        let begins = before.is_none_or(|before| begins_word(before, c, next));
        if begins && before.is_some() {
            runs.word_ends();
        }
        runs.letter(c.to_ascii_lowercase(), begins);
        before = Some(c);
    }
    if before.is_some() {
        runs.word_ends();
    }
    runs.found.map(|(_, listed)| BUILT_IN[usize::from(listed)])
}

/// Whether a letter begins a word inside `userPassword`, `APIKey`, `oauth2Token`.
fn begins_word(before: char, c: char, next: Option<char>) -> bool {
    before.is_numeric() != c.is_numeric()
        || (c.is_uppercase() && (!before.is_uppercase() || next.is_some_and(char::is_lowercase)))
}

/// A run of words that is how some built-in names begin.
#[derive(Clone, Copy, Default)]
struct Run {
    /// The number of its first word.
    word: u32,
    /// Those names: a range of the list.
    from: u8,
    to: u8,
    /// Letters so far.
    len: u8,
    /// The place after that of the name that it is, but for an `s` at its end; or 0.
    plural: u8,
}

impl Run {
    /// The first name in its range, if the run is it.
    fn whole(&self, joined: &Joined) -> Option<u8> {
        let is =
            self.from < self.to && joined.names[usize::from(self.from)][usize::from(self.len)] == 0;
        is.then_some(self.from)
    }
}

/// All runs of words that may still become a name. A run is no longer than the longest name, and
/// begins with a letter of its own, so there are few.
struct Runs {
    joined: &'static Joined,
    open: [Run; LONGEST + 2],
    count: usize,
    words: u32,
    /// The first word of what was found, and its place in the list.
    found: Option<(u32, u8)>,
}

impl Runs {
    fn new() -> Self {
        let open = [Run::default(); LONGEST + 2];
        Self { joined: &JOINED, open, count: 0, words: 0, found: None }
    }

    fn letter(&mut self, letter: char, begins_word: bool) {
        // No name has another character than ASCII.
        let letter = u8::try_from(letter).unwrap_or(u8::MAX);
        let mut kept = 0;
        for at in 0..self.count {
            let mut run = self.open[at];
            let whole = run.whole(self.joined).filter(|_| letter == b's');
            run.plural = whole.map_or(0, |whole| whole + 1);
            let nth = |at: u8| self.joined.names[usize::from(at)][usize::from(run.len)];
            while run.from < run.to && nth(run.from) < letter {
                run.from += 1;
            }
            while run.from < run.to && nth(run.to - 1) > letter {
                run.to -= 1;
            }
            run.len += 1;
            if run.from < run.to || run.plural > 0 {
                self.open[kept] = run;
                kept += 1;
            }
        }
        self.count = kept;
        if begins_word {
            self.words = self.words.saturating_add(1);
            let (from, to) = self.joined.first[usize::from(letter)];
            if let Some(slot) = self.open.get_mut(kept)
                && from < to
            {
                *slot = Run { word: self.words, from, to, len: 1, plural: 0 };
                self.count += 1;
            }
        }
    }

    fn word_ends(&mut self) {
        for run in &self.open[..self.count] {
            let listed = run.whole(self.joined).or_else(|| run.plural.checked_sub(1));
            if let Some(listed) = listed
                && self.found.is_none_or(|(word, _)| run.word <= word)
            {
                self.found = Some((run.word, listed));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_and_short() {
        for list in [BUILT_IN, IN_QUERY] {
            assert!(list.is_sorted_by_key(|name| name.replace('_', "")));
            assert!(list.iter().all(|name| (SHORTEST..=LONGEST).contains(&name.len())));
            assert!(list.len() < usize::from(u8::MAX));
            assert!(list.iter().all(|name| built_in(Part::Query, name) == Some(name)));
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
            ("X-Goog-Signature", "signature"),
            ("AWSAccessKeyId", "access_key"),
            ("Ocp-Apim-Subscription-Key", "subscription_key"),
            ("X-Auth-Key", "auth_key"),
            ("code_verifier", "code_verifier"),
            ("set-cookie2", "cookie"),
            ("oauth2Token", "token"),
            ("größePasswort", "passwort"),
            ("a.b/c pin", "pin"),
            ("to-ken", "token"),
            ("accessibility_token", "token"),
            ("passwordpass password", "password"),
        ] {
            assert_eq!(find(name), Some(selector), "{name}");
        }
        for name in [
            "shipping",
            "spinner",
            "tokenizer",
            "compass",
            "code",
            "key",
            "user",
            "",
            "_",
            "--",
            "SPIN",
            "monkey",
            "cookiecutter",
            "tok",
            "éé",
        ] {
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

    #[test]
    fn in_a_query_the_last_part_of_a_name_counts() {
        let names = Names::new(false, ["salary".into()]);
        for name in
            ["user[salary]", "user.salary", "salary[]", "a[salary][0]", " salary", "salary\0"]
        {
            assert_eq!(names.find(Part::Query, name), Some("salary"), "{name}");
        }
        for name in ["salary[currency]", "base_salary", "[]", "0"] {
            assert_eq!(names.find(Part::Query, name), None, "{name}");
        }
    }

    #[test]
    fn a_hostile_name_is_linear() {
        // Each took milliseconds for 4 KiB: every word began a run with each one after it.
        for piece in ["a-", "p_", "pP", "s.", "pas_", "é", "-", "p1"] {
            let name = piece.repeat(1024 * 1024 / piece.len());
            let began = std::time::Instant::now();
            assert_eq!(Names::new(true, ["größe".into()]).find(Part::Query, &name), None);
            assert!(began.elapsed().as_secs() < 2, "{piece}");
        }
    }
}
