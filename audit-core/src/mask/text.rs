//! Free text: error messages, panic messages, header values.

use super::{REDACTED, how::Value, part::Of, rules::Sel, scope::Scope};

/// Appends text with what looks like a secret replaced: the value after a hidden name and `=` or
/// `:`, what follows `Bearer` or `Basic`, and the user info of a URL. Text has no structure to
/// rely on, so this finds what is written as people and libraries write it, and no more.
pub(super) fn text(out: &mut String, text: &str, scope: &mut Scope<'_>) {
    let mut rest = text;
    // Where what is not yet copied begins.
    let mut from = text;
    while let Some(at) = rest.find(|c: char| c.is_alphanumeric() || c == '/') {
        // In a query plain words such as `code` carry secrets too.
        let asked = rest[..at].ends_with(['?', '&']);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix('/') {
            rest = after;
            if let Some(authority) = after.strip_prefix('/') {
                rest = authority;
                if let Some(user_info) = user_info(authority) {
                    scope.redacted(Sel::USER_INFO);
                    out.push_str(&from[..from.len() - rest.len()]);
                    out.push_str(REDACTED);
                    rest = &rest[user_info..];
                    from = rest;
                }
            }
            continue;
        }
        let (name, after) = rest.split_at(rest.find(|c| !is_name(c)).unwrap_or(rest.len()));
        rest = after;
        if after.starts_with(|c: char| c.is_ascii_alphanumeric() || "/,;.&?".contains(c)) {
            continue;
        }
        if is_scheme(name) && after.strip_prefix(' ').is_some_and(|after| follows(name, after)) {
            scope.redacted(Sel::AUTHORIZATION);
            out.push_str(&from[..=from.len() - after.len()]);
            out.push_str(REDACTED);
            rest = &after[1 + secret_len(&after[1..], None)..];
            from = rest;
        } else if let Some((value, quote)) = value_start(after)
            && !after[value..].chars().next().is_none_or(|c| ends(c, quote.map(|(q, _)| q)))
            && let Some(sel) = scope.find(if asked { Of::Query } else { Of::Field }, name)
        {
            rest = &after[value..];
            out.push_str(&from[..from.len() - rest.len()]);
            // `authorization: Bearer x` hides two words.
            let word = &rest[..secret_len(rest, quote)];
            out.push_str(&scope.in_place(sel, Value::Text(word)));
            rest = &rest[word.len()..];
            if is_scheme(word) && rest.starts_with(' ') {
                rest = &rest[1 + secret_len(&rest[1..], None)..];
            }
            from = rest;
        }
    }
    out.push_str(from);
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.')
}

fn is_scheme(word: &str) -> bool {
    matches!(word.len(), 5 | 6)
        && ["bearer", "basic", "digest", "token"].iter().any(|s| s.eq_ignore_ascii_case(word))
}

/// Whether a credential follows the scheme, not a word of prose as in `Basic training`.
fn follows(scheme: &str, after: &str) -> bool {
    let word = &after[..secret_len(after, None)];
    let random = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b"=+/_".contains(&b);
    word.len() >= 6 && (scheme.eq_ignore_ascii_case("bearer") || word.bytes().skip(1).any(random))
}

const QUOTES: [char; 3] = ['"', '\'', '`'];

/// A quote, and how many backslashes are before it: more of them escape another one inside.
type Quote = (char, usize);

/// Where the value after a name begins: behind quotes, spaces and one `=` or `:`; and the quote
/// that it is in.
fn value_start(after: &str) -> Option<(usize, Option<Quote>)> {
    let escaped = |c| QUOTES.contains(&c) || c == '\\';
    let rest = after.trim_start_matches(escaped).trim_start();
    // `:` alone also hides a word of prose, as in `token: the second one was wrong`; so be it.
    let rest = rest.strip_prefix(['=', ':'])?;
    let rest = rest.strip_prefix('>').unwrap_or(rest).trim_start();
    let rest = rest.strip_prefix("Some(").unwrap_or(rest);
    let value = rest.trim_start_matches(escaped);
    let opening = &rest[..rest.len() - value.len()];
    let quote = opening.chars().next_back().filter(|c| QUOTES.contains(c));
    let quote = quote.map(|quote| (quote, backslashes(&opening[..opening.len() - 1])));
    Some((after.len() - value.len(), quote))
}

