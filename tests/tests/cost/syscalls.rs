//! System calls of a warmed request path: none but the allocator's own.
//!
//! The test runs itself under strace, with one thread sending requests in process between two
//! marks, and looks at the calls of that thread. A wake-up of the writer would be a `futex` here.

use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use audit_core::sink::Lines;
use audit_tower::{Auditor, Capture};
use axum::body::Body;
use http::Request;

use audit_tests::app;

const CHILD: &str = "AUDIT_TEST_SYSCALLS_CHILD";
const REQUESTS: usize = 20_000;
const BEGIN: &str = "audit-begin-mark";
const END: &str = "audit-end-mark";

/// Memory for the heap, which any allocation may need; the harness allocates too.
const ALLOCATOR: [&str; 5] = ["mmap", "munmap", "mprotect", "brk", "madvise"];

/// Requests a second. Flat out, the requests of one process outrun its writer, and the byte log
/// grows; that is the budget's test, not this one.
type Rate = u64;

#[test]
fn a_warmed_request_makes_no_system_call() {
    let name = "a_warmed_request_makes_no_system_call";
    makes_no_system_call(name, Capture::Metadata, || app::request("/small"), 50_000);
}

#[test]
fn nor_does_one_with_both_bodies() {
    let name = "nor_does_one_with_both_bodies";
    makes_no_system_call(name, Capture::Full, || app::order_request("/orders"), 10_000);
}

fn makes_no_system_call(name: &str, capture: Capture, make: fn() -> Request<Body>, rate: Rate) {
    if std::env::var_os(CHILD).is_some() {
        return child(capture, make, rate);
    }
    // On a loaded machine the writer can fall behind; then chunks of the byte log are allocated
    // here and freed there, and the two threads can meet at the allocator's lock. A call that
    // belongs to a request is there every time.
    let other = (0..3).map(|_| traced(name)).find(Vec::is_empty);
    assert!(other.is_some(), "each of three runs made calls beside the allocator's");
}

/// The calls beside the allocator's in one run.
fn traced(name: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let output = Command::new("strace")
        .args(["-f", "-qq", "-o"])
        .arg(&trace)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", &format!("syscalls::{name}"), "--test-threads=1"])
        .env(CHILD, "1")
        .output()
        .expect("strace is installed (scripts/setup)");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let calls = between_marks(&trace);
    assert!(calls.len() < REQUESTS / 100, "the allocator asks the system too often");
    let known = |call: &String| ALLOCATOR.iter().any(|name| call.starts_with(name));
    let other: Vec<_> = calls.iter().filter(|call| !known(call)).cloned().collect();
    println!("{} calls in {REQUESTS} requests, beside the allocator's: {other:?}", calls.len());
    other
}

/// The calls of the thread that made the marks, between them.
fn between_marks(trace: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(trace).unwrap();
    let thread = text
        .lines()
        .find(|line| line.contains(BEGIN))
        .and_then(|line| line.split_whitespace().next())
        .expect("the first mark is in the trace");
    let calls: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix(thread))
        .map(|line| line.trim_start().to_owned())
        // The second half of a call that another thread's line cut in two.
        .filter(|line| !line.starts_with("<..."))
        .skip_while(|line| !line.contains(BEGIN))
        .skip(1)
        .collect();
    let end = calls.iter().position(|line| line.contains(END)).expect("the second mark is there");
    calls[..end].to_vec()
}

fn child(capture: Capture, make: fn() -> Request<Body>, rate: Rate) {
    let auditor = Auditor::builder().capture(capture).build(Lines::new(std::io::sink()));
    let auditor = auditor.unwrap();
    let mut audited = app::audited(&auditor);
    let mut send = |requests: usize| {
        let begin = Instant::now();
        for sent in 0..requests as u64 {
            app::send(&mut audited, make());
            // Spins: the clock is read without a system call, and sleeping is one.
            let due = Duration::from_nanos(sent * 1_000_000_000 / rate);
            while begin.elapsed() < due {
                std::hint::spin_loop();
            }
        }
    };
    send(REQUESTS);
    // A path that does not exist, named like the mark: one harmless system call.
    let _ = std::fs::metadata(BEGIN);
    send(REQUESTS);
    let _ = std::fs::metadata(END);
    assert_eq!(auditor.counters().dropped, 0);
    auditor.close_blocking().unwrap();
}
