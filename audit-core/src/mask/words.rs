//! The built-in names, which match by words.

use std::sync::LazyLock;

use aho_corasick::{
    Anchored,
    automaton::{Automaton, StateID},
    dfa::DFA,
};

/// The built-in names. A name matches where some of its words in a row, run together, are one of
/// these run together: `new_password`, `userPassword` and `pass-word` match `password`;
/// `shipping` does not match `pin`.
pub(super) const BUILT_IN: &[&str] = &[
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

/// Of these the end of a word is enough: `newpassword`, `PGPASSWORD`, `csrfmiddlewaretoken`.
const ENDINGS: [&str; 6] = ["api_key", "passphrase", "passwd", "password", "secret", "token"];

/// Names that carry secrets in a query but are plain words elsewhere; the whole name must match.
pub(super) const IN_QUERY: &[&str] =
    &["assertion", "auth", "code", "key", "saml_response", "session", "sid", "sig", "ticket"];

/// Longest name, in letters: what the history of word beginnings must reach back to, with the
/// `s` of a plural.
#[cfg(test)]
const LONGEST: usize = 31;

static MACHINE: LazyLock<Option<DFA>> = LazyLock::new(|| {
    let run_together = BUILT_IN.iter().map(|name| name.replace('_', ""));
    DFA::new(run_together).ok()
});

/// The place in [`IN_QUERY`] of the name that all words of `name` run together are, or more than
/// one of it.
pub(super) fn in_query(name: &str) -> Option<usize> {
    IN_QUERY.iter().position(|listed| is_whole(name, listed))
}

fn is_whole(name: &str, listed: &str) -> bool {
    let mut chars = name.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_lowercase());
    listed.chars().filter(|c| *c != '_').all(|c| chars.next() == Some(c))
        && matches!((chars.next(), chars.next()), (None, _) | (Some('s'), None))
}

/// The place in [`BUILT_IN`] of the name that some words of `name` are: the first, and of those
/// the longest.
///
/// One pass of an automaton without memory of its own, since clients choose the names.
pub(super) fn built_in(name: &str) -> Option<usize> {
    let machine = MACHINE.as_ref()?;
    let mut walk = Walk::new(machine)?;
    if name.is_ascii() {
        return ascii(walk, name.as_bytes());
    }
    let mut before: Option<char> = None;
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        if !is_small(c) && !c.is_alphanumeric() {
            if before.take().is_some() {
                walk.word_ends();
            }
            continue;
        }
        let begins = match before {
            None => true,
            Some(before) => begins_word(before, c, chars.peek().copied()),
        };
        if begins && before.is_some() {
            walk.word_ends();
        }
        walk.letter(c, begins);
        before = Some(c);
    }
    if before.is_some() {
        walk.word_ends();
    }
    walk.found.map(|(_, _, listed)| listed)
}

const OTHER: u8 = 0;
const LOWER: u8 = 1;
const UPPER: u8 = 2;
const DIGIT: u8 = 3;

const KINDS: [u8; 128] = {
    let mut kinds = [OTHER; 128];
    let mut at = 0;
    while at < kinds.len() {
        kinds[at] = match at as u8 {
            b'a'..=b'z' => LOWER,
            b'A'..=b'Z' => UPPER,
            b'0'..=b'9' => DIGIT,
            _ => OTHER,
        };
        at += 1;
    }
    kinds
};

/// The same for a name of ASCII, as nearly all are, by a look at each byte.
fn ascii(mut walk: Walk<'_>, name: &[u8]) -> Option<usize> {
    let kind = |byte: &u8| KINDS[usize::from(*byte & 0x7f)];
    let mut before = OTHER;
    for (at, byte) in name.iter().enumerate() {
        let now = kind(byte);
        if now != OTHER {
            let begins = match (before, now) {
                (LOWER, LOWER) | (DIGIT, DIGIT) => false,
                (OTHER | DIGIT, _) | (_, DIGIT) | (LOWER, UPPER) => true,
                (UPPER, UPPER) => name.get(at + 1).is_some_and(u8::is_ascii_lowercase),
                _ => false,
            };
            if begins && before != OTHER {
                walk.word_ends();
            }
            walk.byte(byte.to_ascii_lowercase(), begins);
        } else if before != OTHER {
            walk.word_ends();
        }
        before = now;
    }
    if before != OTHER {
        walk.word_ends();
    }
    walk.found.map(|(_, _, listed)| listed)
}

