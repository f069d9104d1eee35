//! Queries, paths and whole URLs.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::{
    REDACTED, fields, form, how::Value, pair::Role, part::Of, rules::Sel, scope::Scope, text,
    value as inner,
};

/// Most pairs kept of a query.
const PAIRS: usize = 100;

/// Appends a query with the values under hidden names replaced; everything else stays as it was
/// received. Names are compared after decoding `%` and `+`; `;` separates pairs too, since some
/// servers split there. `false`: there were more pairs than are kept.
pub(super) fn query(out: &mut String, query: &str, scope: &mut Scope<'_>) -> bool {
    scope.allow_value(query.len());
    let mut rest = query;
    let mut told = None;
    let begin = out.len();
    for _ in 0..PAIRS {
        let bytes = rest.as_bytes();
        let mut end = memchr::memchr2(b'&', b';', bytes).unwrap_or(rest.len());
        let of_pair = |name: &str, scope: &Scope<'_>| {
            told.get_or_insert_with(|| form::tell(query, scope)).next(name)
        };
        let written = pair(out, &rest[..end], of_pair, scope);
        // Who does not split at `;` takes what follows for a part of the value.
        if written != Written::Open && bytes.get(end) == Some(&b';') {
            end = memchr::memchr(b'&', bytes).unwrap_or(rest.len());
        }
        let removed = written == Written::Removed;
        let Some(separator) = rest.get(end..end + 1) else {
            if removed && out.len() > begin {
                out.pop();
            }
            return true;
        };
        rest = &rest[end + 1..];
        if !removed {
            out.push_str(separator);
        }
    }
    rest.is_empty()
}

/// What became of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    Open,
    Masked,
    Removed,
}

/// Appends a pair.
fn pair(
    out: &mut String,
    pair: &str,
    of_pair: impl FnOnce(&str, &Scope<'_>) -> Option<Sel>,
    scope: &mut Scope<'_>,
) -> Written {
    let Some(end) = memchr::memchr(b'=', pair.as_bytes()) else {
        let carries = carries(pair, scope);
        out.push_str(if carries { REDACTED } else { pair });
        return if carries { Written::Masked } else { Written::Open };
    };
    let (name, value) = (&pair[..end], &pair[end + 1..]);
    let mut selected = None;
    let coded = memchr::memchr2(b'%', b'+', name.as_bytes()).is_some();
    let steps = PAIR + if coded { DECODED + name.len() / 2 } else { 0 };
    if !value.is_empty() && !scope.spend(steps) {
        selected = Some(Sel::SENSITIVE);
    } else if !value.is_empty() {
        let name = decode(name);
        let last = || name.rsplit(['?', '&', '#', ';']).next();
        selected = scope.find(Of::Query, &name);
        selected = selected.or_else(|| last().and_then(|name| scope.find(Of::Query, name)));
        if selected.is_none() {
            selected = match fields::Fields::default().find_otherwise(scope, &name) {
                Ok(found) => found,
                Err(_) => Some(Sel::SENSITIVE),
            };
        }
        if selected.is_none() && scope.role(Of::Query, &name) == Role::Value {
            selected = of_pair(&name, scope);
        }
    }
    let instead = match selected {
        Some(sel) => match scope.instead(sel, Value::Text(&fields::decode(value).0)) {
            Some(instead) => instead,
            None => return Written::Removed,
        },
        None if carries(value, scope) => Cow::Borrowed(REDACTED),
        None => Cow::Borrowed(value),
    };
    let masked = matches!(instead, Cow::Owned(_)) || *instead != *value;
    out.push_str(name);
    out.push('=');
    out.push_str(&instead);
    if masked { Written::Masked } else { Written::Open }
}

/// Shortest value that carries something inside, and shortest secret that is told by its look.
const CARRIES: usize = 3;
const LOOK: usize = 8;
/// Steps of a name or value that is decoded or looked into.
const DECODED: usize = 30;
/// Steps of a pair, and of a segment.
const PAIR: usize = 5;
const SEGMENT: usize = 5;

/// Whether a value carries a secret inside, decoded: a URL with a query or user info, further
/// pairs, JSON. It then goes whole.
fn carries(value: &str, scope: &mut Scope<'_>) -> bool {
    if fields::is_plain(value, scope) {
        return false;
    }
    let marked = memchr::memchr3(b'=', b':', b'%', value.as_bytes()).is_some();
    if !scope.spend(if marked { DECODED + value.len() / 2 } else { LOOK }) {
        scope.redacted(Sel::SENSITIVE);
        return true;
    }
    let value = decode(value);
    let hides = |pair: &str| {
        let end = memchr::memchr(b'=', pair.as_bytes())?;
        if end + 1 == pair.len() { None } else { scope.find_first(Of::Query, pair, end) }
    };
    if let Some(sel) = value.split(['?', '&', ';', '#']).find_map(hides) {
        scope.redacted(sel);
        return true;
    }
    matches!(inner::inside(&value, scope), Cow::Owned(masked) if masked != *value)
}

/// A query or path that was cut, without the last piece of it if something may be torn in it.
pub(super) fn untorn(text: &str) -> &str {
    let from = text.rfind(['&', ';', '=']).map_or(0, |at| at + 1);
    let at = text[from..].find([':', '%', '@', '{']).map_or(text.len(), |at| from + at);
    &text[..at]
}

/// Decodes until nothing changes, at most four times: a name encoded twice is decoded twice by
/// whatever forwards it.
fn decode(name: &str) -> Cow<'_, str> {
    let mut name = Cow::Borrowed(name);
    for _ in 0..4 {
        match fields::decoded(&name) {
            Some(decoded) => name = Cow::Owned(decoded),
            None => break,
        }
    }
    name
}

