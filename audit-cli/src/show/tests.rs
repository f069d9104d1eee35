use super::*;

fn shown(json: &str, colour: bool) -> String {
    let mut out = Vec::new();
    line(&mut out, &Entry::parse(json).unwrap(), colour).unwrap();
    String::from_utf8(out).unwrap()
}

const ORDER: &str = r#"{"kind":"request","time":"2026-11-21T20:31:00.123456Z","level":"info",
    "outcome":"completed","duration_ms":1.274,"actor":{"user":"ann","ip":"192.0.2.10"},
    "request":{"id":"r-1","method":"POST","path":"/orders"},"response":{"status":201}}"#;

#[test]
fn a_request_is_one_line_with_the_user_within_80_columns() {
    let line = shown(ORDER, false);
    assert_eq!(
        line,
        "2026-11-21T20:31:00.123Z 201 POST   /orders                   1.27ms ann      \
         192.0.2.10 r-1\n"
    );
    assert!(line.find("ann").unwrap() + 8 <= 80);
}

#[test]
fn colour_follows_the_level_and_changes_nothing_else() {
    let coloured = shown(ORDER, true);
    assert!(coloured.contains("\u{1b}[32m201\u{1b}[0m"), "{coloured:?}");
    assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), shown(ORDER, false));
    let failed = ORDER.replace("\"info\"", "\"error\"").replace("201", "500");
    assert!(shown(&failed, true).contains("\u{1b}[31m500"));
}

#[test]
fn what_went_wrong_ends_the_line() {
    let panic = r#"{"kind":"request","level":"error","outcome":"panicked","request":{"method":"GET",
        "path":"/p"},"error":{"kind":"panic","phase":"handler","message":"index\nout"}}"#;
    assert!(shown(panic, false).ends_with("! panicked in handler: index\\nout\n"));
    let cancelled = r#"{"kind":"request","outcome":"cancelled"}"#;
    assert!(shown(cancelled, false).ends_with("! cancelled\n"));
    let redacted = r##"{"kind":"request","outcome":"panicked","error":"#00"}"##;
    assert!(shown(redacted, false).ends_with("! panicked: [redacted]\n"));
    let grpc = r#"{"kind":"request","outcome":"completed","response":{"grpc_status":13}}"#;
    assert!(shown(grpc, false).ends_with("! grpc-status 13\n"));
    assert!(!shown(ORDER, true).contains('!'));
}

#[test]
fn hostile_values_stay_one_line_and_in_their_column() {
    let hostile = r#"{"kind":"request","actor":{"user":"bob 10.0.0.1 r-9","ip":"\u001b[2J"},
        "request":{"id":"\u202e","method":"G\u0000T","path":"/a\n\u009b1A\u2066\u007f"}}"#;
    let line = shown(hostile, true);
    assert_eq!(line.matches('\n').count(), 1);
    let plain = anstream::adapter::strip_str(&line).to_string();
    assert!(plain.contains("\"bob 10.0.0.1 r-9\" \\u001b[2J \\u202e"), "{plain}");
    assert!(plain.contains("G\\u0000T") && plain.contains("/a\\n\\u009b1A\\u2066\\u007f"));
}

#[test]
fn other_kinds_and_empty_records_have_the_same_columns() {
    let event =
        r#"{"kind":"event","time":"2026-11-21T20:31:00Z","module":"sales","action":"post"}"#;
    assert!(shown(event, false).starts_with("2026-11-21T20:31:00.000Z   - event  sales:post "));
    let gap = r#"{"kind":"control","control":{"op":"gap","count":3,"reason":"memory"}}"#;
    assert!(shown(gap, false).contains("control gap count=3 reason=memory"));
    let open = r#"{"kind":"control","control":{"op":"open","unclean":true}}"#;
    assert!(shown(open, false).contains("open unclean=true"));
    assert!(shown(r#"{"kind":"request"}"#, false).contains(" - "));
    let redacted = shown(r##"{"kind":"request","actor":"#00","request":"#00"}"##, false);
    assert_eq!(redacted.matches(REDACTED).count(), 3);
}

#[test]
fn durations_have_three_digits() {
    let cases = [
        (0.274, "0.27ms"),
        (12.34, "12.3ms"),
        (123.4, "123ms"),
        (1_234.0, "1.23s"),
        (123_456.0, "123s"),
        (1e300, "1e297s"),
        (-1.0, "-1.00ms"),
    ];
    for (ms, text) in cases {
        assert_eq!(duration(Some(ms)), text);
    }
}
