//! What strict requests leave before their record.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
};

use audit_core::{Auditor, sink::Sink as _};
use audit_tower::{AuditContext, Reliability, axum::AuditLayer};
use audit_trail::Trail;
use axum::{Router, body::Body, extract::Request, routing::get};
use tower::ServiceExt as _;

use super::{audit, done, files, verifies, with_text};

/// A closed trail of strict requests for `/private-0` to `/private-2`. The second is ann's, which is known when its
/// handler runs, and the announcement is written before.
fn written(path: &Path) {
    let trail = Trail::open(path).expect("a trail");
    let built = Auditor::builder().reliability(Reliability::Strict).build(trail);
    let auditor = built.expect("settings");
    let greet = async |audit: AuditContext, request: Request| {
        audit.user(if request.uri().path() == "/private-1" { "ann" } else { "bob" });
    };
    let app = Router::new().route("/{n}", get(greet)).layer(AuditLayer::new(&auditor));
    let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime");
    for n in 0..3 {
        let request = Request::get(format!("/private-{n}")).body(Body::empty()).expect("a request");
        drop(runtime.block_on(app.clone().oneshot(request)).expect("an answer"));
    }
    auditor.close_blocking().expect("a close");
}

fn erased(root: &str) -> serde_json::Value {
    let told = done(&["erase", root, "--user", "ann", "--json"]);
    serde_json::from_str(&told).expect("JSON")
}

/// The last segment, and the lines of all.
fn lines(path: &Path) -> (PathBuf, Vec<String>) {
    let mut segments = files(path);
    segments.retain(|file| file.extension().is_some_and(|end| end == "jsonl"));
    segments.sort();
    let read = |file: &PathBuf| fs::read_to_string(file).expect("a segment");
    let all = segments.iter().map(read).collect::<String>();
    (segments.pop().expect("a segment"), all.lines().map(str::to_owned).collect())
}

/// How many announcements and records of a request there are.
fn left(path: &Path, request: &str) -> usize {
    lines(path).1.iter().filter(|line| line.contains(request)).count()
}

#[test]
fn what_announced_a_request_of_theirs_is_erased_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("audit");
    let root = path.to_str().expect("a name");
    written(&path);
    assert_eq!(
        done(&["query", root, "--kind", "control", "--json"]).matches("\"intent\"").count(),
        3
    );
    let told = erased(root);
    assert_eq!((&told["records"], &told["left"]), (&2.into(), &0.into()), "{told}");
    assert_eq!(with_text(&path, "/private-1").len(), 0);
    assert_eq!(left(&path, "/private-2"), 2);
    verifies(&path, "after it");
}

/// The line of the record of bob's request, as if it were ann's, with the number that comes next.
fn forged(all: &[String]) -> String {
    let number =
        |line: &String| line.strip_prefix("{\"seq\":")?.split(',').next()?.parse::<u64>().ok();
    let next = all.iter().filter_map(number).max().expect("a record") + 1;
    let is_record = |line: &&String| line.contains("\"request\",\"id\"");
    let own = all.iter().filter(is_record).find(|line| line.contains("/private-2"));
    let (_, rest) = own.expect("bob's").split_once(',').expect("a record");
    format!("{{\"seq\":{next},{}\n", rest.replace("\"bob\"", "\"ann\""))
}

#[test]
fn nobody_without_the_key_has_what_announced_a_request_of_others_erased() {
    for started in [false, true] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit");
        let root = path.to_str().expect("a name");
        written(&path);
        let (segment, all) = lines(&path);
        let mut file = OpenOptions::new().append(true).open(segment).expect("a segment");
        file.write_all(forged(&all).as_bytes()).expect("it is ours");
        if started {
            // It is signed then, as something that a start has taken over.
            Trail::open(&path).expect("a trail").close().expect("a close");
        }
        // What was appended is of ann, as it says, and goes too.
        assert_eq!(erased(root)["records"], 3, "started: {started}");
        assert_eq!(with_text(&path, "/private-1").len(), 0);
        assert_eq!(left(&path, "/private-2"), 2, "bob's stays, started: {started}");
        verifies(&path, "after it");
    }
}

#[test]
fn a_place_is_that_of_the_record_which_was_signed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("audit");
    let root = path.to_str().expect("a name");
    written(&path);
    let (segment, all) = lines(&path);
    let of_ann =
        |line: &&String| line.contains("\"request\",\"id\"") && line.contains("/private-1");
    let (number, _) = all.iter().find(of_ann).and_then(|line| line.split_once(',')).expect("ann's");
    let of_bob = all.iter().find(|line| line.contains("\"bob\""));
    let (_, rest) = of_bob.and_then(|line| line.split_once(',')).expect("bob's");
    // Behind all that is signed: bob's record, with the number of ann's.
    let mut file = OpenOptions::new().append(true).open(segment).expect("a segment");
    file.write_all(format!("{number},{rest}\n").as_bytes()).expect("it is ours");
    let place = number.replace("{\"seq\":", "00/");
    let output = audit(&["redact", root, &place]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(with_text(&path, "/private-1").len(), 0);
    assert_eq!((left(&path, "/private-0"), left(&path, "/private-2")), (2, 2), "bob's stay");
    verifies(&path, "after it");
}
