//! `audit mask` and `audit pseudonym`: what goes in on stdin and what comes out.

#![allow(clippy::unwrap_used)] // The lint knows only functions marked as tests.

use std::{
    io::Write as _,
    os::unix::fs::PermissionsExt,
    process::{Command, Stdio},
};

fn run(args: &[&str], stdin: &str) -> (i32, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_audit"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may refuse its arguments before it reads.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn masked(args: &[&str], body: &str) -> serde_json::Value {
    let (code, stdout, stderr) = run(&[&["mask"], args].concat(), body);
    assert_eq!((code, stderr.as_str(), stdout.lines().count()), (0, "", 1), "{stdout}");
    serde_json::from_str(&stdout).unwrap()
}

#[test]
fn every_format_is_masked() {
    const FORM: &str = "application/x-www-form-urlencoded";
    const MULTIPART: &str =
        "--b\r\nContent-Disposition: form-data; name=\"pin\"\r\n\r\n1\r\n--b--\r\n";
    for (content_type, body, shown) in [
        ("application/json", r#"{"pin":1,"a":2.50}"#, r#"{"pin":"[redacted]","a":2.50}"#),
        ("", r#"{"pin":1}"#, r#"{"pin":"[redacted]"}"#),
        (FORM, "pin=1&a=2", r#""pin=[redacted]&a=2""#),
        ("application/x-ndjson", "{\"pin\":1}\n[2]\n", r#"{\"pin\":\"[redacted]\"}\n[2]\n"#),
        ("text/event-stream", "data: {\"pin\":1}\n\n", r#"data: {\"pin\":\"[redacted]\"}\n\n"#),
        ("application/xml", "<a><pin>1</pin></a>", "<pin>[redacted]</pin>"),
        ("text/plain", "pin=1 a=2", r#""pin=[redacted] a=2""#),
        ("multipart/form-data; boundary=b", MULTIPART, "[redacted]"),
    ] {
        let (code, stdout, _) = run(&["mask", "--content-type", content_type], body);
        assert_eq!(code, 0);
        assert!(stdout.contains(shown), "{content_type}: {stdout}");
        assert!(stdout.starts_with(r#"{"state":"full","body":"#), "{stdout}");
        assert!(stdout.contains(r#""field":"pin","how":"redact"}"#), "{stdout}");
    }
}

#[test]
fn options_do_what_they_say() {
    let json = ["--content-type", "application/json"];
    let with = |args: &[&str], body| masked(&[&json, args].concat(), body);
    let body = r#"{"password":"abcdefgh","a":{"b":"abcdefgh"},"c":"card 4111 1111 1111 1111"}"#;
    assert_eq!(with(&["--no-builtin"], body)["body"]["password"], "abcdefgh");
    assert_eq!(with(&["--except", "password"], body)["body"]["password"], "abcdefgh");
    assert_eq!(with(&["--fields", "x,$.a.b"], body)["body"]["a"]["b"], "[redacted]");
    assert_eq!(with(&["--how", "last4"], body)["body"]["password"], "****gh");
    assert_eq!(with(&["--how", "remove"], body)["body"].get("password"), None);
    assert_eq!(with(&["--detect", "card"], body)["body"]["c"], "card [redacted]");
    let cut = with(&["--limit", "12"], body);
    assert_eq!(
        (&cut["state"], &cut["body"]),
        (&"truncated".into(), &"{\"password\":\"[redacted]\"".into())
    );
    for (body, reason) in [("{\"a\"", "unparsable"), ("", "empty")] {
        let omitted = with(&[], body);
        assert_eq!((&omitted["state"], &omitted["reason"]), (&"omitted".into(), &reason.into()));
    }
}

#[test]
fn wrong_use_names_what_is_allowed() {
    for (args, said) in [
        (&["--fields", "$.a["][..], "$.path.to[*].field"),
        (&["--how", "hash"], "pseudonym"),
        (&["--detect", "iban"], "jwt"),
        (&["--limit", "many"], "--limit"),
    ] {
        let (code, stdout, stderr) = run(&[&["mask"], args].concat(), "{}");
        assert_eq!((code, stdout.as_str()), (2, ""), "{args:?}");
        assert!(stderr.contains(said), "{stderr}");
    }
}

#[test]
fn a_pseudonym_is_the_one_of_records() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("audit.secret");
    std::fs::write(&secret, "07".repeat(32)).unwrap();
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o600)).unwrap();
    let of = |args: &[&str], values| {
        let all = [&["pseudonym", "--secret", secret.to_str().unwrap()], args].concat();
        run(&all, values)
    };
    let (code, stdout, _) = of(&["--field", "email"], "ann@example.com\nbob@example.com\n");
    let expected = audit_core::Secret::new([7; 32]);
    let expected = ["ann@example.com", "bob@example.com"]
        .map(|value| expected.pseudonym_of("", "email", value, false) + "\n")
        .concat();
    assert_eq!((code, stdout), (0, expected));
    let (_, other, _) =
        of(&["--field", "email", "--tenant", "acme", "--json"], "ann@example.com\n");
    assert!(other.starts_with("{\"pseudonym\":\"hmac-sha256:"), "{other}");
    let (code, _, stderr) = run(&["pseudonym", "--secret", "/nonexistent", "--field", "a"], "");
    assert_eq!(code, 4);
    assert!(stderr.contains("/nonexistent"), "{stderr}");
}
