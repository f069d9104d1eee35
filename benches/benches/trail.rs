//! What signing costs: records through line, commitments, leaf, tree and checkpoints to a file with
//! a group commit, beside JSON lines to a buffered file; and verifying. Once on the disk of the
//! folder for temporary files, and once in memory (`/dev/shm`), where a sync costs nothing.
//!
//! `cargo bench -p audit-benches --bench trail`

use std::{
    fs::File,
    hint::black_box,
    io::{BufWriter, Write as _},
    path::Path,
    time::{Duration, Instant},
};

use audit_core::{
    Auditor, Capture, Record,
    sink::{Callback, Sink as _},
};
use audit_tower::axum::AuditLayer;
use audit_trail::{Known, Trail, verify};
use axum::{Router, body::Body, extract::Request, routing::get};
use serde::Serialize as _;
use tower::ServiceExt as _;

/// Records of each run.
const RECORDS: usize = 200_000;
const RUNS: usize = 5;

/// A record of about 600 bytes, as the layer makes them.
fn record() -> Record {
    let (sender, receiver) = std::sync::mpsc::channel();
    let sink = Callback::new(move |record: &Record| {
        let _ = sender.send(record.clone());
    });
    let auditor = Auditor::builder()
        .service("shop", "1.4.0")
        .capture(Capture::Metadata)
        .build(sink)
        .expect("settings");
    let app = Router::new()
        .route("/orders/{id}", get(|| async { "ok" }))
        .layer(AuditLayer::new(&auditor));
    let request = Request::get("/orders/42?page=2&sort=price&from=2026-01-01&to=2026-12-31")
        .header(
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        )
        .header("host", "shop.example.com")
        .body(Body::empty())
        .expect("a request");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    drop(runtime.block_on(app.oneshot(request)).expect("an answer"));
    auditor.close_blocking().expect("a close");
    receiver.iter().find(|record| record.kind() == audit_core::Kind::Request).expect("a record")
}

/// `serde_json` to a buffered file, no sync.
fn plain(folder: &Path, record: &Record) -> Duration {
    let begun = Instant::now();
    let mut file =
        BufWriter::with_capacity(64 << 10, File::create(folder.join("plain")).expect("a file"));
    for _ in 0..RECORDS {
        let mut out = serde_json::Serializer::new(&mut file);
        record.serialize(&mut out).expect("a record");
        file.write_all(b"\n").expect("space");
    }
    file.flush().expect("space");
    begun.elapsed()
}

/// Into a trail, a batch at a time, as the writer does.
fn trail(root: &Path, record: &Record) -> Duration {
    let mut trail = Trail::open(root).expect("a trail");
    let begun = Instant::now();
    for n in 0..RECORDS {
        trail.write(record).expect("a record");
        if n % 500 == 499 {
            trail.commit().expect("space");
        }
    }
    trail.sync().expect("space");
    let took = begun.elapsed();
    trail.close().expect("space");
    took
}

fn verified(root: &Path) -> Duration {
    let begun = Instant::now();
    let verdicts = verify(root, &Known::default(), &mut |_, _| {}).expect("a trail");
    assert!(verdicts.iter().all(audit_trail::Verdict::is_good), "{verdicts:?}");
    black_box(verdicts);
    begun.elapsed()
}

#[allow(clippy::print_stdout)]
fn main() {
    let record = record();
    let len = record.to_json().len();
    println!("{RECORDS} records of {len} bytes, best of {RUNS} runs");
    for (name, place) in [("disk", std::env::temp_dir()), ("memory", "/dev/shm".into())] {
        let least =
            |times: &[Duration]| times.iter().min().copied().unwrap_or_default().as_secs_f64();
        let (mut plains, mut trails, mut verifies) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..RUNS {
            let folder = tempfile::tempdir_in(&place).expect("a folder");
            let root = folder.path().join("audit");
            plains.push(plain(folder.path(), &record));
            trails.push(trail(&root, &record));
            verifies.push(verified(&root));
        }
        let rate = |seconds: f64| RECORDS as f64 / seconds / 1000.0;
        let (plain, trail, verify) = (least(&plains), least(&trails), least(&verifies));
        println!(
            "{name}: serde_json lines to a BufWriter, no sync  {:>5.0} thousand/s",
            rate(plain)
        );
        println!(
            "{name}: trail, signed, group commit of 10 ms      {:>5.0} thousand/s, {:.2} of it",
            rate(trail),
            plain / trail
        );
        println!(
            "{name}: verify                                    {:>5.0} thousand/s",
            rate(verify)
        );
    }
}
