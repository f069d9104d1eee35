//! As many requests as the machine can do: each leaves its record, or is counted in a gap.
//!
//! A server that does nothing but answer can be faster than the one thread that writes. What the
//! memory budget cannot hold then is lost, and told: records and gaps together are the requests.

#![allow(clippy::print_stdout)] // How much was recorded and how much was not.

use std::{collections::BTreeMap, io::Write as _, net::SocketAddr, path::Path, process::Command};

use audit_tests::testbed::Testbed;
use audit_trail::{Item, Reader};

use crate::pair::{Framework, alone};

const CONNECTIONS: u64 = 32;
const ORDER: &str = r#"wrk.method = "POST"
wrk.body = '{"item":"tea"}'
wrk.headers["content-type"] = "application/json"
"#;

/// How long each load goes on; `scripts/nightly` has more time.
fn seconds() -> u64 {
    let told = std::env::var("AUDIT_TEST_SECONDS").ok();
    told.map_or(3, |told| told.parse().expect("AUDIT_TEST_SECONDS: a number"))
}

#[test]
fn under_full_load_axum_loses_no_request_silently() {
    no_request_is_lost_silently(Framework::Axum);
}

#[test]
fn under_full_load_actix_loses_no_request_silently() {
    no_request_is_lost_silently(Framework::Actix);
}

fn no_request_is_lost_silently(framework: Framework) {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("trail");
    let mut script = tempfile::Builder::new().suffix(".lua").tempfile().expect("a file");
    script.write_all(ORDER.as_bytes()).expect("a disk with room");
    let flags = ["--threads", "4", "--audit", "metadata", "--trail"];
    let flags = [&flags[..], &[root.to_str().expect("a path")]].concat();
    let mut testbed = Testbed::start(framework.testbed(), &flags);

    let asked = [
        ("/hello", wrk(testbed.addr, "/hello", None)),
        ("/orders", wrk(testbed.addr, "/orders", Some(script.path()))),
    ];
    testbed.stop_cleanly(0);

    let records = Records::read(&root);
    let answered: u64 = asked.iter().map(|(_, answered)| answered).sum();
    let recorded: u64 = records.by_path.values().sum();
    println!("{framework:?}: {answered} answers, {recorded} records, {} in gaps", records.lost);
    // wrk stops reading while each connection may have an answer on its way; it ran twice.
    let expected = answered..=answered + 2 * CONNECTIONS;
    assert!(expected.contains(&(recorded + records.lost)), "{answered} answers");
    for (path, answered) in asked {
        let recorded = records.by_path.get(path).copied().unwrap_or(0);
        let most = answered + CONNECTIONS;
        let least = answered.saturating_sub(records.lost).max(1000);
        assert!((least..=most).contains(&recorded), "{path}: {answered}, {recorded}");
    }
    assert_eq!(records.by_path.len(), 2, "{:?}", records.by_path);
}

/// Asks as fast as it can. Gives how many answers there were, all of them good.
fn wrk(addr: SocketAddr, path: &str, script: Option<&Path>) -> u64 {
    let mut wrk = Command::new("wrk");
    wrk.args(["-t2", &format!("-c{CONNECTIONS}"), &format!("-d{}s", seconds())]);
    if let Some(script) = script {
        wrk.arg("-s").arg(script);
    }
    let output = wrk.arg(format!("http://{addr}{path}")).output();
    let output = output.expect("wrk, which scripts/setup installs");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}");
    // It tells of them only if there are any.
    assert!(!told.contains("Non-2xx") && !told.contains("Socket errors"), "{told}");
    let count =
        told.lines().find_map(|line| line.split_once(" requests in ")?.0.trim().parse().ok());
    count.unwrap_or_else(|| panic!("no count in {told}"))
}

/// What a trail holds, without keeping it.
#[derive(Default)]
struct Records {
    by_path: BTreeMap<String, u64>,
    /// Requests that gap records tell of.
    lost: u64,
}

impl Records {
    fn read(root: &Path) -> Self {
        let mut records = Self::default();
        let mut reader = Reader::open(root).expect("a trail");
        let (mut next, mut last) = (0, None);
        while let Some(item) = reader.next().expect("a trail that can be read") {
            let Item::Line(line) = item else { panic!("{item:?}") };
            assert_eq!(line.seq(), next, "numbers without a hole");
            next += 1;
            let entry = line.entry().expect("a record");
            if let Some(path) = entry.request().and_then(|request| request.path.clone()) {
                *records.by_path.entry(path).or_default() += 1;
            }
            last = entry.control.map(|control| {
                if control.op == "gap" {
                    records.lost += control.count.expect("a gap tells how many");
                }
                control.op
            });
        }
        assert_eq!(last.as_deref(), Some("close"));
        records
    }
}
