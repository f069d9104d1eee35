//! Headers and cookies.

use super::{REDACTED, how::Value, part::Of, query, rules::Sel, scope::Scope, text};

/// Headers whose value is hidden whole, and so never leaves the request.
pub(super) const HIDDEN: &[&str] = &[
    "auth",
    "authentication",
    "authentication-info",
    "authorization",
    "dpop",
    "proxy-authentication-info",
    "proxy-authorization",
    "x-amz-security-token",
    "x-amzn-oidc-data",
    "x-api-key",
    "x-auth",
    "x-auth-token",
    "x-authentication",
    "x-forwarded-authorization",
    "x-ms-client-principal",
    // Carries bearer tokens where browsers cannot send an Authorization header.
    "sec-websocket-protocol",
];

/// Headers whose value is a URL.
const URLS: &[&str] = &[
    "content-location",
    "destination",
    "location",
    "origin",
    "x-accel-redirect",
    "x-envoy-original-path",
    "x-forwarded-path",
    "x-forwarded-uri",
    "x-forwarded-url",
    "x-original-uri",
    "x-original-url",
    "x-request-uri",
    "x-rewrite-url",
];

/// Whether a header's value is hidden whole, whatever is configured.
pub(crate) fn hides_header(name: &str) -> bool {
    HIDDEN.contains(&name)
}

/// The value of a cookie in a `Cookie` header.
pub(crate) fn cookie<'a>(header: &'a [u8], wanted: &str) -> Option<&'a [u8]> {
    header.split(|b| *b == b';').find_map(|pair| {
        let pair = pair.trim_ascii();
        let at = pair.iter().position(|b| *b == b'=')?;
        (&pair[..at] == wanted.as_bytes()).then(|| &pair[at + 1..])
    })
}

/// Appends a header's value, masked. `false`: the line goes.
pub(super) fn header(out: &mut String, name: &str, value: &str, scope: &mut Scope<'_>) -> bool {
    scope.allow_value(value.len());
    match name {
        "cookie" => cookies(out, value, Sel::COOKIE, |_| false, scope),
        "set-cookie" => cookies(out, value, Sel::SET_COOKIE, is_attribute, scope),
        _ => return other(out, name, value, scope),
    }
    true
}

fn other(out: &mut String, name: &str, value: &str, scope: &mut Scope<'_>) -> bool {
    // Before the rest: the settings may name a header that holds a URL.
    if let Some(sel) = scope.find(Of::Header, name) {
        let Some(instead) = scope.instead(sel, Value::Text(value)) else { return false };
        out.push_str(&instead);
        return true;
    }
    match name {
        // Where a link came from is worth knowing; what it carried is not.
        "referer" | "referrer" | "x-referer" | "x-referrer" | "x-original-referer" => {
            let end = value.find(['?', '#']).unwrap_or(value.len());
            if end < value.len() {
                scope.redacted(Sel::REFERER);
            }
            query::url(out, &value[..end], scope);
        }
        "host" | "x-forwarded-host" | "x-original-host" => host(out, value, scope),
        name if URLS.contains(&name) => query::url(out, value, scope),
        _ => text::text(out, value, scope),
    }
    true
}

/// Appends a host without user info.
pub(super) fn host(out: &mut String, value: &str, scope: &mut Scope<'_>) {
    scope.allow_value(value.len());
    let (user_info, host) = value.rsplit_once('@').map_or((false, value), |(_, h)| (true, h));
    if user_info {
        scope.redacted(Sel::USER_INFO);
        out.push_str(REDACTED);
        out.push('@');
    }
    text::text(out, host, scope);
}

/// Most cookies of a line that are told by name: no client has more, and each of them takes more
/// room in the record than in its line.
const PAIRS: usize = 100;

/// Appends cookie pairs with every value hidden. What is not a pair with a plain name is hidden
/// whole. `keep` tells attributes, whose values are not secret.
fn cookies(out: &mut String, value: &str, sel: Sel, keep: fn(&str) -> bool, scope: &mut Scope<'_>) {
    for (at, pair) in value.split(';').enumerate() {
        if at > 0 {
            out.push_str("; ");
        }
        if at == PAIRS {
            scope.redacted(sel);
            out.push_str(REDACTED);
            break;
        }
        let pair = pair.trim();
        if at > 0 && keep(pair) {
            attribute(out, pair, sel, scope);
            continue;
        }
        match pair.split_once('=') {
            Some((name, value)) if plain(name) && scope.rules.shows_cookie(name, value) => {
                out.push_str(name);
                out.push('=');
                text::text(out, value, scope);
            }
            Some((name, _)) if plain(name) => {
                scope.redacted(sel);
                out.push_str(name);
                out.push('=');
                out.push_str(REDACTED);
            }
            _ if pair.is_empty() => {}
            _ => {
                scope.redacted(sel);
                out.push_str(REDACTED);
            }
        }
    }
}

/// Appends an attribute. Some proxies join lines by commas, so that the next cookie follows.
fn attribute(out: &mut String, pair: &str, sel: Sel, scope: &mut Scope<'_>) {
    let joined = |at: usize| {
        let next = pair[at + 1..].trim_start();
        next.split_once('=').is_some_and(|(name, _)| plain(name.trim()))
    };
    let comma = memchr::memchr_iter(b',', pair.as_bytes()).find(|at| joined(*at));
    query::attribute(out, &pair[..comma.unwrap_or(pair.len())], scope);
    if let Some(at) = comma {
        let name = pair[at + 1..].split('=').next().unwrap_or_default();
        scope.redacted(sel);
        out.push(',');
        out.push_str(name);
        out.push('=');
        out.push_str(REDACTED);
    }
}

