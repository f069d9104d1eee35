//! The metrics: read by a parser that is not ours, described as they are, served by the examples.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, Command, Stdio},
};

use audit_tests::{
    app::{audited, request, send},
    programs,
};
use audit_tower::{Auditor, sink::Memory};

/// An auditor that has seen a request with secrets, one that is excluded, and one not yet written.
fn used() -> Auditor {
    let auditor = Auditor::builder().exclude_path("/health").build(Memory::new()).unwrap();
    let mut app = audited(&auditor);
    for target in ["/small?token=hunter2", "/hunter2", "/health"] {
        send(&mut app, request(target));
    }
    auditor.flush().unwrap();
    auditor
}

#[test]
fn promtool_finds_nothing_to_say() {
    let text = used().prometheus();
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is there: scripts/setup installs it");
    promtool.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert_eq!(String::from_utf8_lossy(&said), "", "{text}");
    assert!(output.status.success(), "{text}");
}

#[test]
fn the_values_are_the_counters() {
    let auditor = used();
    let text = auditor.prometheus();
    for line in [
        "audit_requests_started_total 3",
        "audit_requests_excluded_total 1",
        "audit_requests_accepted 2",
        "audit_records_written_total 2",
        "audit_requests_dropped_total 0",
        "audit_requests_in_flight 0",
        "audit_up 1",
        "audit_sink_up 1",
        "audit_sink_failures_total 0",
    ] {
        assert!(text.lines().any(|found| found == line), "no `{line}` in {text}");
    }
    // Neither labels nor anything a client sent.
    assert!(!text.contains('{') && !text.contains("hunter2"), "{text}");
}

/// `(name, type, help)` of each metric, as the code tells it.
fn told() -> BTreeSet<(String, String, String)> {
    let text = used().prometheus();
    let mut lines = text.lines();
    let mut told = BTreeSet::new();
    while let (Some(help), Some(kind), Some(_)) = (lines.next(), lines.next(), lines.next()) {
        let (name, help) = help.strip_prefix("# HELP ").unwrap().split_once(' ').unwrap();
        let (of, kind) = kind.strip_prefix("# TYPE ").unwrap().split_once(' ').unwrap();
        assert_eq!(name, of);
        told.insert((name.to_owned(), kind.to_owned(), help.to_owned()));
    }
    told
}

#[test]
fn the_page_describes_each_metric_as_the_code_does() {
    let page = include_str!("../../../docs/metrics.md");
    let row = |line: &str| {
        let cells: Vec<_> = line.strip_prefix("| `audit_")?.split('|').map(str::trim).collect();
        let [name, kind, help, ""] = cells[..] else { panic!("three cells: {line}") };
        let name = format!("audit_{}", name.trim_end_matches('`'));
        Some((name, kind.to_owned(), help.to_owned()))
    };
    let described: Vec<_> = page.lines().filter_map(row).collect();
    let set: BTreeSet<_> = described.iter().cloned().collect();
    assert_eq!(set.len(), described.len(), "a metric is described twice");
    assert_eq!(set, told());
    // What else is named there exists.
    let names: BTreeSet<_> = set.iter().map(|(name, ..)| &name[..]).collect();
    let words = page.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    for word in words.filter(|word| word.starts_with("audit_")) {
        let a_crate = ["audit_tower", "audit_actix", "audit_trail"].contains(&word);
        assert!(a_crate || names.contains(word), "docs/metrics.md names {word}");
    }
}

/// Killed with its handle.
struct Shop(Child);

impl Drop for Shop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn both_examples_serve_them_and_leave_no_record_of_that() {
    for name in ["axum", "actix"] {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new(programs::example(name))
            .arg("127.0.0.1:0")
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let _shop = Shop(child);
        let first = lines.next().unwrap();
        // The rest are the greeting and the records; unread they would fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let address = first.split_once("http://").unwrap().1;
        let address = address.split('.').take(4).collect::<Vec<_>>().join(".");
        let get = || {
            let curl = Command::new("curl")
                .args(["-si", &format!("http://{address}/metrics")])
                .output()
                .unwrap();
            String::from_utf8(curl.stdout).unwrap()
        };
        get();
        let answer = get();
        let content_type = format!("content-type: {}\r\n", Auditor::PROMETHEUS_CONTENT_TYPE);
        assert!(answer.to_ascii_lowercase().contains(&content_type), "{name}: {answer}");
        assert!(answer.contains("\naudit_requests_started_total 2\n"), "{name}: {answer}");
        assert!(answer.contains("\naudit_requests_excluded_total 2\n"), "{name}: {answer}");
        assert!(answer.contains("\naudit_records_written_total 0\n"), "{name}: {answer}");
    }
}
