use clap::{CommandFactory, FromArgMatches, Parser};

use super::*;

#[derive(Parser, Debug)]
struct Command {
    #[command(flatten)]
    filter: Filter,
}

fn filter(args: &str) -> Filter {
    let args = std::iter::once("audit").chain(args.split_whitespace());
    Command::try_parse_from(args).unwrap().filter
}

const REQUEST: &str = r##"{"seq":7,"kind":"request","id":"0193-a","time":"2026-11-21T20:31:00.123456Z",
    "level":"warning","outcome":"completed","success":false,"tenant":"acme","module":"sales",
    "action":"create","trace":{"trace_id":"aa","parent_id":"bb"},
    "actor":{"user":"ann","user_id":"42","session":"s_1","ip":"192.0.2.10"},
    "request":{"id":"r-1","method":"POST","path":"/users/42","route":"/users/{id}"},
    "response":{"status":404}}"##;

fn takes(args: &str, line: &str) -> bool {
    filter(args).matches(&Entry::parse(line).unwrap())
}

#[test]
fn each_option_selects() {
    let right = [
        "",
        "--since 2026-11-21",
        "--until 2026-11-22",
        "--user ann",
        "--user 42",
        "--user bob --user ann",
        "--status 4xx",
        "--status 200,404",
        "--path /users/*",
        "--route /users/{id}",
        "--method post",
        "--outcome completed",
        "--outcome panicked,completed",
        "--level warning",
        "--level info",
        "--kind request",
        "--all",
        "--id 0193-a",
        "--request-id r-1",
        "--trace aa",
        "--session s_1",
        "--tenant acme",
        "--module sales",
        "--action create",
        "--ip 192.0.2.0/24",
        "--user ann --status 404 --tenant acme",
    ];
    for args in right {
        assert!(takes(args, REQUEST), "{args}");
    }
    let wrong = [
        "--since 2026-11-22",
        "--until 2026-11-21T20:31:00.123456Z",
        "--user an",
        "--status 5xx",
        "--path /users",
        "--route /users",
        "--method get",
        "--outcome cancelled",
        "--level error",
        "--kind event",
        "--id 0193",
        "--request-id r",
        "--trace bb",
        "--session s",
        "--tenant Acme",
        "--module sale",
        "--action read",
        "--ip 192.0.2.11",
        "--user ann --status 500",
    ];
    for args in wrong {
        assert!(!takes(args, REQUEST), "{args}");
    }
}

#[test]
fn control_records_are_shown_only_by_name() {
    let line =
        r#"{"seq":0,"kind":"control","time":"2026-11-21T00:00:00Z","control":{"op":"open"}}"#;
    assert!(!takes("", line));
    assert!(!takes("--kind request,event", line));
    assert!(takes("--kind control", line));
    assert!(takes("--all", line));
}

#[test]
fn what_is_redacted_or_absent_matches_nothing_that_is_asked_for() {
    let line = r##"{"seq":7,"kind":"request","actor":"#00","request":"#00"}"##;
    assert!(takes("", line));
    for args in ["--user ann", "--path /**", "--status <999", "--since 1w", "--ip 0.0.0.0/0"] {
        assert!(!takes(args, line), "{args}");
    }
}

#[test]
fn a_range_without_time_is_refused() {
    assert!(filter("--since yesterday --until today").check().is_ok());
    let error = filter("--since today --until today").check().unwrap_err();
    assert!(error.contains("must be before --until"));
}

#[test]
fn a_wrong_value_is_named_with_what_is_allowed() {
    let cases = [
        ("--status", "4xy", "a class (`4xx`)"),
        ("--since", "soon", "`today`"),
        ("--kind", "requests", "request, event, change"),
        ("--outcome", "ok", "completed, upgraded"),
        ("--level", "bad", "warning"),
        ("--path", "orders", "begins with `/`"),
        ("--ip", "localhost", "192.0.2.0/24"),
    ];
    for (option, value, allowed) in cases {
        let error = Command::try_parse_from(["audit", option, value]).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(value) && text.contains(allowed), "{text}");
        assert_eq!(error.exit_code(), 2);
    }
}

#[test]
fn the_definition_is_sound() {
    Command::command().debug_assert();
    assert!(Command::from_arg_matches(&Command::command().get_matches_from(["audit"])).is_ok());
}