/// Whether a letter begins a word inside `userPassword`, `APIKey`, `oauth2Token`.
fn begins_word(before: char, c: char, next: Option<char>) -> bool {
    // Letters without case, or in lower case, of which long words may be made.
    if is_small(before) && is_small(c) {
        return false;
    }
    before.is_numeric() != c.is_numeric()
        || (c.is_uppercase() && (!before.is_uppercase() || next.is_some_and(char::is_lowercase)))
}

/// Whether it is known without a search to be a letter, no number and not in upper case.
fn is_small(c: char) -> bool {
    matches!(c, 'a'..='z' | 'ß'..='ö' | 'ø'..='ÿ' | 'а'..='я' | '一'..='鿋' | '가'..='힣')
}

/// A walk over the letters of a name, run together.
struct Walk<'m> {
    machine: &'m DFA,
    /// After the last letter, and after the one before it.
    state: StateID,
    earlier: StateID,
    /// Which of the last letters began a word; the last letter is the lowest bit.
    beginnings: u64,
    last: u8,
    letters: usize,
    /// Where what was found begins, its length, and its place in the list.
    found: Option<(usize, usize, usize)>,
}

impl<'m> Walk<'m> {
    fn new(machine: &'m DFA) -> Option<Self> {
        let start = machine.start_state(Anchored::No).ok()?;
        Some(Self {
            machine,
            state: start,
            earlier: start,
            beginnings: 0,
            last: 0,
            letters: 0,
            found: None,
        })
    }

    fn letter(&mut self, letter: char, begins_word: bool) {
        // No name has another character than ASCII.
        let byte = u8::try_from(letter).map_or(u8::MAX, |letter| letter.to_ascii_lowercase());
        self.byte(byte, begins_word);
    }

    fn byte(&mut self, letter: u8, begins_word: bool) {
        self.last = letter;
        self.earlier = self.state;
        self.state = self.machine.next_state(Anchored::No, self.state, self.last);
        self.beginnings = self.beginnings << 1 | u64::from(begins_word);
        self.letters += 1;
    }

    fn word_ends(&mut self) {
        if self.machine.is_special(self.state) {
            self.ends_with(self.state, 0);
        }
        if self.last == b's' && self.machine.is_special(self.earlier) {
            self.ends_with(self.earlier, 1);
        }
    }

    /// Looks for a name that is whole in `state`, with `more` letters behind it.
    fn ends_with(&mut self, state: StateID, more: usize) {
        if !self.machine.is_match(state) {
            return;
        }
        for at in 0..self.machine.match_len(state) {
            let listed = self.machine.match_pattern(state, at);
            let len = self.machine.pattern_len(listed);
            let began = self.letters - len - more;
            let begins = self.beginnings >> (len + more - 1) & 1 == 1
                || BUILT_IN.get(listed.as_usize()).is_some_and(|name| ENDINGS.contains(name));
            if begins
                && self.found.is_none_or(|(first, longest, _)| {
                    began < first || (began == first && len > longest)
                })
            {
                self.found = Some((began, len, listed.as_usize()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(name: &str) -> Option<&'static str> {
        built_in(name).map(|at| BUILT_IN[at])
    }

    #[test]
    fn the_lists_are_short_and_find_themselves() {
        assert!(MACHINE.is_some());
        for name in BUILT_IN {
            assert!(name.len() < LONGEST);
            assert_eq!(find(name), Some(*name));
        }
        for (at, name) in IN_QUERY.iter().enumerate() {
            assert_eq!(in_query(name), Some(at));
        }
    }

    #[test]
    fn words_are_found_in_every_spelling() {
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
            ("PINs", "pin"),
            ("newpassword", "password"),
            ("PGPASSWORD", "password"),
            ("csrfmiddlewaretoken", "token"),
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
            "s",
        ] {
            assert_eq!(find(name), None, "{name}");
        }
    }

    #[test]
    fn a_hostile_name_is_linear() {
        // Each took milliseconds for 4 KiB: every word began a run with each one after it.
        for piece in ["a-", "p_", "pP", "s.", "pas_", "é", "-", "p1"] {
            let name = piece.repeat(1024 * 1024 / piece.len());
            let began = std::time::Instant::now();
            assert_eq!(built_in(&name), None);
            assert!(began.elapsed().as_secs() < 2, "{piece}");
        }
    }
}