/// Appends a path. Matrix parameters (`/a;jsessionid=1`) are pairs like those of a query, and so
/// is what follows a `&` that somebody meant for a query.
pub(super) fn path(out: &mut String, path: &str, scope: &mut Scope<'_>) {
    let bytes = path.as_bytes();
    let (mut copied, mut at) = (0, 0);
    while at < bytes.len() {
        if !scope.may_go_on() {
            out.push_str(&path[copied..at]);
            return rest_of_path(out, scope);
        }
        let mut marked = false;
        let mut end = at;
        while let Some(byte) = bytes.get(end)
            && !matches!(byte, b'/' | b';' | b'&')
        {
            marked |= matches!(byte, b'=' | b':' | b'%' | b'+');
            end += 1;
        }
        // Most pieces are names, which stay.
        if end - at >= LOOK || (marked && end - at >= CARRIES) {
            out.push_str(&path[copied..at]);
            // A piece of a path that goes leaves its separators.
            let _ = pair(out, &path[at..end], |_, _| None, scope);
            copied = end;
        }
        at = end + 1;
    }
    out.push_str(&path[copied..]);
}

/// Only somebody hostile writes a path that costs all steps.
fn rest_of_path(out: &mut String, scope: &mut Scope<'_>) {
    scope.redacted(Sel::SENSITIVE);
    out.push_str(REDACTED);
}

/// Appends a path with the values of hidden parameters replaced, by the template of its route:
/// `/reset/{token}/confirm`, for the whole path. A template that is not the path's says nothing.
pub(super) fn path_with_route(
    out: &mut String,
    whole: &str,
    route: Option<&str>,
    scope: &mut Scope<'_>,
) {
    scope.allow_value(whole.len());
    let without = without_user_info(whole, scope);
    let whole = &*without;
    let Some(route) = route else { return unrouted(out, whole, scope) };
    let Some(hidden) = super::route::hidden(route, whole, scope) else {
        return path(out, whole, scope);
    };
    let mut at = 0;
    for (sel, span) in hidden {
        path(out, &whole[at..span.start], scope);
        let value = percent_decode_str(&whole[span.clone()]).decode_utf8();
        let value = value.as_ref().map_or(Value::Other, |text| Value::Text(text));
        out.push_str(&scope.in_place(sel, value));
        at = span.end;
    }
    path(out, &whole[at..], scope);
}

