//! Many records, and what it takes to take some out.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use audit_core::Timestamp;
use audit_tests::programs;

use super::{
    files,
    load::{App, secret},
    verifies, with_text,
};

/// Unless `AUDIT_RECORDS` says how many.
const RECORDS: usize = 5_000;
/// What none of the commands may take, in KiB.
const MEMORY: u64 = 64 << 10;

/// Runs a command to its end; tells how long it took, the most memory that it had, and what it said.
fn measured(args: &[&str]) -> String {
    let mut command = Command::new(programs::audit());
    let begun = Instant::now();
    let mut child = command.args(args).stdout(Stdio::piped()).spawn().expect("it starts");
    let status = format!("/proc/{}/status", child.id());
    let mut most: u64 = 0;
    while child.try_wait().expect("it is ours").is_none() {
        let told = fs::read_to_string(&status).unwrap_or_default();
        let peak = told.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.trim().strip_suffix(" kB")?.parse().ok());
        most = most.max(peak.unwrap_or(0));
        thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().expect("it has ended");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let seconds = begun.elapsed().as_secs_f64();
    assert!(output.status.success(), "{args:?}: {said}");
    assert!(most < MEMORY, "{args:?} took {most} KiB");
    format!("{}: {seconds:.1} s, {} MiB\n{said}", args[0], most >> 10)
}

fn both_verify(path: &Path, what: &str) -> String {
    let begun = Instant::now();
    verifies(path, what);
    let both = begun.elapsed().as_secs_f64();
    format!(
        "{}both verifiers, {what}: {both:.1} s\n",
        measured(&["verify", path.to_str().expect("a name")])
    )
}

#[test]
fn what_is_taken_out_of_many_records_takes_little_memory() {
    let told = std::env::var("AUDIT_RECORDS").ok();
    let records = told.map_or(RECORDS, |text| text.parse().expect("a number"));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("audit");
    let root = path.to_str().expect("a name");
    let app = App::with(&path, (records as u64) << 7, records);
    app.wait_for(records / 2);
    // Some have their record only then.
    thread::sleep(Duration::from_millis(300));
    let half = Timestamp::now().to_string();
    app.wait_for(records + 100);
    thread::sleep(Duration::from_millis(1_300));
    let size: u64 =
        files(&path).iter().filter_map(|file| file.metadata().ok()).map(|m| m.len()).sum();
    print!(
        "{records} records, {} MiB\n{}",
        size >> 20,
        measured(&["redact", root, "00/17", "--reason", "case-7"])
    );
    let said = measured(&["erase", root, "--user", "user-3", "--reason", "case-8"]);
    print!("{said}");
    assert!(said.contains("redacted groups of "), "{said}");
    for n in [3, records / 2 + 3, records - 7] {
        assert_eq!(with_text(&path, &secret(n)).len(), 0, "{n}");
    }
    print!("{}", both_verify(&path, "after an erasure"));
    let said = measured(&["prune", root, "--before", &half, "--force"]);
    print!("{said}");
    assert!(said.contains("removed "), "{said}");
    assert_eq!(with_text(&path, &secret(4)).len(), 0);
    print!("{}", both_verify(&path, "after a prune"));
    app.end();
    verifies(&path, "after the end");
}
