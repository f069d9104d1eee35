//! What generated bodies found, each as small as it can be.

use audit_core::{BodyMasker, How, MaskRules};

use crate::{
    check::{mask, masker, text},
    plant::Format,
};

const SECRET: &str = "S3cr3t";

#[test]
fn no_cut_shows_the_value_of_a_name_that_is_still_to_come() {
    for (content_type, body) in [
        // A pair that is the whole document.
        ("application/json", r#"{"value":["S3cr3t",7],"name":"pin"}"#),
        // Something else that may be a name, and selects nothing.
        ("application/json", r#"[{"type":"text","value":"S3cr3t","name":"pin"}]"#),
        ("application/json", r#"[{"id":"7","value":["S3cr3t"],"name":"pin"}]"#),
        // An element that is not closed yet.
        ("application/xml", r#"<p><value><b c="S3cr3t"/></value><key>pin</key></p>"#),
        ("application/xml", "<p><value>S3cr3t<b/></value><key>pin</key></p>"),
    ] {
        for cut in 0..=body.len() {
            let (_, json) = mask(&mut masker(How::Redact), content_type, body.as_bytes(), cut);
            assert!(!json.contains(SECRET), "{body} cut at {cut}: {json}");
        }
    }
}

#[test]
fn what_is_masked_stays_as_it_is() {
    for body in ["a Bearer S3cr3tS3cr3t b\n", "Authorization: Bearer S3cr3tS3cr3t\n"] {
        let mut masker = masker(How::Redact);
        let (once, _) = mask(&mut masker, "text/plain", body.as_bytes(), usize::MAX);
        let once = text(Format::Text, body, &once.body.unwrap_or_default());
        let (twice, _) = mask(&mut masker, "text/plain", once.as_bytes(), usize::MAX);
        assert_eq!(text(Format::Text, body, &twice.body.unwrap_or_default()), once);
    }
}

/// Masked whole, and cut everywhere: none shows a secret, and the whole one keeps what is not.
fn check(content_type: &str, body: &str) {
    let mut masker = masker(How::Redact);
    let (_, json) = mask(&mut masker, content_type, body.as_bytes(), usize::MAX);
    assert!(!json.contains("S3c"), "{body}: {json}");
    assert_eq!(json.matches("kept").count(), body.matches("kept").count(), "{body}: {json}");
    for cut in 0..=body.len() {
        let (_, json) = mask(&mut masker, content_type, body.as_bytes(), cut);
        assert!(!json.contains("S3c"), "{body} cut at {cut}: {json}");
    }
}

#[test]
fn pairs_are_found_in_the_fields_of_forms() {
    for body in [
        "name=password&value=S3cr3t&u=kept",
        "value=S3cr3t&name=password&u=kept",
        "name[]=password&value[]=S3cr3t&name[]=city&value[]=kept",
        "f%5B0%5D%5Bname%5D=pin&f%5B0%5D%5Bvalue%5D=S3cr3t&f[1][name]=a&f[1][value]=kept",
        "f[0].key=pin&f[0].val=S3cr3t&f[1].key=a&f[1].val=kept",
        "name1=pin&value1=S3cr3t&name2=a&value2=kept",
        "op=replace&path=%2Fa%2Fpin&value=S3cr3t&u=kept",
        "field=pin&old=S3cr3t&new=S3cr3t&u=kept",
        "name=new_password;value=S3cr3t&u=kept",
        "name=ann&value=kept&pin=S3cr3t&id=kept&type=kept",
        "pairs=%5B%22password%22%2C%22S3cr3t%22%5D&u=kept",
    ] {
        check("application/x-www-form-urlencoded", body);
    }
    let part = |name: &str, text: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
    };
    for parts in [
        [("name", "pin"), ("value", "S3cr3t"), ("u", "kept")],
        [("value", "S3cr3t"), ("name", "pin"), ("u", "kept")],
        [("f[0][key]", "pin"), ("f[0][value]", "S3cr3t"), ("f[1][value]", "kept")],
        [("name", "ann"), ("value", "kept"), ("pin", "S3cr3t")],
    ] {
        let body: String = parts.iter().map(|(name, text)| part(name, text)).collect();
        check("multipart/form-data; boundary=b", &format!("{body}--b--\r\n"));
    }
}

#[test]
fn pairs_are_found_in_arrays() {
    for body in [
        r#"["password","S3cr3t"]"#,
        r#"["pin", 48291377.5, "kept"]"#,
        r#"[["password","S3cr3t"],["city","kept"]]"#,
        r#"{"h":[["a","kept"],["Pass\u0077ord","S3cr3t","S3cr3t"]]}"#,
        r#"[["pin",{"a":"S3cr3t"}],["pin",["S3cr3t"]],["kept"]]"#,
        r#"{"header":["authorization","S3cr3t"],"u":"kept"}"#,
        r#"{"s":"[\"pin\",\"S3cr3t\"]","u":"kept"}"#,
        // Lists of names.
        r#"["password","kept","kept"]"#,
        r#"{"required":["password","kept-1"],"fields":["pin","kept-2"],"a":["pin","kept"]}"#,
        r#"{"loc":["token","kept-1"],"pin":"S3cr3t"}"#,
        r#"[["kept","password"],["kept","token"]]"#,
    ] {
        check("application/json", body);
    }
    check("text/event-stream", "data: [\"token\",\"S3cr3t\"]\n\ndata: kept\n\n");
}

#[test]
fn changes_are_pairs() {
    for (old, new) in [
        ("old", "new"),
        ("before", "after"),
        ("from", "to"),
        ("previous", "current"),
        ("oldValue", "newValue"),
        ("fromString", "toString"),
    ] {
        for name in ["field", "attr", "property", "path", "column_name"] {
            check(
                "application/json",
                &format!(
                    r#"[{{"{name}":"pin","{old}":"S3cr3t","{new}":["S3cr3t"]}},
                        {{"{name}":"city","{old}":"kept","{new}":"kept"}}]"#
                ),
            );
        }
        check(
            "application/xml",
            &format!(
                "<c><f><name>pin</name><{old}>S3cr3t</{old}><{new} a=\"S3cr3t\"/></f><u>kept</u></c>"
            ),
        );
    }
}

#[test]
fn the_name_of_an_event_is_that_of_its_data() {
    for body in [
        "event: token\ndata: S3cr3t\n\nevent: tick\ndata: kept\n\n",
        "data: S3cr3t\nevent: new_password\n\ndata: kept\n\n",
        "event: user.token\r\ndata: \"S3cr3t\"\r\n\r\nevent: a\r\ndata: kept\r\n\r\n",
        "event: token\ndata: {\"a\":\"S3cr3t\"}\ndata: S3cr3t\n\ndata: kept\n\n",
    ] {
        check("text/event-stream", body);
    }
}

#[test]
fn other_places_of_names() {
    check("application/xml", "<a xmlns:password=\"S3cr3t\" xmlns:k=\"kept\"><u>kept</u></a>");
    check("application/xml", "<dl><dt>pin</dt><dd>S3cr3t</dd><u>kept</u></dl>");
    check("application/json", r#"{"a":"%7B%22pin%22%3A%22S3cr3t%22%7D","u":"kept","b":"%7Bkept"}"#);
}

#[test]
fn texts_in_documents_are_looked_through_like_texts() {
    for text in [
        "curl -u ann:S3cr3t kept",
        "curl -b 'sid=S3cr3t' kept",
        "mysql -pS3cr3t kept",
        "cmd -Password S3cr3t -Name kept",
        "INSERT INTO t(a,pin) VALUES('kept','S3cr3t')",
        "CREATE USER kept IDENTIFIED BY 'S3cr3t'",
        "the password is S3cr3t, kept",
        "name=pin value=S3cr3t a=kept",
        "<form><input name='pin' value='S3cr3t'><input name='a' value='kept'></form>",
        "<a><k><name>pin</name><value>S3cr3t</value></k><u>kept</u></a>",
        "see https://kept/?next=%2Fcb%3Ftoken%3DS3cr3t",
    ] {
        check("application/json", &format!("{{\"a\":\"{text}\",\"b\":\"kept\"}}"));
        check("text/plain", &format!("{text}\n"));
        check("application/x-ndjson", &format!("{{\"a\":[\"{text}\"]}}\n{{\"b\":\"kept\"}}\n"));
    }
    for text in ["the password is required", "a token - or none", "(pin) values are kept"] {
        check("application/json", &format!("{{\"a\":\"{text} kept\"}}"));
    }
}

#[test]
fn a_log_that_begins_with_a_bracket_is_a_text() {
    for before in ["[INFO]", "[2026-01-01 10:00] INFO", "[12:30:01]", "[http-1]", " [a.b]"] {
        check("text/plain", &format!("{before} kept {{\"u\":\"kept\",\"pin\":\"S3cr3t\"}}\n"));
    }
    for body in
        ["[true, {\"pin\":\"S3cr3t\"}", "[2, {\"pin\":\"S3cr3t\"}", "[-1,{\"pin\":\"S3cr3t\""]
    {
        check("text/plain", body);
    }
}

#[test]
fn what_a_text_holds_is_masked_as_what_it_is() {
    let form = "log of a form:\r\n--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\
        S3cr3t\r\n--b--\r\n";
    let events = "data: {\"pin\":\ndata: \"S3cr3t\"}\n\nevent: token\ndata: S3cr3t\n\n";
    for text in [form, events, "id: 1\r\nevent: pin\r\ndata: S3cr3t\r\n\r\n"] {
        check("text/plain", text);
        let json = serde_json::json!({"response": {"text": text}, "u": "kept"}).to_string();
        check("application/json", &json);
        let form: String = text.bytes().map(|b| format!("%{b:02X}")).collect();
        check("application/x-www-form-urlencoded", &format!("u=kept&a={form}"));
    }
    check("text/plain", "\"{\\n \\\"pin\\\":\\n \\\"S3cr3t\\\"}\"");
    // Texts all the same.
    check("text/plain", "data: kept\nother: kept\npin: S3cr3t\n");
    check("text/plain", "\"kept\" says 'kept', pin=S3cr3t\n");
}

#[test]
fn names_of_members_are_looked_into() {
    for body in [
        r#"{"{\"pin\":\"S3cr3t\"}":1,"u":"kept"}"#,
        r#"{"pin=S3cr3t":"","a":{"x?token=S3cr3t&a=kept":1}}"#,
        r#"{"https://u:S3cr3t@kept/":1,"p\u0069n=S3cr3t":[]}"#,
        r#"[{"token=a":1},{"pin=S3cr3t":{"token=S3cr3t":2},"token=S3cr3t":3},{"token=S3cr3t":4}]"#,
        r#"{"user:kept":1,"a=kept":{"b:kept":2},"100%kept":3}"#,
    ] {
        check("application/json", body);
    }
}

#[test]
fn rare_signs_tell_of_values_too() {
    for text in [
        "login('pin','S3cr3t')",
        "|pin|S3cr3t|",
        "pin->S3cr3t",
        "&lt;pin&gt;S3cr3t&lt;/pin&gt;",
        "/login%3Fpin%3DS3cr3t",
    ] {
        check("application/json", &format!("{{\"a\":\"{text}\",\"u\":\"kept\"}}"));
    }
    for text in ["100%kept", "it's kept", "a|kept", "a->kept", "R&kept", "kept('kept')"] {
        check("application/json", &format!("{{\"a\":\"{text}\",\"u\":\"kept\"}}"));
    }
}

#[test]
fn pairs_of_other_words() {
    for pair in [
        r#"{"path":["users",0,"pin"],"value":"S3cr3t"}"#,
        r#"{"path":["pin"],"message":"kept","lhs":"S3cr3t","rhs":"S3cr3t"}"#,
        r#"{"path":["city"],"value":"kept","old":["kept"]}"#,
        r#"{"pointer":"/a/pin","value":"S3cr3t"}"#,
        r#"{"jsonpath":"$['a']['pin']","value":"S3cr3t"}"#,
        r#"{"attribute_code":"pin","value":"S3cr3t"}"#,
        r#"{"setting":"pin","default":"S3cr3t","value_string":"S3cr3t"}"#,
        r#"{"var":"pin","raw":{"a":"S3cr3t"},"u":"kept"}"#,
        r#"{"args":["run","--pin","S3cr3t","kept","--city","kept"],"u":"kept"}"#,
        r#"["--pin","S3cr3t"]"#,
        r#"["-v","--pin=S3cr3t","--kept"]"#,
    ] {
        check("application/json", pair);
        check("application/json", &format!("[{pair},\"kept\"]"));
    }
    check(
        "application/xml",
        "<p><param-name>pin</param-name><param-value>S3cr3t</param-value><u>kept</u></p>",
    );
}

#[test]
fn paths_go_on_in_the_documents_of_texts() {
    let rules = MaskRules::new().built_in(false).fields(["$.user.key", "$.items[*].key"]).unwrap();
    let mut masker = BodyMasker::new(rules);
    for (content_type, body) in [
        ("application/json", r#"{"user":"{\"key\":\"S3cr3t\",\"a\":\"kept\"}"}"#),
        ("application/json", r#"{"items":["{\"a\":\"kept\",\"key\":7}",{"key":"S3cr3t"}]}"#),
        ("application/json", r#"{"a":"{\"key\":\"kept\"}","user":"[{\"key\":\"kept\"}]"}"#),
        ("application/json", r#"{"name":"user.key","value":"S3cr3t"}"#),
        ("application/x-www-form-urlencoded", "user=%7B%22key%22%3A%22S3cr3t%22%7D&key=kept"),
        ("application/x-www-form-urlencoded", "items[][key]=S3cr3t&items[0][key]=S3cr3t&a=kept"),
        (
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=\"user\"\r\n\
                Content-Type: application/json\r\n\r\n{\"key\":\"S3cr3t\",\"a\":\"kept\"}\r\n--b--\r\n",
        ),
    ] {
        let (_, json) = mask(&mut masker, content_type, body.as_bytes(), usize::MAX);
        assert!(!json.contains("S3c"), "{body}: {json}");
        assert_eq!(json.matches("kept").count(), body.matches("kept").count(), "{body}: {json}");
    }
}

#[test]
fn parts_keep_what_only_looks_like_their_boundary_and_folded_headers() {
    check(
        "multipart/form-data; boundary=B",
        "--B\r\nContent-Disposition: form-data;\r\n name=\"city\"\r\n\r\nBerlin kept\r\n\
            --B\r\nContent-Disposition: form-data;\r\n\tname=\"pin\"\r\n\r\nS3cr3t\r\n\
            --B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nS3cr3t --B S3cr3t\r\n--B--\r\n",
    );
}

#[test]
fn an_honest_text_with_many_escapes_does_not_run_out_of_steps() {
    let body = format!("{}kept pin=S3cr3t\n", "a%20b c%20d ".repeat(200));
    let (masked, json) = mask(&mut masker(How::Redact), "text/plain", body.as_bytes(), usize::MAX);
    assert!(masked.body.is_some() && json.contains("c%20d kept pin=[redacted]"), "{json}");
}
