//! Queries, paths and whole URLs.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::{REDACTED, list::Scope};

/// Most pairs kept of a query.
const PAIRS: usize = 100;

/// Appends a query with the values under hidden names replaced; everything else stays as it was
/// received. Names are compared after decoding `%` and `+`; `;` separates pairs too, since some
/// servers split there. `false`: there were more pairs than are kept.
pub(super) fn query(out: &mut String, query: &str, scope: &mut Scope<'_>) -> bool {
    let mut rest = query;
    for _ in 0..PAIRS {
        let end = rest.find(['&', ';']).unwrap_or(rest.len());
        pair(out, &rest[..end], scope);
        let Some(separator) = rest.get(end..end + 1) else {
            return true;
        };
        rest = &rest[end + 1..];
        out.push_str(separator);
    }
    rest.is_empty()
}

fn pair(out: &mut String, pair: &str, scope: &mut Scope<'_>) {
    let (name, value) = match pair.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (pair, None),
    };
    out.push_str(name);
    if let Some(value) = value {
        out.push('=');
        let hidden = !value.is_empty() && scope.hides(&decode(name));
        out.push_str(if hidden { REDACTED } else { value });
    }
}

/// Decodes until nothing changes, at most four times: a name encoded twice is decoded twice by
/// whatever forwards it.
fn decode(name: &str) -> Cow<'_, str> {
    let mut name = Cow::Borrowed(name);
    for _ in 0..4 {
        if !name.contains(['%', '+']) {
            break;
        }
        let spaced = name.replace('+', " ");
        let decoded = percent_decode_str(&spaced).decode_utf8_lossy().into_owned();
        if decoded == *name {
            break;
        }
        name = Cow::Owned(decoded);
    }
    name
}

/// Appends a path. Matrix parameters (`/a;jsessionid=1`) are pairs like those of a query.
pub(super) fn path(out: &mut String, path: &str, scope: &mut Scope<'_>) {
    for (at, segment) in path.split('/').enumerate() {
        if at > 0 {
            out.push('/');
        }
        let mut parts = segment.split(';');
        out.push_str(parts.next().unwrap_or_default());
        for parameter in parts {
            out.push(';');
            pair(out, parameter, scope);
        }
    }
}

/// Appends a URL: user info and fragment go whole, the query is masked.
pub(super) fn url(out: &mut String, url: &str, scope: &mut Scope<'_>) {
    let (before, fragment) = url.split_once('#').map_or((url, ""), |(b, f)| (b, f));
    let (target, asked) = before.split_once('?').map_or((before, None), |(t, q)| (t, Some(q)));
    let (scheme, rest) = target.split_once("//").map_or(("", target), |(s, r)| (s, r));
    if rest.len() < target.len() {
        out.push_str(scheme);
        out.push_str("//");
        let host_ends = rest.find('/').unwrap_or(rest.len());
        let (authority, tail) = rest.split_at(host_ends);
        match authority.rsplit_once('@') {
            Some((_, host)) => {
                scope.list.add(scope.part, "userinfo");
                out.push_str(REDACTED);
                out.push('@');
                out.push_str(host);
            }
            None => out.push_str(authority),
        }
        path(out, tail, scope);
    } else {
        path(out, target, scope);
    }
    if let Some(asked) = asked {
        out.push('?');
        query(out, asked, scope);
    }
    if !fragment.is_empty() {
        scope.list.add(scope.part, "fragment");
        out.push('#');
        out.push_str(REDACTED);
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Names, list::MaskedList, names::Part},
        *,
    };

    fn with(mask: impl Fn(&mut String, &mut Scope<'_>)) -> (String, Vec<String>) {
        let names = Names::new(true, ["café".into()]);
        let mut list = MaskedList::default();
        let mut out = String::new();
        mask(&mut out, &mut Scope { names: &names, part: Part::Query, list: &mut list });
        (out, list.iter().map(|(_, s)| s.to_owned()).collect())
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
        assert_eq!(one("//h").0, "//h");
        assert_eq!(one("javascript:alert(1)").0, "javascript:alert(1)");
    }
}
