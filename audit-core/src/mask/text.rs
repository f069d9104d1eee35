//! Free text: error messages, panic messages, header values.

use super::{REDACTED, list::Scope};

/// Appends text with what looks like a secret replaced: the value after a hidden name and `=` or
/// `:`, what follows `Bearer` or `Basic`, and the user info of a URL. Text has no structure to
/// rely on, so this finds what is written as people and libraries write it, and no more.
pub(super) fn text(out: &mut String, text: &str, scope: &mut Scope<'_>) {
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_alphanumeric() || c == '/') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("//") {
            out.push_str("//");
            rest = user_info(out, after, scope);
            continue;
        }
        let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len()).max(1);
        let (name, after) = rest.split_at(end);
        out.push_str(name);
        rest = after;
        if is_scheme(name) && after.starts_with(' ') && secret_len(&after[1..], None) >= 6 {
            scope.list.add(scope.part, "authorization");
            out.push(' ');
            out.push_str(REDACTED);
            rest = &after[1 + secret_len(&after[1..], None)..];
        } else if let Some((value, quote)) = value_start(after)
            && secret_len(&after[value..], quote) > 0
            && scope.hides(name)
        {
            out.push_str(&after[..value]);
            // `authorization: Bearer x` hides two words.
            let word = &after[value..][..secret_len(&after[value..], quote)];
            rest = &after[value + word.len()..];
            if is_scheme(word) && rest.starts_with(' ') {
                rest = &rest[1 + secret_len(&rest[1..], None)..];
            }
            out.push_str(REDACTED);
        }
    }
    out.push_str(rest);
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

fn is_scheme(word: &str) -> bool {
    ["bearer", "basic", "digest", "token"].iter().any(|s| s.eq_ignore_ascii_case(word))
}

const QUOTES: [char; 3] = ['"', '\'', '`'];

/// Where the value after a name begins: behind quotes, spaces and one `=` or `:`; and the quote
/// that it is in.
fn value_start(after: &str) -> Option<(usize, Option<char>)> {
    let escaped = |c| QUOTES.contains(&c) || c == '\\';
    let rest = after.trim_start_matches(escaped).trim_start();
    // `:` alone also hides a word of prose, as in `token: the second one was wrong`; so be it.
    let rest = rest.strip_prefix(['=', ':'])?;
    let rest = rest.strip_prefix('>').unwrap_or(rest).trim_start();
    let rest = rest.strip_prefix("Some(").unwrap_or(rest);
    let value = rest.trim_start_matches(escaped);
    let quote = rest[..rest.len() - value.len()].chars().next_back().filter(|c| QUOTES.contains(c));
    Some((after.len() - value.len(), quote))
}

/// How long a value is: up to its closing quote, or to white space or a separator.
fn secret_len(value: &str, quote: Option<char>) -> usize {
    let ends = |c: char| match quote {
        Some(quote) => c == quote,
        None => c.is_whitespace() || QUOTES.contains(&c) || "&,;)}]".contains(c),
    };
    value.find(ends).unwrap_or(value.len())
}

/// Copies what follows `//`, without user info.
fn user_info<'a>(out: &mut String, after: &'a str, scope: &mut Scope<'_>) -> &'a str {
    let ends = after.find(|c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\''));
    let authority = &after[..ends.unwrap_or(after.len())];
    match authority.rfind('@') {
        Some(at) => {
            scope.list.add(scope.part, "userinfo");
            out.push_str(REDACTED);
            &after[at..]
        }
        None => after,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Names, list::MaskedList, names::Part},
        *,
    };

    fn masked(message: &str) -> String {
        let names = Names::new(true, []);
        let mut list = MaskedList::default();
        let mut out = String::new();
        let mut scope = Scope { names: &names, part: Part::Error, list: &mut list };
        text(&mut out, message, &mut scope);
        out
    }

    #[test]
    fn what_people_and_libraries_write() {
        for (message, expected) in [
            ("password=hunter2", "password=[redacted]"),
            ("bad password: hunter2, sorry", "bad password: [redacted], sorry"),
            (
                r#"Auth { user: "ann", password: "x y" }"#,
                r#"Auth { user: "ann", password: "[redacted]" }"#,
            ),
            (r#"{"api_key": "abc"}"#, r#"{"api_key": "[redacted]"}"#),
            (r#"token: Some("abc")"#, r#"token: Some("[redacted]")"#),
            ("Authorization: Bearer abc.def", "Authorization: [redacted]"),
            ("got Bearer abcdef123 here", "got Bearer [redacted] here"),
            ("postgres://u:p@ss@db/x failed", "postgres://[redacted]@db/x failed"),
            ("see https://h/a?token=abc&b=1", "see https://h/a?token=[redacted]&b=1"),
            ("index 7 out of range: 3", "index 7 out of range: 3"),
            ("shipping: none", "shipping: none"),
            ("", ""),
            ("é=ü //", "é=ü //"),
        ] {
            assert_eq!(masked(message), expected);
        }
    }
}
