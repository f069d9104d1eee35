//! Bodies with secrets in them, through both testbeds: the records hold the same, masked as the
//! masker alone does it, however the bytes arrive.

use std::{thread, time::Duration};

use audit_core::{BodyMasker, MaskRules, testing};
use serde_json::Value;

use crate::pair::{Audited, Framework};

const SECRET: &str = "S3cr3t-9x!";

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Content types and bodies. `§` stands for the secret; what is kept has `keep` in it.
const BODIES: &[(&str, &str)] = &[
    (JSON, r#"{"user":"keep","password":"§"}"#),
    (JSON, r#"{"user":"keep","pa\u0073sword":"§","list":[{"pin":["§",1,true,null]}]}"#),
    (JSON, r#"{"a":{"apiKey":{"v":"§"}},"n":12345678901234567890.10,"keep":1e40}"#),
    (JSON, r#"{"payload":"{\"password\":\"§\",\"x\":\"keep\"}"}"#),
    (JSON, r#"[{"name":"password","value":"§"},{"value":"§","name":"token"},{"keep":1}]"#),
    (JSON, r#"{"keep":1,"url":"https://u:§@h/?token=§&page=2","log":"Bearer §"}"#),
    (JSON, r#"{"password":"§"}{"token":"§","keep":2}"#),
    (JSON, r#"{"user":"x","password":"§"#),
    (JSON, "\u{feff}{\"password\":\"§\",\"keep\":1}"),
    ("application/vnd.api+json; ext=x", r#"{"data":{"secret":"§","keep":1}}"#),
    ("application/json; charset=iso-8859-1", r#"{"password":"§"}"#),
    ("", r#"{"password":"§","keep":1}"#),
    ("", "password=§"),
    (FORM, "user=keep&p%61ssword=§&user%5Btoken%5D=§&a=%7B%22pin%22%3A%22§%22%7D"),
    (FORM, r#"{"password":"§"}"#),
    ("text/plain", "keep this, password=§ and Authorization: Bearer §"),
    ("text/plain", r#"{"password":"§","keep":1}"#),
    ("text/html, application/json", r#"{"password":"§"}"#),
    ("application/octet-stream", r#"{"password":"§"}"#),
    (
        "multipart/form-data; boundary=b",
        "--b\r\nContent-Disposition: form-data; name=pin\r\n\r\n§\r\n--b--\r\n",
    ),
];

/// How a body is sent: all at once, or byte by byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frames {
    One,
    Each,
}

#[test]
fn both_frameworks_record_the_same_masked_bodies() {
    let mut testbeds = Framework::ALL.map(|framework| Audited::start(framework, "full"));
    for (content_type, body) in BODIES {
        let body = body.replace('§', SECRET);
        for frames in [Frames::One, Frames::Each] {
            let records = testbeds.each_mut().map(|bed| recorded(bed, content_type, &body, frames));
            assert_eq!(records[0], records[1], "{content_type}: {body}");
            let alone = alone(content_type, &body);
            for part in ["request", "response"] {
                // Only what is echoed without a type gets one from its framework.
                if content_type.is_empty() && part == "response" {
                    continue;
                }
                let record = &records[0][part];
                assert_eq!(record["body"], alone["body"], "{part} of {content_type}: {body}");
                assert_eq!(record["capture"]["state"], alone["state"], "{part}: {record}");
                assert_eq!(record["capture"]["reason"], alone["reason"], "{part}: {record}");
            }
            let kept = !records[0]["request"]["body"].is_null();
            assert!(kept == body.contains("keep"), "{}", records[0]);
        }
    }
    testbeds.into_iter().for_each(|testbed| testbed.end(0));
}

/// What differs between the frameworks by its nature is left out.
fn recorded(bed: &mut Audited, content_type: &str, body: &str, frames: Frames) -> Value {
    let mut wire = bed.connect();
    let length = body.len();
    let header = match content_type {
        "" => String::new(),
        named => format!("content-type: {named}\r\n"),
    };
    wire.send(format!(
        "POST /echo HTTP/1.1\r\nhost: h\r\n{header}content-length: {length}\r\n\r\n"
    ));
    match frames {
        Frames::One => wire.send(body),
        Frames::Each => body.as_bytes().chunks(1).for_each(|byte| {
            wire.send(byte);
            if length < 60 {
                // So that each arrives by itself.
                thread::sleep(Duration::from_micros(300));
            }
        }),
    }
    wire.answer();
    let (_, record) = bed.record_as_json("/echo");
    let leak = testing::find_leak(&record.to_string(), SECRET);
    assert_eq!(leak, None, "{content_type} {body}: {record}");
    let part = |part: &str| {
        serde_json::json!({
            "body": record[part]["body"], "capture": record[part]["capture"], "size": record[part]["size"],
        })
    };
    serde_json::json!({
        "request": part("request"), "response": part("response"), "masked": record["masked"],
    })
}

/// What the masker makes of a body by itself, under the testbeds' policy.
fn alone(content_type: &str, body: &str) -> Value {
    let captured = ["json", "x-www-form-urlencoded", "text/plain"];
    let listed = content_type.is_empty() || captured.iter().any(|name| content_type.contains(name));
    if !listed || content_type.contains(',') {
        return serde_json::json!({"state": "omitted", "reason": "content_type"});
    }
    let masked = BodyMasker::new(MaskRules::new()).body(content_type, body.as_bytes(), 8192);
    serde_json::from_str(&masked.to_json()).expect("JSON")
}
