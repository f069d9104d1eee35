//! Killed at each system call that touches a file, and run again.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command, time::Duration};

use audit_core::Auditor;
use audit_tests::programs;
use audit_tower::{AuditContext, axum::AuditLayer};
use audit_trail::Trail;
use axum::{Router, body::Body, extract::Request, routing::get};
use tower::ServiceExt as _;

use super::{done, files, verifies, with_text};

/// The calls at which it is killed, each time before it is made.
const CALLS: &str = "openat,write,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,\
                     ftruncate,flock,linkat,fchmod,mkdirat";

/// A closed trail of three small segments.
fn written(root: &Path) {
    let trail = Trail::builder(root).segment_bytes(1_500).open().expect("a trail");
    let auditor = Auditor::to(trail);
    let greet = async |audit: AuditContext| {
        audit.user("ann");
    };
    let app = Router::new().route("/{n}", get(greet)).layer(AuditLayer::new(&auditor));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for n in 0..3 {
        let request = Request::get(format!("/secret-{n}")).body(Body::empty()).expect("a request");
        drop(runtime.block_on(app.clone().oneshot(request)).expect("an answer"));
        auditor.flush().expect("a flush");
        std::thread::sleep(Duration::from_millis(2));
    }
    auditor.close_blocking().expect("a close");
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).expect("below it"));
        let parent = target.parent().expect("a folder");
        fs::create_dir_all(parent).expect("a folder");
        fs::set_permissions(parent, PermissionsExt::from_mode(0o700)).expect("it is ours");
        fs::copy(&file, &target).expect("a copy");
    }
}

/// Runs a command that is killed before its call number `at` of those; false when it came to its end.
fn killed(args: &[&str], at: usize, log: &Path) -> bool {
    let status = Command::new("strace")
        .args(["-f", "-qq", "-o"])
        .arg(log)
        .arg("-e")
        .arg(format!("inject={CALLS}:signal=KILL:when={at}"))
        .arg("-e")
        .arg(format!("trace={CALLS}"))
        .arg(programs::audit())
        .args(args)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .expect("strace is installed (scripts/setup)");
    !status.success()
}

/// Kills a command at each of its calls, each time on a new copy of a trail, and runs it again.
fn at_each_call(command: &dyn Fn(&str) -> Vec<String>, gone: &[&str]) -> usize {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    written(&at("made/audit"));
    for text in gone {
        assert!(!with_text(&at("made"), text).is_empty(), "{text} is there before");
    }
    let mut calls = 0;
    for call in 1.. {
        let place = at(&format!("{call}"));
        copy(&at("made"), &place);
        let path = place.join("audit");
        let args = command(path.to_str().expect("a name"));
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        if !killed(&args, call, &at("log")) {
            break;
        }
        let what = format!("{args:?} killed at call {call}");
        let left = audit_trail::verify(&path, &audit_trail::Known::default(), &mut |_, _| {});
        for verdict in left.expect("it can be read") {
            assert!(verdict.broken.is_empty(), "{what}: {verdict}");
        }
        done(&args);
        for text in gone {
            assert!(with_text(&place, text).is_empty(), "{what}: {text} is still there");
        }
        if call % 8 == 0 {
            verifies(&path, &what);
        }
        let order = path.join("00/order");
        let new = |path: &std::path::PathBuf| path.extension().is_some_and(|end| end == "new");
        assert!(!order.exists() && !files(&place).iter().any(new), "{what}: something is left");
        fs::remove_dir_all(&place).expect("it is ours");
        calls = call;
    }
    calls
}

#[test]
fn a_redaction_is_done_by_the_next_run() {
    let command = |root: &str| {
        let args = ["erase", root, "--user", "ann", "--reason", "case-7"];
        args.map(str::to_owned).to_vec()
    };
    let calls = at_each_call(&command, &["\"ann\"", "/secret-0", "/secret-2"]);
    println!("killed at {calls} calls");
    assert!(calls > 60, "{calls} calls");
}

#[test]
fn a_prune_is_done_by_the_next_run() {
    let command = |root: &str| {
        let args = ["prune", root, "--before", "now", "--force"];
        args.map(str::to_owned).to_vec()
    };
    let calls = at_each_call(&command, &["/secret-0", "/secret-1"]);
    println!("killed at {calls} calls");
    assert!(calls > 40, "{calls} calls");
}
