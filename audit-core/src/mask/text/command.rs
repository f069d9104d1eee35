//! Credentials in commands: `curl -u user:x`, `mysql -px`, `sshpass -p x`.

use super::{Scan, value};
use crate::mask::{part::Of, rules::Sel};

/// The command whose options are read.
#[derive(Default)]
pub(super) struct Command<'t> {
    name: &'t str,
    /// How far the text was looked through for it.
    seen: usize,
}

/// Steps of an option of one letter, before which a command is looked for.
const OPTION: usize = 20;
/// Steps of a credential.
const CREDENTIAL: usize = 42;

/// Letters with a credential behind them; those of curl; and those that curl takes with nothing
/// behind them.
const LETTERS: &[u8] = b"abpuwxEPU";
const CURL: &[u8] = b"buxEU";
const FLAGS: &[u8] = b"#0123468BGIJLMNORSVZafgijklnpqsv";

/// Commands that take a credential behind a single letter.
const COMMANDS: &[&str] = &[
    "curl",
    "http",
    "https",
    "ldapsearch",
    "login",
    "mariadb",
    "mongo",
    "mongodump",
    "mongorestore",
    "mongosh",
    "mysql",
    "mysqladmin",
    "mysqldump",
    "redis-cli",
    "sshpass",
    "unzip",
    "xh",
    "xhs",
    "zip",
];

/// The command that a word is, whatever folder it is in.
fn named(word: &str) -> Option<&'static str> {
    let last = word.as_bytes().last()?.to_ascii_lowercase();
    if !ENDS.contains(&last) {
        return None;
    }
    let folder = word.bytes().rposition(|b| matches!(b, b'/' | b'\\'));
    let word = folder.map_or(word, |at| &word[at + 1..]);
    let word = word.strip_suffix(".exe").unwrap_or(word);
    COMMANDS.iter().find(|known| known.eq_ignore_ascii_case(word)).copied()
}

/// What is between words.
static BETWEEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut at = 0;
    while at < table.len() {
        table[at] = matches!(
            at as u8,
            b' ' | b'\t'..=b'\r' | b'"' | b'\'' | b'`' | b'(' | b';' | b'|' | b'&'
        );
        at += 1;
    }
    table
};

/// What they end in; few words do.
const ENDS: &[u8] = b"behilnops";

