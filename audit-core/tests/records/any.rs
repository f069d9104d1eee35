//! Anything at all in every field.

use audit_core::Exchange;
use proptest::{collection::vec, prelude::*};
use serde_json::Value;

use super::{Headers, Request, Response, record};

/// Text of characters that have a meaning somewhere, of control characters, and of any others.
fn text() -> impl Strategy<Value = String> {
    let pieces = "[=&;:?#/@%+ \\\\\"'{}\\[\\]\u{0}-\u{1f}\u{7f}a-cé\u{1f512}]{0,60}";
    prop_oneof![pieces, any::<String>(), "(token|pin|Bearer|//|=|\"|\\\\|%3D|a){0,40}"]
}

fn headers() -> impl Strategy<Value = Headers> {
    let name = prop_oneof![
        "[a-z0-9!#$&'*+.^_`|~-]{1,300}",
        Just("cookie".to_owned()),
        Just("set-cookie".to_owned()),
        Just("user-agent".to_owned()),
        Just("host".to_owned()),
        Just("referer".to_owned()),
        Just("location".to_owned()),
        Just("x-forwarded-for".to_owned()),
        Just("x-request-id".to_owned()),
        Just("traceparent".to_owned()),
        Just("x-session".to_owned()),
    ];
    let value = prop_oneof![vec(any::<u8>(), 0..1200), text().prop_map(String::into_bytes)];
    vec((name, value, proptest::bool::weighted(0.1)), 0..8)
}

fn request() -> impl Strategy<Value = Request> {
    let text = || proptest::option::of(text());
    let line = (text(), text(), text(), text(), text());
    (line, any::<Option<std::net::IpAddr>>(), headers()).prop_map(|(line, peer, headers)| {
        let (method, path, query, authority, route) = line;
        let (method, path) = (method.unwrap_or_default(), path.unwrap_or_default());
        Request { method, path, query, authority, route, peer, headers }
    })
}

fn drive(mut exchange: Exchange, answer: &Response, texts: &[String], json: &Value) {
    let context = exchange.context();
    for text in texts {
        context.user(text).user_id(text).tenant(text).module(text).action(text).route(text);
        context.metadata(text, json).metadata("text", text);
    }
    context.roles(texts);
    if let [first, .., last] = texts {
        context.session(first).company_id(first).branch_id(last).description(first);
        context.reference_no(last).entity(first, last).amount(first, last).amount(1, "EUR");
        context.error(last).change(json, (first, json));
    }
    let _ = exchange.head(answer);
    exchange.data(&vec![b'x'; texts.len()], false);
    match texts.first() {
        Some(text) if text.len() % 2 == 0 => exchange.body_error(text),
        _ => exchange.end(),
    }
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            vec((text(), inner), 0..6).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn is_valid_json_on_one_line(
        request in request(),
        status in 100_u16..600,
        answer in headers(),
        texts in vec(text(), 0..4),
        value in json(),
    ) {
        let answer = Response(status, answer);
        let settings = |builder: audit_core::AuditorBuilder| {
            builder.session_header("x-session").session_as(audit_core::SessionAs::Clear).mask(["a"])
        };
        let record = record(settings, &request, |exchange| drive(exchange, &answer, &texts, &value));
        let json = record.to_json();
        prop_assert!(json.bytes().all(|b| b >= b' '));
        let whole: Value = serde_json::from_str(&json).unwrap();
        record.to_entry().unwrap();
        prop_assert_eq!(json.len(), record.json_len());
        prop_assert_eq!(serde_json::to_string(&record).unwrap(), json);
        // The core holds nothing but words and identifiers, and no group is in it.
        let core: Value = serde_json::from_str(&format!(
            "{{{}}}",
            std::str::from_utf8(record.core()).unwrap()
        )).unwrap();
        prop_assert!(plain(&core), "{}", core);
        prop_assert!(["actor", "request", "event", "change", "metadata"].iter().all(|group| core.get(group).is_none()));
        prop_assert!(whole.get("request").is_some());
    }
}

fn plain(value: &Value) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b"._:/-".contains(&b);
    match value {
        Value::String(text) => text.len() <= 128 && text.bytes().all(word),
        Value::Array(values) => values.iter().all(plain),
        Value::Object(members) => members.iter().all(|(n, v)| n.bytes().all(word) && plain(v)),
        _ => true,
    }
}
