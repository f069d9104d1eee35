//! `audit demo`: what it shows, and that nothing is left of it.

#![allow(clippy::unwrap_used)] // The lint knows only functions marked as tests.

mod common;

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use common::{audit, finish};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// What is in the requests and answers of the shop, and may be nowhere else.
const SECRETS: [&str; 3] = ["hunter2", "4242424242424242", "\"737\""];
/// The requests of the first round that leave a record, in their order.
const IDS: [&str; 11] = [
    "list-1",
    "login-1",
    "order-1",
    "guess-1",
    "token-1",
    "report-1",
    "export-1",
    "payment-1",
    "panic-1",
    "forbidden-1",
    "upload-1",
];
const PATIENCE: Duration = Duration::from_secs(20);

fn demo(temp: &TempDir, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_audit"));
    command.arg("demo").args(args).env("TMPDIR", temp.path()).env("NO_COLOR", "1");
    command
}

fn piped(mut command: Command) -> Child {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits for the end of a demo that was told to end.
fn ended(mut child: Child) -> Output {
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            panic!("still there");
        }
        thread::sleep(Duration::from_millis(10));
    }
    child.wait_with_output().unwrap()
}

fn is_empty(temp: &TempDir) -> bool {
    fs::read_dir(temp.path()).unwrap().next().is_none()
}

fn assert_no_secret(text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

/// The request ids of the records among the lines, in order.
fn shown_ids(lines: &str) -> Vec<&str> {
    let records = lines.lines().filter(|line| line.starts_with("20"));
    records.filter_map(|line| line.split_whitespace().nth(7)).collect()
}

#[test]
fn it_shows_records_and_ends_by_itself() {
    let temp = tempfile::tempdir().unwrap();
    let run = finish(demo(&temp, &["--seconds", "1"]).output().unwrap());
    assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{}", run.stdout);
    assert!(is_empty(&temp));
    assert_no_secret(&run.stdout);

    let (show, finale) = run.stdout.split_once("\n# The books add up: ").unwrap();
    assert_eq!(&shown_ids(show)[..IDS.len()], IDS);
    // Each is explained once, right below its line, and the excluded one without a line.
    let explained = show.lines().filter(|line| line.starts_with("    # ")).count();
    assert_eq!(explained, IDS.len() + 1);
    for part in ["! panicked in handler: the bank said no: password=[redacted]", "! cancelled in"] {
        assert!(show.contains(part), "{show}");
    }

    // The commands are shown with what they print.
    let failed = finale.split_once("--status '>=400'\n").unwrap().1;
    assert_eq!(&shown_ids(failed)[..4], ["guess-1", "token-1", "panic-1", "forbidden-1"]);
    assert!(finale.contains("\"password\": \"[redacted]\""), "{finale}");
    assert!(finale.contains("\n$ jq ") && finale.contains(" + 1 excluded + 0 lost.\n"), "{finale}");
}

#[test]
fn a_signal_ends_it_and_its_files() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let temp = tempfile::tempdir().unwrap();
        let mut child = piped(demo(&temp, &["--seconds", "600"]));
        let mut out = BufReader::new(child.stdout.take().unwrap());
        // The first record is there: so is the trail.
        let mut line = String::new();
        while !line.contains("list-1") {
            line.clear();
            assert_ne!(out.read_line(&mut line).unwrap(), 0);
        }
        assert!(!is_empty(&temp));
        kill_process(Pid::from_child(&child), signal).unwrap();
        let rest = thread::spawn(move || out.lines().map_while(Result::ok).collect::<Vec<_>>());
        let ended = ended(child);
        assert_eq!(ended.status.code(), Some(0), "{signal:?}: {ended:?}");
        assert!(ended.stderr.is_empty(), "{signal:?}: {ended:?}");
        assert!(is_empty(&temp), "{signal:?}");
        assert_no_secret(&rest.join().unwrap().join("\n"));
    }
}

#[test]
fn a_reader_that_is_gone_ends_it_and_its_files() {
    let temp = tempfile::tempdir().unwrap();
    let mut child = piped(demo(&temp, &["--seconds", "600"]));
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut String::new()).unwrap();
    drop(out);
    let ended = ended(child);
    assert_eq!((ended.status.code(), ended.stderr), (Some(0), vec![]));
    assert!(is_empty(&temp));
}

#[test]
fn output_that_cannot_be_written_is_exit_4_and_leaves_nothing() {
    let temp = tempfile::tempdir().unwrap();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let run = finish(demo(&temp, &["--seconds", "1"]).stdout(full).output().unwrap());
    assert_eq!(run.code, 4);
    assert!(run.stderr.contains("cannot write the output"), "{}", run.stderr);
    assert!(is_empty(&temp));
}

#[test]
fn a_kept_trail_is_private_whole_and_masked() {
    let temp = tempfile::tempdir().unwrap();
    let run = finish(demo(&temp, &["--seconds", "1", "--keep"]).output().unwrap());
    assert_eq!(run.code, 0);
    let root = run.stderr.trim().strip_prefix("audit: the trail is kept in ").unwrap();
    let folder = Path::new(root).parent().unwrap();
    assert_eq!(folder.parent(), Some(temp.path()));
    assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o777, 0o700);

    let kept = audit("query", Path::new(root), "--json");
    assert_eq!((kept.code, kept.stderr.as_str()), (0, ""));
    assert_no_secret(&kept.stdout);
    let records: Vec<serde_json::Value> =
        kept.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |name: &str| records.iter().find(|record| record["request"]["id"] == name).unwrap();
    let ids: Vec<_> =
        records.iter().filter_map(|record| record["request"]["id"].as_str()).collect();
    assert_eq!(&ids[..IDS.len()], IDS);
    assert_eq!(of("login-1")["request"]["body"]["password"], "[redacted]");
    assert_eq!(of("token-1")["request"]["query"], "token=[redacted]");
    assert_eq!(of("payment-1")["request"]["body"]["amount"], "12.50");
    assert_eq!(of("export-1")["outcome"], "cancelled");
    assert_eq!(of("panic-1")["outcome"], "panicked");
    assert_eq!(of("upload-1")["request"]["capture"]["state"], "truncated");
    assert!(of("report-1")["duration_ms"].as_f64().unwrap() >= 350.0);
    // Closed in good order.
    let control = audit("query", Path::new(root), "--kind control --json").stdout;
    assert!(control.lines().last().unwrap().contains("\"op\":\"close\""), "{control}");
}

#[test]
fn without_a_place_for_its_files_it_is_exit_4_with_what_to_do() {
    let temp = tempfile::tempdir().unwrap();
    let mut command = demo(&temp, &[]);
    let run = finish(command.env("TMPDIR", "/nonexistent").output().unwrap());
    assert_eq!((run.code, run.stdout.as_str()), (4, ""));
    assert!(run.stderr.contains("/nonexistent") && run.stderr.contains("set TMPDIR"));
    let run = finish(demo(&temp, &["--seconds", "0"]).output().unwrap());
    assert_eq!(run.code, 2);
}
