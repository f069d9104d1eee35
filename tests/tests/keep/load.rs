//! While requests are written.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use audit_core::{Auditor, Timestamp};
use audit_tower::{AuditContext, Capture, axum::AuditLayer};
use audit_trail::Trail;
use axum::{Json, Router, body::Body, extract::Request, routing::post};
use tower::ServiceExt as _;

use super::{audit, done, verifies, with_text};

/// An application that answers one request after the other, each with a user, a path, bodies and a note of its own.
pub(super) struct App {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    thread: thread::JoinHandle<()>,
}

pub(super) fn secret(n: usize) -> String {
    format!("private-{n:06}")
}

impl App {
    fn start(root: &Path) -> Self {
        Self::with(root, 60_000, 0)
    }

    /// With segments of this size; the first requests are answered as fast as it can.
    pub(super) fn with(root: &Path, segment_bytes: u64, at_once: usize) -> Self {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let trail = Trail::builder(root).segment_bytes(segment_bytes).open().expect("a trail");
        let auditor = Auditor::builder().capture(Capture::Full).build(trail).expect("settings");
        let flags = (Arc::clone(&stop), Arc::clone(&answered));
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            runtime.block_on(answer(&auditor, &flags.0, &flags.1, at_once));
            auditor.close_blocking().expect("a close");
        });
        Self { stop, answered, thread }
    }

    /// Waits for this many answers in all.
    pub(super) fn wait_for(&self, count: usize) {
        while self.answered.load(Ordering::Relaxed) < count {
            thread::sleep(Duration::from_millis(2));
            assert!(!self.thread.is_finished(), "it goes on");
        }
    }

    pub(super) fn end(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("it ends");
        self.answered.load(Ordering::Relaxed)
    }
}

async fn answer(auditor: &Auditor, stop: &AtomicBool, answered: &AtomicUsize, at_once: usize) {
    let echo = async |audit: AuditContext, Json(body): Json<serde_json::Value>| {
        let n = body["n"].as_u64().unwrap_or_default();
        audit.user(format!("user-{}", n % 10));
        audit.metadata("note", format!("private-{n:06}"));
        Json(body)
    };
    let app = Router::new().route("/orders/{id}", post(echo)).layer(AuditLayer::new(auditor));
    while !stop.load(Ordering::Relaxed) {
        let n = answered.load(Ordering::Relaxed);
        let secret = secret(n);
        let body = format!("{{\"n\":{n},\"note\":\"{secret}\"}}");
        let request = Request::post(format!("/orders/{secret}?q={secret}"))
            .header("content-type", "application/json")
            .body(Body::from(body))
            .expect("a request");
        drop(app.clone().oneshot(request).await.expect("an answer"));
        answered.fetch_add(1, Ordering::Relaxed);
        // Some hundred a second: more would make segments faster than a busy machine can look at them.
        if n >= at_once {
            thread::sleep(Duration::from_millis(2));
        } else if n.is_multiple_of(1_000) {
            // The auditor keeps all of it, and drops none.
            auditor.flush().expect("a flush");
        }
    }
}

/// The ids of the records that hold a text.
fn ids(root: &str, path: &str) -> Vec<String> {
    let lines = done(&["query", root, "--path", path, "--json"]);
    let id = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).expect("a record");
        value["id"].as_str().expect("an id").to_owned()
    };
    lines.lines().map(id).collect()
}

#[test]
fn what_is_taken_out_under_load_is_in_no_file_and_the_rest_verifies() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("audit");
    let root = path.to_str().expect("a name");
    let app = App::start(&path);
    app.wait_for(1_500);
    // One of the newest, in the active segment, and one of the oldest.
    for n in [5, 1_490] {
        let path_of = format!("/orders/{}", secret(n));
        let of = loop {
            let found = ids(root, &path_of);
            if !found.is_empty() {
                break found;
            }
        };
        assert_eq!(of.len(), 1, "record {n}");
        assert!(!with_text(&path, &secret(n)).is_empty());
        let said = done(&["redact", root, &of[0], "--reason", "case-7"]);
        assert!(said.contains("redacted groups of 1 record"), "{said}");
        assert_eq!(
            with_text(&path, &secret(n)),
            [""; 0].map(std::path::PathBuf::from),
            "record {n}"
        );
        verifies(&path, "after a redaction");
    }
    // A user that goes on coming: what was there before is gone.
    let before = app.answered.load(Ordering::Relaxed);
    app.wait_for(before + 100);
    // All those answered so far are in the trail, not in a buffer.
    thread::sleep(Duration::from_millis(300));
    done(&["erase", root, "--user", "user-3", "--reason", "case-8"]);
    for n in (3..before).step_by(10) {
        assert_eq!(with_text(&path, &secret(n)).len(), 0, "a record of user-3 of {before}");
        if n > 300 {
            // Not all of them: each look reads all files.
            break;
        }
    }
    let left = ids(root, &format!("/orders/{}", secret(before - 1)));
    assert!(!left.is_empty() || (before - 1) % 10 == 3, "the others stay");
    verifies(&path, "after an erasure");
    // The oldest half, with a checkpoint that was kept elsewhere.
    let anchor = folder.path().join("kept");
    // What ended two seconds ago is covered by what is published now, however slow what follows is.
    let before = Timestamp::from_micros(Timestamp::now().as_micros() - 2_000_000).to_string();
    std::fs::copy(path.join("00/checkpoint"), &anchor).expect("a copy");
    let refused = audit(&["prune", root, "--before", "now"]);
    assert_eq!(refused.status.code(), Some(1));
    let anchor = anchor.to_str().expect("a name");
    let again = app.answered.load(Ordering::Relaxed);
    app.wait_for(again + 200);
    let said = done(&["prune", root, "--before", &before, "--anchor", anchor]);
    assert!(said.contains("removed "), "{said}");
    assert_eq!(with_text(&path, &secret(7)).len(), 0);
    verifies(&path, "after a prune");
    let answered = app.end();
    verifies(&path, "after the end");
    done(&["erase", root, "--user", "user-5"]);
    let said = done(&["verify", root, "--anchor", anchor]);
    assert!(said.contains("pruned: ") && said.contains("redacted: "), "{said}");
    // Each request that is not pruned has its one record, redacted or not.
    let lines = done(&["query", root, "--kind", "request", "--json"]);
    let first = lines.lines().count();
    assert!(first > 0 && first <= answered, "{first} of {answered}");
}

#[test]
fn erased_again_when_the_user_is_gone_nothing_of_them_is_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("audit");
    let root = path.to_str().expect("a name");
    let app = App::start(&path);
    app.wait_for(400);
    done(&["erase", root, "--user", "user-4", "--mentions"]);
    let answered = app.end();
    done(&["erase", root, "--user", "user-4", "--mentions"]);
    let gone = |n: usize| with_text(&path, &secret(n)).is_empty();
    assert!((4..answered).step_by(10).all(gone), "all of the user's");
    assert!(!gone(3) && !gone(answered - answered % 10 - 5), "and of nobody else");
    assert!(with_text(&path, "\"user-4\"").is_empty());
    let told = done(&["erase", root, "--user", "user-4", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!((&told["records"], &told["mentions"]["groups"]), (&0.into(), &0.into()));
    verifies(&path, "after all of it");
}