fn backslashes(text: &str) -> usize {
    text.bytes().rev().take_while(|b| *b == b'\\').count()
}

/// How long a value is: up to its closing quote, or to white space or a separator.
fn secret_len(value: &str, quote: Option<Quote>) -> usize {
    let Some((quote, escapes)) = quote else {
        return value.find(|c| ends(c, None)).unwrap_or(value.len());
    };
    let closes = |at: &usize| backslashes(&value[..*at]) <= escapes;
    let end = value.match_indices(quote).map(|(at, _)| at).find(closes);
    end.map_or(value.len(), |at| at - backslashes(&value[..at]))
}

fn ends(c: char, quote: Option<char>) -> bool {
    match quote {
        Some(quote) => c == quote,
        None => c.is_whitespace() || QUOTES.contains(&c) || "&,;)}]".contains(c),
    }
}

/// How long the user info is in what follows `//`, if there is any.
fn user_info(after: &str) -> Option<usize> {
    let ends = after.find(|c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\''));
    let authority = &after[..ends.unwrap_or(after.len())];
    authority.rfind('@').or_else(|| (authority.len() > LONGEST_HOST).then_some(authority.len()))
}

/// The longest host with a port. What is longer and has no `@` is user info that was cut off.
pub(super) const LONGEST_HOST: usize = 253 + 6;

/// A text that was cut, without what may be user info whose `@` was cut off.
pub(super) fn untorn(text: &str) -> &str {
    let word = text.rsplit(char::is_whitespace).next().unwrap_or_default();
    match word.rfind("//") {
        Some(at) if !word[at + 2..].contains(['/', '?', '#', '"', '\'', '@']) => {
            &text[..text.len() - word.len() + at + 2]
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{part::Part, scope::tests::with_fields},
        *,
    };

    fn masked(message: &str) -> String {
        let mut out = String::new();
        with_fields(&[], Part::Error, |scope| text(&mut out, message, scope));
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
            ("see https://h/a?code=abc&sig=x", "see https://h/a?code=[redacted]&sig=[redacted]"),
            ("code=7, key: 8", "code=7, key: 8"),
            (r#"{"password":"a\"b c","n":"d"}"#, r#"{"password":"[redacted]","n":"d"}"#),
            (
                r#""{\"password\":\"a\\\"b c\",\"n\":\"d\"}""#,
                r#""{\"password\":\"[redacted]\",\"n\":\"d\"}""#,
            ),
            ("password=", "password="),
            ("Basic Training, basic tutorial", "Basic Training, basic tutorial"),
            ("Basic dXNlcjpw", "Basic [redacted]"),
            ("index 7 out of range: 3", "index 7 out of range: 3"),
            ("shipping: none", "shipping: none"),
            ("", ""),
            ("é=ü //", "é=ü //"),
        ] {
            assert_eq!(masked(message), expected);
        }
    }

    #[test]
    fn user_info_that_was_cut_off_is_hidden() {
        let cut = format!("see https://u:{}", "x".repeat(LONGEST_HOST));
        assert_eq!(masked(&cut), "see https://[redacted]");
        for (text, kept) in [
            ("postgres://u:hun", "postgres://"),
            ("a postgres://u:hun", "a postgres://"),
            ("postgres://h/x", "postgres://h/x"),
            ("postgres://h failed", "postgres://h failed"),
            ("é\u{a0}//é", "é\u{a0}//"),
            ("", ""),
        ] {
            assert_eq!(untorn(text), kept);
        }
    }

    #[test]
    fn a_hostile_text_is_linear() {
        // `a=a=a=…` was quadratic: each name looked for the end of its value.
        for piece in ["a=", "a:", "é=", "a='", "a=\"\\\"", "a\\", "//a", "a.b=1 ", "bearer "] {
            let text = piece.repeat(256 * 1024 / piece.len());
            let began = std::time::Instant::now();
            assert!(masked(&text).len() >= text.len());
            assert!(began.elapsed().as_secs() < 2, "{piece}");
        }
    }
}
