//! Secrets in every place that a client, a response or an application can put them.

use audit_core::{How, MaskRules};
use serde_json::value::RawValue;

use super::{Headers, Request, Response, record};

const SECRET: &str = "S3cr3t";

fn headers(lines: &[(&str, &str)]) -> Headers {
    lines.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec(), false)).collect()
}

fn assert_no_secret(json: &str) {
    if let Some(at) = json.find("S3c") {
        let from = json.floor_char_boundary(at.saturating_sub(60));
        panic!("a secret in the record: {}", &json[from..json.floor_char_boundary(at + 9)]);
    }
}

#[test]
fn of_a_client() {
    let torn = format!("{}<https://user:{}", "<https://h/> ".repeat(77), SECRET.repeat(3));
    let torn_host = format!("https://user:{}", SECRET.repeat(300));
    let mut request = Request {
        method: "GET".into(),
        path: "/reset;token=S3cr3t/x&token=S3cr3t/token=S3cr3t/cb%3Ftoken%3DS3cr3t".into(),
        query: Some(
            "to=https%3A%2F%2Fh%2F%3Ftoken%3DS3cr3t&next=/a?code=S3cr3t&user%5Bsalary%5D=S3cr3t\
             &user.salary=S3cr3t&+salary=S3cr3t&X-Goog-Signature=S3cr3t&AWSAccessKeyId=S3cr3t\
             &f=%7B%22password%22%3A%7B%22a%22:%22S3cr3t%22%7D%7D&a=b?token=S3cr3t;pw=S3cr3t"
                .into(),
        ),
        headers: headers(&[
            ("host", "user:S3cr3t@h"),
            ("x-forwarded-host", "user:S3cr3t@h"),
            ("user-agent", "curl token=S3cr3t"),
            ("x-forwarded-for", "token=S3cr3t"),
            ("x-shop-session", "S3cr3t"),
            ("x-original-url", "/cb?code=S3cr3t&sig=S3cr3t"),
            ("x-envoy-original-path", "/cb?code=S3cr3t"),
            ("referer", "https://u:S3cr3t@h/?x=S3cr3t"),
            ("referrer", "https://h/?state=S3cr3t"),
            ("authorization", "S3cr3t"),
            ("authorization", "Bearer S3cr3t"),
            ("x-forwarded-authorization", "S3cr3t"),
            ("x-auth", "S3cr3t"),
            ("x-auth-key", "S3cr3t"),
            ("x-amzn-oidc-data", "S3cr3t"),
            ("x-amz-security-token", "S3cr3t"),
            ("sec-websocket-protocol", "bearer, S3cr3t"),
            ("cookie", "sid=S3cr3t; S3cr3t; a b=S3cr3t"),
            ("cookie2", "a=S3cr3t"),
            ("link", "<https://h/?X-Amz-Signature=S3cr3t&sig=S3cr3t>; rel=next"),
            ("x-json", r#"{"password":"a\"S3cr3t"}"#),
            ("x-torn", &torn),
            ("destination", &torn_host),
            ("origin", &torn_host),
        ]),
        ..Request::default()
    };
    request.headers.push(("x-marked".into(), b"S3cr3t".to_vec(), true));
    request.headers.push(("x-salary".into(), b"\xff password=S3cr3t".to_vec(), false));
    let answer = Response(
        302,
        headers(&[
            ("location", "https://c/cb?code=S3cr3t&state=1#id_token=S3cr3t"),
            ("x-shop-session", "S3cr3t"),
            ("set-cookie", "sid=S3cr3t; Path=/"),
            ("set-cookie", "path=S3cr3t"),
            ("refresh", "0; url=/cb?code=S3cr3t"),
            ("content-location", "/a?to=https%3A%2F%2Fh%2F%3Ftoken%3DS3cr3t"),
        ]),
    );
    let record = record(
        |builder| builder.session_header("x-shop-session").mask(["salary"]),
        &request,
        |mut exchange| {
            let _ = exchange.head(&answer);
        },
    );
    assert_no_secret(&record.to_json());
    let entry = record.to_entry().unwrap();
    assert!(entry.masked.iter().all(|m| !m.field.contains("S3c") && m.field.len() < 30));
    let request = entry.request().unwrap();
    assert_eq!(request.host.as_deref(), Some("[redacted]@h"));
}

#[test]
fn of_headers_marked_sensitive() {
    let mut request = Request {
        headers: headers(&[("host", SECRET), ("user-agent", SECRET)]),
        ..Request::default()
    };
    request.headers.iter_mut().for_each(|line| line.2 = true);
    assert_no_secret(&record(|builder| builder, &request, drop).to_json());
}

#[test]
fn of_headers_that_go_altogether() {
    let rules = MaskRules::new().fields_how(["header:x-tag"], How::Remove).unwrap();
    let lines = headers(&[("x-tag", SECRET), ("x-other", "b"), ("x-tag", SECRET)]);
    let request = Request { headers: lines, ..Request::default() };
    let record = record(|builder| builder.mask_rules(rules), &request, drop);
    let json = record.to_json();
    assert_no_secret(&json);
    assert!(json.contains(r#""headers":{"x-other":["b"]}"#), "{json}");
    assert!(json.contains(r#""field":"header:x-tag","how":"remove""#), "{json}");
}

#[test]
fn of_the_application() {
    let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
    let record = record(
        |builder| builder,
        &Request::default(),
        |mut exchange| {
            let context = exchange.context();
            context.metadata("spaced", raw("{\n \"password\" : \"S3cr3t\" }"));
            context.metadata("escaped", raw(r#"{"pass\u0077ord":["S3cr3t"]}"#));
            context.metadata("text", "GET https://u:S3cr3t@h/?token=S3cr3t&sig=S3cr3t failed");
            context.metadata("json", r#"{"password":{"a":["S3cr3t"]},"b":"{\"pin\":\"S3cr3t\"}"}"#);
            context.metadata(
                "headers",
                [("cookie", "x=S3cr3t")].into_iter().collect::<std::collections::BTreeMap<_, _>>(),
            );
            // Cut in the middle of the user info.
            let error = format!("{}postgres://user:S3cr3t@db/x", "x ".repeat(502));
            exchange.body_error(&error);
        },
    );
    let json = record.to_json();
    assert_no_secret(&json);
    assert!(!json.contains('\n'));
    assert!(json.contains(r#""error_truncated""#) && !json.contains("user:"));
}

#[test]
fn of_the_application_in_words_and_changes() {
    let record = record(
        |builder| builder.mask(["salary", "$.iban"]),
        &Request::default(),
        |exchange| {
            let context = exchange.context();
            context.user("ann password=S3cr3t").user_id("token=S3cr3t").company_id("pin: S3cr3t");
            context.branch_id("Bearer S3cr3tS3cr3t").session("S3cr3t");
            context.roles(["password=S3cr3t", "token:write"]);
            context.description("paid with https://u:S3cr3t@bank/?token=S3cr3t, pin=S3cr3t");
            context.reference_no("token=S3cr3t").entity("secret: S3cr3t", "api_key=S3cr3t");
            context.error("cannot reach postgres://u:S3cr3t@db");
            let customer = |n: u32| {
                serde_json::json!({
                    "name": "ann", "salary": format!("S3cr3t{n}"), "iban": "S3cr3t",
                    "note": format!("{n} password=S3cr3t"), "password": {"S3cr3t": n},
                    "pair": {"name": "password", "value": format!("S3cr3t{n}")},
                    "json": format!(r#"{{"pin":"S3cr3t{n}"}}"#), "limit": n,
                })
            };
            context.change(customer(1), customer(2));
        },
    );
    let json = record.to_json();
    assert_no_secret(&json);
    let groups: Vec<_> = record.groups().map(|(group, _)| group.as_str()).collect();
    assert_eq!(groups, ["actor", "request", "event", "change", "error"]);
    let entry = record.to_entry().unwrap();
    assert_eq!(entry.actor().unwrap().roles[1], "token:write");
    assert_eq!(entry.event().unwrap().entity_id.as_deref(), Some("api_key=[redacted]"));
    let paths: Vec<_> = entry.change().unwrap().diff.iter().flatten().map(|d| &*d.path).collect();
    // That it changed is told, also of what is masked.
    let expected = ["/json", "/limit", "/note", "/pair/value", "/password", "/salary"];
    assert_eq!(paths, expected, "{json}");
    assert!(entry.masked.iter().any(|m| m.part == "change" && m.field == "$.iban"));
}

#[test]
fn of_a_type_with_rules_of_its_own() {
    let rules = MaskRules::new()
        .fields(["$.score"])
        .and_then(|rules| rules.fields_how(["$.iban"], How::Last4))
        .and_then(|rules| rules.fields_how(["mail"], How::Pseudonym))
        .unwrap();
    let customer =
        serde_json::json!({"iban": "S3cr3tS3cr3t1234", "score": "S3cr3t", "mail": "S3cr3t"});
    let record = record(
        |builder| builder,
        &Request::default(),
        |exchange| {
            exchange.context().metadata_masked("customer", &customer, &rules);
        },
    );
    assert_no_secret(&record.to_json());
    let entry = record.to_entry().unwrap();
    let how: Vec<_> = entry.masked.iter().map(|m| (m.field.as_str(), m.how.as_str())).collect();
    assert_eq!(how, [("$.iban", "last4"), ("mail", "redact"), ("$.score", "redact")]);
    assert!(record.to_json().contains(r#""iban":"****1234""#));
}

#[test]
fn that_stand_in_other_places_too() {
    let rules = MaskRules::new().echoes(true);
    let request = Request {
        path: "/x/S3cr3t-9-unique".into(),
        query: Some("token=S3cr3t-9-unique&other=1".into()),
        ..Request::default()
    };
    let record = record(
        |builder| builder.mask_rules(rules),
        &request,
        |mut exchange| {
            exchange.context().metadata("note", "login failed for S3cr3t-9-unique, twice");
            exchange.body_error(&"bad password S3cr3t-9-unique");
        },
    );
    assert_no_secret(&record.to_json());
    let json = record.to_json();
    assert!(json.contains("login failed for [redacted], twice"), "{json}");
    assert!(json.contains(r#""path":"/x/[redacted]""#) && json.contains("bad password"), "{json}");
}