/// A path without the user info of a URL in it: `/proxy/https://u:p@h/`.
fn without_user_info<'p>(whole: &'p str, scope: &mut Scope<'_>) -> Cow<'p, str> {
    let Some(at) = whole.find("//").map(|at| at + 2) else { return Cow::Borrowed(whole) };
    match text::user_info(&whole[at..]) {
        Some(len) if whole[at..at + len].contains(':') => {
            scope.redacted(Sel::USER_INFO);
            Cow::Owned([&whole[..at], REDACTED, &whole[at + len..]].concat())
        }
        _ => Cow::Borrowed(whole),
    }
}

/// Appends a path that no template tells the parameters of, such as that of a 404. What follows a
/// segment such as `reset` or `token`, directly or behind one more word, is hidden unless it is a
/// word itself.
fn unrouted(out: &mut String, whole: &str, scope: &mut Scope<'_>) {
    // For how many segments more.
    let mut told = 0_u8;
    let mut rest = whole;
    while !rest.is_empty() {
        let piece = &rest[..rest.len().min(fields::find(b'/', rest) + 1)];
        rest = &rest[piece.len()..];
        let segment = piece.strip_suffix('/').unwrap_or(piece);
        if segment.is_empty() {
            out.push_str(piece);
            continue;
        }
        if !scope.spend(SEGMENT) {
            return rest_of_path(out, scope);
        }
        if told > 0 && !is_word(segment) {
            scope.redacted(Sel::SENSITIVE);
            out.push_str(REDACTED);
            out.push_str(&piece[segment.len()..]);
            // `/reset/{user}/{token}`.
            told -= 1;
            continue;
        }
        if let Some(at) = slash_inside(segment)
            && tells(&segment[..at], scope)
            && !is_word(decode(&segment[at..]).trim_matches('/'))
        {
            scope.redacted(Sel::SENSITIVE);
            out.push_str(&segment[..at]);
            out.push_str(REDACTED);
            out.push_str(&piece[segment.len()..]);
            told = 1;
            continue;
        }
        told = if tells(segment, scope) { 2 } else { told.saturating_sub(1) };
        path(out, piece, scope);
    }
}

/// Where an encoded slash is.
fn slash_inside(segment: &str) -> Option<usize> {
    let at = memchr::memchr(b'%', segment.as_bytes())?;
    decode(&segment[at..]).starts_with('/').then_some(at)
}

/// Whether a segment says that what follows is a secret.
fn tells(segment: &str, scope: &Scope<'_>) -> bool {
    const TELLING: [&str; 14] = [
        "activate",
        "activation",
        "confirm",
        "confirmation",
        "invitation",
        "invite",
        "magic",
        "recover",
        "recovery",
        "reset",
        "unlock",
        "unsubscribe",
        "verification",
        "verify",
    ];
    let one = |word: &str| {
        let singular = word.strip_suffix('s').unwrap_or(word);
        TELLING
            .iter()
            .any(|known| known.eq_ignore_ascii_case(word) || known.eq_ignore_ascii_case(singular))
    };
    // `verifyEmail`: each word begins with a capital.
    let words = |text: &str| {
        let mut from = 0;
        let bytes = text.as_bytes();
        (1..=bytes.len()).any(|at| {
            let ends = at == bytes.len()
                || (bytes[at].is_ascii_uppercase() && bytes[at - 1].is_ascii_lowercase());
            let found = ends && text.get(from..at).is_some_and(one);
            from = if ends { at } else { from };
            found
        })
    };
    if segment.len() > 64 {
        return false;
    }
    let decoded = decode(segment);
    let name = decoded.split(';').next().unwrap_or_default();
    name.split(['-', '_', '.']).any(words) || scope.find(Of::PathParameter, name).is_some()
}

/// Whether a segment of a path is a word, a small number or a version, not a secret.
fn is_word(segment: &str) -> bool {
    let number = segment.strip_prefix('v').unwrap_or(segment);
    let small = number.len() < 4 && number.bytes().all(|b| b.is_ascii_digit());
    small || segment.bytes().all(|b| b.is_ascii_lowercase() || b"-_.".contains(&b))
}