fn plain(name: &str) -> bool {
    let sign = |b: u8| matches!(b, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~');
    let token = |b: u8| b.is_ascii_alphanumeric() || sign(b);
    (1..=64).contains(&name.len()) && name.bytes().all(token)
}

fn is_attribute(pair: &str) -> bool {
    const ATTRIBUTES: [&str; 9] = [
        "domain",
        "expires",
        "httponly",
        "max-age",
        "partitioned",
        "path",
        "priority",
        "samesite",
        "secure",
    ];
    let name = pair.split('=').next().unwrap_or_default().trim();
    ATTRIBUTES.iter().any(|a| a.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            MaskRules,
            part::Part,
            scope::tests::{with_fields, with_rules},
        },
        *,
    };

    fn masked(name: &str, value: &str) -> (String, Vec<String>) {
        let mut out = String::new();
        let part = Part::RequestHeaders;
        let (_, listed) = with_fields(&[], part, |scope| header(&mut out, name, value, scope));
        (out, listed)
    }

    #[test]
    fn cookies_keep_their_names_only() {
        let (out, list) = masked("cookie", "sid=abc; theme=dark;bare; a b=c");
        assert_eq!(out, "sid=[redacted]; theme=[redacted]; [redacted]; [redacted]");
        assert_eq!(list, ["cookie"]);
        let (out, _) = masked("set-cookie", "sid=abc; Path=/; HttpOnly; Max-Age=60; x=y");
        assert_eq!(out, "sid=[redacted]; Path=/; HttpOnly; Max-Age=60; x=[redacted]");
        // The first pair is the cookie, even if it is named like an attribute.
        for (line, expected) in [
            ("a=x; Path=/, sid=S1; Secure", "a=[redacted]; Path=/, sid=[redacted]; Secure"),
            ("a=x; SameSite=Lax,token=S1", "a=[redacted]; SameSite=Lax,token=[redacted]"),
            ("a=x; Path=/reset?token=S1", "a=[redacted]; Path=/reset?token=[redacted]"),
            ("a=x; Expires=Wed, 21 Oct 2026", "a=[redacted]; Expires=Wed, 21 Oct 2026"),
        ] {
            assert_eq!(masked("set-cookie", line).0, expected);
        }
        assert_eq!(masked("set-cookie", "path=secret; Secure").0, "path=[redacted]; Secure");
    }

    #[test]
    fn cookies_stay_only_when_asked() {
        let cookie = "sid=a; theme=dark; lang=en; my_token=b; id=0123456789abcdef; c=password=d";
        let of = |rules: &MaskRules| {
            let mut out = String::new();
            let part = Part::RequestHeaders;
            let (_, listed) =
                with_rules(rules, part, |scope| header(&mut out, "cookie", cookie, scope));
            (out, listed)
        };
        let rules = MaskRules::new().except(["cookie:theme"]).unwrap();
        assert_eq!(of(&rules).0.matches(REDACTED).count(), 5);
        let rules = MaskRules::new().built_in(false).fields(["lang", "password"]).unwrap();
        let (out, listed) = of(&rules);
        assert_eq!(
            out,
            "sid=[redacted]; theme=dark; lang=[redacted]; my_token=[redacted]; id=[redacted]; \
             c=password=[redacted]"
        );
        assert_eq!(listed, ["cookie", "password"]);
    }

    #[test]
    fn names_and_urls() {
        assert_eq!(masked("x-csrf-token", "abc").0, "[redacted]");
        assert_eq!(masked("accept", "text/html;q=0.9, */*").0, "text/html;q=0.9, */*");
        let (out, list) = masked("referer", "https://h/cb?code=x#id_token=y");
        assert_eq!((out.as_str(), list[0].as_str()), ("https://h/cb", "referer"));
        assert_eq!(masked("location", "/cb?token=x&a=1").0, "/cb?token=[redacted]&a=1");
        // The code of an OAuth redirect: a plain word elsewhere.
        assert_eq!(masked("location", "https://c/cb?code=x").0, "https://c/cb?code=[redacted]");
        assert_eq!(masked("refresh", "0; url=/cb?code=x").0, "0; url=/cb?code=[redacted]");
        assert_eq!(masked("referrer", "https://h/cb?state=x").0, "https://h/cb");
        assert_eq!(masked("host", "u:p@h:1").0, "[redacted]@h:1");
        assert_eq!(masked("set-cookie2", "a=b").0, "[redacted]");
        for name in ["x-auth-key", "ocp-apim-subscription-key", "x-functions-key", "x-rapidapi-key"]
        {
            assert_eq!(masked(name, "abc").0, "[redacted]", "{name}");
        }
    }

    #[test]
    fn a_configured_name_hides_any_header() {
        let part = Part::ResponseHeaders;
        let ((), listed) = with_fields(&["Location", "header:referer"], part, |scope| {
            for name in ["location", "referer"] {
                let mut out = String::new();
                assert!(header(&mut out, name, "/s", scope));
                assert_eq!(out, "[redacted]");
            }
        });
        assert_eq!(listed, ["Location", "header:referer"]);
    }

    #[test]
    fn a_cookie_is_found() {
        assert_eq!(cookie(b"a=1; sid=xyz=; b=2", "sid"), Some(&b"xyz="[..]));
        assert_eq!(cookie(b"xsid=1", "sid"), None);
        assert!(hides_header("authorization") && !hides_header("cookie"));
    }
}
