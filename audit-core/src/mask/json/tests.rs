use super::*;
use crate::{
    How, MaskRules,
    mask::{
        part::Part,
        scope::tests::{with_fields, with_rules},
    },
};

fn with(rules: &MaskRules, text: &str, cut: bool) -> Result<String, Unparsable> {
    let mut out = String::new();
    let (shape, _) =
        with_rules(rules, Part::RequestBody, |scope| documents(&mut out, text, cut, scope));
    shape.map(|_| out)
}

fn masked(text: &str) -> String {
    with(&MaskRules::new(), text, false).unwrap()
}

fn fields(fields: &[&str]) -> MaskRules {
    MaskRules::new().built_in(false).fields(fields).unwrap()
}

#[test]
fn the_whole_value_goes_and_the_rest_stays() {
    for (text, expected) in [
        (r#"{"password":"x","n":1.50}"#, r#"{"password":"[redacted]","n":1.50}"#),
        (r#"{"p\u0061ssword":12345}"#, r#"{"p\u0061ssword":"[redacted]"}"#),
        (r#"{"pin":{"a":[1,"]}"]},"b":"pin"}"#, r#"{"pin":"[redacted]","b":"pin"}"#),
        (
            r#"[{"token":null},{"token":[true]}]"#,
            r#"[{"token":"[redacted]"},{"token":"[redacted]"}]"#,
        ),
        (r#"{"a":{"otp":-1e9}}"#, r#"{"a":{"otp":"[redacted]"}}"#),
        (r#"{"quo\"te":"a\\","secret":""}"#, r#"{"quo\"te":"a\\","secret":"[redacted]"}"#),
        ("7", "7"),
        ("{ \"a\" : [ 1 , 2 ] , \"pin\" : 3 }\n", r#"{"a":[1,2],"pin":"[redacted]"}"#),
        (r#"{"pin": [ 1, {"a" : 2} ] , "b": {} }"#, r#"{"pin":"[redacted]","b":{}}"#),
        (r#"{"password":1,"password":2}"#, r#"{"password":"[redacted]","password":"[redacted]"}"#),
        // Strings that hold JSON, to any depth, or text with a secret in it.
        (r#"["{\"password\" : {\"a\":\"x\"}}"]"#, r#"["{\"password\":\"[redacted]\"}"]"#),
        (r#"{"b":"[\"{\\\"pin\\\":1}\"]"}"#, r#"{"b":"[\"{\\\"pin\\\":\\\"[redacted]\\\"}\"]"}"#),
        (
            r#"{"e":"GET https://u:p@h/?sig=x"}"#,
            r#"{"e":"GET https://[redacted]@h/?sig=[redacted]"}"#,
        ),
        (r#"{"n":"{ \"a\" : 1 }","t":"a b: c\n"}"#, r#"{"n":"{ \"a\" : 1 }","t":"a b: c\n"}"#),
        (r#"{"a":"Bearer abcdefgh"}"#, r#"{"a":"Bearer [redacted]"}"#),
    ] {
        assert_eq!(masked(text), expected);
    }
}

#[test]
fn members_may_come_in_another_order_than_before() {
    let one = |name: &str, value: &str| format!(r#"{{"id":1,"{name}":{value},"city":"x","n":3}}"#);
    let names = [
        ("note", "2"),
        ("pin", "\"[redacted]\""),
        ("pi", "2"),
        ("p\\u0069n", "\"[redacted]\""),
        ("pin\\\"", "\"[redacted]\""),
        ("", "2"),
        ("spin", "2"),
        ("exactly_24_bytes_of_name", "2"),
        ("a_name_that_is_too_long_for_it", "2"),
        ("a_pin_that_is_too_long_for_it", "\"[redacted]\""),
    ];
    for usual in names {
        for other in names {
            let order = [usual, usual, other, usual, other, other];
            let text = order.map(|(name, _)| one(name, "2")).join(",");
            let expected = order.map(|(name, value)| one(name, value)).join(",");
            assert_eq!(masked(&format!("[{text}]")), format!("[{expected}]"));
        }
    }
    let spaced = r#"[{"id":1,"pin":2},{"id" : 1 , "pin" : 2},{"id":1,"pin"}]"#;
    assert_eq!(with(&MaskRules::new(), spaced, false), Err(Unparsable));
    assert_eq!(
        with(&MaskRules::new(), &spaced[..spaced.len() - 2], true).unwrap(),
        r#"[{"id":1,"pin":"[redacted]"},{"id":1,"pin":"[redacted]"},{"id":1,"#
    );
}

#[test]
fn what_is_not_json_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "[1,]",
        "{,}",
        "{\"a\":1]",
        "[1}",
        "[1 2]",
        "{a:1}",
        "{'a':1}",
        "[NaN]",
        "[01]",
        "{\"a\":1}x",
        "1 2",
        "\"a\" {}",
        "{} 1",
        "[\"\t\"]",
        "[\"\\x\"]",
        "tru",
        "nul",
        "[1e]",
        "\u{feff}{}",
        "/**/{}",
        "{\"a\":1}//",
        ")]}',\n{}",
    ] {
        assert_eq!(with(&MaskRules::new(), text, false), Err(Unparsable), "{text}");
    }
    let bomb = "[".repeat(200_000);
    assert_eq!(with(&MaskRules::new(), &bomb, false), Err(Unparsable));
    assert_eq!(with(&MaskRules::new(), &bomb, true), Err(Unparsable));
}

#[test]
fn documents_may_follow_each_other() {
    assert_eq!(
        masked("{\"pin\":1}{\"pin\":2}\n[3]"),
        "{\"pin\":\"[redacted]\"}{\"pin\":\"[redacted]\"}\n[3]"
    );
}

#[test]
fn the_shape_tells_what_can_be_embedded() {
    let shape = |text: &str| {
        let mut out = String::new();
        with_fields(&[], Part::Metadata, |scope| documents(&mut out, text, false, scope)).0.unwrap()
    };
    assert!(shape("{\"a\":[{}]}").is_value() && shape("\"\\ud83d\\ude00\"").is_value());
    assert!(!shape("{}{}").is_value());
    assert!(!shape("[\"\\ud800\"]").is_value() && !shape("{\"\\udc00\":1}").is_value());
    assert!(shape(&format!("{}{}", "[".repeat(63), "]".repeat(63))).is_value());
    assert!(!shape(&format!("{}{}", "[".repeat(64), "]".repeat(64))).is_value());
}

#[test]
fn pairs_of_name_and_value() {
    for (text, expected) in [
        (r#"{"name":"password","value":"x"}"#, r#"{"name":"password","value":"[redacted]"}"#),
        (r#"{"value":"x","name":"password"}"#, r#"{"value":"[redacted]","name":"password"}"#),
        (
            r#"[{ "value" : {"a":["x"]} , "b":1, "key" : "pin" },{"value":2,"name":"city"}]"#,
            r#"[{"value":"[redacted]","b":1,"key":"pin"},{"value":2,"name":"city"}]"#,
        ),
        (
            r#"{"value":1,"value":2,"name":"pin"}"#,
            r#"{"value":"[redacted]","value":"[redacted]","name":"pin"}"#,
        ),
        (
            r#"[{"op":"add","path":"/users/0/password","value":"x"},{"value":1,"path":"/pin/0"}]"#,
            r#"[{"op":"add","path":"/users/0/password","value":"[redacted]"},{"value":"[redacted]","path":"/pin/0"}]"#,
        ),
        (r#"{"path":"password","value":"x"}"#, r#"{"path":"password","value":"[redacted]"}"#),
        (
            r##"[{"path":"#/user/pass%77ord","value":1},{"path":"$.a.pin[0]","value":1}]"##,
            r##"[{"path":"#/user/pass%77ord","value":"[redacted]"},{"path":"$.a.pin[0]","value":"[redacted]"}]"##,
        ),
        (r#"{"path":"/home/ann","value":"x"}"#, r#"{"path":"/home/ann","value":"x"}"#),
        (
            r#"{"value":{"value":1,"name":"pin"},"name":"city"}"#,
            r#"{"value":{"value":"[redacted]","name":"pin"},"name":"city"}"#,
        ),
    ] {
        assert_eq!(masked(text), expected);
    }
    let rules = fields(&["password"]);
    for (text, expected) in [
        (
            r#"{"name":"user[password]","value":1,"n":2}"#,
            r#"{"name":"user[password]","value":"[redacted]","n":2}"#,
        ),
        (r#"{"v":1,"key":" user.pass%77ord "}"#, r#"{"v":"[redacted]","key":" user.pass%77ord "}"#),
        (
            r#"{"field":"password","old_value":"x","new_value":"y"}"#,
            r#"{"field":"password","old_value":"[redacted]","new_value":"[redacted]"}"#,
        ),
    ] {
        assert_eq!(with(&rules, text, false).unwrap(), expected);
    }
    let many = format!("{{{}\"name\":\"pin\"}}", "\"v\":\"s3c\",".repeat(100_000));
    let began = std::time::Instant::now();
    assert!(!masked(&many).contains("s3c") && began.elapsed().as_secs() < 2);
}

#[test]
fn members_can_be_removed() {
    let rules = MaskRules::new().how(How::Remove);
    for (text, expected) in [
        (r#"{"pin":1}"#, "{}"),
        (r#"{"pin":1,"a":2}"#, r#"{"a":2}"#),
        (r#"{"a":2, "pin" : [1] }"#, r#"{"a":2}"#),
        (r#"{ "pin" : 1 , "pin":{} , "a" : 2,"pin":3,"b":4}"#, r#"{"a":2,"b":4}"#),
        (r#"{"name":"pin","value":1,"a":2}"#, r#"{"name":"pin","value":"[redacted]","a":2}"#),
        (r#"{"value":1,"pin":3,"name":"pin"}"#, r#"{"value":"[redacted]","name":"pin"}"#),
    ] {
        assert_eq!(with(&rules, text, false).unwrap(), expected);
    }
    let rules = fields(&[]).fields_how(["$.a[*]", "$.b[1]"], How::Remove).unwrap();
    assert_eq!(
        with(&rules, r#"{"a":[1, 2 ,3],"b":[1,2,3]}"#, false).unwrap(),
        r#"{"a":[],"b":[1,3]}"#
    );
}

#[test]
fn paths_and_exceptions() {
    let one = |rules: &MaskRules, text| with(rules, text, false).unwrap();
    let rules = fields(&["$.user.name", "$.items[*].pin", "$..deep"]);
    assert_eq!(
        one(
            &rules,
            r#"{"user":{"name":1},"r":{"name":2},"items":[{"pin":3},{"pin":4}],"pin":5,"x":[{"deep":{}}]}"#
        ),
        r#"{"user":{"name":"[redacted]"},"r":{"name":2},"items":[{"pin":"[redacted]"},{"pin":"[redacted]"}],"pin":5,"x":[{"deep":"[redacted]"}]}"#
    );
    assert_eq!(
        one(&rules, r#"[{"path":"/user","value":{"name":1}},{"path":"/x","value":{"name":1}}]"#),
        r#"[{"path":"/user","value":"[redacted]"},{"path":"/x","value":{"name":1}}]"#
    );
    let rules = MaskRules::new().except(["token_count", "$.page.token"]).unwrap();
    assert_eq!(
        one(&rules, r#"{"token_count":1,"page":{"token":2},"token":3}"#),
        r#"{"token_count":1,"page":{"token":2},"token":"[redacted]"}"#
    );
}

#[test]
fn what_lies_deeper_than_is_looked_at_goes_whole() {
    let mut text = "a password=S3cr3t".to_owned();
    for depth in 0..7 {
        text = serde_json::to_string(&text).unwrap();
        assert!(!masked(&text).contains("S3cr3t"), "{depth}");
    }
}

#[test]
fn card_numbers_are_found_as_numbers_too() {
    let rules = fields(&[]).detect([crate::Detector::Card]);
    assert_eq!(
        with(&rules, r#"{"a":4012888888881881,"b":4012888888881882}"#, false).unwrap(),
        r#"{"a":"[redacted]","b":4012888888881882}"#
    );
}

#[test]
fn other_ways_to_mask() {
    let rules = fields(&[])
        .fields_how(["pan"], How::Last4)
        .unwrap()
        .fields_how(["email"], How::Pseudonym)
        .unwrap();
    let masked =
        with(&rules, r#"{"pan":"4000056655665556","email":"a\u0062","x":{"email":"ab"}}"#, false)
            .unwrap();
    assert!(masked.starts_with(r#"{"pan":"****5556","email":"hmac-sha256:"#), "{masked}");
    let value = serde_json::from_str::<serde_json::Value>(&masked).unwrap();
    assert_eq!(value["email"], value["x"]["email"]);
}

#[test]
fn a_cut_text_shows_its_whole_tokens() {
    for (text, expected) in [
        ("", ""),
        ("{", "{"),
        (r#"{"user":"x","passwo"#, r#"{"user":"x","#),
        (r#"{"user":"x","password""#, r#"{"user":"x","#),
        (r#"{"user":"x","password":"#, r#"{"user":"x","password":"[redacted]""#),
        (r#"{"user":"x","password":"hun"#, r#"{"user":"x","password":"[redacted]""#),
        (r#"{"user":"x","password":{"a":[1,"#, r#"{"user":"x","password":"[redacted]""#),
        (r#"{"a":12"#, r#"{"a":"#),
        (r#"{"a":tr"#, r#"{"a":"#),
        (r#"{"a":"two words and a ha"#, r#"{"a":"two words and a"#),
        (r#"{"a":"{\"password\":\"x"#, r#"{"a":"#),
        (r#"{"a":"token=abc de"#, r#"{"a":"#),
        // What another name may still select.
        (r#"{"value":"abc def"#, r#"{"value":"[redacted]""#),
        (r#"[{"value":"abc","x":1,"#, r#"[{"value":"[redacted]","x":1,"#),
        (r#"[{"value":["abc","#, r#"[{"value":"[redacted]""#),
        (r#"{"value":["abc","#, r#"{"value":"[redacted]""#),
        (r#"{"a":1,"id":"7","v":"abc","b":2,"#, r#"{"a":1,"id":"7","v":"[redacted]","b":2,"#),
        (r#"[{"v":{"v":1},"a":"#, r#"[{"v":"[redacted]","a":"#),
        (r#"[{"v":1,"name":"a"},{"v":2"#, r#"[{"v":1,"name":"a"},{"v":"[redacted]""#),
    ] {
        assert_eq!(with(&MaskRules::new(), text, true).unwrap(), expected, "{text}");
    }
}

#[test]
fn no_cut_shows_a_secret() {
    let text = r#"{"note":"a b c","password":"S3cr3t one","l":[{"value":"S3cr3t","name":"pin"},{"name":"pin","value":123456789}],
        "s":"{\"token\":\"S3cr3t\"}","u":"https://u:S3cr3t@h/?code=S3cr3t","e":"Bearer S3cr3tS3cr3t","card":{"cvv":"S3cr3t"}}"#;
    for end in 0..=text.len() {
        let out = with(&MaskRules::new(), &text[..end], true).unwrap();
        assert!(!out.contains("S3c") && !out.contains("1234"), "{end}: {out}");
        let whole = with(&MaskRules::new(), &text[..end], false);
        assert_eq!(whole.is_ok(), end == text.len());
    }
}

#[test]
fn hostile_documents_are_linear() {
    let strings = format!("[{}0]", r#""{\"a\":\"{\\\"a\\\":1}\"}","#.repeat(20_000));
    let keys: String = (0..100_000).map(|n| format!("\"k{n:06}\":{n},")).collect();
    let quoted =
        (0..12).fold("{\"pin\":1}".to_owned(), |json, _| serde_json::to_string(&json).unwrap());
    for text in [
        format!("{{{keys}\"a\":1}}"),
        format!("\"{}\"", "a".repeat(10 << 20)),
        format!("\"{}\"", r"\u0061".repeat(200_000)),
        format!("[{}0]", "0,".repeat(500_000)),
        format!("[{}0]", "\"\",".repeat(300_000)),
        format!("{{{}\"a\":0}}", "\"pin\":1,".repeat(100_000)),
        strings,
        quoted,
        format!("\"{}\"", "[".repeat(500_000)),
    ] {
        let began = std::time::Instant::now();
        masked(&text);
        assert!(began.elapsed().as_secs() < 3, "{}", &text[..40]);
    }
}
