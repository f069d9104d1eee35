//! `audit query` as a person and a program meet it.

#![allow(clippy::unwrap_used)] // The lint knows only functions marked as tests.

mod common;

use std::path::Path;

use common::{Trail, audit, command, control, finish, request};

fn shop() -> Trail {
    Trail::of(&[
        control(0, 0, r#""op":"open""#),
        request(1, 1, "ann", "/orders", 201),
        request(2, 2, "bob", "/users/42", 404),
        request(3, 3, "ann", "/users/42/items", 500),
        control(4, 4, r#""op":"heartbeat""#),
    ])
}

#[test]
fn every_request_in_order_one_line_each() {
    let run = audit("query", shop().root(), "");
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_eq!(run.ids(), ["r-1", "r-2", "r-3"]);
    assert_eq!(
        run.stdout.lines().next().unwrap(),
        "2026-11-21T20:31:01.123Z 201 GET    /orders                   1.27ms ann      192.0.2.1 r-1"
    );
}

#[test]
fn filters_select() {
    let trail = shop();
    let cases: [(&str, &[&str]); 12] = [
        ("--user ann", &["r-1", "r-3"]),
        ("--user 2", &["r-2"]),
        ("--status 4xx,500", &["r-2", "r-3"]),
        ("--status >=500", &["r-3"]),
        ("--path /users/*", &["r-2"]),
        ("--path /users/**", &["r-2", "r-3"]),
        ("--request-id r-2", &["r-2"]),
        ("--id id-3", &["r-3"]),
        ("--ip 192.0.2.0/31", &["r-1"]),
        ("--since 2026-11-21T20:31:02Z --until 2026-11-21T20:31:03Z", &["r-2"]),
        ("--user ann --limit 1", &["r-1"]),
        ("--tenant acme --method get --outcome completed --level error", &["r-3"]),
    ];
    for (args, ids) in cases {
        let run = audit("query", trail.root(), args);
        assert_eq!(run.ids(), ids, "{args}: {run:?}");
        assert_eq!(run.code, 0);
    }
}

#[test]
fn nothing_that_matches_is_no_error() {
    let run = audit("query", shop().root(), "--user nobody");
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (0, "", ""));
}

#[test]
fn control_records_only_by_name() {
    let trail = shop();
    let run = audit("query", trail.root(), "--kind control --json");
    assert_eq!(run.stdout.lines().count(), 2);
    assert!(run.stdout.lines().all(|line| line.contains(r#""kind":"control""#)));
    assert_eq!(audit("query", trail.root(), "--all").stdout.lines().count(), 5);
}

#[test]
fn json_is_the_stored_line() {
    let lines: Vec<_> = (0..50).map(|n| request(n, 1, "a\u{202e}b", "/\\u001b[2J", 200)).collect();
    let trail = Trail::of(&lines);
    let run = audit("query", trail.root(), "--json --color always");
    assert_eq!(run.stdout.lines().collect::<Vec<_>>(), lines);
}

#[test]
fn one_writers_folder_is_a_source_too_and_writers_merge_by_time() {
    let trail = Trail::of(&[request(0, 1, "ann", "/", 200), request(1, 5, "ann", "/", 200)]);
    trail.writer("01", &[request(0, 3, "bob", "/", 200), request(1, 9, "bob", "/", 200)]);
    let seconds = |source: &Path| {
        let run = audit("query", source, "");
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));
        run.stdout.lines().map(|line| line[17..19].to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(seconds(trail.root()), ["01", "03", "05", "09"]);
    assert_eq!(seconds(&trail.root().join("01")), ["03", "09"]);
}

#[test]
fn hostile_values_are_escaped() {
    let user = "\u{202e}\u{2066}\u{7f}\u{9b}\\u001b[31m\\u0000\\n";
    let trail = Trail::of(&[request(0, 1, user, "/a b", 200)]);
    for args in ["", "-v", "--color always"] {
        let run = audit("query", trail.root(), args);
        let acts = |c: char| matches!(c, '\u{202e}' | '\u{2066}' | '\u{7f}' | '\u{9b}' | '\0');
        assert!(!run.stdout.contains(acts), "{}", run.stdout);
        assert!(run.stdout.contains("\\u202e\\u2066\\u007f\\u009b\\u001b[31m\\u0000\\n"));
        assert!(run.stdout.contains("\"/a b\""), "{}", run.stdout);
    }
}

#[test]
fn verbose_shows_the_whole_record() {
    let run = audit("query", shop().root(), "-v --id id-2");
    assert_eq!(run.code, 0);
    assert!(run.stdout.starts_with("2026-11-21T20:31:02.123Z 404 "));
    assert!(run.stdout.contains("\n      \"user_id\": \"2\",\n"), "{}", run.stdout);
    assert!(!run.stdout.contains("salt"));
}

#[test]
fn colour_is_asked_for_or_absent() {
    let trail = shop();
    assert!(!audit("query", trail.root(), "").stdout.contains('\u{1b}'));
    assert!(!audit("query", trail.root(), "--color never").stdout.contains('\u{1b}'));
    assert!(audit("query", trail.root(), "--color always").stdout.contains("\u{1b}[31m500"));
    let forced = |no: &str| {
        let mut command = command("query", trail.root(), "");
        command.env("CLICOLOR_FORCE", "1").env("NO_COLOR", no);
        finish(command.output().unwrap()).stdout.contains('\u{1b}')
    };
    assert!(forced("") && !forced("1"));
}

#[test]
fn losses_are_told_once_on_stderr() {
    let trail = Trail::of(&[
        request(0, 1, "ann", "/", 200),
        control(1, 2, r#""op":"gap","count":3,"reason":"memory""#),
        control(2, 3, r#""op":"open","unclean":true"#),
    ]);
    let run = audit("query", trail.root(), "");
    assert_eq!((run.code, run.ids()), (0, vec!["r-0"]));
    assert_eq!(
        run.stderr,
        "audit: in this range: 1 gap (3 records were lost), 1 unclean end; \
         see them with --kind control\n"
    );
    assert_eq!(audit("query", trail.root(), "--until 2026-11-21T20:31:02Z").stderr, "");
    assert_eq!(audit("query", trail.root(), "--kind control").stderr, "");
}

#[test]
fn damaged_lines_are_named_and_left_out() {
    let trail = Trail::of(&[request(0, 1, "ann", "/", 200)]);
    trail.append("00", "{\"seq\":1,\"kind\":\"requ\u{1b}[31m");
    trail.append("00", &request(1, 3, "ann", "/", 200));
    let run = audit("query", trail.root(), "");
    assert_eq!(run.code, 0);
    assert_eq!(run.ids(), ["r-0", "r-1"]);
    let name = format!("{:020}.jsonl", 0);
    assert!(run.stderr.contains(&format!("{name}, line 3: ")), "{}", run.stderr);
    assert!(
        run.stderr.ends_with("the trail is damaged in 1 place; all that can be read was read\n")
    );
    assert!(!run.stderr.contains('\u{1b}'));
}

#[test]
fn a_record_with_bodies_and_metadata_is_shown_to_the_digit() {
    let line = "{\"seq\":0,\"kind\":\"request\",\"id\":\"i\",\"time\":\"2026-11-21T20:31:00.123456Z\",\
        \t\"request\":{\"id\":\"r-0\",\"method\":\"POST\",\"path\":\"/orders\",\
        \"body\":{\"n\":1.10,\"list\":[]},\"capture\":{\"state\":\"full\",\"bytes\":9}},\
        \t\"response\":{\"status\":201,\"body\":\"ok\"},\t\"metadata\":{\"big\":12345678901234567890},\
        \t\"salt\":\"00112233445566778899aabbccddeeff\"}";
    let trail = Trail::of(&[line.to_owned()]);
    let run = audit("query", trail.root(), "-v --path /orders");
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(run.stdout.contains("\"n\": 1.10,\n"), "{}", run.stdout);
    assert!(run.stdout.contains("\"big\": 12345678901234567890\n"));
    assert_eq!(audit("query", trail.root(), "--json").stdout, format!("{line}\n"));
}