impl<'t> Scan<'t, '_, '_, '_> {
    /// The command that is named before `at` on the same line.
    fn command(&mut self, at: usize) -> &'t str {
        let text = self.text;
        let ends = |b: &u8| BETWEEN[usize::from(*b)];
        let mut from = self.command.seen;
        while from < at {
            let rest = &text.as_bytes()[from..at];
            let len = rest.iter().position(ends).unwrap_or(rest.len());
            let mut word = &text[from..from + len];
            // White space that is not ASCII is rare.
            if !word.is_ascii() {
                for other in word.split(char::is_whitespace) {
                    word = other;
                    self.command.name = named(word).unwrap_or(self.command.name);
                }
            }
            match named(word) {
                Some(known) => self.command.name = known,
                None if rest.get(len) == Some(&b'\n') && !word.ends_with('\\') => {
                    self.command.name = "";
                }
                None => {}
            }
            from += len + 1;
        }
        self.command.seen = at;
        self.command.name
    }

    /// At the `-` of an option of one letter, with its value behind it or in the next word.
    pub(super) fn letter(&mut self, at: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        // `-sSu x`: curl takes letters together.
        let flags = bytes[at + 1..].iter().take_while(|letter| FLAGS.contains(letter)).count();
        let together = flags > 0 && bytes.get(at + flags + 1).is_some_and(|b| CURL.contains(b));
        let mut at = at;
        if together && self.command(at) == "curl" {
            at += flags;
        }
        let letter = bytes.get(at + 1).filter(|letter| LETTERS.contains(letter))?;
        self.scope.spend(OPTION);
        let apart = bytes.get(at + 2).is_none_or(u8::is_ascii_whitespace);
        let (sign, sel) = match (self.command(at), letter) {
            ("curl", b'u' | b'U' | b'E') | ("http" | "https" | "xh" | "xhs", b'a') => {
                (':', Some(Sel::USER_INFO))
            }
            ("curl", b'x') => ('@', Some(Sel::USER_INFO)),
            ("curl", b'b') => ('=', Some(Sel::COOKIE)),
            ("mariadb" | "mysql" | "mysqladmin" | "mysqldump", b'p') if !apart => (' ', None),
            ("login" | "mongo" | "mongodump" | "mongorestore" | "mongosh" | "sshpass", b'p')
            | ("redis-cli", b'a')
            | ("unzip" | "zip", b'P')
            | ("ldapsearch", b'w') => (' ', None),
            _ => return None,
        };
        let sel = sel.or_else(|| self.scope.find(Of::Field, "password"))?;
        self.credential(sel, sign, at + 2)
    }

    /// The same for `--user`, `--proxy-user` and `--cookie`, whose value follows.
    pub(super) fn long_option(&mut self, at: usize, name: &str, end: usize) -> Option<usize> {
        let (sign, sel) = match name {
            "user" | "proxy-user" | "cert" | "proxy-cert" | "auth" => (':', Some(Sel::USER_INFO)),
            "proxy" | "preproxy" | "socks4" | "socks4a" | "socks5" | "socks5-hostname" => {
                ('@', Some(Sel::USER_INFO))
            }
            "cookie" => ('=', Some(Sel::COOKIE)),
            "oauth2-bearer" => (' ', Some(Sel::AUTHORIZATION)),
            "pass" | "proxy-pass" | "tlspassword" | "proxy-tlspassword" => (' ', None),
            _ => return None,
        };
        self.scope.spend(OPTION);
        match self.command(at) {
            "curl" if name != "auth" => {}
            "http" | "https" | "xh" | "xhs" if name == "auth" => {}
            _ => return None,
        }
        let sel = sel.or_else(|| self.scope.find(Of::Field, "password"))?;
        self.credential(sel, sign, end)
    }

    /// Without the sign in it, it names a user, or a file.
    fn credential(&mut self, sel: Sel, sign: char, from: usize) -> Option<usize> {
        self.scope.spend(CREDENTIAL);
        let value = value::after(self.text, from);
        let to = value.end.unwrap_or(self.text.len());
        let word = self.text.get(value.begin..to).filter(|word| !word.is_empty())?;
        if (sign != ' ' && !word.contains(sign)) || word.starts_with('-') {
            return None;
        }
        if sign == '@' {
            // `user:x@host`, where no scheme tells that it is a URL.
            let len = word.rfind('@').filter(|len| word[..*len].contains(':'))?;
            let from = word[..len].find("//").map_or(0, |at| at + 2);
            return Some(self.replace(sel, value.begin + from, value.begin + len, true));
        }
        // A user without a password, and what follows is none; unless it is a name.
        let last = word.rsplit(|c: char| c.is_ascii_whitespace()).next().unwrap_or_default();
        if let Some(name) = last.strip_suffix([':', '='])
            && self.scope.find(Of::Field, name).is_none()
        {
            return Some(self.replace(sel, value.begin, to, true));
        }
        let value = self.further(value);
        let to = value.end.unwrap_or(self.text.len());
        Some(self.replace(sel, value.begin, to, value.end.is_some()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_known_in_every_folder() {
        for known in COMMANDS {
            for word in [(*known).to_owned(), format!("/usr/bin/{}", known.to_uppercase())] {
                assert_eq!(named(&word), Some(*known));
            }
        }
        for word in ["", "curl/", "url", "curlx", "é", "ps"] {
            assert_eq!(named(word), None, "{word}");
        }
    }
}