/// Appends an attribute of a cookie: `Path` is a path, and nobody checks the others.
pub(super) fn attribute(out: &mut String, pair: &str, scope: &mut Scope<'_>) {
    match pair.split_once('=') {
        Some((name, value)) => {
            out.push_str(name);
            out.push('=');
            match name.trim().eq_ignore_ascii_case("path") {
                true => url(out, value, scope),
                false => text::text(out, value, scope),
            }
        }
        None => out.push_str(pair),
    }
}

/// Appends a URL: user info and fragment go whole, the query is masked.
pub(super) fn url(out: &mut String, url: &str, scope: &mut Scope<'_>) {
    let mut rest = url;
    // Before all else: a password may hold any sign.
    let slashes = rest.find("//").filter(|at| !rest[..*at].contains(['?', '#', '/']));
    if let Some(at) = slashes {
        out.push_str(&rest[..at + 2]);
        rest = &rest[at + 2..];
    } else if let Some(at) = rest.find(":/").filter(|at| !rest[..*at].contains(['?', '#', '/'])) {
        out.push_str(&rest[..at + 2]);
        rest = &rest[at + 2..];
        if text::user_info(rest).is_none_or(|len| !rest[..len].contains(':')) {
            out.truncate(out.len() - 1);
            rest = &url[at + 1..];
        }
    }
    let has_host = rest.len() < url.len();
    if has_host && let Some(len) = text::user_info(rest) {
        scope.redacted(Sel::USER_INFO);
        out.push_str(REDACTED);
        rest = &rest[len..];
    }
    let (before, fragment) = rest.split_once('#').map_or((rest, ""), |(b, f)| (b, f));
    let (target, asked) = before.split_once('?').map_or((before, None), |(t, q)| (t, Some(q)));
    let host_ends = if has_host { target.find('/').unwrap_or(target.len()) } else { 0 };
    out.push_str(&target[..host_ends]);
    unrouted(out, &target[host_ends..], scope);
    if let Some(asked) = asked {
        out.push('?');
        query(out, asked, scope);
    }
    if !fragment.is_empty() {
        scope.redacted(Sel::FRAGMENT);
        out.push('#');
        out.push_str(REDACTED);
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{part::Part, scope::tests::with_fields},
        *,
    };

    fn with(mask: impl Fn(&mut String, &mut Scope<'_>)) -> (String, Vec<String>) {
        let mut out = String::new();
        let ((), listed) = with_fields(&["café"], Part::Query, |scope| mask(&mut out, scope));
        (out, listed)
    }

    fn masked(text: &str) -> String {
        with(|out, scope| {
            query(out, text, scope);
        })
        .0
    }

    #[test]
    fn hidden_names_are_found_in_every_spelling() {
        for (query, expected) in [
            ("a=1&password=x&b=2", "a=1&password=[redacted]&b=2"),
            ("%70assword=x", "%70assword=[redacted]"),
            ("%2570assword=x", "%2570assword=[redacted]"),
            ("pass+word=x", "pass+word=[redacted]"),
            ("a=1;token=x", "a=1;token=[redacted]"),
            ("user%5Bpassword%5D=x", "user%5Bpassword%5D=[redacted]"),
            ("caf%C3%A9=x", "caf%C3%A9=[redacted]"),
            ("TOKEN=a=b", "TOKEN=[redacted]"),
            ("code=x&sig=y", "code=[redacted]&sig=[redacted]"),
            ("page=2&q=%zz", "page=2&q=%zz"),
            ("to=https%3A%2F%2Fh%2F%3Ftoken%3Dx&a=1", "to=[redacted]&a=1"),
            ("to=%252Fcb%253Fcode%253Dx", "to=[redacted]"),
            ("to=/cb?code=x", "to=[redacted]"),
            ("to=https://u:p@h/", "to=[redacted]"),
            ("f=%7B%22password%22:%7B%22a%22:1%7D%7D", "f=[redacted]"),
            ("https%3A%2F%2Fh%2F%3Ftoken%3Dx", "[redacted]"),
            ("token%3Dx", "[redacted]"),
            ("to=https%3A%2F%2Fh%2F%3Fpage%3D2", "to=https%3A%2F%2Fh%2F%3Fpage%3D2"),
            ("sort=code:asc&at=12:30&q=basic+training", "sort=code:asc&at=12:30&q=basic+training"),
            ("X-Goog-Signature=x", "X-Goog-Signature=[redacted]"),
            ("token=x;y=z&b=1", "token=[redacted]&b=1"),
            ("h=Bearer%20Qz0203aYt&a=1", "h=[redacted]&a=1"),
            ("cmd=mysql+-pQz0203a", "cmd=[redacted]"),
            ("q=--password+x1", "q=[redacted]"),
            ("f=%5B%7B%22value%22:%22x%22,%22name%22:%22pin%22%7D%5D", "f=[redacted]"),
            ("password[a]=x&%u0070assword=y", "password[a]=[redacted]&%u0070assword=[redacted]"),
            ("q=hello+world&d=a-b+c&r=1+>+2", "q=hello+world&d=a-b+c&r=1+>+2"),
            ("token", "token"),
            ("token=", "token="),
            ("", ""),
            ("&&=&", "&&=&"),
        ] {
            assert_eq!(masked(query), expected);
        }
    }

    #[test]
    fn pairs_are_limited() {
        let many = "k=v&".repeat(101);
        let mut whole = true;
        let (out, _) = with(|out, scope| assert!(!query(out, &many, scope)));
        assert_eq!(out, "k=v&".repeat(100));
        with(|out, scope| assert!(query(out, &many[..399], scope)));
        whole &= masked(&many[..399]) == many[..399];
        assert!(whole);
    }

    #[test]
    fn urls_lose_user_info_and_fragment() {
        let one = |text: &str| with(|out, scope| url(out, text, scope));
        let (out, list) = one("https://u:p@h:1/a;jsessionid=9/b?code=x&page=1#id_token=y");
        assert_eq!(
            out,
            "https://[redacted]@h:1/a;jsessionid=[redacted]/b?code=[redacted]&page=1#[redacted]"
        );
        assert_eq!(list, ["userinfo", "jsessionid", "code", "fragment"]);
        assert_eq!(one("/a?b=1").0, "/a?b=1");
        assert_eq!(one("https://h/reset/Pt-1?a=1").0, "https://h/reset/[redacted]?a=1");
        assert_eq!(one("https://u:a/b@h/c").0, "https://[redacted]@h/c");
        assert_eq!(one("https://u:a#b@h/c").0, "https://[redacted]@h/c");
        assert_eq!(one("https:/u:a@h/c").0, "https:/[redacted]@h/c");
        assert_eq!(one("https:/h/c").0, "https:/h/c");
        assert_eq!(one("//h").0, "//h");
        assert_eq!(one("javascript:alert(1)").0, "javascript:alert(1)");
        let cut = format!("https://u:{}", "x".repeat(1015));
        assert_eq!(one(&cut).0, "https://[redacted]");
    }

    #[test]
    fn pairs_in_paths_are_masked() {
        let one = |text: &str| with(|out, scope| path(out, text, scope)).0;
        for (path, expected) in [
            ("/a;token=x;b=1/c", "/a;token=[redacted];b=1/c"),
            ("/token=x/", "/token=[redacted]/"),
            ("/a&token=x&b=1", "/a&token=[redacted]&b=1"),
            ("/a%3Ftoken=x", "/a%3Ftoken=[redacted]"),
            ("/a%3Ftoken%3Dx", "/[redacted]"),
            ("//a;;&/", "//a;;&/"),
            ("/v1/items:batch/abcd==", "/v1/items:batch/abcd=="),
            ("", ""),
            ("*", "*"),
        ] {
            assert_eq!(one(path), expected);
        }
    }

    #[test]
    fn parameters_of_routes_are_masked() {
        for (path, route, expected) in [
            ("/reset/Pt-1/confirm", Some("/reset/{token}/confirm"), "/reset/[redacted]/confirm"),
            (
                "/reset/Pt-1;a=b/confirm",
                Some("/reset/{token}/confirm"),
                "/reset/[redacted]/confirm",
            ),
            ("/reset/Pt-1", Some("/reset/{token:[a-z{2}/]+}"), "/reset/[redacted]"),
            ("/f/a/b", Some("/f/{*token}"), "/f/[redacted]"),
            ("/f/a/b", Some("/f/{token:.*}"), "/f/[redacted]"),
            ("/u/7/pin-1.json", Some("/u/{id}/{pin}.json"), "/u/7/[redacted].json"),
            ("/u/7-secret", Some("/u/{id}-{pin}"), "/u/[redacted]"),
            ("/r/x/", Some("/r/{token}"), "/r/[redacted]/"),
            ("/r/x", Some("/r/:token"), "/r/[redacted]"),
            ("/r%65s/x", Some("/res/{token}"), "/r%65s/[redacted]"),
            ("/users/7", Some("/users/{id}"), "/users/7"),
            ("/a/x/y", Some("/b/{token}/y"), "/a/x/y"),
            ("/a/x/y", Some("/{token}"), "/a/x/y"),
            ("/a;token=x/b", None, "/a;token=[redacted]/b"),
            ("/reset/Pt-1", None, "/reset/[redacted]"),
            ("/Reset-Password/abc1/x9", None, "/Reset-Password/[redacted]/[redacted]"),
            ("/accounts/reset/MQ/c5y-1/", None, "/accounts/reset/[redacted]/[redacted]/"),
            ("/reset/MQ/done/a1", None, "/reset/[redacted]/done/a1"),
            ("/verifyEmail/Ab1/x", None, "/verifyEmail/[redacted]/x"),
            ("/%72eset/Ab1", None, "/%72eset/[redacted]"),
            ("/reset;a=1/Ab1", None, "/reset;a=1/[redacted]"),
            ("/reset%2FAb1/a", None, "/reset[redacted]/a"),
            ("/invites/Ab1", None, "/invites/[redacted]"),
            ("/proxy/https://u:p@h/x", None, "/proxy/https://[redacted]@h/x"),
            ("/verify/email/Ab/", None, "/verify/email/[redacted]/"),
            ("//token//x1y2", None, "//token//[redacted]"),
            ("/tokens/42/token/refresh/a/b1", None, "/tokens/42/token/refresh/a/b1"),
            ("/users/Ann-7/.env", None, "/users/Ann-7/.env"),
            ("/reset/Pt-1", Some("/reset/{id}"), "/reset/Pt-1"),
            ("/r/", Some("/r/{token}"), "/r/"),
            ("/é/ü", Some("/{pin}/{token}"), "/[redacted]/[redacted]"),
            ("*", Some("/{token}"), "*"),
            ("", Some(""), ""),
        ] {
            let out = with(|out, scope| path_with_route(out, path, route, scope)).0;
            assert_eq!(out, expected, "{path} {route:?}");
        }
    }

    #[test]
    fn detectors_look_at_paths_and_queries() {
        let rules = super::super::MaskRules::new().detect([super::super::Detector::Card]);
        let part = Part::Path;
        let ((), listed) = super::super::scope::tests::with_rules(&rules, part, |scope| {
            let mut out = String::new();
            path_with_route(&mut out, "/pay/4012888888881881/x", None, scope);
            query(&mut out, "a=4012+8888%208888+1881&b=1", scope);
            assert_eq!(out, "/pay/[redacted]/xa=[redacted]&b=1");
        });
        assert_eq!(listed, ["card"]);
    }

    #[test]
    fn hostile_paths_are_linear() {
        for piece in ["/", "/a", ";a=%25", "/a=:", "&%2525=", "/{token}", ";"] {
            let text = piece.repeat(256 * 1024 / piece.len());
            let began = std::time::Instant::now();
            with(|out, scope| path_with_route(out, &text, Some(&text), scope));
            with(|out, scope| assert!(query(out, &text, scope) || !text.is_empty()));
            assert!(began.elapsed().as_secs() < 2, "{piece} {:?}", began.elapsed());
        }
    }
}
